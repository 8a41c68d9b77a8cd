"""Where the energy of simulated events goes: the books of a transport that say whether it keeps what must be kept."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.events import Events, Process, Table
from nuforge.physics.constants import ELECTRON_MASS
from nuforge.physics.nuclei import nuclear_mass
from nuforge.physics.particles import baryon_number_of, charge_of, is_neutrino, is_nucleus, mass_of

_PROTON = 2212
_BREAKING = (Process.INELASTIC, Process.CAPTURE, Process.NEUTRON_CAPTURE)


@dataclass(frozen=True)
class EnergyBudget:
    """Energies of B events in MeV, (B,) each, float64.

    Args:
        primary: Kinetic energy of the primaries, neutrinos among them.
        released: Rest energy of primaries and of nuclei that were hit, less that of all that is left: negative where
            nuclei were broken up, positive where particles decayed or were captured.
        deposited: In segments.
        neutrinos: Of neutrinos.
        escaped: Kinetic energy of what left the volume.
    """

    primary: Tensor
    released: Tensor
    deposited: Tensor
    neutrinos: Tensor
    escaped: Tensor

    @property
    def missing(self) -> Tensor:
        """What is nowhere (B,), 0 but for rounding in a transport that conserves energy."""
        return self.primary + self.released - self.deposited - self.neutrinos - self.escaped


@dataclass(frozen=True)
class StruckNuclei:
    """M nuclei that interactions broke up or that captured: what charge and baryon number of the products ask for.

    Args:
        particle: Who hit them, rows (M,) of `particles`.
        z: Protons (M,).
        a: Nucleons (M,).
    """

    particle: Tensor
    z: Tensor
    a: Tensor


def struck_nuclei(particles: Table) -> StruckNuclei:
    """The nuclei of inelastic interactions and captures, from their products: charge and baryon number tell.

    Args:
        particles: pdg, parent and process.
    """
    pdg, parent = particles["pdg"], particles["parent"]
    product = torch.isin(particles["process"], torch.tensor([int(p) for p in _BREAKING])) & (parent >= 0)
    n = len(pdg)
    charge, baryon = (
        torch.zeros(n, dtype=torch.int64).index_add_(0, parent[product], number_of(pdg[product]))
        for number_of in (charge_of, baryon_number_of)
    )
    hit = torch.zeros(n, dtype=torch.bool)
    hit[parent[product]] = True
    z, a = charge - charge_of(pdg), baryon - baryon_number_of(pdg)
    rows = (hit & (baryon > 0)).nonzero().squeeze(1)
    return StruckNuclei(rows, z[rows], a[rows])


def energy_budget(events: Events) -> EnergyBudget:
    """The budget of each event that a transport has completed.

    Rest energies are those of neutral atoms: every charge brings its electrons, so the electrons of the medium, which
    are knocked out, left over and annihilated, need no account. The binding of electrons in atoms is left out.

    Args:
        events: `particles` with "escaped", and `segments`.

    Raises:
        InputError: If the transport has not recorded what escapes.
    """
    particles, segments = events["particles"], events["segments"]
    if "escaped" not in particles:
        raise InputError(
            f"particles have no column 'escaped', only {sorted(particles)}; an energy budget needs a transport that "
            "records what leaves the volume"
        )
    pdg, process = particles["pdg"], particles["process"]
    mass, escaped = mass_of(pdg), particles["escaped"].double()
    squared = particles["momentum"].double().square().sum(1)
    kinetic = squared / (torch.sqrt(squared + mass**2) + mass).clamp(min=1e-30)
    rest = mass + ELECTRON_MASS * charge_of(pdg)
    neutrino = is_neutrino(pdg)
    primary = particles["parent"] < 0
    struck = struck_nuclei(particles)
    ends_in_nucleus = torch.zeros(len(pdg), dtype=torch.bool)
    ends_in_nucleus[struck.particle] = True
    remains = (escaped >= 0) | is_nucleus(pdg) | ((pdg == _PROTON) & ~ends_in_nucleus)
    before = torch.where(primary | (process == Process.ELASTIC), rest, 0.0)
    before[struck.particle] += nuclear_mass(struck.z, struck.a) + ELECTRON_MASS * struck.z
    released = before - torch.where(remains, rest, 0.0)

    def per_event(values: Tensor, of: Table = particles) -> Tensor:
        return torch.zeros(len(events), dtype=torch.float64).index_add_(0, of.batch, values)

    return EnergyBudget(
        per_event(torch.where(primary, kinetic, 0.0)),
        per_event(released),
        per_event(segments["energy"].double(), segments),
        per_event(torch.where(neutrino, kinetic, 0.0)),
        per_event(escaped.clamp(min=0)),
    )
