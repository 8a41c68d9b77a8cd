"""Hits: light in one cell that comes together in time, and which particles gave it."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.events.rows import sort_codes
from nuforge.shapes import Rows, Scalars


@dataclass(frozen=True)
class CellHits:
    """Hits in the order of event, channel, time, and which particles gave their light.

    Args:
        event: Event of each hit.
        channel: Its cell.
        light: Mean photo-electrons.
        time: Mean time of their arrival, ns.
        link_hit: For each pair of hit and particle, in order: the hit's row,
        link_particle: the particle, numbered in its event, -1 for nobody,
        link_light: and the photo-electrons of the pair.
    """

    event: Int[Tensor, " h"]
    channel: Int[Tensor, " h"]
    light: Float[Tensor, " h"]
    time: Float[Tensor, " h"]
    link_hit: Int[Tensor, " l"]
    link_particle: Int[Tensor, " l"]
    link_light: Float[Tensor, " l"]


def gathered(
    event: Rows, channel: Rows, light: Scalars, time: Scalars, particle: Rows, channels: int, integration: float
) -> CellHits:
    """Hits of light that comes in pieces (N,), of which those of a cell that follow within `integration` ns are one.

    Args:
        event: Event of each piece.
        channel: Its cell.
        light: Its mean photo-electrons.
        time: Its arrival in ns, of nanoseconds' precision.
        particle: Who made it, numbered in its event, -1 for nobody.
        channels: Cells of the detector.
        integration: ns.
    """
    tick = time.round().to(torch.int64)
    tick = tick - (tick.min() if len(tick) else 0)
    ticks = int(tick.max()) + 1 if len(tick) else 1
    cell = event * channels + channel
    largest = (int(event.max()) + 1 if len(event) else 1) * channels * ticks
    code, order = sort_codes(cell * ticks + tick, largest)
    cell, tick = cell.index_select(0, order), tick.index_select(0, order)
    is_first = torch.ones_like(code, dtype=torch.bool)
    is_first[1:] = (cell.diff() != 0) | (tick.diff() > integration)
    hit = is_first.cumsum(0) - 1
    n = int(is_first.sum())
    light, time, particle = (values.index_select(0, order) for values in (light, time, particle))
    total = _sums(light, hit, n)
    mean = _sums(light.detach() * time, hit, n) / total.detach().clamp(min=1e-30)

    people = int(particle.max()) + 2 if len(particle) else 1
    pair, where = torch.unique(hit * people + particle + 1, return_inverse=True)
    first = is_first.nonzero().squeeze(1)
    return CellHits(
        event=event.index_select(0, order.index_select(0, first)),
        channel=cell.index_select(0, first) % channels,
        light=total,
        time=mean,
        link_hit=torch.div(pair, people, rounding_mode="floor"),
        link_particle=pair % people - 1,
        link_light=_sums(light, where, len(pair)),
    )


def _sums(values: Tensor, group: Tensor, n: int) -> Tensor:
    return values.new_zeros(n).index_add(0, group, values)
