"""Photo-electrons: how their number and gain fluctuate, and what the converter makes of them."""

import torch
from torch import Generator

from nuforge.detectors.photodiode import Photodiode
from nuforge.shapes import Scalars


def sampled_charge(mean: Scalars, sensor: Photodiode, generator: Generator) -> Scalars:
    """Charges (N,) in pe for mean numbers (N,) of photo-electrons: Poisson, excess noise of the gain, electronics.

    The variance is F N + noise^2 for a mean N.
    """
    counted = torch.poisson(mean.clamp(min=0), generator=generator)
    variance = (sensor.excess_noise - 1) * counted + sensor.noise**2
    normal = torch.randn(mean.shape, generator=generator, dtype=mean.dtype, device=mean.device)
    return counted + variance.sqrt() * normal


def digitised(charge: Scalars, sensor: Photodiode) -> Scalars:
    """Charges (N,) in pe as the converter tells them: whole counts, up to saturation."""
    one = sensor.saturation / sensor.counts
    return (charge / one).round().clamp(0, sensor.counts) * one


def time_resolution(charge: Scalars, sensor: Photodiode) -> Scalars:
    """Standard deviation (N,) ns of the times of hits of a charge (N,) in pe."""
    return torch.hypot(torch.full_like(charge, sensor.jitter), sensor.jitter_of_one / charge.clamp(min=1))
