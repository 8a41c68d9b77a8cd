"""Vertices, and their place among particles."""

import pytest
import torch

from nuforge.reconstruction import reconstruct
from nuforge.reconstruction.vertex import Primaries, vertices
from reconstruction.simulated import DETECTOR, bombs, with_clusters


def primaries(vertex, away, seed=0, photons=False, n=4):
    """Interactions at vertices (I, 3) of n primaries each in random directions that start `away` cm on their way."""
    generator = torch.Generator().manual_seed(seed)
    interaction = torch.arange(len(vertex)).repeat_interleave(n)
    direction = torch.randn((len(interaction), 3), generator=generator, dtype=torch.float64)
    direction = direction / direction.norm(dim=1, keepdim=True)
    flag = torch.full((len(interaction),), photons)
    start = vertex[interaction] + away * direction
    return Primaries(interaction, start, direction, flag, flag, torch.ones(len(interaction), dtype=torch.float64))


def test_lines_meet_at_the_vertex_wherever_photons_start():
    vertex = torch.tensor([[0.0, 0.0, 0.0], [50.0, -20.0, 10.0]], dtype=torch.float64)
    found, error = vertices(primaries(vertex, away=15.0, photons=True), 2)
    torch.testing.assert_close(found, vertex, rtol=0, atol=0.2)
    assert (error > 0).all()


def test_one_secondary_among_the_primaries_does_not_move_the_vertex():
    vertex = torch.zeros(1, 3, dtype=torch.float64)
    several = primaries(vertex, away=0.0)
    several.start[3] = torch.tensor([40.0, 30.0, 0.0], dtype=torch.float64)
    found, _ = vertices(several, 1)
    assert float(found.norm()) < 0.2


def test_the_vertex_moves_with_the_event():
    vertex = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)
    shift = torch.tensor([10.0, -30.0, 5.0], dtype=torch.float64)
    here, there = (vertices(primaries(v, away=0.3), 1)[0] for v in (vertex, vertex + shift))
    torch.testing.assert_close(here + shift, there)


def test_an_interaction_without_primaries_has_no_vertex():
    none = primaries(torch.zeros(0, 3, dtype=torch.float64), away=0.0)
    found, error = vertices(none, 2)
    assert found.isnan().all()
    assert error.isnan().all()


def test_vertices_of_particle_bombs_are_found_to_half_a_centimetre_with_starts_that_are_off_by_a_voxel():
    events = reconstruct(with_clusters(bombs(25), smear=0.25), DETECTOR)
    particles, table = events["reco_particles"], events["reco_interactions"]
    true = torch.full((len(table),), -1)
    true[particles["interaction"]] = events["particles"]["interaction"][events["clusters"]["head"]]
    miss = (table["vertex"] - events["interactions"]["vertex"][true]).double()
    known = miss.isfinite().all(dim=1)
    distance = miss[known].norm(dim=1)
    assert float(known.double().mean()) > 0.98
    assert float(distance.quantile(0.68)) < 0.5
    assert float((distance < 1.0).double().mean()) > 0.95
    inside = (miss.abs() < table["vertex_error"])[known]
    assert float(inside.double().mean()) == pytest.approx(0.70, abs=0.10)
