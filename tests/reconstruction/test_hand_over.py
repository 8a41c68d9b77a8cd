"""What one stage hands to the next, on hand-made events: ends of fragments, and particles from showers and tracks."""

import pytest
import torch

from nuforge.detectors import lartpc_cube
from nuforge.events import Column, Events, Table
from nuforge.reconstruction.hand_over import (
    NEAR,
    finished,
    fragments_as_clusters,
    near_points,
    particles_as_clusters,
    showers_aside,
    with_kinds,
)
from nuforge.tasks.points import ABOUT

DETECTOR = lartpc_cube()
SHOWER, TRACK, MICHEL, DELTA = range(4)
LINE = [[100 + i, 200, 300] for i in range(40)]
"""A line of 12 cm."""


def place(index):
    """Centres of voxels (N, 3) cm."""
    index = torch.as_tensor(index, dtype=torch.float64).reshape(-1, 3)
    return (torch.tensor(DETECTOR.origin) + (index + 0.5) * DETECTOR.readout.voxel).float()


def seen(fragments, points=()):
    """One event of fragments (class, voxel numbers, values) and points (voxel number, class, score, end)."""
    index = torch.cat([torch.zeros(0, 3, dtype=torch.int32), *(torch.tensor(f[1]).int() for f in fragments)])
    counts = torch.tensor([len(f[1]) for f in fragments], dtype=torch.int64)
    value = [torch.as_tensor(f[2], dtype=torch.float32).expand(len(f[1])) for f in fragments]
    voxels = {
        "index": index,
        "value": torch.cat([torch.zeros(0), *value]),
        "kind": torch.tensor([f[0] for f in fragments], dtype=torch.int64).repeat_interleave(counts),
        "reco_fragment": torch.repeat_interleave(counts),
    }
    about = {name: Column("", name, "readout") for name in ("kind", "reco_fragment")}
    kinds = torch.tensor([p[1] for p in points], dtype=torch.int64)
    columns = {
        "position": place(torch.tensor([p[0] for p in points], dtype=torch.float32)).float().reshape(-1, 3),
        "probability": torch.nn.functional.one_hot(kinds, 4).float().reshape(-1, 4),
        "score": torch.tensor([p[2] for p in points], dtype=torch.float32),
        "end": torch.tensor([p[3] for p in points], dtype=torch.float32),
    }
    return Events(
        {
            "voxels": Table.from_counts(voxels, torch.tensor([len(index)]), about=about),
            "reco_points": Table.from_counts(columns, torch.tensor([len(points)]), about=ABOUT),
        }
    )


def ends(fragments, points=()):
    """Start and end (C, 3) of the clusters of one event, in voxel numbers."""
    clusters = fragments_as_clusters(seen(fragments, points), DETECTOR)["clusters"]
    return [((clusters[name] - place([0, 0, 0])) / DETECTOR.readout.voxel).tolist() for name in ("start", "end")]


def near(found, index):
    assert found == pytest.approx(index, abs=1e-2)


def test_a_track_without_points_ends_where_it_has_more_charge():
    values = torch.ones(40)
    values[:5] = 4.0  # the Bragg peak lies at the first voxels
    start, end = ends([(TRACK, LINE, values)])
    near(start[0], LINE[-1])
    near(end[0], LINE[0])
    start, end = ends([(TRACK, LINE, values.flip(0))])
    near(start[0], LINE[0])


@pytest.mark.parametrize("turned", [False, True])
def test_a_track_ends_at_the_point_that_is_called_an_end_and_takes_its_place(turned):
    first, last = [101.5, 200, 300], [138.5, 201, 300]
    points = [(first, TRACK, 0.9, 0.9 if turned else 0.1), (last, TRACK, 0.8, 0.1 if turned else 0.9)]
    start, end = ends([(TRACK, LINE, 1.0)], points)
    near(start[0], last if turned else first)
    near(end[0], first if turned else last)


@pytest.mark.parametrize(("end_there", "expected"), [(0.9, 0), (0.1, -1)])
def test_one_point_is_enough_to_tell_both_ends(end_there, expected):
    _, end = ends([(TRACK, LINE, 1.0)], [(LINE[0], TRACK, 0.9, end_there)])
    near(end[0], LINE[expected])


@pytest.mark.parametrize("ending", [0.1, 0.9])
def test_a_point_near_both_ends_of_a_short_track_takes_the_nearer_alone(ending):
    short, point = LINE[:6], [101, 200, 300]  # 1.8 cm, all of it within reach of the point
    start, end = ends([(TRACK, short, 1.0)], [(point, TRACK, 0.9, ending)])
    at_point, other = (end, start) if ending > 0.5 else (start, end)
    near(at_point[0], point)
    near(other[0], short[-1])


def test_two_points_of_a_short_track_are_its_ends():
    short = LINE[:6]
    start, end = ends([(TRACK, short, 1.0)], [(short[-1], TRACK, 0.9, 0.2), (short[0], TRACK, 0.9, 0.8)])
    near(start[0], short[-1])
    near(end[0], short[0])


def test_a_track_of_one_voxel_starts_and_ends_at_its_point():
    start, end = ends([(TRACK, [LINE[3]], 1.0)], [(LINE[0], TRACK, 0.9, 0.2)])
    near(start[0], LINE[0])
    near(end[0], LINE[0])


def test_points_far_away_or_of_another_class_do_not_move_the_end_of_a_track():
    points = [([106, 200, 300], TRACK, 0.9, 0.1), (LINE[0], SHOWER, 0.9, 0.1)]
    start, end = ends([(TRACK, LINE, 1.0)], points)
    assert sorted(p[0] for p in (start[0], end[0])) == pytest.approx([100, 139], abs=1e-2)


def test_a_shower_starts_at_its_best_point_and_has_no_end():
    points = [(LINE[10], SHOWER, 0.6, 0.0), (LINE[30], SHOWER, 0.9, 0.0), (LINE[20], TRACK, 1.0, 0.0)]
    start, end = ends([(SHOWER, LINE, 1.0)], points)
    near(start[0], LINE[30])
    assert end == start


def test_a_shower_without_a_point_starts_at_the_end_nearest_to_any_point():
    start, _ = ends([(SHOWER, LINE, 1.0)], [([160, 200, 300], TRACK, 0.9, 0.0)])
    near(start[0], LINE[-1])


def test_a_point_serves_the_fragment_that_it_lies_on():
    other = [[100 + i, 260, 300] for i in range(40)]
    points = [(LINE[7], SHOWER, 0.9, 0.0), (other[9], SHOWER, 0.5, 0.0)]
    start, _ = ends([(SHOWER, LINE, 1.0), (SHOWER, other, 1.0)], points)
    near(start[0], LINE[7])
    near(start[1], other[9])


def test_a_fragment_of_one_voxel_starts_and_ends_there():
    start, end = ends([(kind, [[50 + 9 * kind, 5, 5]], 1.0) for kind in range(4)])
    assert start == end
    for kind in range(4):
        near(start[kind], [50 + 9 * kind, 5, 5])


def test_events_do_not_mix():
    parts = [
        seen([(TRACK, LINE, 1.0), (SHOWER, [[i, 9, 9] for i in range(20)], 1.0)], [(LINE[0], TRACK, 0.9, 0.9)]),
        seen([]),
        seen([], [(LINE[0], TRACK, 0.9, 0.9)]),
        seen([(SHOWER, LINE, 1.0)], [(LINE[3], SHOWER, 0.9, 0.0)]),
        seen([(TRACK, LINE, 1.0)]),
    ]
    together = fragments_as_clusters(Events.concat(parts), DETECTOR)
    assert together["clusters"].counts.tolist() == [2, 0, 0, 1, 1]
    for i, part in enumerate(parts):
        alone = fragments_as_clusters(part, DETECTOR)
        for table in ("clusters", "voxels"):
            for name in alone[table]:
                torch.testing.assert_close(alone[table][name], together.event(i)[table][name])


def test_kinds_are_the_most_probable_classes():
    probability = torch.tensor([[0.1, 0.6, 0.1, 0.1, 0.1], [0.2, 0.1, 0.1, 0.1, 0.5]])
    about = {"probability": Column("", "", "prediction")}
    events = with_kinds(Events({"voxels": Table({"probability": probability}, torch.tensor([0, 2]), about=about)}))
    assert events["voxels"]["kind"].tolist() == [1, 4]
    assert "kind" in events.readout()["voxels"]


def test_voxels_know_how_near_a_point_is():
    events = seen([(TRACK, LINE, 1.0), (TRACK, [[50, 50, 50]], 1.0)], [(LINE[0], TRACK, 0.9, 0.9)])
    found = near_points(events, events["reco_points"], DETECTOR)["voxels"]["near_point"]
    steps = torch.arange(len(LINE)) * DETECTOR.readout.voxel / NEAR
    torch.testing.assert_close(found[:-1], (1 - steps).clamp(min=0), atol=1e-5, rtol=0)
    assert found[-1] == 0
    nowhere = near_points(seen([(TRACK, LINE, 1.0)]), seen([])["reco_points"], DETECTOR)
    assert not nowhere["voxels"]["near_point"].any()


def test_a_fragment_has_the_class_of_most_of_its_voxels():
    events = seen([(TRACK, LINE, 1.0)])
    kind = events["voxels"]["kind"].clone()
    kind[-3:] = SHOWER
    mixed = events.with_table("voxels", events["voxels"].with_columns({"kind": kind}))
    assert fragments_as_clusters(mixed, DETECTOR)["clusters"]["kind"].tolist() == [TRACK]


def grouped(fragments, showers, primary, tracks):
    """Events whose fragments have been grouped: the shower of each, how primary it is, and its track."""
    events = fragments_as_clusters(seen(fragments), DETECTOR)
    said = Column("", "", "prediction")
    odds = torch.tensor(primary, dtype=torch.float32)
    columns = {
        "reco_group": torch.tensor(showers, dtype=torch.int64),
        "primary_probability": torch.stack([1 - odds, odds], 1) if len(odds) else torch.zeros(0, 2),
    }
    clusters = events["clusters"].with_columns(columns, dict.fromkeys(columns, said))
    events = showers_aside(events.with_table("clusters", clusters))
    assert "reco_group" not in events["clusters"]
    tracked = events["clusters"].with_columns(
        {"reco_group": torch.tensor(tracks, dtype=torch.int64)}, {"reco_group": said}
    )
    return events.with_table("clusters", tracked)


def test_showers_come_first_then_tracks_and_fragments_of_one_group_are_one_particle():
    rows = [[[10 * f + i, 5, 5] for i in range(n)] for f, n in enumerate((4, 8, 6, 3))]
    fragments = [(SHOWER, rows[0], 1.0), (TRACK, rows[1], 1.0), (MICHEL, rows[2], 1.0), (TRACK, rows[3], 1.0)]
    events = particles_as_clusters(grouped(fragments, [0, -1, 0, -1], [0.2, 0, 0.7, 0], [-1, 0, -1, 0]))
    clusters, cluster = events["clusters"], events["voxels"]["cluster"]
    assert clusters["kind"].tolist() == [MICHEL, TRACK]  # of the shower, that of its most probable primary
    assert torch.bincount(cluster).tolist() == [10, 11]
    starts = events["voxels"]["starts_shower"]
    torch.testing.assert_close(starts[[0, 12]], torch.tensor([0.2, 0.7]))
    assert starts.isnan().sum() == 11  # voxels of tracks
    assert (clusters["start"][0] == clusters["end"][0]).all()
    reach = (clusters["end"][1] - clusters["start"][1]).norm() / DETECTOR.readout.voxel
    assert float(reach) == pytest.approx(32 - 10, abs=1e-2)  # from the first voxel of both to the last


def test_a_fragment_of_no_group_is_in_no_particle():
    events = particles_as_clusters(
        grouped([(SHOWER, LINE, 1.0), (TRACK, LINE[:5], 1.0)], [-1, -1], [0.5, 0.5], [-1, 0])
    )
    assert events["voxels"]["cluster"].tolist() == [-1] * 40 + [0] * 5


def test_nothing_becomes_nothing():
    events = particles_as_clusters(grouped([], [], [], []))
    assert len(events["clusters"]) == 0
    said = Column("", "", "prediction")
    columns = {
        "pid_probability": torch.zeros(0, 5),
        "primary_probability": torch.zeros(0, 2),
        "reco_group": torch.zeros(0, dtype=torch.int64),
    }
    clusters = events["clusters"].with_columns(columns, dict.fromkeys(columns, said))
    done = finished(events.with_table("clusters", clusters), DETECTOR)
    assert len(done["reco_particles"]) == len(done["reco_interactions"]) == len(done["reco_fragments"]) == 0
    assert "clusters" not in done
    assert "cluster" not in done["voxels"]


def test_what_is_handed_over_is_made_where_the_events_are():
    fragments = [(TRACK, LINE, 1.0), (SHOWER, [[10, 10, 10]], 1.0)]
    events, pieces = seen(fragments, [(LINE[0], TRACK, 0.9, 0.1)]), grouped(fragments, [-1, 0], [0, 0.9], [0, -1])
    with torch.device("meta"):  # what is made without naming a place is nowhere, and cannot meet what is here
        handed = fragments_as_clusters(events, DETECTOR), particles_as_clusters(pieces)
    expected = fragments_as_clusters(events, DETECTOR), particles_as_clusters(pieces)
    for got, wanted in zip(handed, expected, strict=True):
        for table, column in [("clusters", "kind"), ("clusters", "start"), ("clusters", "end"), ("voxels", "cluster")]:
            assert torch.equal(got[table][column], wanted[table][column])
