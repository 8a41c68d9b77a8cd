"""Attention among the rows of the same event."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from nuforge.errors import InputError
from nuforge.nn.points.arguments import check_offsets
from nuforge.nn.points.padding import Block, blocks, end_to_end


def ragged_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    offsets: Tensor,
    scale: float | None = None,
) -> Tensor:
    """Scaled dot-product attention of every row to all rows of its event, and to no other.

    Events of alike length are padded to one block, so that there are few calls and little padding; in float32 no matrix
    of scores is kept. Differentiable.

    Args:
        query, key: (N, heads, D).
        value: (N, heads, E).
        offsets: (B + 1,) int64: event i has the rows offsets[i] to offsets[i + 1].
        scale: Factor of the products before the softmax, 1 / sqrt(D) if it is not given.
    """
    if query.ndim != 3 or key.shape != query.shape or value.ndim != 3 or value.shape[:2] != query.shape[:2]:
        shapes = ", ".join(str(tuple(t.shape)) for t in (query, key, value))
        raise InputError(
            f"query, key and value must all be (rows, heads, channels), got {shapes}; match rows and heads"
        )
    check_offsets(offsets, len(query))
    found = blocks(offsets)
    if not found:
        return value + 0 * query.sum() + 0 * key.sum()
    rows, place = end_to_end(found)
    query, key, value = (t.index_select(0, rows) for t in (query, key, value))  # at once: else each block has gradients
    sizes = [block.rows.numel() for block in found]
    split = (torch.split_with_sizes(t, sizes) for t in (query, key, value))
    parts = [_dense(q, k, v, block, scale) for q, k, v, block in zip(*split, found, strict=True)]
    return torch.cat(parts).index_select(0, place)


def _dense(query: Tensor, key: Tensor, value: Tensor, block: Block, scale: float | None) -> Tensor:
    """Attention in the events of a block: (b L, H, E), of rows (b L, H, D), (b L, H, D) and (b L, H, E)."""
    size, longest = block.rows.shape
    q, k, v = (t.view(size, longest, *t.shape[1:]).transpose(1, 2) for t in (query, key, value))
    mask = None if block.valid is None else block.valid[:, None, None, :].expand(-1, 1, longest, -1)
    out: Tensor = scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
    return out.transpose(1, 2).flatten(0, 1)
