"""Farthest-point sampling: a few points of each event that cover it."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.nn.points.arguments import check_count, check_offsets, check_points
from nuforge.nn.points.padding import Block, blocks


def farthest_points(position: Tensor, offsets: Tensor, n: int) -> Tensor:
    """Rows (M,) int64 of up to n points of each event, each the farthest from those chosen before it.

    The first of an event is its first row, so shuffle the rows for a random one; of equally far points it is the one of
    the lowest row. Rows come by event, then in the order of choice, min(n, points) of each event.

    Args:
        position: (N, D).
        offsets: (B + 1,) int64: event i has the rows offsets[i] to offsets[i + 1].
        n: Points of an event.

    Source:
        Eldar, Lindenbaum, Porat, Zeevi, IEEE Trans. Image Process. 6 (1997) 1305; for networks Qi et al., PointNet++,
        arXiv:1706.02413.
    """
    check_offsets(offsets, len(position))
    check_points(position, torch.repeat_interleave(offsets.diff(), output_size=len(position)))
    check_count("n", n)
    found = blocks(offsets)
    if not found:
        return offsets.new_zeros(0)
    event, rows = zip(*(_chosen(position.detach(), block, n) for block in found), strict=True)
    return torch.cat(rows)[torch.cat(event).argsort(stable=True)]


def _chosen(position: Tensor, block: Block, n: int) -> tuple[Tensor, Tensor]:
    """Event and row of each choice (m,), (m,) in a block, sorted by event of the block and order of choice."""
    size, longest = block.rows.shape
    points = position[block.rows].permute(2, 0, 1).contiguous()  # one plane per axis
    away = position.new_full((size, longest), torch.inf)
    if block.valid is not None:
        away[~block.valid] = -torch.inf
    events = torch.arange(size, device=position.device)
    pick = torch.zeros_like(events)
    picks = [pick]
    for _ in range(min(n, longest) - 1):
        away[events, pick] = -1  # not again, even where another point lies
        square = torch.zeros_like(away)
        for plane in points:
            step = plane - plane[events, pick].unsqueeze(1)
            square.addcmul_(step, step)
        torch.minimum(away, square, out=away)
        pick = away.argmax(1)
        picks.append(pick)
    place = torch.stack(picks, 1)
    counts = longest if block.valid is None else block.valid.sum(1, keepdim=True)
    chosen = torch.arange(place.shape[1], device=position.device).expand_as(place) < counts
    rows = block.rows.gather(1, place)
    return block.events[:, None].expand_as(rows)[chosen], rows[chosen]
