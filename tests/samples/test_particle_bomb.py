"""The sample of particle bombs."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.experiments.simulate import simulate
from nuforge.samples.lartpc import particle_bomb
from nuforge.samples.prepare import with_identity


def made(sample):
    return with_identity(sample.generate(sample.events, 0, sample.generator(0)), sample.source, 0)


def test_truth_of_every_kind_comes_back_from_the_store(tmp_path):
    sample = particle_bomb(3)
    stored, events = sample.write(tmp_path / "bombs").read(), made(sample)
    assert {"fragments", "points"} <= set(stored.tables)
    for name, table in events.tables.items():
        assert dict(stored[name].refers_to) == dict(table.refers_to)
        for column in table:
            assert stored[name].about[column] == table.about[column]
            assert torch.equal(stored[name][column], table[column]), f"{name}.{column}"
    assert set(stored.readout().tables) == {"event", "voxels"}
    assert set(stored.readout()["voxels"]) == {"index", "value"}


def test_single_interactions_are_those_of_a_sample_without_spills():
    assert set(particle_bomb(1).arguments) == {"engine", "path"}
    assert particle_bomb(1).source == particle_bomb(1, fewest_vertices=1, most_vertices=1).source


def test_spills_are_a_sample_of_their_own(tmp_path):
    assert particle_bomb(2, most_vertices=3).source != particle_bomb(2).source
    told = simulate("lartpc-particle-bomb", 2, tmp_path / "spills", chosen={"fewest_vertices": 2, "most_vertices": 3})
    assert told.startswith("2 events in")
    events = made(particle_bomb(2, fewest_vertices=2, most_vertices=3))
    inside = events["interactions"]["vertex"].abs().amax(1) < 0.81 * 115.2
    n_vertices = torch.bincount(events["interactions"].batch[inside], minlength=2)
    assert ((n_vertices >= 2) & (n_vertices <= 3)).all()
    heads = events["particles"]["interaction"][events["points"]["particle"]]
    assert torch.equal(events["interactions"].batch[heads], events["points"].batch)


@pytest.mark.parametrize("vertices", [{"fewest_vertices": 0}, {"fewest_vertices": 3, "most_vertices": 2}])
def test_vertices_that_are_no_range_are_refused(vertices):
    with pytest.raises(InputError, match="fewest_vertices must be between 1 and most_vertices"):
        particle_bomb(1, **vertices)
