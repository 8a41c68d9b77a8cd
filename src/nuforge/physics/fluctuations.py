r"""Fluctuation of the energy loss: Landau's most probable loss and Vavilov's distribution.

With xi = (K / 2) (Z / A) rho x / beta^2 and kappa = xi / W_max a loss is mean + xi Y, where Y has the
characteristic function

    ln phi(t) = int_0^{1 / kappa} (e^{i t w} - 1 - i t w) (1 - beta^2 kappa w) / w^2 dw

(w a collision's transfer in units of xi). kappa < 0.01 is Landau's case, kappa > 10 nearly a Gaussian.
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.special import ndtr, sici
from torch import Tensor

from nuforge.physics.constants import BETHE_K, ELECTRON_MASS
from nuforge.physics.kinematics import beta_gamma, beta_squared
from nuforge.physics.material import Material
from nuforge.physics.stopping import density_effect

LANDAU_WIDTH = 4.018  # full width at half maximum of Landau's distribution in units of xi


def collision_scale(length: Tensor | float, beta_squared: Tensor, material: Material) -> Tensor:
    """xi (MeV): the energy above which a path of `length` cm has one collision on average (unit charge)."""
    return 0.5 * BETHE_K * material.z_over_a * material.density * length / beta_squared


def most_probable_loss(
    length: float, kinetic: Float[Tensor, "*#n"], mass: float, material: Material
) -> Float[Tensor, "*#n"]:
    """Landau's most probable loss (MeV) in `length` cm, valid for kappa < 0.05 or so.

    Source: Review of Particle Physics, eq. 34.12, j = 0.200.
    """
    b2, bg = beta_squared(kinetic, mass), beta_gamma(kinetic, mass)
    xi = collision_scale(length, b2, material)
    first = torch.log(2 * ELECTRON_MASS * bg**2 / material.mean_excitation)
    return xi * (first + torch.log(xi / material.mean_excitation) + 0.200 - b2 - density_effect(bg, material))


def vavilov_density(kappa: float, beta_squared: float = 0.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Vavilov's distribution of Z = (loss - mean) / (standard deviation): a grid of Z and the density on it.

    The standard deviation is xi sqrt((1 - beta^2 / 2) / kappa). Valid for 1e-4 < kappa < 100.

    Source: Vavilov, Sov. Phys. JETP 5 (1957) 749; the integral in closed form, inverted by a Fourier transform.
    """
    n, low, width = 2**16, -10.0, 120.0
    scale = math.sqrt(kappa / (1 - beta_squared / 2))  # 1 / standard deviation in units of xi
    step = 2 * math.pi / width
    t = np.fft.fftfreq(n, 1 / n) * step
    phi = np.exp(_log_characteristic(np.abs(t) * scale, kappa, beta_squared))
    phi = np.where(t < 0, phi.conj(), phi)
    density = np.fft.fft(phi * np.exp(-1j * t * low)).real * step / (2 * math.pi)
    return low + width / n * np.arange(n, dtype=np.float64), np.asarray(density.clip(min=0), dtype=np.float64)


def _log_characteristic(t: NDArray[np.float64], kappa: float, beta_squared: float) -> NDArray[np.complex128]:
    """ln phi(t) for t >= 0, zero at t = 0."""
    a = np.where(t > 0, t / kappa, 1.0)
    sine, cosine = sici(a)
    cin = np.euler_gamma + np.log(a) - cosine
    first = -(np.exp(1j * a) - 1 - 1j * a) / a - 1j * cin - sine
    second = -cin + 1j * (sine - a)
    return np.where(t > 0, t * first - beta_squared * kappa * second, 0.0)


def vavilov_quantiles(
    kappas: NDArray[np.float64], normals: NDArray[np.float64], beta_squared: float = 0.0
) -> Float[Tensor, "k n"]:
    """Z of Vavilov's distribution where its cumulative probability is that of a unit normal at `normals`.

    Feeding unit normals through row k draws from the distribution of kappas[k]; for large kappa the row is the
    identity.
    """
    rows = []
    for kappa in kappas:
        z, density = vavilov_density(float(kappa), beta_squared)
        cumulative = np.cumsum(density)
        cumulative = (cumulative - 0.5 * density) / cumulative[-1]
        rising = np.concatenate([[True], np.diff(cumulative) > 1e-13])
        rows.append(np.interp(ndtr(normals), cumulative[rising], z[rising]))
    return torch.from_numpy(np.stack(rows))
