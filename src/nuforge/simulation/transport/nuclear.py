"""What hadrons meet in a material: rates on its nuclei, by element and kind of interaction."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from nuforge.physics import neutrons
from nuforge.physics.hadron_nucleus import elastic_cross_section, inelastic_cross_section
from nuforge.physics.material import Material
from nuforge.physics.muon_capture import capture_rate
from nuforge.simulation.transport.tables import EnergyTable
from nuforge.units import GeV, eV

HADRONS = (2212, 2112, 211, -211, 321, -321, 130)
"""PDG numbers of the rows of `NuclearTables.rates`."""
KINDS = 3
ELASTIC, INELASTIC, CAPTURE = range(KINDS)
"""Columns of each element in `NuclearTables.rates`."""

_MB = 1e-27  # cm^2
_LOWEST, _HIGHEST, _POINTS = 0.01 * eV, 100 * GeV, 640
_FLOOR = 1.0  # MeV: hadrons with a charge interact as here below


@dataclass(frozen=True)
class NuclearTables:
    """The nuclei of a material.

    Args:
        rates: By row of `HADRONS` and ln T, rates per cm: ELASTIC, INELASTIC, CAPTURE of the first element, and so on.
        z: Protons (E,) of the elements.
        a: Nucleons (E,), those of the isotope next to the element's mean.
        stopping: Relative chance (E,) that a negative particle comes to rest at an element.
        muon_capture: Rates (E,) per ns at which they capture muons.
    """

    rates: EnergyTable
    z: Tensor
    a: Tensor
    stopping: Tensor
    muon_capture: Tensor


@lru_cache(maxsize=8)
def nuclear_tables(material: Material) -> NuclearTables:
    """The tables of a material, made once.

    Negative particles come to rest at elements by charge and number (Fermi and Teller, Phys. Rev. 72 (1947) 399), but
    not at hydrogen, from which they pass on.
    """
    energies = EnergyTable.grid(_LOWEST, _HIGHEST, _POINTS)
    rates = torch.stack([_rates(pdg, energies, material) for pdg in HADRONS])
    z = torch.tensor([element.Z for element in material.elements])
    a = torch.tensor([round(element.A) for element in material.elements])
    weight = z.double() * torch.tensor(material.number_densities, dtype=torch.float64) * (z > 1)
    capture = torch.tensor([capture_rate(e.Z, round(e.A)) for e in material.elements], dtype=torch.float64)
    return NuclearTables(EnergyTable.build(energies, rates), z, a, weight / weight.sum().clamp(min=1e-30), capture)


def hadronic_rate(pdg: int, energies: Tensor, material: Material) -> Tensor:
    """Interactions per cm (G,) of a hadron with nuclei at kinetic energies (G,) in MeV; 0 for what is no hadron."""
    if pdg not in HADRONS:
        return torch.zeros_like(energies)
    return _rates(pdg, energies, material).sum(1)


def row_of(pdg: Tensor) -> Tensor:
    """Rows (N,) in `NuclearTables.rates` of PDG numbers (N,), 0 for others."""
    row = torch.zeros_like(pdg)
    for i, number in enumerate(HADRONS):
        row = torch.where(pdg == number, i, row)
    return row


def _rates(pdg: int, energies: Tensor, material: Material) -> Tensor:
    """Rates per cm (G, 3 E)."""
    columns = []
    kinetic = energies if pdg == 2112 else energies.clamp(min=_FLOOR)
    for element, density in zip(material.elements, material.number_densities, strict=True):
        inelastic = inelastic_cross_section(pdg, kinetic, element.Z, element.A)
        elastic = elastic_cross_section(pdg, kinetic, element.Z, element.A)
        caught = neutrons.capture(kinetic, element.Z) if pdg == 2112 else torch.zeros_like(kinetic)
        columns += [density * _MB * sigma for sigma in (elastic, inelastic, caught)]
    return torch.stack(columns, 1)
