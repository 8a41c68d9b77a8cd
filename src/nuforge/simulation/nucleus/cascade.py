"""The intranuclear cascade: hadrons cross nuclei step by step, all of all nuclei at once.

A nucleus is a Fermi gas with the local density of Woods and Saxon. A hadron flies straight in short steps; in each it
may meet a nucleon of the local Fermi sea with the cross section on free nucleons, unless Pauli's principle forbids what
would come out; pions may be absorbed by pairs of nucleons. Nucleons too slow to leave stay, and their energy heats what
is left.

Source of the method: Bertini, Phys. Rev. 131 (1963) 1801; Cugnon et al., Nucl. Phys. A 620 (1997) 475.
Validity: some 20 MeV to 2 GeV; one pion at most is made in a collision.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.physics.hadron_nucleon import pion_deuteron_absorption
from nuforge.simulation.directions import isotropic
from nuforge.simulation.drawing import drawn_by_rate
from nuforge.simulation.four_momenta import four_momentum
from nuforge.simulation.nucleus.channels import Channel, cross_sections
from nuforge.simulation.nucleus.collisions import Outcome, absorb, collide, rest_frame_momentum
from nuforge.simulation.nucleus.dials import NOMINAL, CascadeDials
from nuforge.simulation.nucleus.hadrons import BARYON, CHARGE, MASS, Hadron, is_nucleon, is_pion
from nuforge.simulation.nucleus.target import Target

STEP = 0.7  # fm, half of the mean free path of fast hadrons
MOST_STEPS = 400
SATURATION = 0.17  # nucleons per fm^3
PAIRS = 20.0  # pairs that absorb pions, per N Z / A: as much as Ashery et al., Phys. Rev. C 23 (1981) 2173, measured
LIKE_PAIRS = 0.1  # of absorptions where either pair can be, on two nucleons of one kind
LIKE_PAIRS_AT_REST = 0.4
"""The same of a pion at rest. With as many neutrons as protons a pi- goes to pn four times as often as to pp.

Measured: 4.0 (+0.8 -1.5) in 4He (Daum et al., Nucl. Phys. A 589 (1995) 553), 3.5 in 28Si (Gurov et al., NUCLEUS-2022).
"""
IN_MEDIUM = 0.35  # less at saturation do nucleons scatter than free ones (Li and Machleidt, Phys. Rev. C 49 (1994) 566)
FEWEST = 3  # nucleons: fewer are not broken up further
MB = 0.1  # fm^2
_TOGETHER = 3000  # tries of a first collision that fly together
_ABSORBED = 4  # a channel beyond those of `Channel`


@dataclass(frozen=True)
class Swarm:
    """M hadrons on their way through nuclei.

    Args:
        owner: Rows (M,) of their nuclei.
        kind: `Hadron` (M,).
        position: From the middle of the nucleus (M, 3), fm.
        direction: Unit vectors (M, 3).
        energy: Kinetic energy (M,) in MeV that they have outside of the nucleus.
    """

    owner: Tensor
    kind: Tensor
    position: Tensor
    direction: Tensor
    energy: Tensor

    def __len__(self) -> int:
        return len(self.owner)

    def __getitem__(self, key: Tensor | slice) -> Swarm:
        return Swarm(self.owner[key], self.kind[key], self.position[key], self.direction[key], self.energy[key])

    @staticmethod
    def concat(parts: list[Swarm]) -> Swarm:
        """Swarms end to end."""
        names = ("owner", "kind", "position", "direction", "energy")
        return Swarm(*(torch.cat([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True)
class _Hits:
    """C collisions that happen in a step.

    Args:
        rows: Who collides, rows (C,) of the swarm.
        outcome: What comes out.
        protons: Protons (C,) that nuclei lose as partners.
        nucleons: Nucleons (C,) that they lose.
        position: Where (C, 3), fm.
        density: Nucleons per fm^3 there (C,).
    """

    rows: Tensor
    outcome: Outcome
    protons: Tensor
    nucleons: Tensor
    position: Tensor
    density: Tensor

    def __getitem__(self, key: Tensor) -> _Hits:
        outcome = Outcome(self.outcome.kind[key], self.outcome.four[key])
        values = (self.protons[key], self.nucleons[key], self.position[key], self.density[key])
        return _Hits(self.rows[key], outcome, *values)


def cascade(swarm: Swarm, target: Target, generator: torch.Generator, dials: CascadeDials = NOMINAL) -> Swarm:
    """The hadrons that leave the nuclei; `target.z` and `target.a` become what stays.

    Args:
        swarm: Who begins inside.
        target: The nuclei.
        generator: Source of randomness.
        dials: Systematic parameters.
    """
    out = [swarm[:0]]
    for _ in range(MOST_STEPS):
        if not len(swarm):
            break
        before = swarm
        swarm, stays, hits = _step(before, target, generator, dials=dials)
        out.append(before[~stays])
        if len(hits.rows):
            hits = hits[_first_of_owner(swarm.owner[hits.rows])]
            flies = torch.ones(len(swarm), dtype=torch.bool)
            flies[hits.rows] = False
            swarm = Swarm.concat([swarm[flies], _replace(swarm.owner[hits.rows], hits, target)])
    swallow(swarm, target)
    return Swarm.concat(out)


def first_collisions(
    kind: Tensor,
    energy: Tensor,
    direction: Tensor,
    target: Target,
    tries: Tensor,
    generator: torch.Generator,
) -> Swarm:
    """Who flies inside after the first collision of the hadron (N,) that comes to each nucleus.

    Hadrons come at any distance from the middle, evenly, again and again until one collides; after all their tries they
    are swallowed. Several tries fly together, and the first in order that collided counts.

    Args:
        kind: Hadrons (N,).
        energy: Kinetic energies (N,) in MeV.
        direction: Unit vectors (N, 3).
        target: The nuclei; what the collisions take is taken.
        tries: How many (N,), 1 or more.
        generator: Source of randomness.
    """
    left, born = tries.clone(), []
    while True:
        waiting = (left > 0).nonzero().squeeze(1)
        if not len(waiting):
            break
        now = left[waiting].clamp(max=max(_TOGETHER // len(waiting), 1))
        left[waiting] -= now
        owner = waiting.repeat_interleave(now)
        position = _front(direction[owner], target.edge[owner], generator)
        swarm = Swarm(owner, kind[owner], position, direction[owner], energy[owner])
        number, found, numbers = torch.arange(len(owner)), [], []
        while len(swarm):
            swarm, stays, hits = _step(swarm, target, generator, comes=True)
            number = number[stays]
            found.append(hits)
            numbers.append(number[hits.rows])
            flies = torch.ones(len(swarm), dtype=torch.bool)
            flies[hits.rows] = False
            swarm, number = swarm[flies], number[flies]
        which = torch.cat(numbers)
        order = which.argsort()
        keep = order[_first_of_owner(owner[which[order]])]
        hits = _together(found)[keep]
        done = owner[which[keep]]
        born.append(_replace(done, hits, target))
        left[done] = -1
    waiting = (left == 0).nonzero().squeeze(1)
    at_rest = torch.zeros(len(waiting), 3, dtype=torch.float64)
    none = Swarm(waiting, kind[waiting], at_rest, direction[waiting], energy[waiting])
    swallow(none, target)
    return Swarm.concat([none[:0], *born])


def _together(hits: list[_Hits]) -> _Hits:
    """Hits end to end."""
    names = ("protons", "nucleons", "position", "density")
    outcome = Outcome(*(torch.cat([getattr(h.outcome, name) for h in hits]) for name in ("kind", "four")))
    return _Hits(torch.cat([h.rows for h in hits]), outcome, *(torch.cat([getattr(h, n) for h in hits]) for n in names))


def _front(direction: Tensor, edge: Tensor, generator: torch.Generator) -> Tensor:
    """Points (N, 3) on the front half of spheres of radius `edge` (N,), even over the disc that is seen."""
    u = torch.rand(len(edge), generator=generator, dtype=torch.float64)
    any_way = isotropic(len(edge), generator, torch.float64)
    across = any_way - (any_way * direction).sum(1, keepdim=True) * direction
    across = across / across.norm(dim=1, keepdim=True).clamp(min=1e-9)
    distance = 0.999 * edge * u.sqrt()
    front: Tensor = across * distance.unsqueeze(1) - direction * torch.sqrt(edge**2 - distance**2).unsqueeze(1)
    return front


def swallow(swarm: Swarm, target: Target) -> None:
    """Hadrons become part of their nuclei."""
    target.change(swarm.owner, CHARGE[swarm.kind], BARYON[swarm.kind])


def _step(
    swarm: Swarm, target: Target, generator: torch.Generator, comes: bool = False, dials: CascadeDials = NOMINAL
) -> tuple[Swarm, Tensor, _Hits]:
    """One step: who is inside after it, which of the swarm (M,) those are, and their collisions.

    The swarm `comes` from outside, or not.
    """
    middle = swarm.position + swarm.direction * (0.5 * STEP)
    r = middle.norm(dim=1)
    stays = (r <= target.edge[swarm.owner]) | ((middle * swarm.direction).sum(1) < 0)
    swarm, middle = swarm[stays], middle[stays]
    density = target.density(swarm.owner, r[stays])
    four, size = _four_momenta(swarm, density, target, comes)

    partner, partner_four = _partner(swarm.owner, target, density, generator)
    lab = rest_frame_momentum(swarm.kind, four, partner, partner_four)
    share = (target.a / target.a0)[swarm.owner]
    flux = lab * MASS[partner] / (partner_four[:, 0] * size.clamp(min=1e-6))
    medium = torch.where(is_nucleon(swarm.kind), 1 - IN_MEDIUM * density / SATURATION, 1.0)
    rates = cross_sections(swarm.kind, partner, lab) * (MB * density * share * flux * medium).unsqueeze(1)
    rates = torch.cat([rates, _absorption(swarm, target, density, share, size).unsqueeze(1)], 1)
    rates = rates * _factors(swarm.kind, dials)
    enough = target.a[swarm.owner] >= FEWEST
    rate = rates.sum(1) * enough
    uniform = torch.rand((2, len(swarm)), generator=generator, dtype=torch.float64)
    hit = (uniform[0] < -torch.expm1(-rate * STEP)).nonzero().squeeze(1)
    channel = drawn_by_rate(uniform[1, hit] * rate[hit], rates[hit])
    hits = _allowed(swarm, hit, channel, four, partner, partner_four, middle, density, target, generator)
    end = middle + swarm.direction * (0.5 * STEP)
    return Swarm(swarm.owner, swarm.kind, end, swarm.direction, swarm.energy), stays, hits


def _factors(kind: Tensor, dials: CascadeDials) -> Tensor:
    """Factors (M, 5) on the rates by channel, absorption last."""
    length = torch.where(is_pion(kind), dials.pion_mean_free_path, 1.0)
    length = torch.where(is_nucleon(kind), dials.nucleon_mean_free_path, length)
    channel = torch.ones(_ABSORBED + 1, dtype=torch.float64)
    channel[Channel.EXCHANGE], channel[_ABSORBED] = dials.charge_exchange, dials.pion_absorption
    return channel / length.unsqueeze(1)


def _first_of_owner(owner: Tensor) -> Tensor:
    """Where each nucleus occurs first in `owner` (C,), in order: two collisions could take the same nucleon."""
    names, order = torch.unique(owner, return_inverse=True)
    first = torch.full((len(names),), len(owner)).scatter_reduce(0, order, torch.arange(len(owner)), "amin")
    return first.sort().values


def _partner(owner: Tensor, target: Target, density: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A nucleon of the local Fermi sea for each: kinds (M,) and four-momenta (M, 4)."""
    uniform = torch.rand((2, len(owner)), generator=generator, dtype=torch.float64)
    proton = uniform[0] * target.a[owner] < target.z[owner]
    kind = torch.where(proton, int(Hadron.PROTON), int(Hadron.NEUTRON))
    return kind, _of_fermi_sea(owner, kind, target, density, uniform[1], generator)


def _of_fermi_sea(
    owner: Tensor, kind: Tensor, target: Target, density: Tensor, uniform: Tensor, generator: torch.Generator
) -> Tensor:
    """Four-momenta (M, 4) of nucleons, even in the sphere of the local Fermi momentum by `uniform` numbers (M,)."""
    size = target.fermi_momentum(owner, kind, density) * uniform ** (1 / 3)
    return four_momentum(isotropic(len(owner), generator, torch.float64) * size.unsqueeze(1), MASS[kind])


def absorbed_by_pairs(swarm: Swarm, target: Target, generator: torch.Generator) -> tuple[Tensor, Swarm]:
    """Pions that pairs of nucleons absorb where they are: those rows (C,) of nuclei, and who flies instead.

    Where Pauli's principle forbids what would come out, nothing happens. One pion a nucleus.
    """
    return _happens_here(swarm, torch.full_like(swarm.kind, _ABSORBED), target, generator)


def met(swarm: Swarm, channel: Channel, target: Target, generator: torch.Generator) -> tuple[Tensor, Swarm]:
    """Hadrons that meet a nucleon where they are, by `channel`; as `absorbed_by_pairs`."""
    return _happens_here(swarm, torch.full_like(swarm.kind, int(channel)), target, generator)


def _happens_here(swarm: Swarm, channel: Tensor, target: Target, generator: torch.Generator) -> tuple[Tensor, Swarm]:
    density = target.density(swarm.owner, swarm.position.norm(dim=1))
    four, _ = _four_momenta(swarm, density, target)
    partner, partner_four = _partner(swarm.owner, target, density, generator)
    rows = torch.arange(len(swarm))
    hits = _allowed(swarm, rows, channel, four, partner, partner_four, swarm.position, density, target, generator)
    owner = swarm.owner[hits.rows]
    return owner, _replace(owner, hits, target)


def _four_momenta(swarm: Swarm, density: Tensor, target: Target, comes: bool = False) -> tuple[Tensor, Tensor]:
    """Four-momenta (M, 4) inside, and the size (M,) of the momenta."""
    mass = MASS[swarm.kind]
    total = swarm.energy + target.depth(swarm.owner, swarm.kind, density, comes) + mass
    size = torch.sqrt((total**2 - mass**2).clamp(min=0))
    return torch.cat([total.unsqueeze(1), swarm.direction * size.unsqueeze(1)], 1), size


def _absorption(swarm: Swarm, target: Target, density: Tensor, share: Tensor, momentum: Tensor) -> Tensor:
    """Rate (M,) per fm at which pairs of nucleons absorb pions, 0 for other hadrons."""
    x = (target.z / target.a.clamp(min=1))[swarm.owner]
    pairs = PAIRS * x * (1 - x) * density * share**2 * (density / SATURATION)
    rate = MB * pairs * pion_deuteron_absorption(momentum)
    return torch.where(is_pion(swarm.kind), rate, 0.0)


def _allowed(
    swarm: Swarm,
    hit: Tensor,
    channel: Tensor,
    four: Tensor,
    partner: Tensor,
    partner_four: Tensor,
    position: Tensor,
    density: Tensor,
    target: Target,
    generator: torch.Generator,
) -> _Hits:
    """Collisions, by channel (C,), of the swarm's rows `hit` (C,) that charge and Pauli's principle allow.

    The other arguments are of the whole swarm: four-momenta inside, partners, where they meet.
    """
    absorbs = channel == _ABSORBED
    rows, pairs = hit[~absorbs], hit[absorbs]
    parts = [collide(swarm.kind[rows], four[rows], partner[rows], partner_four[rows], channel[~absorbs], generator)]
    charges, counts = [CHARGE[partner[rows]]], [torch.ones_like(rows)]
    if len(pairs):
        second, second_four = _second(swarm, pairs, partner[pairs], target, density[pairs], generator)
        pair_charge = CHARGE[partner[pairs]] + CHARGE[second]
        pair_four = partner_four[pairs] + second_four
        parts.append(absorb(swarm.kind[pairs], four[pairs], pair_four, pair_charge, generator))
        charges.append(pair_charge)
        counts.append(torch.full_like(pairs, 2))
        rows = torch.cat([rows, pairs])
    outcome = Outcome(torch.cat([part.kind for part in parts]), torch.cat([part.four for part in parts]))
    charge, count, nuclei = torch.cat(charges), torch.cat(counts), swarm.owner[rows]
    each = nuclei.repeat_interleave(3)
    fermi = target.fermi_momentum(each, outcome.kind.flatten(), density[rows].repeat_interleave(3)).view(-1, 3)
    nucleon = (outcome.kind >= 0) & is_nucleon(outcome.kind)
    forbidden = nucleon & (outcome.four[:, :, 1:].norm(dim=2) < fermi)
    left_z, left_a = target.z[nuclei] - charge, target.a[nuclei] - count
    good = ~forbidden.any(1) & (left_z >= 0) & (left_a >= left_z) & (left_a > 0)
    return _Hits(rows, outcome, charge, count, position[rows], density[rows])[good]


def _second(
    swarm: Swarm, rows: Tensor, partner: Tensor, target: Target, density: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The second nucleon of pairs that absorb a pion: the other kind but for a few, of a kind that charge allows."""
    u = torch.rand(len(rows), generator=generator, dtype=torch.float64)
    like = u < torch.where(swarm.energy[rows] > 0, LIKE_PAIRS, LIKE_PAIRS_AT_REST)
    second = torch.where(like, partner, 1 - partner)
    charge = CHARGE[swarm.kind[rows]] + CHARGE[partner] + CHARGE[second]
    impossible = (charge < 0) | (charge > 2)
    second = torch.where(impossible, 1 - second, second)
    share = torch.rand(len(rows), generator=generator, dtype=torch.float64)
    return second, _of_fermi_sea(swarm.owner[rows], second, target, density, share, generator)


def _replace(owner: Tensor, hits: _Hits, target: Target) -> Swarm:
    """Who flies after collisions in the nuclei `owner` (C,); nucleons that cannot leave become part of their nuclei."""
    target.change(owner, -hits.protons, -hits.nucleons)
    there = (hits.outcome.kind >= 0).flatten()
    each = owner.repeat_interleave(3)[there]
    kind = hits.outcome.kind.flatten()[there]
    four = hits.outcome.four.flatten(0, 1)[there]
    energy = hits.outcome.kinetic().flatten()[there]
    energy = energy - target.depth(each, kind, hits.density.repeat_interleave(3)[there])
    position = hits.position.repeat_interleave(3, dim=0)[there]
    direction = four[:, 1:] / four[:, 1:].norm(dim=1, keepdim=True).clamp(min=1e-9)
    born = Swarm(each, kind, position, direction, energy)
    stays = energy <= target.lowest(each, kind)
    swallow(born[stays], target)
    return born[~stays]
