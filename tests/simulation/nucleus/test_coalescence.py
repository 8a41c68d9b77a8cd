"""Nucleons that leave side by side form light nuclei."""

import itertools
import math

import pytest
import torch

from nuforge.physics.constants import NEUTRON_MASS, PROTON_MASS
from nuforge.physics.particles import mass_of
from nuforge.simulation.directions import isotropic
from nuforge.simulation.four_momenta import boosted, four_momentum, reversed_frame
from nuforge.simulation.nucleus.cascade import Swarm, absorbed_by_pairs
from nuforge.simulation.nucleus.coalescence import PAIR, QUADRUPLE, TRIPLE, coalesced
from nuforge.simulation.nucleus.hadrons import BARYON, CHARGE, MASS, Hadron, is_light_nucleus, is_nucleon
from nuforge.simulation.nucleus.target import Target
from tests.simulation.nucleus.paths import COMPILED, PLAIN

P, N, PI = int(Hadron.PROTON), int(Hadron.NEUTRON), int(Hadron.PI_PLUS)
FORMED = {(4, 2): Hadron.ALPHA, (3, 1): Hadron.TRITON, (3, 2): Hadron.HELIUM_3, (2, 1): Hadron.DEUTERON}
LIMITS = {4: QUADRUPLE, 3: TRIPLE, 2: PAIR}
DEUTERON = 1000010020


def leaving(kinds, vectors, owner=None):
    """Hadrons of momenta (M, 3) in MeV."""
    kind, vector = torch.tensor(kinds, dtype=torch.int64), torch.as_tensor(vectors, dtype=torch.float64)
    size, mass = vector.norm(dim=1), MASS[kind]
    energy = size**2 / (torch.sqrt(size**2 + mass**2) + mass)
    owner = torch.zeros_like(kind) if owner is None else owner
    return Swarm(owner, kind, torch.zeros_like(vector), vector / size.clamp(min=1e-9).unsqueeze(1), energy)


def momenta(swarm):
    mass = MASS[swarm.kind]
    return swarm.direction * torch.sqrt(swarm.energy * (swarm.energy + 2 * mass)).unsqueeze(1)


def kinds(swarm):
    return sorted(swarm.kind.tolist())


def seen_from(frame, vector, mass):
    """The momentum (3,) of a body where what it has now is in a frame that moves with `frame` (4,)."""
    mass = torch.tensor([mass], dtype=torch.float64)
    return boosted(four_momentum(torch.tensor([vector], dtype=torch.float64), mass), frame[None])[0, 1:]


@pytest.mark.parametrize("speed", [0.0, 0.2, 0.7])
@pytest.mark.parametrize(("momentum", "forms"), [(PAIR - 0.01, True), (PAIR + 0.01, False)])
def test_a_deuteron_forms_below_a_momentum_in_the_frame_of_the_pair_however_fast_that_is(speed, momentum, forms):
    gamma = 1 / math.sqrt(1 - speed**2)
    frame = torch.tensor([gamma, 0.0, 0.0, gamma * speed], dtype=torch.float64)
    vectors = [seen_from(frame, [momentum, 0, 0], PROTON_MASS), seen_from(frame, [-momentum, 0, 0], NEUTRON_MASS)]
    out = coalesced(leaving([P, N], torch.stack(vectors)))
    assert kinds(out) == ([int(Hadron.DEUTERON)] if forms else [P, N])
    torch.testing.assert_close(momenta(out).sum(0), sum(vectors), rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ([P, P, N, N], [Hadron.ALPHA]),
        ([P, N, N], [Hadron.TRITON]),
        ([P, P, N], [Hadron.HELIUM_3]),
        ([P, N], [Hadron.DEUTERON]),
        ([P, P], [P, P]),
        ([N, N, N], [N, N, N]),
        ([P, P, P, N, N], [P, Hadron.ALPHA]),
        ([P, P, N, N, N, N], [N, N, Hadron.ALPHA]),
        ([PI, N], [N, PI]),
        ([], []),
    ],
)
def test_nucleons_of_one_momentum_form_the_largest_nucleus_that_is_bound(inside, outside):
    out = coalesced(leaving(inside, torch.tensor([[0.0, 0.0, 300.0]]).expand(len(inside), 3)))
    assert kinds(out) == sorted(int(kind) for kind in outside)


def test_a_proton_takes_the_nearer_neutron():
    swarm = leaving([N, P, N], [[90.0, 0, 400], [0, 0, 400], [-250.0, 0, 400]])
    out = coalesced(swarm)
    assert kinds(out) == [N, int(Hadron.DEUTERON)]
    assert momenta(out)[out.kind == N][0].tolist() == pytest.approx([-250.0, 0, 400])


def test_nucleons_of_different_nuclei_do_not_meet():
    out = coalesced(leaving([P, N], [[0.0, 0, 300], [0.0, 0, 300]], owner=torch.tensor([0, 1])))
    assert kinds(out) == [P, N]


def crowd(n, most, generator):
    """Up to `most` nucleons and pions from each of n nuclei."""
    owner = torch.arange(n).repeat_interleave(torch.randint(0, most + 1, (n,), generator=generator))
    kind = torch.randint(0, 5, (len(owner),), generator=generator).clamp(max=PI)
    kind = torch.where(kind == PI, torch.randint(0, 3, (len(owner),), generator=generator), kind)
    vector = 130.0 * torch.randn(len(owner), 3, generator=generator, dtype=torch.float64)
    return leaving(kind.tolist(), vector, owner)


def test_charge_nucleons_and_momentum_of_each_nucleus_are_those_before():
    n = 400
    before = crowd(n, 12, torch.Generator().manual_seed(1))
    after = coalesced(before)
    assert int(is_light_nucleus(after.kind).sum()) > n // 2
    for numbers in (CHARGE, BARYON):
        sums = [torch.zeros(n, dtype=torch.int64).index_add_(0, s.owner, numbers[s.kind]) for s in (before, after)]
        assert torch.equal(*sums)
    sums = [torch.zeros(n, 3, dtype=torch.float64).index_add_(0, s.owner, momenta(s)) for s in (before, after)]
    torch.testing.assert_close(*sums, rtol=1e-12, atol=1e-9)


def in_turn(swarm):
    """Kinds that leave one nucleus, by trying all groups of its nucleons one by one."""
    four = four_momentum(momenta(swarm), MASS[swarm.kind])
    free = is_nucleon(swarm.kind).nonzero().squeeze(1).tolist()
    found = []
    for size, limit in LIMITS.items():
        while True:
            groups = {}
            for group in itertools.combinations(free, size):
                rows = list(group)
                kind = FORMED.get((size, int(CHARGE[swarm.kind[rows]].sum())))
                inside = boosted(four[rows], reversed_frame(four[rows].sum(0, keepdim=True)).expand(size, 4))
                if kind is not None and float(inside[:, 1:].norm(dim=1).max()) < limit:
                    groups[float(inside[:, 0].sum() - MASS[swarm.kind[rows]].sum())] = (group, kind)
            if not groups:
                break
            group, kind = groups[min(groups)]
            free = [row for row in free if row not in group]
            found.append(int(kind))
    return sorted(found + swarm.kind[free].tolist() + swarm.kind[~is_nucleon(swarm.kind)].tolist())


def test_the_groups_are_those_that_trying_all_of_them_finds():
    n = 40
    swarm = crowd(n, 9, torch.Generator().manual_seed(2))
    out = coalesced(swarm)
    for owner in range(n):
        assert kinds(out[out.owner == owner]) == in_turn(swarm[swarm.owner == owner])


@pytest.mark.parametrize("path", [PLAIN, COMPILED], ids=["torch", "compiled"])
def test_fast_protons_knock_out_fast_deuterons_a_tenth_as_often_as_protons(path):
    n = 1500
    way = torch.tensor([[0.0, 0.0, 1.0]]).expand(n, 3)
    nuclei = torch.full((n,), 18), torch.full((n,), 40)
    coming = torch.full((n,), 2212), torch.full((n,), 600.0), way
    products = path.interact(*coming, *nuclei, torch.Generator().manual_seed(3))
    plain = products.pdg < 1_000_020_040
    pdg, four = products.pdg[plain], products.four[plain]
    kinetic = four[:, 0] - mass_of(pdg)
    protons, deuterons = (int(((pdg == number) & (kinetic > 25.0)).sum()) for number in (2212, DEUTERON))
    assert 0.02 < deuterons / protons < 0.2


def test_a_pion_at_rest_goes_to_unlike_pairs_four_times_as_often_as_to_like_ones():
    n, generator = 4000, torch.Generator().manual_seed(4)
    target = Target.of(torch.full((n,), 14), torch.full((n,), 28))
    position = isotropic(n, generator, torch.float64) * target.radius.unsqueeze(1)
    still = torch.zeros(n, dtype=torch.float64)
    pions = Swarm(torch.arange(n), torch.full((n,), int(Hadron.PI_MINUS)), position, position, still)
    rows, born = absorbed_by_pairs(pions, target, generator)
    like = int((born.kind == Hadron.PROTON).sum()) / len(rows)
    assert (1 - like) / like == pytest.approx(4.0, rel=0.15)
