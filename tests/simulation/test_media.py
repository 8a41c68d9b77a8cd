"""The built-in transport in every medium: energy budgets, ranges, annihilation in flight."""

import math

import pytest
import torch

from nuforge.detectors import Block, Volume, box
from nuforge.events import Process
from nuforge.physics.annihilation import annihilation
from nuforge.physics.constants import ELECTRON_MASS, MUON_MASS, PROTON_MASS
from nuforge.physics.media import LEAD, LIQUID_XENON, WATER, media, xenon_gas
from nuforge.physics.photons import forward
from nuforge.physics.ranges import csda_range
from nuforge.physics.stopping import electron_stopping_power, stopping_power
from nuforge.simulation.sources import particle_bomb, particle_gun
from nuforge.simulation.transport import transport
from nuforge.simulation.transport.annihilation import annihilate_in_flight
from nuforge.simulation.transport.flight import Flight
from nuforge.simulation.transport.medium import medium_tables

pytestmark = pytest.mark.usefixtures("transport_path")


def fly(material, pdg, kinetic, n, side, seed=1, **options):
    return transport(particle_gun(n, pdg, kinetic), box(material, side), torch.Generator().manual_seed(seed), **options)


def deposit(events):
    segments = events["segments"]
    return torch.zeros(len(events), dtype=torch.float64).index_add_(0, segments.batch, segments["energy"].double())


def path_of_the_primary(events):
    segments = events["segments"]
    own = segments["particle"] == events["particles"].offsets[:-1][segments.batch]
    length = segments["length"][own].double()
    return torch.zeros(len(events), dtype=torch.float64).index_add_(0, segments.batch[own], length)


@pytest.mark.parametrize("material", media(), ids=lambda material: material.name)
def test_showers_leave_all_their_energy_in_a_big_box(material):
    # steps of a hundredth of a radiation length, or the usual 3 mm in dense media
    step = max(0.3, material.radiation_length / 100)
    side = 2 * 40 / photon_loss(material)
    for pdg, whole in ((11, 20.0), (22, 20.0), (-11, 20.0 + 2 * ELECTRON_MASS)):
        total = deposit(fly(material, pdg, 20.0, 12, side, step=step))
        assert total.tolist() == pytest.approx([whole] * 12, rel=1e-3)


def photon_loss(material):
    """Interactions per cm of the most penetrating photons, of some MeV: 0.02 to 0.04 cm^2/g."""
    return 0.03 * material.density


@pytest.mark.parametrize("material", media(), ids=lambda material: material.name)
def test_range_of_muons_is_the_integral_of_bethes_formula(material):
    expected = float(csda_range(torch.tensor([60.0], dtype=torch.float64), MUON_MASS, material))
    events = fly(material, -13, 60.0, 60, 4 * expected, step=max(0.3, expected / 100))
    particles = events["particles"]
    assert int(((particles["process"] == Process.DECAY) & (particles["pdg"] == -11)).sum()) == 60
    # straggling is 3 %; in gas some decay before they stop, which the median does not see
    error = 3 * 1.25 * 0.03 / math.sqrt(60)
    assert float(path_of_the_primary(events).median()) == pytest.approx(expected, rel=0.02 + 0.5 * error)


@pytest.mark.parametrize("material", [xenon_gas(10.0), xenon_gas(1.0)], ids=lambda material: material.name)
def test_range_and_loss_in_thin_gas_do_not_depend_on_the_step(material):
    expected = float(csda_range(torch.tensor([60.0], dtype=torch.float64), PROTON_MASS, material))
    for step in (expected / 20, expected / 200):
        path = path_of_the_primary(fly(material, 2212, 60.0, 60, 4 * expected, step=step))
        # straggling 1.3 % / sqrt(60); the twentieth part that meets a nucleus before does not move the median
        assert float(path.median()) == pytest.approx(expected, rel=0.01)


def test_a_muon_loses_what_bethe_says_in_short_steps_in_gas():
    material, side = xenon_gas(10.0), 200.0
    events = fly(material, -13, 400.0, 150, side, step=0.3)
    segments, particles = events["segments"], events["particles"]
    first = particles.offsets[:-1]
    own = segments["particle"] == first[segments.batch]
    direct = (particles["process"] == Process.IONISATION) & (particles["parent"] == first[particles.batch])
    electrons = torch.sqrt(particles["momentum"][direct].double().square().sum(1) + ELECTRON_MASS**2) - ELECTRON_MASS
    lost = float(segments["energy"][own].double().sum() + electrons.sum()) / float(segments["length"][own].sum())
    expected = float(stopping_power(torch.tensor([395.0], dtype=torch.float64), MUON_MASS, material))
    assert lost == pytest.approx(expected, rel=0.03)  # the knock-on electrons vary by 1 %


@pytest.mark.parametrize(("material", "kinetic"), [(WATER, 10.0), (LEAD, 3.0)], ids=lambda value: str(value)[:20])
def test_positrons_annihilate_in_flight_as_often_as_heitler_says(material, kinetic):
    events = fly(material, -11, kinetic, 4000, 200 / material.density, photon_threshold=2 * kinetic)
    particles = events["particles"]
    photons = (particles["process"] == Process.ANNIHILATION) & (
        particles["parent"] == particles.offsets[:-1][particles.batch]
    )
    assert int(photons.sum()) == 8000
    energy = torch.zeros(4000, dtype=torch.float64)
    energy.index_add_(0, particles.batch[photons], particles["momentum"][photons].double().norm(dim=1))
    t = torch.logspace(-3, math.log10(kinetic), 4000, dtype=torch.float64)
    loss = electron_stopping_power(t, material, positron=True)
    expected = 1 - math.exp(-float(torch.trapezoid(annihilation(t, material) / loss, t)))
    in_flight = float((energy > 2 * ELECTRON_MASS + 1e-3).double().mean())
    # a step ends the flight below a range of 0.5 mm, and radiation below the threshold is part of the loss
    assert in_flight == pytest.approx(expected, abs=5 * math.sqrt(expected / 4000) + 0.08 * expected)


def test_annihilation_keeps_energy_and_momentum():
    n = 2000
    generator = torch.Generator().manual_seed(3)
    energy = torch.logspace(-2, 3, n)
    direction = torch.nn.functional.normalize(torch.randn((n, 3), generator=generator), dim=1)
    index = torch.arange(n)
    numbers = (torch.full((n,), -11), torch.ones(n, dtype=torch.int64), index, index, index)
    flight = Flight.of(numbers, torch.zeros(n, 3), direction, energy, torch.zeros(n, dtype=torch.float64))
    birth = annihilate_in_flight(flight, medium_tables(WATER), generator)
    photons = birth.direction.double() * birth.energy.double().unsqueeze(1)
    total = torch.zeros((n, 3), dtype=torch.float64).index_add_(0, birth.parent, photons)
    p = torch.sqrt(energy.double() * (energy.double() + 2 * ELECTRON_MASS))
    torch.testing.assert_close(total, direction.double() * p.unsqueeze(1), rtol=1e-4, atol=2e-4)
    whole = torch.zeros(n, dtype=torch.float64).index_add_(0, birth.parent, birth.energy.double())
    torch.testing.assert_close(whole, energy.double() + 2 * ELECTRON_MASS, rtol=1e-5, atol=0)


def test_coherent_scattering_leaves_energy_and_turns_little_at_high_energy():
    medium = medium_tables(LIQUID_XENON)
    u = torch.linspace(0.001, 0.999, 999)
    for k, most in ((0.02, 1.0), (1.0, 0.01)):
        log = torch.full_like(u, math.log(k))
        mu, _ = forward(medium.rayleigh(log, u), torch.tensor(medium.coherent_scale / k**2))
        assert ((mu >= 0) & (mu <= 1)).all()
        assert float(mu.median()) < most
        assert (mu.diff() >= 0).all()


def test_photons_absorbed_in_xenon_leave_x_rays_of_30_kev_elsewhere():
    events = fly(xenon_gas(10.0), 22, 0.1, 2000, 1000.0)
    particles = events["particles"]
    lines = (particles["process"] == Process.PHOTOELECTRIC) & (particles["pdg"] == 22)
    assert particles["momentum"][lines].norm(dim=1).tolist() == pytest.approx([0.02978] * int(lines.sum()), rel=2e-3)
    # nine tenths of absorptions are by the K shell with a yield of 0.89, and Compton scatters come first at times
    assert 0.6 < int(lines.sum()) / 2000 < 0.8
    assert deposit(events).tolist() == pytest.approx([0.1] * 2000, rel=1e-4)


def test_a_bomb_flies_in_a_block_of_any_shape():
    block = Block("slab of water", (Volume((-100.0, -200.0, 0.0), (100.0, 200.0, 500.0)),), WATER)
    generator = torch.Generator().manual_seed(5)
    events = transport(particle_bomb(2, block, generator, most_cosmics=0), block, generator)
    assert (events["segments"]["end"] <= torch.tensor(block.volumes[0].upper) + 1e-3).all()
    assert (deposit(events) > 0).all()
    with pytest.raises(ValueError, match=r"side must be positive \(cm\), got 0.0"):
        box(WATER, 0.0)
