"""Four-momenta of many systems at once: to the frame of their centre and back, two bodies, three bodies.

A four-momentum is (N, 4): E, px, py, pz in MeV, float64.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.physics.decays import two_body_momentum


def scalar_product(first: Tensor, second: Tensor) -> Tensor:
    """Of vectors (N, 3), as (N,). Summing over a dimension of 3 takes torch four times as long."""
    (x, y, z), (u, v, w) = first.unbind(1), second.unbind(1)
    return torch.addcmul(torch.addcmul(x * u, y, v), z, w)


def four_momentum(vector: Tensor, mass: Tensor) -> Tensor:
    """(N, 4) of momenta (N, 3) and masses (N,)."""
    energy = torch.sqrt(scalar_product(vector, vector) + mass**2)
    return torch.cat([energy.unsqueeze(1), vector], dim=1)


def mass_squared(four: Tensor) -> Tensor:
    """E^2 - p^2 (N,)."""
    return four[:, 0] ** 2 - scalar_product(four[:, 1:], four[:, 1:])


def boosted(four: Tensor, frame: Tensor) -> Tensor:
    """Four-momenta (N, 4), given where `frame` (N, 4) is at rest, as seen where `frame` is what it says."""
    mass = torch.sqrt(mass_squared(frame).clamp(min=1e-12))
    along = scalar_product(four[:, 1:], frame[:, 1:])
    energy = (frame[:, 0] * four[:, 0] + along) / mass
    factor = (along / (frame[:, 0] + mass) + four[:, 0]) / mass
    return torch.cat([energy.unsqueeze(1), four[:, 1:] + frame[:, 1:] * factor.unsqueeze(1)], dim=1)


def reversed_frame(frame: Tensor) -> Tensor:
    """The frame (N, 4) that undoes a boost."""
    return frame * torch.tensor([1.0, -1.0, -1.0, -1.0], dtype=frame.dtype)


def two_bodies(frame: Tensor, first: Tensor, second: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """Four-momenta of two bodies that a system (N, 4) goes to.

    Args:
        frame: The system.
        first: Mass (N,).
        second: Mass (N,).
        direction: Of the first in the frame of the centre, unit vectors (N, 3).
    """
    total = torch.sqrt(mass_squared(frame).clamp(min=1e-12))
    vector = direction * two_body_momentum(total, first, second).unsqueeze(1)
    return boosted(four_momentum(vector, first), frame), boosted(four_momentum(-vector, second), frame)


def centre_direction(four: Tensor, frame: Tensor) -> Tensor:
    """Unit vectors (N, 3) of four-momenta in the frame of the centre of `frame`."""
    vector = boosted(four, reversed_frame(frame))[:, 1:]
    unit: Tensor = vector / vector.norm(dim=1, keepdim=True).clamp(min=1e-9)
    return unit


def kinetic_energy(four: Tensor, mass: Tensor) -> Tensor:
    """Kinetic energy (N,) without the loss of digits of E - m."""
    return scalar_product(four[:, 1:], four[:, 1:]) / (four[:, 0] + mass)
