"""Neutrinos of a flux that interact in a detector."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.detectors import Block, Detector
from nuforge.errors import InputError
from nuforge.events import Column, Events
from nuforge.physics.material import Material
from nuforge.physics.neutrino_flux import Flux
from nuforge.physics.particles import mass_of
from nuforge.simulation.directions import isotropic
from nuforge.simulation.four_momenta import kinetic_energy
from nuforge.simulation.nucleus.interaction import nucleus_number
from nuforge.simulation.sources.neutrino.generator import HIGHEST, LOWEST, Current, Interactions, interact, rates
from nuforge.simulation.sources.neutrino.modes import NAMES
from nuforge.simulation.sources.neutrino.settings import GeneratorSettings
from nuforge.simulation.sources.neutrino.tau import decayed
from nuforge.simulation.sources.primaries import primaries

ABOUT = {
    "energy": Column("MeV", "energy of the neutrino", "truth"),
    "current": Column("", "current", "truth", names=("", "CC", "NC")),
    "target": Column("", "PDG number of the nucleus", "truth"),
    "struck": Column("", "PDG number of the nucleon that was hit, 0 for two or the whole nucleus", "truth"),
    "q2": Column("MeV2", "Q^2, the four-momentum given squared, sign turned", "truth"),
    "w": Column("MeV", "mass of the hadrons before they meet the nucleus", "truth"),
    "y": Column("", "energy given over the neutrino's energy", "truth"),
}
"""Columns of `interactions` beside the standard ones."""
_GRID = 400


def neutrinos(
    n_events: int,
    detector: Detector | Block,
    generator: torch.Generator,
    flux: Flux,
    settings: GeneratorSettings | None = None,
    *,
    current: Current = "both",
    fewest: int = 1,
    most: int = 1,
) -> Events:
    """Events of neutrinos that interact in the material of a detector.

    Kind and energy are drawn by flux times cross section, nuclei by their share of it, vertices evenly in the volumes.
    A nucleus of an element has the nearest whole number of nucleons to its mean. Neutrinos travel along the detector's
    beam (+z for a `Block`), or come from anywhere if the flux is of the sky. Taus decay where they are born.

    Args:
        n_events: Number of events.
        detector: Its volumes, material and beam are used.
        generator: Source of randomness.
        flux: Of neutrinos; only energies between 50 MeV and 20 GeV are used.
        settings: Of the model, setting A if None.
        current: Which currents.
        fewest: Fewest interactions of an event; several make a spill.
        most: Most of them.

    Returns:
        Events whose `interactions` know the truth (`ABOUT`) and whose `particles` are what leaves the nuclei, lepton
        first.

    Raises:
        InputError: If the numbers of interactions are no range, or the flux can do nothing.
    """
    if not 1 <= fewest <= most:
        raise InputError(f"fewest must be between 1 and most, got fewest = {fewest}, most = {most}")
    settings = GeneratorSettings() if settings is None else settings
    counts = torch.full((n_events,), most)
    if fewest < most:
        counts = torch.randint(fewest, most + 1, (n_events,), generator=generator)
    n = int(counts.sum())
    pdg, energy, z, a = _drawn(n, flux, detector.material, settings, current, generator)
    direction = _directions(n, detector, flux, generator)
    neutrino = torch.cat([energy.unsqueeze(1), direction * energy.unsqueeze(1)], 1)
    made = interact(pdg, neutrino, z, a, settings, generator, current)
    lost = energy - made.four[_first_rows(made), 0]
    out = decayed(made.owner, made.pdg, made.four, generator)
    kinetic = kinetic_energy(out.four, mass_of(out.pdg))
    size = out.four[:, 1:].norm(dim=1, keepdim=True)
    ways = torch.where(size > 0, out.four[:, 1:] / size.clamp(min=1e-30), direction[out.owner])
    particles = torch.bincount(out.owner, minlength=n)
    events = primaries(particles, counts, _vertices(n, detector, generator), out.pdg, kinetic, ways)
    facts = {
        "neutrino": pdg,
        "mode": made.mode,
        "energy": energy.float(),
        "current": torch.where(made.charged, 1, 2),
        "target": nucleus_number(z, a),
        "struck": made.struck,
        "q2": made.q2.float(),
        "w": made.w.float(),
        "y": (lost / energy).float(),
    }
    return events.with_table("interactions", events["interactions"].with_columns(facts, ABOUT))


def mode_names() -> dict[int, str]:
    """Names of the modes that `interactions.mode` has, by NuHepMC's numbers."""
    return {
        mode + more: f"{name} {current}" for mode, name in NAMES.items() for more, current in ((0, "CC"), (50, "NC"))
    }


def _first_rows(made: Interactions) -> Tensor:
    """Rows (N,) of the leptons."""
    counts = torch.bincount(made.owner, minlength=len(made))
    return counts.cumsum(0) - counts


def _drawn(
    n: int, flux: Flux, material: Material, settings: GeneratorSettings, current: Current, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Kinds, energies (MeV), and nuclei as protons and nucleons, (N,) each, by flux and cross sections."""
    table = _rate_table(flux, material, settings, current)
    sums = table.parts.flatten().cumsum(0)
    uniform = torch.rand((3, n), generator=generator, dtype=torch.float64)
    cell = torch.searchsorted(sums, uniform[0] * sums[-1], right=True).clamp(max=len(sums) - 1)
    kind, left = cell // (_GRID - 1), cell % (_GRID - 1)
    ends = table.weight[kind, left], table.weight[kind, left + 1]
    on = _along(uniform[1], *ends)
    energy = torch.lerp(table.energy[left], table.energy[left + 1], on)
    seen = table.cross_sections
    rate = torch.lerp(seen[kind, :, left], seen[kind, :, left + 1], on.unsqueeze(1)) * table.densities
    share = rate.cumsum(1)
    element = (uniform[2].unsqueeze(1) * share[:, -1:] >= share).sum(1).clamp(max=len(table.nuclei) - 1)
    which = torch.tensor(table.nuclei)[element]
    return torch.tensor(table.kinds)[kind], energy, which[:, 0], which[:, 1]


def interaction_rate(flux: Flux, material: Material, settings: GeneratorSettings, current: Current = "both") -> float:
    """Interactions per cm^3 of a material, of a flux in neutrinos per cm^2 and MeV.

    Args:
        flux: Its scale matters here.
        material: What they interact in.
        settings: Of the model.
        current: Which currents.
    """
    table = _rate_table(flux, material, settings, current)
    return float(table.parts.sum() * (table.energy[1] - table.energy[0]))


@dataclass(frozen=True)
class _RateTable:
    """What K kinds of neutrinos do on E nuclei at G energies.

    Args:
        kinds: PDG numbers.
        nuclei: Protons and nucleons.
        densities: Nuclei per cm^3 (E,).
        energy: Grid (G,) in MeV, even.
        cross_sections: (K, E, G) in cm^2.
        weight: Flux times cross sections of all nuclei (K, G), per cm^3 and MeV.
        parts: Mean weight (K, G - 1) of the cells of the grid.
    """

    kinds: list[int]
    nuclei: list[tuple[int, int]]
    densities: Tensor
    energy: Tensor
    cross_sections: Tensor
    weight: Tensor
    parts: Tensor


def _rate_table(flux: Flux, material: Material, settings: GeneratorSettings, current: Current) -> _RateTable:
    """Flux times cross sections on a grid.

    Raises:
        InputError: If the flux has no energies that are covered, or can do nothing.
    """
    nuclei = [(element.Z, round(element.A)) for element in material.elements]
    kinds = [pdg for pdg, spectrum in flux.spectra.items() if float(spectrum.max()) > 0]
    low, high = max(LOWEST, float(flux.energy[0])), min(HIGHEST, float(flux.energy[-1]))
    if low >= high:
        raise InputError(f"the flux has nothing between {LOWEST:g} and {HIGHEST:g} MeV; give one that has")
    grid = torch.linspace(low, high, _GRID, dtype=torch.float64)
    densities = torch.tensor(material.number_densities, dtype=torch.float64)
    seen = torch.stack(
        [_cross_sections(pdg, grid, nuclei, settings, current) for pdg in kinds]
    )  # kind, nucleus, energy
    spectra = torch.stack([flux.at(pdg, grid) for pdg in kinds])
    weight = spectra * torch.einsum("keg,e->kg", seen, densities)
    both = (weight[:, 1:] > 0) & (weight[:, :-1] > 0)  # no cell with a threshold inside
    parts = torch.where(both, 0.5 * (weight[:, 1:] + weight[:, :-1]), 0.0)
    if not float(parts.sum()) > 0:
        raise InputError(f"the flux can do nothing by currents '{current}'; give more energy or other currents")
    return _RateTable(kinds, nuclei, densities, grid, seen, weight, parts)


def _cross_sections(
    pdg: int, energy: Tensor, nuclei: list[tuple[int, int]], settings: GeneratorSettings, current: Current
) -> Tensor:
    """Cross sections (nuclei, energies) in cm^2."""
    return torch.stack([rates(pdg, z, a, settings, current).total(energy) for z, a in nuclei])


def _along(uniform: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Share (N,) of a cell whose density goes straight from one value to another."""
    root = torch.sqrt(low**2 + uniform * (high**2 - low**2))
    return uniform * (low + high) / (low + root).clamp(min=1e-300)


def _directions(n: int, detector: Detector | Block, flux: Flux, generator: torch.Generator) -> Tensor:
    """Unit vectors (N, 3) of travel."""
    if flux.arrival == "sky":
        return isotropic(n, generator, torch.float64)
    beam = detector.beam if isinstance(detector, Detector) else (0.0, 0.0, 1.0)
    return torch.tensor(beam, dtype=torch.float64).expand(n, 3)


def _vertices(n: int, detector: Detector | Block, generator: torch.Generator) -> Tensor:
    """Points (N, 3) in cm, even in the volumes."""
    lower = torch.tensor([volume.lower for volume in detector.volumes], dtype=torch.float64)
    upper = torch.tensor([volume.upper for volume in detector.volumes], dtype=torch.float64)
    sums = (upper - lower).prod(1).cumsum(0)
    uniform = torch.rand((4, n), generator=generator, dtype=torch.float64)
    which = torch.searchsorted(sums, uniform[0] * sums[-1], right=True).clamp(max=len(sums) - 1)
    return lower[which] + uniform[1:].T * (upper - lower)[which]
