"""Scattering on pairs of nucleons, by meson exchange: two particles, two holes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from nuforge.physics.two_nucleon_currents import LEAST, MOST, PAIR_MASS, UNLIKE, pair_shape
from nuforge.simulation.directions import isotropic
from nuforge.simulation.four_momenta import two_bodies
from nuforge.simulation.nucleus.hadrons import CHARGE, MASS, Hadron, nucleon_of_charge
from nuforge.simulation.sources.neutrino.channel import NucleonChannel, OfProbe, has_room
from nuforge.simulation.sources.neutrino.modes import Probe
from nuforge.simulation.sources.neutrino.nuclei import Nuclei, Struck
from nuforge.simulation.sources.neutrino.settings import GeneratorSettings
from nuforge.simulation.sources.neutrino.tables import Range, Scattering
from nuforge.simulation.sources.neutrino.vertex import Born, Hadrons, energy_at_rest, scatter

MODE = 300
_MOST_ROUNDS = 10_000


@dataclass(frozen=True)
class PairChannel(OfProbe):
    """Scattering on pairs of nucleons.

    Args:
        probe: What scatters.
        share: Of the quasi-elastic cross section.
        quasi_elastic: The channels of which it is a share.
        scattering: Shape of the cross section.
    """

    share: float
    quasi_elastic: tuple[NucleonChannel, ...]
    scattering: Scattering

    by_charged_current: ClassVar[int] = MODE
    whole: ClassVar[bool] = False

    def cross_sections(self, energy: Tensor, nuclei: Nuclei) -> Tensor:
        """Cross sections (K, E) in cm^2, none on hydrogen."""
        total = torch.stack([channel.cross_sections(energy, nuclei) for channel in self.quasi_elastic]).sum(0)
        opens = (nuclei.a > 1).unsqueeze(1) & (self.scattering.cross_section(energy) > 0)
        return torch.where(opens, self.share * total, 0.0)

    def scatter(self, neutrino: Tensor, which: Tensor, nuclei: Nuclei, generator: torch.Generator) -> Born:
        """What neutrinos leave: both nucleons go apart in any direction where their centre rests."""
        first, second = self._pairs(len(which), generator)
        charge = CHARGE[first] + CHARGE[second]
        after = charge + self.probe.charge
        kinds = torch.stack([nucleon_of_charge((after > 0).long()), nucleon_of_charge((after > 1).long())], 1)
        lepton, four = torch.zeros_like(neutrino), torch.zeros(len(which), 2, 4, dtype=torch.float64)
        position, depth = torch.zeros_like(neutrino[:, 1:]), torch.zeros_like(neutrino[:, :2])
        w = torch.zeros_like(neutrino[:, 0])
        waiting = torch.arange(len(which))
        for _ in range(_MOST_ROUNDS):
            uniform = torch.rand((12, len(waiting)), generator=generator, dtype=torch.float64)
            struck = self._struck(which[waiting], first[waiting], second[waiting], nuclei, uniform)
            at_rest = energy_at_rest(neutrino[waiting], struck.four, PAIR_MASS)
            mass, q2 = self.scattering.draw(at_rest, uniform[9:11])
            reach = self.scattering.range
            vertex = scatter(neutrino[waiting], struck, PAIR_MASS, reach.lepton, mass, q2, uniform[11])
            way = isotropic(len(waiting), generator, torch.float64)
            one, two = two_bodies(vertex.system, MASS[kinds[waiting, 0]], MASS[kinds[waiting, 1]], way)
            made = Hadrons(kinds[waiting], torch.stack([one, two], 1))
            keep = has_room(made, struck) & (self.scattering.cross_section(at_rest) > 0)
            keep = keep & nuclei.leaves_enough(which[waiting], vertex.transfer, self.probe.charge)
            done = waiting[keep]
            lepton[done], four[done], w[done] = vertex.lepton[keep], made.four[keep], mass[keep]
            position[done], depth[done] = struck.position[keep], struck.depth[keep]
            waiting = waiting[~keep]
            if not len(waiting):
                break
        else:
            raise RuntimeError(f"{len(waiting)} neutrinos found no pair of nucleons to scatter on")
        none, two_each = torch.zeros_like(which), torch.full_like(which, 2)
        return Born(lepton, Hadrons(kinds, four), position, depth, charge, two_each, none, w, none.bool())

    def _pairs(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Kinds (N,) of both nucleons; pairs of one kind are of that on which charge allows it."""
        u = torch.rand((2, n), generator=generator, dtype=torch.float64)
        neutrons = u[1] < 0.5 if self.probe.charge == 0 else torch.full((n,), self.probe.charge > 0)
        like = torch.where(neutrons, int(Hadron.NEUTRON), int(Hadron.PROTON))
        unlike = u[0] < UNLIKE
        return torch.where(unlike, int(Hadron.PROTON), like), torch.where(unlike, int(Hadron.NEUTRON), like)

    def _struck(self, which: Tensor, first: Tensor, second: Tensor, nuclei: Nuclei, uniform: Tensor) -> Struck:
        """Pairs at one place, with the sum of their four-momenta."""
        place = nuclei.place(which, uniform[:3])
        fours = []
        for kinds, numbers in ((first, uniform[3:6]), (second, uniform[6:9])):
            found = [nuclei.struck_at(which, place, kind, numbers) for kind in (Hadron.PROTON, Hadron.NEUTRON)]
            proton = (kinds == int(Hadron.PROTON)).unsqueeze(1)
            fours.append(torch.where(proton, found[0].four, found[1].four))
        return Struck(place, fours[0] + fours[1], found[0].fermi, found[0].depth)


def pair_channels(
    probe: Probe, settings: GeneratorSettings, quasi_elastic: tuple[NucleonChannel, ...]
) -> tuple[PairChannel, ...]:
    """One channel, or none without a share."""
    if settings.pair_share == 0:
        return ()

    def density(energy: Tensor, w: Tensor, q2: Tensor) -> Tensor:
        return pair_shape(energy, w, q2, probe.lepton_mass)

    reach = Range(PAIR_MASS, probe.lepton_mass, LEAST, MOST)
    scattering = Scattering.of(density, reach, points=60, n_masses=60)
    return (PairChannel(probe, settings.pair_share, quasi_elastic, scattering),)
