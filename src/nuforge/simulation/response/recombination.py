"""Recombination: ionisation electrons, and the fraction of them that escapes from the ions in liquid argon.

Stopping powers are in MeV/cm, fields in kV/cm, densities in g/cm^3.
"""

from typing import assert_never

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from nuforge.detectors.constant import Constant
from nuforge.detectors.medium import Medium
from nuforge.detectors.recombination import Birks, EllipsoidalBox, ModifiedBox
from nuforge.shapes import Scalars

LOWEST_STOPPING_POWER = 1.0
"""MeV/cm. Below it the models are not fitted, and the box models turn over and fall; LArSoft has the same limit."""

ISOTROPIC_COSINE = 3**-0.5
"""Root mean square cosine of track and field for a deposit that has no direction."""


def birks(stopping_power: Scalars, field: Constant, density: float, model: Birks) -> Scalars:
    """Escaping fraction of Birks' law, R = a / (1 + k (dE/dx) / (density field)).

    Source: ICARUS, NIM A 523 (2004) 275.
    """
    return model.a / (1 + model.k * stopping_power / (density * field))


def modified_box(stopping_power: Scalars, field: Constant, density: float, model: ModifiedBox) -> Scalars:
    """Escaping fraction of the modified box model, R = ln(alpha + xi) / xi, xi = beta (dE/dx) / (density field).

    R turns over near xi = 0.46 (1.5 MeV/cm at 0.5 kV/cm): do not use it below 1 MeV/cm.

    Source: ArgoNeuT, JINST 8 (2013) P08005. Codes with beta = 0.207 take 0.3 cm/MeV at 0.5 kV/cm and 1.383 g/cm^3.
    """
    xi = model.beta * stopping_power / (density * field)
    return torch.log(model.alpha + xi) / xi


def ellipsoidal_box(
    stopping_power: Scalars, cosine: Scalars, field: Constant, density: float, model: EllipsoidalBox
) -> Scalars:
    """Escaping fraction of the box model with beta -> beta / sqrt(sin^2 phi + cos^2 phi / ratio^2).

    Args:
        stopping_power: (N,) MeV/cm.
        cosine: (N,) cosine of the angle phi of track and field.
        field: kV/cm.
        density: g/cm^3.
        model: Its constants.

    Source: ICARUS, arXiv:2407.12969.
    """
    square = cosine**2
    beta = model.beta / torch.sqrt(1 - square + square / model.ratio**2)
    xi = beta * stopping_power / (density * field)
    return torch.log(model.alpha + xi) / xi


def escaping_fraction(stopping_power: Scalars, cosine: Scalars, field: Constant, medium: Medium) -> Scalars:
    """Fraction (N,) of electrons that escape in a medium, by its model, between 0 and 1.

    Stopping powers below 1 MeV/cm count as 1 MeV/cm.

    Args:
        stopping_power: (N,) MeV/cm.
        cosine: (N,) cosine of track and field; only the ellipsoidal model looks at it.
        field: kV/cm.
        medium: Density, model and its constants.
    """
    loss, density, model = (
        stopping_power.clamp(min=LOWEST_STOPPING_POWER),
        medium.material.density,
        medium.recombination,
    )
    match model:
        case Birks():
            fraction = birks(loss, field, density, model)
        case ModifiedBox():
            fraction = modified_box(loss, field, density, model)
        case EllipsoidalBox():
            fraction = ellipsoidal_box(loss, cosine, field, density, model)
        case _:
            assert_never(model)
    return fraction.clamp(0, 1)


def birks_stopping_power(
    charge_density: Scalars, field: Constant, density: float, ionisation_energy: Constant, model: Birks
) -> Scalars:
    """dE/dx (N,) MeV/cm of a charge density dQ/dx (N,) e/cm, the inverse of Birks' law.

    It diverges where Birks' charge saturates, at a density field / (k ionisation_energy).
    """
    return charge_density / (model.a / ionisation_energy - model.k / (density * field) * charge_density)


def box_stopping_power(
    charge_density: Scalars, field: Constant, density: float, ionisation_energy: Constant, model: ModifiedBox
) -> Scalars:
    """dE/dx (N,) MeV/cm of a charge density dQ/dx (N,) e/cm, the inverse of the modified box model."""
    slope = model.beta / (density * field)
    return (torch.exp(slope * ionisation_energy * charge_density) - model.alpha) / slope


def ionisation(energy: Scalars, ionisation_energy: Constant) -> Scalars:
    """Mean number (N,) of electrons set free by deposits (N,) MeV."""
    return energy / ionisation_energy


def sample_ionisation(energy: Scalars, ionisation_energy: Constant, generator: Generator) -> Scalars:
    """Whole numbers (N,) of electrons with the mean of `ionisation`: rounded up or down at random.

    Their fluctuation (Fano factor 0.1) is small against that of recombination and left out.
    """
    mean = ionisation(energy, ionisation_energy)
    return torch.floor(mean + torch.rand(mean.shape, generator=generator, dtype=mean.dtype, device=mean.device))


def sample_survivors(electrons: Scalars, fraction: Float[Tensor, " n"], generator: Generator) -> Scalars:
    """How many of `electrons` (N,), whole numbers, survive with a probability (N,) each: binomial."""
    return torch.binomial(electrons, fraction.expand_as(electrons), generator=generator)
