"""Compiled reactions with nuclei leave the same as those in plain torch."""

import math

import pytest
import torch
from scipy.stats import ks_2samp

from nuforge.physics.particles import mass_of
from nuforge.simulation.transport.kernel import alone
from tests.simulation.nucleus.paths import PLAIN, WITHOUT_COMPILER
from tests.simulation.nucleus.sums import known, per_interaction

pytestmark = WITHOUT_COMPILER

N = 800
IMPROBABLE = 1e-6
"""Of one comparison, of which there are a thousand."""
EMITTED = (2112, 2212, 211, 111, -211, 321, 311, -321, -311, 3122, 22, 1000010020, 1000010030, 1000020030, 1000020040)
HEAVY = 1_000_020_050


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def figures(products):
    """Numbers of each interaction, energies and angles of products by kind, and what remains."""
    pdg, four = products.pdg, products.four
    kinetic = four[:, 0] - mass_of(known(pdg))
    cosine = four[:, 3] / four[:, 1:].norm(dim=1).clamp(min=1e-9)
    found = {}
    for number in EMITTED:
        rows = (pdg == number).nonzero().squeeze(1)
        found[f"{number} number"] = per_interaction(products, N, (pdg == number).double())
        if len(rows) > 30:
            found[f"{number} energy"], found[f"{number} cosine"] = kinetic[rows], cosine[rows]
    heavy = pdg > HEAVY
    found["energy of the nucleus"] = kinetic[heavy]
    found["protons left"] = (pdg[heavy] // 10_000 % 1000).double()
    found["nucleons left"] = (pdg[heavy] // 10 % 1000).double()
    return found


def unlike(one, two):
    """Figures of both that differ, with the chance of it and the difference of the means in its error."""
    plain, fast = figures(one), figures(two)
    different = {}
    for name in plain.keys() & fast.keys():
        a, b = plain[name], fast[name]
        if min(len(a), len(b)) < 2:
            continue
        # lines of energy, which are no distribution, differ in the last digits
        chance = ks_2samp(a.round(decimals=4).numpy(), b.round(decimals=4).numpy(), method="asymp").pvalue
        error = math.hypot(*(float(v.std()) / math.sqrt(len(v)) for v in (a, b)))
        shift = float(b.mean() - a.mean())
        if chance < IMPROBABLE or abs(shift) > 5 * error + 1e-5 * abs(float(a.mean())):
            different[name] = (chance, shift, error)
    return different


@pytest.mark.parametrize("kinetic", [20.0, 150.0, 1000.0])
@pytest.mark.parametrize(("z", "a"), [(1, 1), (6, 12), (8, 16), (18, 40), (54, 131), (82, 208)])
def test_hadrons_make_the_same_of_nuclei(z, a, kinetic):
    way = torch.tensor([[0.0, 0.0, 1.0]]).expand(N, 3)
    for pdg in (2212, 2112, 211, -211, 321, -321):
        coming = torch.full((N,), pdg), torch.full((N,), kinetic), way
        if a == 1:
            one, two = (path.interact_with_protons(*coming, seeded(s)) for path, s in ((PLAIN, 1), (alone, 2)))
        else:
            nuclei = torch.full((N,), z), torch.full((N,), a)
            one, two = (path.interact(*coming, *nuclei, seeded(s)) for path, s in ((PLAIN, 1), (alone, 2)))
        assert unlike(one, two) == {}


@pytest.mark.parametrize(("z", "a"), [(6, 12), (18, 40), (82, 208)])
def test_captures_leave_the_same(z, a):
    nuclei = torch.full((N,), z), torch.full((N,), a)
    slow = torch.full((N,), 1e-6), torch.tensor([[0.0, 0.0, 1.0]]).expand(N, 3)
    for name, arguments in (
        ("capture_muons", nuclei),
        ("capture_pions", nuclei),
        ("capture_kaons", nuclei),
        ("capture_neutrons", (*slow, *nuclei)),
    ):
        one, two = (getattr(path, name)(*arguments, seeded(s)) for path, s in ((PLAIN, 1), (alone, 2)))
        assert unlike(one, two) == {}, name


def test_many_products_are_all_there():
    n, z, a = 5, 82, 208
    nuclei = torch.full((n,), z), torch.full((n,), a)
    way = torch.tensor([[0.0, 0.0, 1.0]]).expand(n, 3)
    products = alone.interact(torch.full((n,), 2212), torch.full((n,), 3e4), way, *nuclei, seeded(1))
    assert torch.equal(per_interaction(products, n, torch.ones(len(products.pdg))) > 0, torch.ones(n).bool())
    nucleons = torch.where(products.pdg > 1_000_000_000, products.pdg // 10 % 1000, 0)
    nucleons += torch.isin(products.pdg, torch.tensor([2112, 2212, 3122]))
    assert per_interaction(products, n, nucleons).tolist() == [a + 1] * n
