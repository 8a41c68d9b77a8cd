"""Properties of the built-in transport: budgets, independence, limits, refusals."""

import math

import pytest
import torch

from nuforge.detectors import lartpc_cube
from nuforge.events import Events, Process
from nuforge.physics.constants import ELECTRON_MASS, MUON_MASS, PROTON_MASS
from nuforge.physics.particles import mass_of
from nuforge.physics.stopping import stopping_power
from nuforge.simulation.sources import particle_bomb, particle_gun
from nuforge.simulation.transport import transport
from nuforge.simulation.transport.medium import RANGE, medium_tables
from nuforge.simulation.transport.species import Species

pytestmark = pytest.mark.usefixtures("transport_path")


@pytest.fixture(scope="module")
def detector():
    return lartpc_cube()


@pytest.fixture(scope="module")
def bombs(detector, transport_path):
    generator = torch.Generator().manual_seed(7)
    return transport(particle_bomb(40, detector, generator), detector, generator)


def shoot(detector, pdg, kinetic, n=100, seed=1, **options):
    gun = particle_gun(n, pdg, kinetic, position=(0.0, 0.0, -60.0))
    return transport(gun, detector, torch.Generator().manual_seed(seed), **options)


def deposit(events):
    segments = events["segments"]
    return torch.zeros(len(events), dtype=torch.float64).index_add_(0, segments.batch, segments["energy"].double())


def test_a_proton_that_breaks_no_nucleus_up_deposits_all_its_energy_to_a_part_in_a_thousand(detector):
    events = shoot(detector, 2212, 150.0)
    particles = events["particles"]
    interacts = torch.zeros(100, dtype=torch.bool)
    interacts[particles.batch[particles["process"] == Process.INELASTIC]] = True
    assert 0.05 < float(interacts.double().mean()) < 0.35  # 11 cm of range, some 80 cm to an interaction
    whole = deposit(events)[~interacts]
    assert whole.tolist() == pytest.approx([150.0] * len(whole), rel=1e-3)


def test_a_shower_deposits_at_most_what_it_had(detector):
    total = deposit(shoot(detector, 11, 300.0))
    assert (total <= 300.0 * (1 + 1e-3)).all()
    assert float(total.mean()) > 0.97 * 300.0  # few photons leave the cube


def test_a_stopped_positive_muon_leaves_its_energy_and_a_michel_positron(detector):
    events = shoot(detector, -13, 150.0, n=400)
    particles = events["particles"]
    born = particles["process"] == Process.DECAY
    michel = born & (particles["pdg"] == -11)
    assert torch.bincount(particles.batch[born], minlength=400).tolist() == [3] * 400
    assert sorted(particles["pdg"][born].unique().tolist()) == [-14, -11, 12]
    total = torch.sqrt(particles["momentum"][michel].double().square().sum(1) + ELECTRON_MASS**2)
    spread = 52.83 * math.sqrt(0.6 - 0.49) / math.sqrt(int(michel.sum()))  # of the mean of 2 x^2 (3 - 2 x)
    assert float(total.mean()) == pytest.approx(0.7 * 52.83, abs=5 * spread)
    wait = particles["time"][michel]
    assert float(wait.mean()) == pytest.approx(2197.0, abs=5 * 2197.0 / 20)


def test_about_a_quarter_of_stopped_negative_muons_decay(detector):
    events = shoot(detector, 13, 150.0, n=600)
    particles = events["particles"]
    decays = int(((particles["process"] == Process.DECAY) & (particles["pdg"] == 11)).sum())
    # a lifetime of 604 ns against 2197 ns
    assert decays / 600 == pytest.approx(0.275, abs=5 * math.sqrt(0.275 * 0.725 / 600))
    captured = (particles["process"] == Process.CAPTURE) & (particles["pdg"] == 14)
    assert int(captured.sum()) == 600 - decays


def test_a_pion_that_meets_no_nucleus_decays_to_a_muon_of_four_mev_and_a_positron(detector):
    events = shoot(detector, 211, 60.0, n=100)
    particles = events["particles"]
    muon = particles["pdg"] == -13
    primary = particles.offsets[:-1]
    broken = (particles["process"] == Process.INELASTIC) & (particles["parent"] == primary[particles.batch])
    met = torch.zeros(100, dtype=torch.bool)
    met[particles.batch[broken]] = True
    assert 0 < float(met.double().mean()) < 0.25  # 8 cm of range, some 100 cm to an interaction
    at_rest = muon & (particles["time"] > 2.0)
    kinetic = torch.sqrt(particles["momentum"].double().square().sum(1) + MUON_MASS**2) - MUON_MASS
    direct = muon & (particles["parent"] == primary[particles.batch])
    assert int(direct.sum()) == 100 - int(met.sum())
    for number, process in ((14, Process.DECAY), (-11, Process.DECAY)):
        assert int(((particles["pdg"] == number) & (particles["process"] == process)).sum()) == int(muon.sum())
    assert kinetic[at_rest].median().item() == pytest.approx(4.12, abs=0.02)


def test_the_photons_of_a_neutral_pion_have_its_mass(detector):
    events = shoot(detector, 111, 200.0, n=50)
    particles = events["particles"]
    # pairs of Dalitz's decays among them, a hundredth
    born = (particles["process"] == Process.DECAY) & (particles["parent"] == particles.offsets[:-1][particles.batch])
    momentum = particles["momentum"][born].double()
    mass = torch.where(particles["pdg"][born] == 22, 0.0, ELECTRON_MASS)
    total = torch.zeros((50, 3), dtype=torch.float64).index_add_(0, particles.batch[born], momentum)
    each = torch.sqrt(momentum.square().sum(1) + mass**2)
    energy = torch.zeros(50, dtype=torch.float64).index_add_(0, particles.batch[born], each)
    mass = torch.sqrt(energy**2 - total.square().sum(1))
    assert mass.tolist() == pytest.approx([134.9768] * 50, rel=1e-3)
    assert energy.tolist() == pytest.approx([334.9768] * 50, rel=1e-4)


def test_a_muon_loses_what_bethe_says(detector):
    events = shoot(detector, -13, 400.0, n=300, step=0.3)
    segments, particles = events["segments"], events["particles"]
    first = particles.offsets[:-1]
    near = segments["end"][:, 2] < -50.0
    own = segments["particle"] == first[segments.batch]
    knocked = particles["process"] == Process.IONISATION
    direct = knocked & (particles["parent"] == first[particles.batch]) & (particles["start"][:, 2] < -50.0)
    electrons = torch.sqrt(particles["momentum"][direct].double().square().sum(1) + ELECTRON_MASS**2) - ELECTRON_MASS
    path = float(segments["length"][near & own].double().sum())
    lost = float(segments["energy"][near & own].double().sum() + electrons.sum()) / path
    expected = stopping_power(torch.tensor([390.0], dtype=torch.float64), MUON_MASS, detector.medium.material)
    assert lost == pytest.approx(float(expected), rel=0.02)  # over 30 m the knock-on electrons vary by 0.6 %


def test_knock_on_electrons_are_particles_above_the_threshold_only(detector):
    for threshold in (0.3, 2.0):
        particles = shoot(detector, 13, 800.0, n=50, threshold=threshold)["particles"]
        knocked = particles["process"] == Process.IONISATION
        size = particles["momentum"][knocked].double().norm(dim=1)
        kinetic = torch.sqrt(size**2 + ELECTRON_MASS**2) - ELECTRON_MASS
        assert float(kinetic.min()) >= threshold * (1 - 1e-3)
        assert float(kinetic.min()) < threshold * 1.5


def test_deposits_lie_in_the_volume_and_are_no_longer_than_a_step(bombs, detector):
    segments = bombs["segments"]
    volume = detector.volumes[0]
    for end in ("start", "end"):
        assert (segments[end] >= torch.tensor(volume.lower) - 1e-3).all()
        assert (segments[end] <= torch.tensor(volume.upper) + 1e-3).all()
    distance = (segments["end"] - segments["start"]).norm(dim=1)
    assert (distance <= segments["length"] + 1e-4).all()
    assert float(segments["length"].max()) <= 0.3 + 1e-6
    for name in ("energy", "length", "time"):
        assert torch.isfinite(segments[name]).all()
        assert (segments[name] >= 0).all()


def test_every_particle_has_a_parent_of_its_event_that_began_before_it(bombs):
    particles = bombs["particles"]
    parent = particles["parent"]
    child = parent >= 0
    assert ((particles["process"] == Process.PRIMARY) == ~child).all()
    assert (particles.batch[child] == particles.batch[parent[child]]).all()
    assert (particles["time"][child] >= particles["time"][parent[child]] - 1e-9).all()
    assert (particles["interaction"][child] == particles["interaction"][parent[child]]).all()


def test_photons_convert_away_from_where_they_began(detector):
    events = shoot(detector, 22, 200.0, n=300)
    particles = events["particles"]
    pair = particles["process"] == Process.PAIR_PRODUCTION
    first = pair & (particles["parent"] == particles.offsets[:-1][particles.batch])
    gap = particles["start"][first, 2] + 60.0
    # the mean free path is 21.5 cm; each conversion is counted with both of its particles
    assert float(gap.mean()) == pytest.approx(21.5, abs=5 * 21.5 / math.sqrt(300))


def test_the_same_seed_gives_the_same_events(detector):
    one, two = (shoot(detector, 11, 100.0, n=10, seed=5) for _ in range(2))
    for name in ("segments", "particles"):
        for column in one[name]:
            assert torch.equal(one[name][column], two[name][column])


def test_memory_of_a_step_can_be_bounded_without_changing_the_physics(detector):
    few, many = (deposit(shoot(detector, 11, 200.0, n=150, at_once=k)) for k in (200, 200_000))
    error = math.hypot(float(few.std()), float(many.std())) / math.sqrt(150)
    assert float(few.mean()) == pytest.approx(float(many.mean()), abs=5 * error)


def test_no_event_and_an_event_without_particles_pass(detector):
    generator = torch.Generator().manual_seed(1)
    assert len(transport(particle_gun(0, 11, 10.0), detector, generator)["segments"]) == 0
    gun = particle_gun(2, 13, 100.0)
    empty = gun.keep("particles", torch.tensor([False, True]))
    events = transport(empty, detector, generator)
    assert events["segments"].counts[0] == 0
    assert events["segments"].counts[1] > 0


def test_particles_outside_the_volume_and_neutrinos_leave_nothing(detector):
    outside = particle_gun(3, 13, 100.0, position=(0.0, 200.0, 0.0))
    assert len(transport(outside, detector, torch.Generator().manual_seed(1))["segments"]) == 0
    gun = particle_gun(3, 13, 100.0)
    particles = gun["particles"].with_columns({"pdg": torch.full((3,), 14)})
    assert (
        len(transport(gun.with_table("particles", particles), detector, torch.Generator().manual_seed(1))["segments"])
        == 0
    )


@pytest.mark.parametrize("pdg", [2112, 3122, 130, 310, 111, -321, 1000020040, 1000180400])
def test_neutral_hadrons_and_nuclei_fly_and_leave_energy(detector, pdg):
    events = shoot(detector, pdg, 100.0, n=10)
    assert float(deposit(events).sum()) > 0
    if pdg > 1_000_000_000:
        assert deposit(events).tolist() == pytest.approx([100.0] * 10, rel=1e-4)


@pytest.mark.parametrize(("pdg", "charge"), [(1000010020, 1), (1000010030, 1), (1000020040, 2)])
def test_light_nuclei_go_as_far_as_protons_of_their_velocity_by_mass_over_squared_charge(detector, pdg, charge):
    ratio = float(mass_of(torch.tensor(pdg))) / PROTON_MASS
    segments = shoot(detector, pdg, 60.0 * ratio, n=1)["segments"]
    proton = medium_tables(detector.material, 0.3, 0.02).charged(
        torch.tensor([int(Species.PROTON)]), torch.tensor([60.0]).log()
    )
    assert float(segments["length"].sum()) == pytest.approx(float(proton[0, RANGE]) * ratio / charge**2, rel=0.02)
    assert len(segments) > 5
    assert float(segments["length"].max()) <= 0.3 + 1e-6
    assert float(segments["energy"].sum()) == pytest.approx(60.0 * ratio, rel=1e-5)
    assert (segments["time"].diff() > 0).all()


def test_a_nucleus_that_leaves_takes_what_it_has_not_lost(detector):
    wall = detector.volumes[0].upper[2]
    gun = particle_gun(5, 1000010020, 200.0, position=(0.0, 0.0, wall - 1.0))
    events = transport(gun, detector, torch.Generator().manual_seed(1))
    inside = deposit(events)
    assert (inside < 100.0).all()
    assert (inside + events["particles"]["escaped"].double()).tolist() == pytest.approx([200.0] * 5, rel=1e-5)
    assert events["segments"]["end"][:, 2].max() == pytest.approx(wall)


def test_what_cannot_be_flown_is_refused(detector):
    gun = particle_gun(2, 13, 100.0)
    generator = torch.Generator().manual_seed(1)

    def with_column(**columns) -> Events:
        return gun.with_table("particles", gun["particles"].with_columns(columns))

    with pytest.raises(ValueError, match="does not know the particle 3222"):
        transport(with_column(pdg=torch.tensor([13, 3222])), detector, generator)
    with pytest.raises(ValueError, match="momentum of particle 0 is not finite"):
        transport(with_column(momentum=torch.full((2, 3), math.nan)), detector, generator)
    with pytest.raises(ValueError, match="threshold must be between"):
        transport(gun, detector, generator, threshold=0.0)
