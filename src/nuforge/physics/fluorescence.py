"""X-rays of the K shell that follow photoelectric absorption."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics.material import Element, Material
from nuforge.physics.photons import absorption_intervals, photoelectric
from nuforge.units import keV

_JUMP = 2.0  # the edges of K and L3 raise the absorption by more than this, those of L1 and L2 by less


@dataclass(frozen=True)
class Line:
    """The K alpha line of an element.

    Args:
        edge: Photons above this energy (MeV) are absorbed by the K shell.
        energy: Of the line in MeV, the distance of the edges of K and L3; K beta, a fifth of all, counts as K alpha.
        probability: Of the line where a photon above the edge is absorbed.
    """

    edge: float
    energy: float
    probability: float


def k_yield(Z: int) -> float:
    """Probability that a vacancy of the K shell emits an X-ray, not an Auger electron.

    Source: Bambynek's fit (1984) in Hubbell et al., J. Phys. Chem. Ref. Data 23 (1994) 339.
    """
    fourth = (0.037 + 0.03112 * Z + 5.44e-5 * Z**2 - 1.25e-6 * Z**3) ** 4
    return fourth / (1 + fourth)


def k_alpha(element: Element) -> Line | None:
    """The line of an element, None where the edges are below 1 keV (lighter than zinc; their lines are below 10 keV).

    Edges are where the photoabsorption jumps; the K shell's share of the absorption is that at its edge.
    """
    rows = absorption_intervals(element)
    jumps = []
    for (_, *below), (start, *above) in pairwise(rows):
        ratio = _value(above, start) / _value(below, start)
        if ratio > _JUMP:
            jumps.append((start, ratio))
    if len(jumps) < 2:
        return None
    (l3, _), (k, ratio) = jumps[-2:]
    return Line(k * keV, (k - l3) * keV, (1 - 1 / ratio) * k_yield(element.Z))


def fluorescence(energy: Float[Tensor, " n"], material: Material, lowest: float) -> tuple[list[float], Tensor]:
    """K alpha lines above an energy (MeV), and the probability of each where a photon of energy (MeV) is absorbed.

    Args:
        energy: Of the absorbed photons.
        material: What absorbs.
        lowest: Lines below are left out.

    Returns:
        Energies of L lines (MeV), and their probabilities (n, L).
    """
    lines, columns = [], []
    total = photoelectric(energy, material)
    for element in material.elements:
        line = k_alpha(element)
        if line is not None and line.energy > lowest:
            part = photoelectric(energy, material, only=element)
            lines.append(line.energy)
            columns.append(torch.where(energy > line.edge, line.probability * part / total, 0.0))
    return lines, torch.stack(columns, 1) if columns else energy.new_zeros((len(energy), 0))


def _value(coefficients: list[float], energy: float) -> float:
    """Photoabsorption (cm^2/g) at an energy in keV."""
    return sum(c / energy ** (j + 1) for j, c in enumerate(coefficients))
