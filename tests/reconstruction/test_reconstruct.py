"""The tables of the reconstruction: one body over all kinds of events, degenerate ones too."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.events import Column, Events
from nuforge.events.arrow import to_arrow
from nuforge.reconstruction import reconstruct
from reconstruction.simulated import DETECTOR, bombs, one_event, with_clusters


@pytest.fixture(scope="module")
def reconstructed():
    return reconstruct(with_clusters(bombs(25)), DETECTOR)


def same(one, other):
    assert torch.equal(one.offsets, other.offsets)
    for name in one:
        torch.testing.assert_close(one[name], other[name], equal_nan=True, rtol=1e-4, atol=1e-4)


def test_an_event_alone_gets_the_same_tables_as_in_a_batch(reconstructed):
    events = with_clusters(bombs(25))
    for i in (0, 7):
        alone = reconstruct(events.event(i), DETECTOR)
        for name in ("reco_particles", "reco_interactions"):
            same(alone[name], reconstructed.event(i)[name])


def test_every_column_has_a_unit_and_a_meaning_and_is_a_prediction(reconstructed):
    for name in ("reco_particles", "reco_interactions"):
        assert all(about.role == "prediction" and about.meaning for about in reconstructed[name].about.values())


def test_the_energy_of_voxels_is_that_of_particles_and_of_interactions(reconstructed):
    clustered = reconstructed["voxels"]["reco_particle"] >= 0
    total = float(reconstructed["voxels"]["value"][clustered].double().sum())
    for name in ("reco_particles", "reco_interactions"):
        assert float(reconstructed[name]["energy"].double().sum()) == pytest.approx(total, rel=1e-5)


def test_directions_are_unit_vectors_and_intervals_hold_their_value(reconstructed):
    table = reconstructed["reco_particles"]
    for name in ("start_direction", "end_direction"):
        size = table[name].norm(dim=1)
        torch.testing.assert_close(size[size.isfinite()], torch.ones(int(size.isfinite().sum())), rtol=0, atol=1e-4)
    value, low, high = (table[f"scattering_momentum{end}"] for end in ("", "_low", "_high"))
    known = value.isfinite()
    assert (low[known] <= value[known]).all()
    assert (value[known] <= high[known]).all()


DEGENERATE = {
    "no voxel and no cluster": lambda: one_event([], cluster=[], kind=torch.zeros(0, dtype=torch.int64)),
    "a voxel of no cluster": lambda: one_event([[5, 5, 5]], cluster=[-1], kind=torch.zeros(0, dtype=torch.int64)),
    "one voxel": lambda: one_event([[5, 5, 5]], cluster=[0], kind=[1]),
    "a cluster without voxels": lambda: one_event([[5, 5, 5]], cluster=[1], kind=[1, 1]),
    "clusters of two voxels, one of each class": lambda: one_event(
        [[9 * k, 5, z] for k in range(5) for z in (0, 1)], cluster=[k for k in range(5) for _ in "ab"], kind=range(5)
    ),
    "the same voxel twice": lambda: one_event([[5, 5, 5], [5, 5, 5]], cluster=[0, 0], kind=[1]),
    "energies of zero": lambda: one_event([[5, 5, 5], [5, 5, 6]], torch.zeros(2), cluster=[0, 0], kind=[0]),
    "a block as a track": lambda: one_event(
        torch.cartesian_prod(*(torch.arange(20),) * 3), cluster=torch.zeros(8000), kind=[1]
    ),
}


def grouped(events, known):
    """Events with starts and groups, or with starts that are NaN."""
    table = events["clusters"]
    n = len(table)
    columns = {
        "start": torch.full((n, 3), -100.0 if known else torch.nan),
        "group": torch.zeros(n, dtype=torch.int64),
        "pid": torch.full((n,), 2),
        "primary": torch.ones(n, dtype=torch.int64),
    }
    about = {name: Column("", name, "readout") for name in columns}
    return events.with_table("clusters", table.with_columns(columns, about=about))


@pytest.mark.parametrize("make", DEGENERATE.values(), ids=DEGENERATE.keys())
def test_degenerate_events_come_out_with_valid_tables(make):
    for events in (make(), grouped(make(), True), grouped(make(), False)):
        found = reconstruct(events, DETECTOR)
        assert len(found["reco_particles"]) == len(events["clusters"])
        assert to_arrow(found).num_rows == 1
        assert not found["reco_particles"]["range_momentum"].isinf().any()


def test_a_batch_of_degenerate_events_is_each_of_them():
    single = [grouped(make(), True) for make in DEGENERATE.values()]
    together = reconstruct(Events.concat(single), DETECTOR)
    for i, events in enumerate(single):
        same(reconstruct(events, DETECTOR)["reco_particles"], together.event(i)["reco_particles"])


def test_fragments_belong_to_the_particle_of_most_of_their_voxels():
    events = one_event([[k, 5, 5] for k in range(6)], cluster=[0, 0, 0, 1, 1, 1], kind=[1, 0])
    voxels = events["voxels"]
    about = {"reco_fragment": Column("", "fragment", "prediction")}
    voxels = voxels.with_columns({"reco_fragment": torch.tensor([4, 4, 7, 7, 7, -1])}, about=about)
    found = reconstruct(events.with_table("voxels", voxels), DETECTOR)
    assert found["reco_fragments"]["particle"].tolist() == [0, 1]
    assert found["reco_fragments"]["kind"].tolist() == [1, 0]
    assert found["voxels"]["reco_fragment"].tolist() == [0, 0, 1, 1, 1, -1]


def test_what_is_missing_is_named():
    events = one_event([[5, 5, 5]], cluster=[0], kind=[1])
    with pytest.raises(InputError, match=r"needs \['cluster'\] of table 'voxels'"):
        reconstruct(events.without("clusters"), DETECTOR)
    with pytest.raises(InputError, match="kind of a cluster must be 0 to 4, got \\[9\\]"):
        reconstruct(one_event([[5, 5, 5]], cluster=[0], kind=[9]), DETECTOR)
    with pytest.raises(InputError, match="margin must not be negative"):
        reconstruct(events, DETECTOR, margin=-1.0)
