"""The Delta(1232) made by neutrinos on free nucleons: spin 3/2 after Rarita and Schwinger.

The hadronic tensor is the trace of Dirac matrices, taken in numbers on a grid of hadronic mass W and Q^2.

Source: Lalakulich and Paschos, Phys. Rev. D 71 (2005) 074003; vector form factors of Lalakulich, Paschos and
Piranishvili, Phys. Rev. D 74 (2006) 014009.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge.errors import InputError
from nuforge.physics.constants import (
    DELTA_MASS,
    DELTA_WIDTH,
    NUCLEON_MASS,
    PION_MASS,
    UP_DOWN_MIXING,
    WEAK_MIXING,
)
from nuforge.physics.inelastic import Response, ResponseTable
from nuforge.units import GeV

LEAST, MOST = 1080.0, 1600.0
"""Hadronic masses (MeV) of the table."""
_MOST_TRANSFER = 10 * GeV**2
_MASSES, _TRANSFERS = 53, 40
_VECTOR_MASS = 0.84 * GeV

Matrices = NDArray[np.complexfloating]
_METRIC = np.diag([1.0, -1.0, -1.0, -1.0])


@dataclass(frozen=True)
class DeltaFormFactors:
    """Axial form factors of N to Delta: C_5 = c / (1 + Q^2 / M_A^2)^2 / (1 + Q^2 / 3 M_A^2), C_4 = -C_5 / 4, C_3 = 0.

    Args:
        axial_mass: M_A in MeV. 1050 MeV: Lalakulich and Paschos, for Brookhaven's data (840 for Argonne's).
        axial_coupling: C_5 at Q^2 = 0. 1.2: Goldberger and Treiman.
        steeper: With the last factor, or (Graczyk et al., Phys. Rev. D 80 (2009) 093001, with 940 MeV and 1.19, which
            NuWro prefers) without.

    Raises:
        InputError: If a number is not positive.
    """

    axial_mass: float = 1050.0
    axial_coupling: float = 1.2
    steeper: bool = True

    def __post_init__(self) -> None:
        for name, unit in (("axial_mass", "MeV"), ("axial_coupling", "no unit")):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be positive ({unit}), got {getattr(self, name)}")


def pion_momentum(w: Tensor) -> Tensor:
    """Momentum (MeV) of the pion in the decay of a mass W to a nucleon and a pion, 0 below threshold."""
    gap = (w**2 - (NUCLEON_MASS + PION_MASS) ** 2) * (w**2 - (NUCLEON_MASS - PION_MASS) ** 2)
    return torch.sqrt(gap.clamp(min=0)) / (2 * w)


def running_width(w: Tensor) -> Tensor:
    """Width (MeV) of a Delta of mass W, 117 MeV (p_pi(W) / p_pi(1232 MeV))^3: a pion in a p wave."""
    at_peak = pion_momentum(torch.tensor(DELTA_MASS, dtype=w.dtype))
    return DELTA_WIDTH * (pion_momentum(w) / at_peak) ** 3


def breit_wigner(w: Tensor) -> Tensor:
    """Density of W^2 in 1/MeV^2, M G / pi / ((W^2 - M^2)^2 + M^2 G^2), G the running width."""
    width = DELTA_MASS * running_width(w)
    return width / torch.pi / ((w**2 - DELTA_MASS**2) ** 2 + width**2)


def delta_production(w: Tensor, q2: Tensor, charged: bool, form: DeltaFormFactors) -> Response:
    """Response of a nucleon for one unit of isospin: nu n -> l- Delta+, nu N -> nu Delta.

    nu p -> l- Delta++ and antinu n -> l+ Delta- are three times as much. Zero outside of the table, which ends at
    W = 1600 MeV and Q^2 = 10 GeV^2.
    """
    shape = breit_wigner(w)
    return Response(*(shape * value for value in _table(charged, form).at(w, q2)))


@cache
def _table(charged: bool, form: DeltaFormFactors) -> ResponseTable:
    """W_1 to W_5 without the Breit-Wigner."""
    scale = (UP_DOWN_MIXING**2 if charged else 1.0) / (2 * NUCLEON_MASS)

    def of(w: Tensor, q2: Tensor) -> Response:
        tensors = _hadronic_tensor(w.numpy(), q2.numpy(), charged, form)
        return Response(*(torch.from_numpy(scale * tensor) for tensor in tensors))

    return ResponseTable.of(of, (LEAST, MOST, _MASSES), (_MOST_TRANSFER, _TRANSFERS))


def _couplings(
    q2: NDArray[np.floating], w: NDArray[np.floating], charged: bool, form: DeltaFormFactors
) -> tuple[NDArray[np.floating], ...]:
    """C_3, C_4, C_5 of the vector current and C_4, C_5, C_6 of the axial one."""
    vector = (1 + q2 / _VECTOR_MASS**2) ** -2 * (1.0 if charged else 1 - 2 * WEAK_MIXING)
    modified = vector / (1 + q2 / (4 * _VECTOR_MASS**2))
    fifth = form.axial_coupling / (1 + q2 / form.axial_mass**2) ** 2
    if form.steeper:
        fifth = fifth / (1 + q2 / (3 * form.axial_mass**2))
    return (
        2.13 * modified,
        -1.51 * modified,
        0.48 * vector / (1 + q2 / (0.776 * _VECTOR_MASS**2)),
        -0.25 * fifth,
        fifth,
        fifth * NUCLEON_MASS**2 / (q2 + PION_MASS**2),
    )


def _dirac() -> tuple[Matrices, Matrices]:
    """Dirac matrices gamma^mu (4, 4, 4) and gamma_5 (4, 4)."""
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    zero, one = np.zeros((2, 2)), np.eye(2)
    gamma = [np.block([[one, zero], [zero, -one]])]
    gamma += [np.block([[zero, s], [-s, zero]]) for s in pauli]
    return np.array(gamma), np.block([[zero, one], [one, zero]]).astype(complex)


def _hadronic_tensor(
    w: NDArray[np.floating], q2: NDArray[np.floating], charged: bool, form: DeltaFormFactors
) -> tuple[NDArray[np.floating], ...]:
    """Five functions of the tensor, spins averaged and summed, where the nucleon rests and q is along z."""
    gamma, gamma5 = _dirac()
    shape, w, q2 = w.shape, w.ravel(), q2.ravel()
    nu = (w**2 - NUCLEON_MASS**2 + q2) / (2 * NUCLEON_MASS)
    size = np.sqrt(nu**2 + q2)
    zero = np.zeros_like(nu)
    p = np.stack([zero + NUCLEON_MASS, zero, zero, zero], 1)
    q = np.stack([nu, zero, zero, size], 1)
    current = _current(p, q, _couplings(q2, w, charged, form), gamma, gamma5)
    conjugate = np.einsum("ab,glmcb,cd->glmad", gamma[0], current.conj(), gamma[0])
    nucleon = _slash(p, gamma) + NUCLEON_MASS * np.eye(4)
    spin = _projector(p + q, w, gamma)  # lower indices
    half = np.einsum("gslca,glmab,gbd->gsmcd", spin, current, nucleon, optimize=True)
    tensor = 0.5 * np.einsum("gsmcd,gsndc->gmn", half, conjugate, optimize=True)
    first = tensor[:, 1, 1].real
    fourth = (tensor[:, 3, 3].real - first) / size**2
    fifth = (tensor[:, 0, 3].real - nu * size * fourth) / (NUCLEON_MASS * size)
    second = tensor[:, 0, 0].real + first - nu**2 * fourth - 2 * NUCLEON_MASS * nu * fifth
    third = 2 * NUCLEON_MASS * np.abs(tensor[:, 1, 2].imag) / size  # its sign is that of neutrinos: they see more
    square = NUCLEON_MASS**2
    return tuple(f.reshape(shape) for f in (first, second, third, square * fourth, square * fifth))


def _slash(p: NDArray[np.floating], gamma: Matrices) -> Matrices:
    slash: Matrices = np.einsum("gm,mn,nab->gab", p, _METRIC, gamma)
    return slash


def _current(
    p: NDArray[np.floating],
    q: NDArray[np.floating],
    couplings: tuple[NDArray[np.floating], ...],
    gamma: Matrices,
    gamma5: Matrices,
) -> Matrices:
    """Vertex (G, 4, 4, 4, 4): index of the Delta, index of the current, Dirac's two."""
    third, fourth, fifth, axial4, axial5, axial6 = couplings
    delta = p + q
    one = np.eye(4)

    def transition(momentum: NDArray[np.floating]) -> NDArray[np.floating]:
        """g (q . p) - q p, of the momentum p."""
        dot = np.einsum("gm,mn,gn->g", q, _METRIC, momentum)
        difference: NDArray[np.floating] = np.einsum("g,lm->glm", dot, _METRIC) - np.einsum("gl,gm->glm", q, momentum)
        return difference

    def weighted(coupling: NDArray[np.floating], tensor: NDArray, power: int) -> NDArray:
        whole: NDArray = (coupling / NUCLEON_MASS**power)[:, None, None] * tensor
        return whole

    magnetic = np.einsum("lm,gab->glmab", _METRIC, _slash(q, gamma)) - np.einsum("gl,mab->glmab", q, gamma)
    vector = (third / NUCLEON_MASS)[:, None, None, None, None] * magnetic
    plain = weighted(fourth, transition(delta), 2) + weighted(fifth, transition(p), 2)
    vector = vector + np.einsum("glm,ab->glmab", plain, one)
    axial = weighted(axial4, transition(delta), 2) + np.einsum("g,lm->glm", axial5, _METRIC)
    axial = axial + weighted(axial6, np.einsum("gl,gm->glm", q, q), 2)
    current: Matrices = vector @ gamma5 + np.einsum("glm,ab->glmab", axial, one)
    return current


def _projector(p: NDArray[np.floating], w: NDArray[np.floating], gamma: Matrices) -> Matrices:
    """Sum over spins (G, 4, 4, 4, 4) of a spin 3/2 of momentum p and mass W, two lower Lorentz indices first."""
    lower_gamma = np.einsum("mn,nab->mab", _METRIC, gamma)
    lower = p @ _METRIC
    one = np.eye(4)
    metric = np.einsum("st,ab->stab", _METRIC, one) - np.einsum("sac,tcb->stab", lower_gamma, lower_gamma) / 3
    square = np.einsum("gs,gt,ab->gstab", lower, lower, one)
    mixed = np.einsum("gs,tab->gstab", lower, lower_gamma)
    mixed = mixed - mixed.swapaxes(1, 2)
    each = (slice(None), None, None, None, None)
    inner = metric - 2 / 3 * square / (w**2)[each] + mixed / (3 * w)[each]
    mass = _slash(p, gamma) + w[:, None, None] * one
    projector: Matrices = -np.einsum("gac,gstcb->gstab", mass, inner)
    return projector
