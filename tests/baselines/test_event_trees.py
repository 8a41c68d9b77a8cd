"""Summaries of events, and the trees on them."""

import json

import numpy as np
import pytest
import torch

from nuforge.baselines.event_summaries import SUMMARIES, event_summaries
from nuforge.baselines.event_trees import EventTrees
from nuforge.detectors import lartpc_cube
from nuforge.events import Column, Events, Table
from nuforge.metrics.ranking import area_under_curve, rank_bin, score_counts
from nuforge.simulation.response.lartpc import respond
from nuforge.simulation.sources import particle_gun
from nuforge.simulation.transport import transport

from .toy import toy_events

KIND = Column("", "source", "truth")


def voxels(*parts):
    """Events of (index, value) each."""
    index = torch.cat([torch.as_tensor(part[0], dtype=torch.int32).reshape(-1, 3) for part in parts])
    value = torch.cat([torch.as_tensor(part[1], dtype=torch.float32) for part in parts])
    return Events(
        {"voxels": Table.from_counts({"index": index, "value": value}, torch.tensor([len(part[1]) for part in parts]))}
    )


def named(events, event=0):
    return dict(zip(SUMMARIES, event_summaries(events)[event].tolist(), strict=True))


def labelled(events, kind):
    about = {"kind": KIND}
    return events.with_table("event", Table({"kind": kind}, torch.arange(len(events) + 1), about=about))


def test_a_track_and_a_blip_are_summed_up_as_by_hand():
    track = [(k, 0, 0) for k in range(40)]
    events = voxels((np.array([*track, (20, 30, 0)]), [0.2] * 39 + [1.2, 0.1]))
    found = named(events)
    assert found["voxels"] == 41
    assert found["energy"] == pytest.approx(39 * 0.2 + 1.3, rel=1e-6)
    assert found["voxels above 1 MeV"] == 1
    assert found["clusters"] == 2
    assert found["clusters of 1 voxels"] == 1
    assert found["clusters of 10-49 voxels"] == 1
    assert found["energy of a single voxel"] == pytest.approx(0.1)
    assert found["distance of small clusters, median"] == pytest.approx(30)
    assert found["straight clusters"] == 1
    assert found["length of straight clusters"] == pytest.approx(39)
    assert found["neighbours per voxel"] == pytest.approx(78 / 41)
    assert found["voxel energy, quantile 0.5"] == pytest.approx(0.2)
    assert found["voxel energy beside its neighbours, spread"] == pytest.approx(
        (np.log(6) + np.log(0.7 / 0.2)) / 40, rel=1e-5
    )


def test_neither_place_nor_order_nor_direction_counts():
    events = toy_events(3, blank=True)
    rows = events["voxels"]
    index = rows["index"]
    turned = torch.stack([900 - index[:, 2], index[:, 0] + 7, index[:, 1]], 1)
    order = torch.cat(
        [torch.randperm(int(n)) + int(first) for n, first in zip(rows.counts, rows.offsets, strict=False)]
    )
    columns = {"index": turned[order], "value": rows["value"][order]}
    other = events.with_table("voxels", Table(columns, rows.offsets))
    np.testing.assert_allclose(event_summaries(other), event_summaries(events), rtol=1e-4, atol=1e-5)


def test_an_event_alone_has_the_summaries_that_it_has_among_others_and_an_empty_one_zeros():
    events = toy_events(3, blank=True)
    alone = np.concatenate([event_summaries(event) for event in events])
    np.testing.assert_allclose(event_summaries(events), alone, rtol=1e-4, atol=1e-5)
    assert not alone[1].any()
    assert alone.shape == (3, len(SUMMARIES))


def electrons(n, seed):
    """n electrons of 60 MeV as they are read out."""
    generator, detector = torch.Generator().manual_seed(seed), lartpc_cube()
    flying = particle_gun(n, 11, 60.0, position=(0.0, 0.0, 0.0), direction=(0.4, -0.9, 0.3))
    return respond(transport(flying, detector, generator), detector, generator)


@pytest.fixture(scope="module")
def simulated():
    return electrons(200, 1), electrons(200, 2)


def area(trees, events, kind):
    odds = trees.predict(events.readout())["event"]["probability"][:, 1]
    bins = rank_bin(odds)
    return float(area_under_curve(score_counts(bins, kind == 1, torch.arange(len(kind)), len(kind)).sum(0)))


def test_two_samples_of_one_simulation_cannot_be_told_apart_and_two_scales_of_energy_can(simulated):
    train, test = simulated
    kind = torch.arange(200) % 2
    chance = (201 / (12 * 100 * 100)) ** 0.5  # standard deviation without a difference (Mann and Whitney)
    trees = EventTrees("kind", rounds=60)
    trees.fit([labelled(train, kind)])
    assert abs(area(trees, test, kind) - 0.5) < 5 * chance
    shifted = [
        e.with_table("voxels", v.with_columns({"value": v["value"] * (1 + 0.1 * kind[v.batch])}))
        for e in (train, test)
        for v in [e["voxels"]]
    ]
    trees.fit([labelled(shifted[0], kind)])
    assert area(trees, shifted[1], kind) > 0.5 + 5 * chance


def test_what_was_saved_predicts_the_same(tmp_path):
    events = labelled(toy_events(40), torch.arange(40) % 2)
    trees = EventTrees("kind", rounds=5)
    trees.fit([events[:25], events[25:]])
    trees.save(tmp_path)
    table = trees.predict(events.readout())["event"]
    again = EventTrees.load(tmp_path).predict(events.readout())["event"]
    assert torch.equal(table["probability"], again["probability"])
    assert table.about["probability"].role == "prediction"
    torch.testing.assert_close(table["probability"].sum(1), torch.ones(40))


def test_unusable_trees_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no trees yet"):
        EventTrees("kind").predict(toy_events(1).readout())
    with pytest.raises(ValueError, match="no trees to save"):
        EventTrees("kind").save(tmp_path)
    with pytest.raises(ValueError, match=r"at least two classes, got counts \[3, 0\]"):
        EventTrees("kind").fit([labelled(toy_events(3), torch.zeros(3, dtype=torch.int64))])
    events = labelled(toy_events(6), torch.arange(6) % 2)
    trees = EventTrees("kind", rounds=1)
    trees.fit([events])
    trees.save(tmp_path)
    description = json.loads((tmp_path / "boosted_trees.json").read_text())
    (tmp_path / "boosted_trees.json").write_text(json.dumps({**description, "features": ["mass"]}))
    with pytest.raises(ValueError, match="other features"):
        EventTrees.load(tmp_path)
