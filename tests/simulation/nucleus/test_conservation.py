"""Whatever hits a nucleus, energy, momentum, charge, baryon number and strangeness are those of the products."""

import pytest
import torch

from nuforge.physics.constants import KAON_MASS, MUON_MASS, PION_MASS, PROTON_MASS
from nuforge.physics.nuclei import nuclear_mass
from nuforge.physics.particles import baryon_number_of, charge_of
from nuforge.simulation import nucleus
from nuforge.simulation.directions import isotropic
from nuforge.simulation.nucleus.capture import binding_energy
from tests.simulation.nucleus.paths import COMPILED, PLAIN
from tests.simulation.nucleus.sums import HADRONS, NUCLEI, check, coming, known, per_interaction, strangeness


@pytest.fixture(params=[PLAIN, COMPILED], ids=["torch", "compiled"])
def path(request):
    return request.param


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def every_hadron(repeats, kinetic, generator):
    pdg = torch.tensor(HADRONS).repeat(repeats)
    return pdg, torch.full((len(pdg),), kinetic), isotropic(len(pdg), generator)


@pytest.mark.parametrize(("z", "a"), [(2, 4), *NUCLEI])
@pytest.mark.parametrize("kinetic", [1.0, 30.0, 200.0, 1500.0])
def test_interactions_with_nuclei_conserve_what_they_must(z, a, kinetic, path):
    generator = seeded()
    pdg, energy, direction = every_hadron(12, kinetic, generator)
    nuclei = torch.full_like(pdg, z), torch.full_like(pdg, a)
    products = path.interact(pdg, energy, direction, *nuclei, generator)
    total = coming(pdg, energy, direction, nuclear_mass(*nuclei))
    check(products, total, charge_of(known(pdg)) + z, baryon_number_of(pdg) + a)


@pytest.mark.parametrize("kinetic", [20.0, 200.0, 400.0, 1500.0])
def test_interactions_with_protons_conserve_what_they_must(kinetic, path):
    generator = seeded()
    pdg, energy, direction = every_hadron(40, kinetic, generator)
    products = path.interact_with_protons(pdg, energy, direction, generator)
    total = coming(pdg, energy, direction, torch.full((len(pdg),), PROTON_MASS, dtype=torch.float64))
    check(products, total, charge_of(known(pdg)) + 1, baryon_number_of(pdg) + 1)
    assert torch.equal(per_interaction(products, len(pdg), strangeness(products.pdg)), strangeness(pdg))


def test_kaons_keep_their_strangeness_in_nuclei(path):
    generator = seeded()
    pdg = torch.tensor([321, 311, -321, -311]).repeat(100)
    argon = torch.full_like(pdg, 18), torch.full_like(pdg, 40)
    products = path.interact(pdg, torch.full((400,), 500.0), isotropic(400, generator), *argon, generator)
    after = per_interaction(products, 400, strangeness(products.pdg))
    assert torch.equal(after, strangeness(pdg))


@pytest.mark.parametrize(("z", "a"), [(3, 7), *NUCLEI])
def test_captures_conserve_what_they_must(z, a, path):
    generator, n = seeded(2), 60
    nuclei = torch.full((n,), z), torch.full((n,), a)
    at_rest = torch.nn.functional.pad(nuclear_mass(*nuclei).unsqueeze(1), (0, 3))
    less, same = torch.full((n,), z - 1), torch.full((n,), a)
    orbit = binding_energy(*nuclei, MUON_MASS)
    for capture, mass in (
        (path.capture_muons, MUON_MASS - orbit),
        (path.capture_pions, torch.full_like(orbit, PION_MASS)),
        (path.capture_kaons, torch.full_like(orbit, KAON_MASS)),
    ):
        total = at_rest.clone()
        total[:, 0] += mass
        check(capture(*nuclei, generator), total, less, same)
    direction, kinetic = isotropic(n, generator), torch.logspace(-8, 0, n)
    total = coming(torch.full((n,), 2112), kinetic, direction, nuclear_mass(*nuclei))
    check(path.capture_neutrons(kinetic, direction, *nuclei, generator), total, nuclei[0], nuclei[1] + 1)


def test_captured_kaons_leave_one_unit_of_strangeness(path):
    n = 200
    products = path.capture_kaons(torch.full((n,), 18), torch.full((n,), 40), seeded())
    assert per_interaction(products, n, strangeness(products.pdg)).tolist() == [-1] * n


def test_products_are_a_function_of_the_seed(path):
    pdg, energy, direction = every_hadron(5, 300.0, seeded())
    argon = torch.full_like(pdg, 18), torch.full_like(pdg, 40)
    one, two, other = (path.interact(pdg, energy, direction, *argon, seeded(s)) for s in (4, 4, 5))
    assert torch.equal(one.four, two.four)
    assert torch.equal(one.pdg, two.pdg)
    assert not torch.equal(one.four, other.four)


def test_products_turn_with_the_hadron_that_comes(path):
    n = 2000
    pdg, energy = torch.full((n,), 2212), torch.full((n,), 400.0)
    argon = torch.full_like(pdg, 18), torch.full_like(pdg, 40)
    for axis in torch.eye(3):
        products = path.interact(pdg, energy, axis.expand(n, 3), *argon, seeded())
        fast = (products.pdg == 2212) & (products.four[:, 0] - PROTON_MASS > 100.0)
        mean = products.four[fast, 1:].mean(0)
        along = float(mean @ axis.double())
        assert along > 0.5 * float(products.four[fast, 1:].norm(dim=1).mean())
        assert float((mean - along * axis).norm()) < 0.1 * along


def test_nothing_comes_of_nothing(path):
    none, generator = torch.zeros(0, dtype=torch.int64), seeded()
    empty, ways = torch.zeros(0), torch.zeros(0, 3)
    for products in (
        path.interact(none, empty, ways, none, none, generator),
        path.interact_with_protons(none, empty, ways, generator),
        *(capture(none, none, generator) for capture in (path.capture_muons, path.capture_pions, path.capture_kaons)),
        path.capture_neutrons(empty, ways, none, none, generator),
    ):
        assert len(products.owner) == len(products.pdg) == len(products.four) == 0


def test_what_has_no_cascade_is_refused():
    one, way = torch.ones(1), torch.tensor([[0.0, 0.0, 1.0]])
    argon = torch.tensor([18]), torch.tensor([40])
    with pytest.raises(ValueError, match="particle 3122 has no interaction with nuclei; expected nucleons"):
        nucleus.interact(torch.tensor([3122]), one, way, *argon, seeded())
    with pytest.raises(ValueError, match="a nucleus of 2 nucleons has no cascade; expected 3 or more"):
        nucleus.interact(torch.tensor([2212]), one, way, torch.tensor([1]), torch.tensor([2]), seeded())
