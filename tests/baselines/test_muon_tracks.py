"""Muons followed through slices made by hand: gaps, scattering, other prongs, and slices without anything."""

import torch

from nuforge.baselines.muon_tracks import muon_tracks
from nuforge.baselines.splines import Spline
from nuforge.detectors import nova_far
from nuforge.events import Column, Events, Table

FAR = nova_far()
DEPTH, WIDTH = FAR.readout.depth, FAR.readout.width
VERTEX = torch.tensor([10.0, -20.0, 1000.0], dtype=torch.float64)
PLANE = DEPTH / 0.9  # cm of a track between two planes
AHEAD = (0.15, -0.2, 1.0)


def path(direction, length, turn=0.0):
    """Points (N, 3) along a way from the vertex that turns by `turn` rad a metre in x and z, and how far they are."""
    way = torch.arange(0, length, 0.25, dtype=torch.float64)
    d = torch.nn.functional.normalize(torch.tensor(direction, dtype=torch.float64), dim=0)
    angle = torch.atan2(d[0], d[2]) + turn * way / 100
    flat = torch.hypot(d[0], d[2])
    steps = torch.stack([flat * angle.sin(), d[1].expand(len(way)), flat * angle.cos()], 1) * 0.25
    return VERTEX + steps.cumsum(0), way


def hits_of(points, way, loss=1.4, gaps=(), views=(0, 1)):
    """Rows (view, plane, cell, energy) of the cells on a way: energy goes with the path in them.

    Args:
        points: (N, 3) cm.
        way: (N,) cm.
        loss: MeV/cm.
        gaps: Ways between which the views have no hits.
        views: Which views these are.
    """
    plane = (points[:, 2] / DEPTH).floor().long()
    view = plane % 2
    cell = ((points.gather(1, view[:, None]).squeeze(1) - FAR.origin[0]) / WIDTH).floor().long()
    dead = torch.zeros(len(way), dtype=torch.bool)
    for low, high in gaps:
        dead |= (way >= low) & (way < high) & torch.isin(view, torch.tensor(views))
    rows, count = torch.unique(torch.stack([view, plane, cell], 1)[~dead], dim=0, return_counts=True)
    return torch.cat([rows.double(), (0.25 * loss * count.double())[:, None]], 1)


def slices(*events):
    """Events of lists of (hits, direction, views in which the prong is seen); `None` for no prong of these hits."""
    hits = [torch.cat([part for part, _, _ in event]) if event else torch.zeros(0, 4) for event in events]
    prongs = [[(d, seen) for _, d, seen in event if d is not None] for event in events]
    of_prongs = [prong for event in prongs for prong in event]
    direction = torch.tensor([d for d, _ in of_prongs] or torch.zeros(0, 3).tolist(), dtype=torch.float64).view(-1, 3)
    rows = torch.cat(hits)
    columns = {name: rows[:, i].int() for i, name in enumerate(("view", "plane", "cell"))} | {"energy": rows[:, 3]}
    about = {
        "direction": torch.nn.functional.normalize(direction, dim=1).float(),
        **{f"hits_{axis}": torch.tensor([9 * (i in s) for _, s in of_prongs]).long() for i, axis in enumerate("xy")},
    }
    return Events(
        {
            "event": table({"vertex": VERTEX.float().expand(len(events), 3)}, [1] * len(events)),
            "hits": table(columns, [len(h) for h in hits]),
            "prongs": table(about, [len(p) for p in prongs]),
        }
    )


def table(columns, counts):
    about = {name: Column("", name, "readout") for name in columns}
    return Table.from_counts(columns, torch.tensor(counts), about=about)


def followed(*events):
    return muon_tracks(slices(*events), FAR)


def test_a_straight_track_has_its_length_energy_and_direction():
    hits = hits_of(*path(AHEAD, 600))
    found = followed([(hits, AHEAD, (0, 1))])
    assert abs(found.length.item() - 600) < 1.5 * PLANE
    assert abs(found.energy.item() - 840) < 0.05 * 840
    d = torch.nn.functional.normalize(torch.tensor(AHEAD, dtype=torch.float64), dim=0)
    assert (found.direction[0] @ d) > 0.9999


def test_a_track_that_a_gap_breaks_in_two_has_its_whole_length():
    whole = [(hits_of(*path(AHEAD, 600)), AHEAD, (0, 1))]
    both = [(hits_of(*path(AHEAD, 600), gaps=[(250, 300)]), AHEAD, (0, 1))]
    one_view = [(hits_of(*path(AHEAD, 600), gaps=[(200, 350)], views=(1,)), AHEAD, (0, 1))]
    lengths = followed(whole, both, one_view).length
    assert (lengths - 600).abs().max() < 1.5 * PLANE


def test_a_track_that_ends_is_not_joined_to_hits_far_beyond_its_end():
    points, way = path(AHEAD, 1000)
    broken = hits_of(points, way, gaps=[(400, 800)])
    assert abs(followed([(broken, AHEAD, (0, 1))]).length.item() - 400) < 1.5 * PLANE


def test_a_track_that_scatters_is_followed_round_the_bend():
    bent = path(AHEAD, 600, turn=0.1)  # 0.6 rad in all, beyond any prong
    assert abs(followed([(hits_of(*bent), AHEAD, (0, 1))]).length.item() - 600) < 1.5 * PLANE


def test_two_tracks_from_one_vertex_are_not_joined():
    other = (-0.6, 0.7, 1.0)
    muon, pion = hits_of(*path(AHEAD, 500)), hits_of(*path(other, 200))
    backward = hits_of(*path(tuple(-x for x in AHEAD), 200))
    apart = followed(
        [(muon, AHEAD, (0, 1)), (pion, other, (0, 1))],
        [(muon, AHEAD, (0, 1)), (backward, tuple(-x for x in AHEAD), (0, 1))],
    )
    assert (apart.length - 500).abs().max() < 1.5 * PLANE


def test_views_need_not_be_paired():
    """The prongs of a muon's views are found apart, each beside one of a short proton."""
    proton = (-0.6, 0.7, 1.0)
    x_only, y_only = (AHEAD[0], 0.0, AHEAD[2]), (0.0, AHEAD[1], AHEAD[2])
    muon, short = hits_of(*path(AHEAD, 500)), hits_of(*path(proton, 40), loss=5.0)
    assert abs(followed([(muon, x_only, (0,)), (short, proton, (0, 1)), (muon[:0], y_only, (1,))]).length - 500) < 10


def test_a_longer_shower_is_not_the_muon():
    shower = (-0.5, 0.6, 1.0)
    muon, bright = hits_of(*path(AHEAD, 300)), hits_of(*path(shower, 450), loss=12.0)
    found = followed([(bright, shower, (0, 1)), (muon, AHEAD, (0, 1))])
    assert abs(found.length.item() - 300) < 1.5 * PLANE


def test_energy_of_hadrons_on_the_track_is_not_the_muons():
    points, way = path(AHEAD, 400)
    hadrons = hits_of(points[:200], way[:200], loss=20.0)  # 50 cm
    found = followed([(hits_of(points, way), AHEAD, (0, 1)), (hadrons, None, ())])
    assert abs(found.length.item() - 400) < 1.5 * PLANE
    assert abs(found.energy.item() - 560) < 0.1 * 560


def test_there_is_no_track_without_prongs_or_without_one_in_each_view():
    muon = hits_of(*path(AHEAD, 400))
    found = followed([], [(muon, None, ())], [(muon, AHEAD, (0,))], [(muon, AHEAD, (0, 1))], [])
    assert found.length.count_nonzero() == 1
    assert found.length[3] > 390
    for values in (found.energy, found.direction):
        assert not values[[0, 1, 2, 4]].any()
    nothing = muon_tracks(slices([], []), FAR)
    assert nothing.length.tolist() == [0, 0]


def test_an_event_has_the_same_track_alone():
    many = [[(hits_of(*path((0.1 * i, -0.2, 1.0), 100 + 50 * i)), (0.1 * i, -0.2, 1.0), (0, 1))] for i in range(5)]
    lengths = followed(*many).length
    for event, length in zip(many, lengths, strict=True):
        torch.testing.assert_close(followed(event).length[0], length)


def test_a_spline_with_a_tolerance_is_not_bent_by_a_few_that_are_far_off():
    x = torch.linspace(1, 10, 200, dtype=torch.float64)
    want = 3 + 2 * x
    off = torch.where((torch.arange(200) % 5 == 3) & (x > 6), 0.3 * want, want)
    least_squares, straight = (
        Spline.fitted(x, off, want, torch.ones_like(x), pieces=2, tolerance=tolerance) for tolerance in (torch.inf, 0.1)
    )
    assert (straight(x) / want - 1).abs().max() < 0.01
    assert (least_squares(x) / want - 1).abs().max() > 0.1
