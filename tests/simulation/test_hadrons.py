"""Hadrons, neutrons and captures in the whole transport: budgets, paths, times."""

import math

import pytest
import torch

from nuforge.detectors import box, lartpc_cube
from nuforge.evaluation.energy_budget import energy_budget, struck_nuclei
from nuforge.events import Process
from nuforge.physics.constants import NEUTRON_MASS, SPEED_OF_LIGHT
from nuforge.physics.hadron_nucleus import elastic_cross_section, inelastic_cross_section
from nuforge.physics.material import LIQUID_ARGON
from nuforge.physics.media import WATER, media
from nuforge.physics.neutrons import capture
from nuforge.physics.particles import DECAYS, LIFETIMES, MASSES, antiparticle, mass_of
from nuforge.simulation.four_momenta import boosted, four_momentum, reversed_frame
from nuforge.simulation.sources import particle_bomb, particle_gun
from nuforge.simulation.transport import transport
from nuforge.simulation.transport.decays import decay, fly_to_decay
from nuforge.simulation.transport.flight import Flight, Record
from nuforge.simulation.transport.hadronic import fly_neutral
from nuforge.simulation.transport.nuclear import nuclear_tables
from nuforge.simulation.transport.walls import Box

ENDLESS = Box(torch.full((3,), -1e6), torch.full((3,), 1e6))


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def fly(material, pdg, kinetic, n, side, seed=1, **options):
    return transport(particle_gun(n, pdg, kinetic), box(material, side), seeded(seed), **options)


def flight_of(pdg, kinetic, n, generator):
    index = torch.arange(n)
    way = torch.nn.functional.normalize(torch.randn((n, 3), generator=generator), dim=1)
    numbers = (torch.full((n,), pdg), torch.full((n,), -1), index, index, torch.full((n,), -1))
    return Flight.of(numbers, torch.zeros(n, 3), way, torch.full((n,), kinetic), torch.zeros(n, dtype=torch.float64))


def closes(events):
    budget = energy_budget(events)
    assert (budget.missing.abs() < 1e-3 * budget.primary.clamp(min=10.0)).all()
    assert abs(float(budget.missing.sum())) < 1e-4 * float(budget.primary.sum())  # up to 1 keV stays in a nucleus
    return budget


def struck(events):
    nuclei = struck_nuclei(events["particles"])
    return set(zip(nuclei.z.tolist(), nuclei.a.tolist(), strict=True))


def test_bombs_keep_energy_charge_and_baryon_number_event_by_event():
    detector, generator = lartpc_cube(), seeded(3)
    events = transport(particle_bomb(12, detector, generator), detector, generator)
    budget = closes(events)
    assert struck(events) == {(18, 40)}
    assert float(budget.escaped.mean()) > 100


@pytest.mark.parametrize(
    ("pdg", "kinetic"),
    [(13, 100.0), (-211, 60.0), (2212, 400.0), (2112, 100.0), (321, 150.0), (-321, 300.0), (130, 200.0), (3122, 300.0)],
)
def test_every_hadron_keeps_energy_charge_and_baryon_number(pdg, kinetic):
    events = fly(LIQUID_ARGON, pdg, kinetic, 12, 200.0)
    closes(events)
    assert struck(events) <= {(18, 40)}


@pytest.mark.parametrize("material", media(), ids=lambda material: material.name)
def test_pions_and_neutrons_keep_energy_in_every_medium(material):
    side = 150 / material.density
    nuclei = {(element.Z, round(element.A)) for element in material.elements}
    for pdg, kinetic in ((-211, 100.0), (2112, 10.0)):
        events = fly(material, pdg, kinetic, 8, side, step=max(0.3, side / 100))
        closes(events)
        assert struck(events) <= nuclei
        assert len(struck(events)) > 0


def test_a_budget_needs_to_know_what_escaped():
    with pytest.raises(ValueError, match="particles have no column 'escaped'"):
        energy_budget(particle_gun(1, 13, 10.0).with_table("segments", fly(WATER, 13, 1.0, 1, 10.0)["segments"]))


def test_what_escapes_is_recorded_with_the_energy_that_is_left():
    events = fly(WATER, -13, 1000.0, 20, 100.0)
    particles = events["particles"]
    left = particles["escaped"][particles.offsets[:-1]]
    assert 870.0 < float(left.median()) < 920.0  # 50 cm of water take 100 MeV, and one knock-on electron far more
    assert (left < 925.0).all()
    outside = transport(particle_gun(3, 2112, 50.0, position=(0.0, 200.0, 0.0)), box(WATER, 100.0), seeded())
    assert outside["particles"]["escaped"].tolist() == pytest.approx([50.0] * 3)


@pytest.mark.parametrize(("material", "kinetic"), [(WATER, 2.0), (LIQUID_ARGON, 10.0), (LIQUID_ARGON, 200.0)])
def test_neutrons_fly_as_far_as_their_cross_sections_say(material, kinetic):
    n, generator = 4000, seeded()
    flight = flight_of(2112, kinetic, n, generator)
    met, _ = fly_neutral(flight, nuclear_tables(material), ENDLESS, generator, Record(particle_gun(n, 2112, kinetic)))
    distance = met.position.norm(dim=1).double()
    assert len(met) == n
    t = torch.tensor([kinetic], dtype=torch.float64)
    rate = sum(
        density
        * 1e-27
        * float(elastic_cross_section(2112, t, e.Z, e.A) + inelastic_cross_section(2112, t, e.Z, e.A) + capture(t, e.Z))
        for e, density in zip(material.elements, material.number_densities, strict=True)
    )
    assert float(distance.mean()) == pytest.approx(1 / rate, rel=5 / math.sqrt(n) + 0.01)


def test_neutrons_in_water_are_captured_by_hydrogen_after_200_microseconds():
    events = fly(WATER, 2112, 2.0, 200, 1000.0)
    particles = events["particles"]
    photon = (particles["process"] == Process.NEUTRON_CAPTURE) & (particles["pdg"] == 22)
    energy = particles["momentum"][photon].double().norm(dim=1)
    lines = (energy - 2.2233).abs() < 0.002
    assert float(lines.double().mean()) > 0.97
    # 205 us: 1 / (0.3326 b x 2200 m/s x 6.69e22 / cm^3); some 10 us to slow down
    assert float(particles["time"][photon].mean()) == pytest.approx(205e3, abs=5 * 205e3 / math.sqrt(200))


@pytest.mark.parametrize("pdg", sorted(DECAYS))
@pytest.mark.parametrize("kinetic", [1e-6, 300.0])
def test_decays_keep_four_momentum_and_branch_as_measured(pdg, kinetic):
    n, generator = 4000, seeded()
    flight = flight_of(pdg, kinetic, n, generator)
    births = decay(flight, generator)
    total = torch.zeros(n, 4, dtype=torch.float64)
    made = [[] for _ in range(n)]
    for birth in births:
        mass = mass_of(birth.pdg)
        size = torch.sqrt(birth.energy.double() * (birth.energy.double() + 2 * mass))
        total.index_add_(0, birth.parent, four_momentum(birth.direction.double() * size.unsqueeze(1), mass))
        for row, number in zip(birth.parent.tolist(), birth.pdg.tolist(), strict=True):
            made[row].append(number)
    mass = torch.full((n,), MASSES[pdg], dtype=torch.float64)
    size = torch.sqrt(flight.energy.double() * (flight.energy.double() + 2 * mass))
    expected = four_momentum(flight.direction.double() * size.unsqueeze(1), mass)
    torch.testing.assert_close(total, expected, rtol=3e-6, atol=2e-3)
    seen = {}
    for products in made:
        key = tuple(sorted(products))
        seen[key] = seen.get(key, 0) + 1
    whole = sum(share for share, _ in DECAYS[pdg])
    for share, products in DECAYS[pdg]:
        both = {tuple(sorted(products))}
        if pdg == 130:
            both.add(tuple(sorted(antiparticle(p) for p in products)))
        counted = sum(seen.get(key, 0) for key in both)
        spread = math.sqrt(n * share * (1 - share)) if share < 1 else 0.0
        # the last channel takes what is left to one
        assert counted == pytest.approx(n * share, abs=4 * spread + n * (1 - whole) + 1e-6 * n + 2)


def test_two_body_decays_have_the_momentum_that_masses_ask_for():
    births = decay(flight_of(3122, 1e-9, 200, seeded()), seeded())
    for pdg, pair in ((2212, (2212, 211)), (2112, (2112, 111))):
        birth = next(b for b in births if int(b.pdg[0]) == pdg)
        energy, mass = birth.energy.double(), MASSES[pdg]
        momentum = torch.sqrt(energy * (energy + 2 * mass))
        total, first, second = (MASSES[p] for p in (3122, *pair))
        expected = math.sqrt((total**2 - (first + second) ** 2) * (total**2 - (first - second) ** 2)) / (2 * total)
        assert momentum.tolist() == pytest.approx([expected] * len(momentum), rel=1e-3)


@pytest.mark.parametrize("pdg", [310, 3122])
def test_short_lived_particles_fly_their_lifetime(pdg):
    n, kinetic, generator = 4000, 400.0, seeded()
    record = Record(particle_gun(n, pdg, kinetic))
    there = fly_to_decay(flight_of(pdg, kinetic, n, generator), ENDLESS, generator, record)
    distance = there.position.norm(dim=1).double()
    gamma_beta = math.sqrt(kinetic * (kinetic + 2 * MASSES[pdg])) / MASSES[pdg]
    mean = gamma_beta * LIFETIMES[pdg] * SPEED_OF_LIGHT
    assert float(distance.mean()) == pytest.approx(mean, rel=5 / math.sqrt(n))


def test_a_boost_and_its_reverse_undo_each_other_and_keep_the_mass():
    generator = seeded()
    vector = 500 * torch.randn((100, 3), generator=generator, dtype=torch.float64)
    frame = four_momentum(vector, torch.full((100,), NEUTRON_MASS, dtype=torch.float64))
    four = four_momentum(vector.flip(0), torch.full((100,), 139.57, dtype=torch.float64))
    there = boosted(four, frame)
    torch.testing.assert_close(boosted(there, reversed_frame(frame)), four, rtol=1e-9, atol=1e-7)
    at_rest = torch.zeros(100, 4, dtype=torch.float64)
    at_rest[:, 0] = NEUTRON_MASS
    torch.testing.assert_close(boosted(at_rest, frame), frame, rtol=1e-12, atol=1e-9)
