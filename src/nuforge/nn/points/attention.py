"""Attention among the rows of the same event."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from nuforge.errors import InputError
from nuforge.nn.points.arguments import check_offsets
from nuforge.nn.points.padding import Block, blocks, put_back


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
    parts = [_dense(query, key, value, block, scale) for block in found]
    return put_back(parts, found)


def _dense(query: Tensor, key: Tensor, value: Tensor, block: Block, scale: float | None) -> Tensor:
    """Attention in the events of a block (b, L, H, E)."""
    q, k, v = (rows_of(t, block).transpose(1, 2) for t in (query, key, value))
    mask = None if block.valid is None else block.valid[:, None, None, :].expand(-1, 1, q.shape[2], -1)
    out: Tensor = scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
    return out.transpose(1, 2)


def rows_of(values: Tensor, block: Block) -> Tensor:
    """The rows of a block (b, L, ...) of values (N, ...)."""
    return values.index_select(0, block.rows.flatten()).view(*block.rows.shape, *values.shape[1:])
