"""Unit vectors: isotropic, turned by an angle, the rest of a momentum."""

import torch
from torch import Tensor


def isotropic(n: int, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensor:
    """Unit vectors (n, 3) without a preferred direction."""
    cosine, phi = torch.rand((2, n), generator=generator, dtype=dtype).unbind()
    return polar(2 * cosine - 1, 2 * torch.pi * phi)


def polar(cosine: Tensor, phi: Tensor) -> Tensor:
    """Unit vectors (N, 3) at polar angle (its cosine) and azimuth (rad) about z."""
    sine = torch.sqrt((1 - cosine**2).clamp(min=0))
    return torch.stack([sine * phi.cos(), sine * phi.sin(), cosine], dim=1)


def turned(direction: Tensor, mu: Tensor, phi: Tensor) -> Tensor:
    """Unit vectors (N, 3) at an angle theta to `direction` (N, 3) and azimuth phi (N,) about it.

    mu = sin^2(theta / 2) = (1 - cos theta) / 2 keeps small angles exact in single precision. The frame is that of
    Duff et al., J. Comput. Graph. Tech. 6 (2017) 1: no direction is singular.
    """
    x, y, z = direction.unbind(1)
    sign = torch.where(z < 0, -1.0, 1.0)
    a = -1 / (sign + z)
    b = x * y * a
    sine, cosine = 2 * torch.sqrt(mu * (1 - mu)), 1 - 2 * mu
    u, v = sine * phi.cos(), sine * phi.sin()
    out = torch.stack(
        [
            u * (1 + sign * x**2 * a) + v * b + cosine * x,
            u * sign * b + v * (sign + y**2 * a) + cosine * y,
            -u * sign * x - v * y + cosine * z,
        ],
        dim=1,
    )
    return torch.nn.functional.normalize(out, dim=1)


def sine_squared(angle: Tensor) -> Tensor:
    """mu = sin^2(angle / 2) of angles (rad), those beyond pi taken as pi."""
    half: Tensor = torch.sin(angle.clamp(max=torch.pi) / 2)
    return half.square()


def remaining(direction: Tensor, momentum: Tensor, taken: Tensor, taken_momentum: Tensor) -> Tensor:
    """Direction (N, 3) of the rest of a momentum (MeV) along `direction` when `taken` (unit vectors) takes its part."""
    rest = direction * momentum.unsqueeze(1) - taken * taken_momentum.unsqueeze(1)
    size = rest.norm(dim=1, keepdim=True)
    return torch.where(size > 1e-6, rest / size.clamp(min=1e-6), direction)
