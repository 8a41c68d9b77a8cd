"""Channels: what a neutrino may do to a nucleus, how often, and what it leaves. On one nucleon they have one body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import torch
from scipy.stats.qmc import Sobol
from torch import Tensor

from nuforge.simulation.four_momenta import scalar_product
from nuforge.simulation.nucleus.hadrons import MASS, PDG, Hadron, is_nucleon
from nuforge.simulation.sources.neutrino.modes import Probe, number
from nuforge.simulation.sources.neutrino.nuclei import UNIFORMS, Nuclei, Struck
from nuforge.simulation.sources.neutrino.tables import Scattering
from nuforge.simulation.sources.neutrino.vertex import Born, Hadrons, Vertex, energy_at_rest, scatter

FASTEST = 1.35
"""Largest energy where a nucleon of the Fermi sea rests, over that where the nucleus does."""
_AVERAGED = 2048
_AT_ONCE = 4096
_MOST_ROUNDS = 10_000


@runtime_checkable
class Channel(Protocol):
    """One way in which one kind of neutrino scatters.

    Attributes:
        mode: NuHepMC's number.
        charged: Whether by a charged current.
        whole: Whether the nucleus stays whole, and hadrons leave it as they are.
    """

    @property
    def mode(self) -> int: ...

    @property
    def charged(self) -> bool: ...

    @property
    def whole(self) -> bool: ...

    def cross_sections(self, energy: Tensor, nuclei: Nuclei) -> Tensor:
        """Cross sections (K, E) in cm^2 of nuclei at energies (E,) in MeV."""
        ...

    def scatter(self, neutrino: Tensor, which: Tensor, nuclei: Nuclei, generator: torch.Generator) -> Born:
        """What neutrinos (N, 4) leave of nuclei at rows `which` (N,)."""
        ...


@dataclass(frozen=True)
class OfProbe:
    """What channels share that one kind of neutrino has with whole nuclei or pairs in them.

    Args:
        probe: What scatters.
    """

    probe: Probe
    by_charged_current: ClassVar[int]
    whole: ClassVar[bool]

    @property
    def mode(self) -> int:
        """NuHepMC's number."""
        return number(self.by_charged_current, self.probe)

    @property
    def charged(self) -> bool:
        """Whether by a charged current."""
        return self.probe.charged


HadronMaker = Callable[[Vertex, Tensor], Hadrons]
"""Hadrons of vertices, by uniform numbers (H, N)."""


@dataclass(frozen=True)
class NucleonChannel:
    """Scattering on one nucleon of a kind.

    Args:
        mode: NuHepMC's number.
        charged: Whether by a charged current.
        kind: What is hit.
        charge: What the hadrons get.
        scattering: Cross section on it when free.
        hadrons: What is made of it.
        uniforms: How many uniform numbers that takes.
        blocked: Whether a nucleon among its hadrons needs room in the Fermi sea.
        forms: Whether hadrons take time to form.
        whole: Never.
    """

    mode: int
    charged: bool
    kind: Hadron
    charge: int
    scattering: Scattering
    hadrons: HadronMaker
    uniforms: int
    blocked: bool = True
    forms: bool = False
    whole: bool = False

    def cross_sections(self, energy: Tensor, nuclei: Nuclei) -> Tensor:
        """Mean over the nucleons of each nucleus, whose motion changes flux and energy, times their number.

        What Pauli's principle forbids does not count. Quasi-random: Sobol's points, the same at each energy.
        """
        points = Sobol(UNIFORMS + 3 + (self.uniforms if self.blocked else 0), scramble=False).random(_AVERAGED)
        uniform = torch.from_numpy(points.T + 0.5 / _AVERAGED)
        return torch.stack([self._averaged(energy, nuclei, row, uniform) for row in range(len(nuclei.z))])

    def _averaged(self, energy: Tensor, nuclei: Nuclei, row: int, uniform: Tensor) -> Tensor:
        """Cross sections (E,) of one nucleus by uniform numbers (U, P), those of one nucleon where none moves."""
        moves = int(nuclei.a[row]) > 1
        n, p = len(energy), uniform.shape[1] if moves else 1
        struck = nuclei.struck(torch.full((p,), row), self.kind, uniform[:UNIFORMS, :p])
        again = torch.arange(p).repeat(n)
        along = torch.zeros(n * p, 4, dtype=torch.float64)
        along[:, 0] = along[:, 3] = energy.repeat_interleave(p)
        weight = self._weight(along, struck.four[again])
        inside = (weight > 0).nonzero().squeeze(1)
        if self.blocked and moves and len(inside):
            point = again[inside]
            vertex = self._vertex(along[inside], struck[point], uniform[UNIFORMS : UNIFORMS + 3, point])
            found = self.hadrons(vertex, uniform[UNIFORMS + 3 :, point])
            enough = nuclei.leaves_enough(torch.full_like(point, row), vertex.transfer, self.charge)
            weight[inside] = torch.where(has_room(found, vertex.struck) & enough, weight[inside], 0.0)
        return self._count(nuclei, row) * weight.view(n, p).mean(1)

    def scatter(self, neutrino: Tensor, which: Tensor, nuclei: Nuclei, generator: torch.Generator) -> Born:
        """What neutrinos leave; nucleons are drawn as often as they scatter."""
        size = len(which)
        bound = self.scattering.bound(neutrino[:, 0] * FASTEST) * FASTEST
        rows, vertices, found = [], [], []
        waiting = torch.arange(size)
        for _ in range(_MOST_ROUNDS):
            tries = min(max(_AT_ONCE // len(waiting), 1), 64)
            each = waiting.repeat_interleave(tries) if tries > 1 else waiting
            uniform = torch.rand((UNIFORMS + 4 + self.uniforms, len(each)), generator=generator, dtype=torch.float64)
            struck = nuclei.struck(which[each], self.kind, uniform[:UNIFORMS])
            weight = self._weight(neutrino[each], struck.four)
            good = (uniform[UNIFORMS] * bound[each] < weight).nonzero().squeeze(1)
            vertex = self._vertex(neutrino[each[good]], struck[good], uniform[UNIFORMS + 1 : UNIFORMS + 4, good])
            made = self.hadrons(vertex, uniform[UNIFORMS + 4 :, good])
            keep = self._allowed(made, vertex, which[each[good]], nuclei)
            keep = keep[_first(each[good[keep]])] if tries > 1 else keep
            done = each[good[keep]]
            rows.append(done)
            vertices.append(_rows_of(vertex, keep))
            found.append(made[keep])
            left = torch.ones(size, dtype=torch.bool)
            left[torch.cat(rows)] = False
            waiting = left.nonzero().squeeze(1)
            if not len(waiting):
                break
        else:
            raise RuntimeError(f"{len(waiting)} neutrinos found no nucleon to scatter on in mode {self.mode}")
        order = torch.cat(rows).argsort()
        return self._born(vertices, found, order)

    def _allowed(self, made: Hadrons, vertex: Vertex, which: Tensor, nuclei: Nuclei) -> Tensor:
        """Rows of vertices that the Fermi sea and the energy of the nucleus allow."""
        if not self.blocked:
            return torch.arange(len(which))
        allowed = has_room(made, vertex.struck) & nuclei.leaves_enough(which, vertex.transfer, self.charge)
        return (allowed | (nuclei.a[which] == 1)).nonzero().squeeze(1)

    def _born(self, vertices: list[Vertex], found: list[Hadrons], order: Tensor) -> Born:
        def joined(parts: list[Tensor]) -> Tensor:
            return torch.cat(parts)[order]

        n = len(order)
        protons = 1 if self.kind is Hadron.PROTON else 0
        return Born(
            lepton=joined([v.lepton for v in vertices]),
            hadrons=Hadrons.concat(found)[order],
            position=joined([v.struck.position for v in vertices]),
            depth=joined([v.struck.depth for v in vertices]),
            protons=torch.full((n,), protons),
            nucleons=torch.ones(n, dtype=torch.int64),
            struck=torch.full((n,), int(PDG[int(self.kind)])),
            w=joined([v.w for v in vertices]),
            forms=torch.full((n,), self.forms),
        )

    def _count(self, nuclei: Nuclei, row: int) -> int:
        protons = int(nuclei.z[row])
        return protons if self.kind is Hadron.PROTON else int(nuclei.a[row]) - protons

    def _weight(self, neutrino: Tensor, nucleon: Tensor) -> Tensor:
        """Cross section (N,) where the nucleon rests, times its flux, of four-momenta (N, 4) of both."""
        at_rest = energy_at_rest(neutrino, nucleon, self.scattering.range.target)
        product = neutrino[:, 0] * nucleon[:, 0] - scalar_product(neutrino[:, 1:], nucleon[:, 1:])
        flux = product / (neutrino[:, 0] * nucleon[:, 0])
        opens = at_rest > self.scattering.energies.lowest
        return torch.where(opens, self.scattering.cross_section(at_rest) * flux, 0.0)

    def _vertex(self, neutrino: Tensor, struck: Struck, uniform: Tensor) -> Vertex:
        at_rest = energy_at_rest(neutrino, struck.four, self.scattering.range.target)
        w, q2 = self.scattering.draw(at_rest, uniform[:2])
        reach = self.scattering.range
        return scatter(neutrino, struck, reach.target, reach.lepton, w, q2, uniform[2])


def has_room(hadrons: Hadrons, struck: Struck) -> Tensor:
    """Whether no nucleon (N,) goes where the Fermi sea is full."""
    nucleon = is_nucleon(hadrons.kind) & (hadrons.kind >= 0)
    fermi = struck.fermi.gather(1, hadrons.kind.clamp(0, 1))
    full: Tensor = (nucleon & (hadrons.four[..., 1:].norm(dim=2) < fermi)).any(1)
    return ~full


def _first(owner: Tensor) -> Tensor:
    """Where each number occurs first in a list that is in order."""
    new = torch.ones(len(owner), dtype=torch.bool)
    new[1:] = owner[1:] != owner[:-1]
    return new.nonzero().squeeze(1)


def _rows_of(vertex: Vertex, rows: Tensor) -> Vertex:
    return Vertex(vertex.neutrino[rows], vertex.struck[rows], vertex.lepton[rows], vertex.system[rows], vertex.w[rows])


def mass_of(kind: Hadron) -> float:
    """Mass in MeV."""
    return float(MASS[int(kind)])
