"""Noise: what the electronics add, and how electrons that are counted fluctuate."""

import torch
from torch import Generator

from nuforge.detectors.constant import Constant
from nuforge.shapes import Rows, Scalars


def electronic_noise(charge: Scalars, noise: Constant, generator: Generator) -> Scalars:
    """Charges (N,) e with Gaussian noise of an equivalent noise charge (e)."""
    return charge + noise * _normal(charge, generator)


def counting_noise(charge: Scalars, variance: Scalars, event: Rows, n_events: int, generator: Generator) -> Scalars:
    """Charges (N,) e that fluctuate because electrons go one way or the other, without changing an event's sum.

    Each is drawn from a Gaussian with its variance; then the draw is conditioned on the sum of its event, whose excess
    is taken back in proportion to the variances. Diffusion moves electrons, it makes none.

    Args:
        charge: Mean charge in e.
        variance: Its variance in e^2, sum of n p (1 - p) over clouds of n electrons of which a share p is here.
        event: The event of each.
        n_events: Number of events.
        generator: Random numbers.
    """
    change = variance.clamp(min=0).sqrt() * _normal(charge, generator)
    excess = charge.new_zeros(n_events).index_add_(0, event, change)
    total = charge.new_zeros(n_events).index_add_(0, event, variance).clamp(min=torch.finfo(charge.dtype).tiny)
    return charge + change - variance * (excess / total)[event]


def _normal(like: Scalars, generator: Generator) -> Scalars:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)
