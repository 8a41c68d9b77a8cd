"""Directions from a vertex in which hits lie: peaks of their angles, one after the other."""

import torch
from torch import Tensor

from nuforge.simulation.cells.places import Places

_BINS = 120  # of 3 degrees
_NEAR = 3.0  # cm: how far a hit may be from the line it belongs to, beside
_WANDER = 0.05  # rad, what scatters on the way


def angles_of(places: Places, vertex: Tensor) -> tuple[Tensor, Tensor]:
    """Angle in the plane of z and u, and distance in cm, of hits (N,) as seen from their vertices (B, 3)."""
    at = vertex[places.event]
    z, u = places.z - at[:, 2], places.u - torch.where(places.view == 0, at[:, 0], at[:, 1])
    return torch.atan2(u, z), torch.hypot(z, u)


def blur(distance: Tensor) -> Tensor:
    """Angle (N,) rad that a hit may be away from its prong, at distances (N,) cm."""
    return torch.hypot(_NEAR / distance.clamp(min=_NEAR), torch.full_like(distance, _WANDER))


def apart(angle: Tensor, other: Tensor) -> Tensor:
    """Differences of angles, from -pi to pi."""
    return torch.remainder(angle - other + torch.pi, 2 * torch.pi) - torch.pi


def angular_peaks(places: Places, vertex: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Up to `most` directions (2 B, K) in each view, in rad, and which of them exist.

    The one with most hits within their blur first, then that of the hits which are left.
    """
    groups = 2 * places.n_events
    angle, distance = angles_of(places, vertex)
    width = blur(distance)
    weight = torch.where(distance > _NEAR, places.charge.clamp(min=0).sqrt(), 0.0)
    bins = 2 * torch.pi * (torch.arange(_BINS, dtype=torch.float64) + 0.5) / _BINS
    kernel = torch.exp(-0.5 * (apart(bins, angle[:, None]) / width[:, None]).square()).float()
    found, known, free = [], [], weight > 0
    for _ in range(most):
        density = torch.zeros(groups, _BINS).index_add_(0, places.group, kernel * (weight * free).float()[:, None])
        best = bins[density.argmax(1)]
        near = free & (apart(angle, best[places.group]).abs() < 2.5 * width)
        pull = torch.zeros(groups, 2, dtype=torch.float64).index_add_(
            0, places.group[near], (weight / width**2)[near, None] * torch.stack([angle.cos(), angle.sin()], 1)[near]
        )
        center = torch.where(pull.norm(dim=1) > 0, torch.atan2(pull[:, 1], pull[:, 0]), best)
        near = free & (apart(angle, center[places.group]).abs() < 2.5 * width)
        known.append(torch.bincount(places.group[near], minlength=groups) >= 2)
        found.append(center)
        free = free & ~near
    return torch.stack(found, 1), torch.stack(known, 1)
