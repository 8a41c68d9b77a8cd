"""Sources: what is asked for is what flies."""

import math

import pytest
import torch

from nuforge.detectors import lartpc_cube
from nuforge.physics.constants import PROTON_MASS
from nuforge.simulation.sources import particle_bomb, particle_gun
from nuforge.simulation.sources.bomb import MENU
from nuforge.simulation.sources.primaries import mass_of


def kinetic_of(particles):
    mass = mass_of(particles["pdg"])
    return torch.sqrt(particles["momentum"].double().square().sum(1) + mass**2) - mass


def test_gun_has_the_momentum_of_its_energy_and_direction():
    events = particle_gun(3, 2212, 100.0, position=(1.0, 2.0, 3.0), direction=(0.0, -2.0, 0.0))
    p = math.sqrt(100.0 * (100.0 + 2 * PROTON_MASS))
    assert events["particles"]["momentum"][0].tolist() == pytest.approx([0.0, -p, 0.0], rel=1e-6)
    assert events["particles"]["start"][2].tolist() == [1.0, 2.0, 3.0]
    assert len(events) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinetic": 0.0}, "kinetic energy must be positive"),
        ({"direction": (0.0, 0.0, 0.0)}, "direction must not be null"),
        ({"pdg": 3222}, "no mass of PDG number 3222"),
    ],
)
def test_gun_refuses_what_cannot_fly(options, message):
    with pytest.raises(ValueError, match=message):
        particle_gun(**{"n_events": 1, "pdg": 13, "kinetic": 1.0, **options})


def test_bomb_has_two_to_five_particles_from_one_vertex_and_up_to_three_muons_from_above():
    detector = lartpc_cube()
    events = particle_bomb(500, detector, torch.Generator().manual_seed(3))
    particles, interactions = events["particles"], events["interactions"]
    first = particles["interaction"] == interactions.offsets[:-1][particles.batch]
    per_vertex = torch.bincount(particles.batch[first], minlength=500)
    assert set(per_vertex.tolist()) == {2, 3, 4, 5}
    assert set((interactions.counts - 1).tolist()) == {0, 1, 2, 3}
    vertex = interactions["vertex"][interactions.offsets[:-1]]
    assert float(vertex.abs().max()) <= 0.8 * 115.2 + 1e-3
    cosmic = particles["momentum"][~first]
    assert (cosmic[:, 1] < 0).all()
    assert (particles["pdg"][~first].abs() == 13).all()
    assert particles["start"][~first, 1].tolist() == pytest.approx([115.2] * len(cosmic), abs=1e-3)


def test_bomb_keeps_to_its_menu():
    events = particle_bomb(800, lartpc_cube(), torch.Generator().manual_seed(4), most_cosmics=0)
    particles = events["particles"]
    kinetic = kinetic_of(particles)
    n = len(particles)
    for pdg, low, high in MENU:
        chosen = kinetic[particles["pdg"] == pdg]
        assert len(chosen) == pytest.approx(n / 8, abs=5 * math.sqrt(n / 8))
        assert low * 0.999 <= float(chosen.min())
        assert float(chosen.max()) <= high * 1.001
        assert float(chosen.mean()) == pytest.approx(
            (low + high) / 2, abs=5 * (high - low) / math.sqrt(12 * len(chosen))
        )
    mean = particles["momentum"].double()
    mean = (mean / mean.norm(dim=1, keepdim=True)).mean(0)
    assert float(mean.abs().max()) < 5 / math.sqrt(3 * n)


def test_bomb_is_a_function_of_its_seed():
    one, two, other = (particle_bomb(5, lartpc_cube(), torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(one["particles"]["momentum"], two["particles"]["momentum"])
    assert not torch.equal(one["interactions"]["vertex"][:3], other["interactions"]["vertex"][:3])


def test_spills_have_several_vertices_each_an_interaction_with_its_own_particles():
    detector = lartpc_cube()
    generator = torch.Generator().manual_seed(5)
    events = particle_bomb(300, detector, generator, fewest_vertices=2, most_vertices=6, most_cosmics=2)
    particles, interactions = events["particles"], events["interactions"]
    per_interaction = torch.bincount(particles["interaction"], minlength=len(interactions))
    inside = interactions["vertex"].abs().amax(1) <= 0.8 * 115.2 + 1e-3
    n_vertices = torch.bincount(interactions.batch[inside], minlength=300)
    assert set(n_vertices.tolist()) == {2, 3, 4, 5, 6}
    assert set((interactions.counts - n_vertices).tolist()) == {0, 1, 2}
    assert set(per_interaction[inside].tolist()) == {2, 3, 4, 5}
    assert set(per_interaction[~inside].tolist()) == {1}
    assert torch.equal(particles["start"], interactions["vertex"][particles["interaction"]])
    assert torch.equal(particles.batch, interactions.batch[particles["interaction"]])
    rank = torch.arange(len(interactions)) - interactions.offsets[interactions.batch]
    assert torch.equal(inside, rank < n_vertices[interactions.batch])  # muons from above come last


def test_one_vertex_takes_no_random_number():
    bombs = [
        particle_bomb(20, lartpc_cube(), torch.Generator().manual_seed(1), **more)
        for more in ({}, {"fewest_vertices": 1, "most_vertices": 1})
    ]
    assert torch.equal(*(b["particles"]["momentum"] for b in bombs))
    assert int(bombs[0]["particles"]["pdg"].sum()) == 16932  # of version 0.1, before there were spills


@pytest.mark.parametrize(("fewest", "most"), [(0, 1), (3, 2)])
def test_bomb_refuses_vertices_that_are_no_range(fewest, most):
    with pytest.raises(ValueError, match="fewest_vertices must be between 1 and most_vertices"):
        particle_bomb(1, lartpc_cube(), torch.Generator(), fewest_vertices=fewest, most_vertices=most)


def test_bomb_refuses_an_empty_range():
    with pytest.raises(ValueError, match="fewest must be between 1 and most"):
        particle_bomb(1, lartpc_cube(), torch.Generator(), fewest=4, most=2)
