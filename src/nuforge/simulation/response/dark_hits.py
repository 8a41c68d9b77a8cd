"""Dark hits: what the electronics of cells show without light."""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from nuforge.detectors.cells import CellReadout
from nuforge.detectors.constant import number


@dataclass(frozen=True)
class DarkHits:
    """Hits of noise alone: event, channel, charge in pe, time in ns, (N,) each."""

    event: Tensor
    channel: Tensor
    charge: Tensor
    time: Tensor


def dark_hits(n_events: int, readout: CellReadout, generator: Generator) -> DarkHits:
    """Hits of noise, even over cells and the window, with charges that fall exponentially from the threshold on.

    The scale noise^2 / threshold is how a Gaussian's tail falls there.
    """
    sensor, channels = readout.sensor, readout.planes * readout.cells
    begin, end = sensor.window
    mean = torch.full((n_events,), number(sensor.dark_rate) * channels * (end - begin), dtype=torch.float64)
    event = torch.repeat_interleave(torch.poisson(mean, generator=generator).to(torch.int64))
    n, threshold, noise = len(event), number(sensor.threshold), number(sensor.noise)
    even, later = torch.rand((2, n), generator=generator, dtype=torch.float64)
    scale = noise**2 / threshold if threshold > 0 else noise * math.sqrt(2 / math.pi)
    channel = torch.randint(channels, (n,), generator=generator)
    return DarkHits(event, channel, threshold - scale * torch.log1p(-even), begin + (end - begin) * later)
