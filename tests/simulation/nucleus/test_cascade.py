"""Cascades: Pauli's principle, what comes out of known reactions."""

import math

import pytest
import torch

from nuforge.physics.constants import NEUTRON_MASS
from nuforge.physics.particles import mass_of
from nuforge.simulation.directions import isotropic
from nuforge.simulation.nucleus import interact
from nuforge.simulation.nucleus.capture import capture_muons, capture_pions
from nuforge.simulation.nucleus.cascade import first_collisions
from nuforge.simulation.nucleus.hadrons import MASS, Hadron, is_nucleon
from nuforge.simulation.nucleus.target import Target


def argon(n):
    return torch.full((n,), 18), torch.full((n,), 40)


def number(products, pdg):
    return int((products.pdg == pdg).sum())


@pytest.mark.parametrize("kinetic", [60.0, 300.0])
def test_no_nucleon_of_a_first_collision_ends_in_the_fermi_sea(kinetic):
    n, generator = 2000, torch.Generator().manual_seed(1)
    target = Target.of(*argon(n))
    kind = torch.full((n,), int(Hadron.PROTON))
    energy, tries = torch.full((n,), kinetic, dtype=torch.float64), torch.full((n,), 100)
    swarm = first_collisions(kind, energy, isotropic(n, generator, torch.float64), target, tries, generator)
    assert len(swarm) > n
    density = target.density(swarm.owner, swarm.position.norm(dim=1))
    depth = target.depth(swarm.owner, swarm.kind, density)
    inside = swarm.energy + depth + MASS[swarm.kind]
    size = torch.sqrt(inside**2 - MASS[swarm.kind] ** 2)
    sea = target.fermi_momentum(swarm.owner, swarm.kind, density)
    assert (size >= sea - 1e-6)[is_nucleon(swarm.kind)].all()
    assert (swarm.energy > 0).all()
    assert ((target.z >= 0) & (target.z <= target.a)).all()


def test_captured_muons_leave_a_neutrino_of_80_mev_and_a_little_more_than_one_neutron():
    n = 3000
    products = capture_muons(*argon(n), torch.Generator().manual_seed(1))
    neutrino = products.pdg == 14
    assert int(neutrino.sum()) == n
    assert 75 < float(products.four[neutrino, 0].mean()) < 88
    # 1.1 to 1.5 neutrons a capture in nuclei of this mass (Measday, Phys. Rep. 354 (2001) 243)
    assert 1.1 < number(products, 2112) / n < 1.5
    assert number(products, 2212) / n < 0.15


def test_captured_pions_leave_fast_neutrons_of_half_a_pion_mass():
    n = 2000
    products = capture_pions(*argon(n), torch.Generator().manual_seed(1))
    fast = products.pdg == 2112
    energy = products.four[fast, 0] - NEUTRON_MASS
    assert 0.3 < int((energy > 30).sum()) / n < 2.0
    assert float(energy.max()) < 139.6
    assert number(products, -211) == 0


def test_absorption_of_pions_leaves_none_and_is_a_good_part_of_what_happens_at_the_delta():
    n = 3000
    way = torch.tensor([[0.0, 0.0, 1.0]]).expand(n, 3)
    products = interact(
        torch.full((n,), 211), torch.full((n,), 160.0), way, *argon(n), torch.Generator().manual_seed(2)
    )
    pion = torch.isin(products.pdg, torch.tensor([211, 111, -211]))
    kept = torch.zeros(n, dtype=torch.bool)
    kept[products.owner[pion]] = True
    # absorption is 35 to 55 % of the reaction cross section between Al and Fe (Ashery et al., PRC 23 (1981) 2173)
    assert 0.25 < 1 - int(kept.sum()) / n < 0.6


def test_neutral_and_charged_pions_exchange_by_isospin():
    n = 4000
    way = torch.tensor([[0.0, 0.0, 1.0]]).expand(n, 3)
    carbon = torch.full((n,), 6), torch.full((n,), 12)
    counts = {}
    for pdg in (211, -211):
        products = interact(
            torch.full((n,), pdg), torch.full((n,), 200.0), way, *carbon, torch.Generator().manual_seed(3)
        )
        counts[pdg] = (number(products, 111), number(products, pdg), number(products, -pdg))
    # mirror symmetry of an isoscalar nucleus, within 5 sigma
    for one, two in zip(counts[211], counts[-211], strict=True):
        assert abs(one - two) < 5 * math.sqrt(one + two + 10)


def test_nucleons_of_a_fast_proton_are_mostly_forward_and_its_nucleus_slow():
    n = 1500
    way = torch.tensor([[0.0, 0.0, 1.0]]).expand(n, 3)
    products = interact(
        torch.full((n,), 2212), torch.full((n,), 600.0), way, *argon(n), torch.Generator().manual_seed(4)
    )
    fast = torch.isin(products.pdg, torch.tensor([2112, 2212])) & (products.four[:, 0] - NEUTRON_MASS > 150.0)
    assert float((products.four[fast, 3] > 0).double().mean()) > 0.95
    heavy = products.pdg > 1_000_100_000
    kinetic = products.four[heavy, 0] - mass_of(products.pdg[heavy])
    assert float(kinetic.mean()) < 10.0
