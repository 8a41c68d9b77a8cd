"""Slices, energies, maps, vertices and prongs of a segmented detector, on tracks and showers that were simulated."""

from dataclasses import replace

import pytest
import torch

from nuforge.detectors import nova_near
from nuforge.detectors.nova import shifted
from nuforge.events import Events, Process, Table
from nuforge.simulation.cells import (
    calibrate,
    each_slice,
    find_prongs,
    find_vertex,
    label_prongs,
    links_to_heads,
    pixel_maps,
    slice_hits,
    slice_sums,
    true_slice,
)
from nuforge.simulation.cells.maps import CELLS, PER_COUNT, PLANES
from nuforge.simulation.response.segmented import expected_hits, respond
from nuforge.units import Hz

NEAR = nova_near()
VERTEX = torch.tensor([10.0, -20.0, 300.0])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def quiet(detector=NEAR):
    """The same without noise, dead cells and differences of cells; charges are those expected, all of them."""
    sensor = replace(detector.readout.sensor, dark_rate=0.0)
    return replace(detector, readout=replace(detector.readout, sensor=sensor, dead=0.0, gain_spread=0.0))


def tracks(directions, lengths, times=None, pdg=13, vertex=VERTEX, loss=2.0):
    """One event of straight tracks from a vertex, each an interaction of its own, 2 MeV/cm in steps of 1 cm."""
    way = torch.nn.functional.normalize(torch.tensor(directions, dtype=torch.float64), dim=1)
    n, lengths = len(way), torch.tensor(lengths)
    owner = torch.repeat_interleave(lengths)
    number = torch.arange(len(owner)) - (lengths.cumsum(0) - lengths)[owner]
    start = vertex + number[:, None] * way[owner]
    times = torch.tensor(times or [0.0] * n, dtype=torch.float64)
    one, all_of_it = torch.tensor([1]), torch.tensor([n])
    particles = {
        "pdg": torch.full((n,), pdg),
        "parent": torch.full((n,), -1),
        "process": torch.full((n,), int(Process.PRIMARY)),
        "momentum": (1000.0 * way).float(),
        "interaction": torch.arange(n),
    }
    segments = {
        "start": start,
        "end": start + way[owner],
        "time": times[owner],
        "energy": torch.full((len(owner),), loss, dtype=torch.float64),
        "length": torch.ones(len(owner), dtype=torch.float64),
        "particle": owner,
    }
    zero = torch.zeros(1, dtype=torch.int64)
    names = ("source", "run", "subrun", "event", "variation")
    return Events(
        {
            "event": Table.from_counts({**dict.fromkeys(names, zero), "weight": zero.double()}, one),
            "interactions": Table.from_counts({"vertex": vertex.float().expand(n, 3), "time": times}, all_of_it),
            "particles": Table.from_counts(particles, all_of_it),
            "segments": Table.from_counts(segments, torch.tensor([len(owner)])),
        }
    )


def read(events, detector=None, seed=0):
    return respond(events, detector or quiet(), generator(seed))


def whole(events, detector=None, seed=0):
    """All steps."""
    detector = detector or quiet()
    sliced = links_to_heads(slice_hits(read(events, detector, seed), detector))
    chosen = pixel_maps(calibrate(true_slice(sliced), detector), detector)
    return label_prongs(slice_sums(find_prongs(find_vertex(chosen, detector), detector), detector))


FORK = ([[0.3, 0.1, 1.0], [-0.4, -0.3, 1.0]], [400, 250])


def test_tracks_apart_in_time_are_two_slices_and_one_hit_is_in_one():
    events = slice_hits(read(tracks(*FORK, times=[0.0, 2000.0])), quiet())
    assert events["slices"].counts.tolist() == [2]
    assert (events["hits"]["slice"] >= 0).double().mean() > 0.98
    begin = events["slices"]["begin"]
    assert begin.sort().values.tolist() == pytest.approx([20, 2020], abs=60)
    assert int(events["slices"]["n_hits"].sum()) == int((events["hits"]["slice"] >= 0).sum())


def test_tracks_of_one_vertex_are_one_slice():
    assert slice_hits(read(tracks(*FORK)), quiet())["slices"].counts.tolist() == [1]


def test_noise_is_in_no_slice():
    sensor = replace(NEAR.readout.sensor, dark_rate=500 * Hz)
    noisy = replace(NEAR, readout=replace(NEAR.readout, sensor=sensor))
    events = tracks(*FORK)
    nothing = events.keep("segments", torch.zeros(len(events["segments"]), dtype=torch.bool))
    hits = slice_hits(respond(nothing, noisy, generator()), noisy)["hits"]
    assert len(hits) > 50
    assert (hits["slice"] == -1).double().mean() > 0.95


def test_each_slice_is_an_event_with_its_own_hits():
    events = slice_hits(read(Events.concat([tracks(*FORK, times=[0.0, 2000.0])] * 2)), quiet())
    apart = each_slice(events)
    assert len(apart) == 4
    assert apart["hits"].counts.tolist() == events["slices"]["n_hits"].tolist()
    assert apart["event"]["slice"].tolist() == [0, 1, 0, 1]
    assert torch.equal(apart["event"]["event"], apart["event"]["trigger"] * 65536 + apart["event"]["slice"])


def test_the_true_slice_is_that_of_the_interaction_asked_for():
    events = slice_hits(read(tracks(*FORK, times=[0.0, 2000.0])), quiet())
    for interaction, late in ((0, False), (1, True)):
        hits = true_slice(events, interaction)["hits"]
        assert len(hits) > 20
        assert ((hits["time"] > 1000) == late).all()


def test_the_place_along_a_cell_comes_from_the_other_view():
    events = calibrate(read(tracks([[0.2, 0.1, 1.0]], [500])), quiet())
    hits = events["hits"]
    z = (hits["plane"].double() + 0.5) * 6.6
    true = torch.where(hits["view"] == 0, -20 + 0.1 * (z - 300), 10 + 0.2 * (z - 300))
    assert (hits["along"] - true).abs().quantile(0.9) < 6  # cm: a cell and a half


@pytest.mark.parametrize("y", [-150.0, 2.0, 150.0])
def test_a_muon_has_the_same_energy_wherever_it_crosses_a_cell(y):
    vertex = torch.tensor([2.0, y, 100.0])
    events = calibrate(expected_hits(tracks([[0.0, 0.0, 1.0]], [900], vertex=vertex), quiet()), quiet())
    hits = events["hits"]
    inside = (hits["plane"] > 20) & (hits["plane"] < 140)
    expected = 2.0 * 0.901 * 5.64  # MeV/cm in the average, loss in scintillator over that, cm
    assert float(hits["energy"][inside].mean()) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("name", "factor"), [("calibration-up", 1.05), ("calibration-down", 0.95), ("light-up", 1.0)])
def test_a_wrong_scale_shows_in_energies_and_more_light_does_not(name, factor):
    other = shifted(quiet(), name)
    nominal, changed = (calibrate(expected_hits(tracks(*FORK), d), d)["hits"]["energy"] for d in (quiet(), other))
    torch.testing.assert_close(changed, factor * nominal, rtol=1e-5, atol=1e-5)


def test_a_map_keeps_the_energy_of_hits_in_counts():
    events = pixel_maps(calibrate(read(tracks(*FORK)), quiet()), quiet())
    pixels, hits = events["pixels"], events["hits"]
    assert pixels["charge"].dtype == torch.uint8
    total = float(hits["energy"].sum()) / PER_COUNT
    assert float(pixels["charge"].sum()) == pytest.approx(total, rel=0.02)
    assert pixels["row"].min() == 0
    assert pixels["row"].max() < PLANES
    assert pixels["column"].max() < CELLS
    code = (pixels["view"] * PLANES + pixels["row"]) * CELLS + pixels["column"]
    assert (code.diff() > 0).all()


def test_a_pixel_is_where_its_hit_is():
    events = pixel_maps(calibrate(read(tracks(*FORK)), quiet()), quiet())
    pixels, event = events["pixels"], events["event"]
    hit = {name: column[pixels["hit"]] for name, column in events["hits"].columns.items()}
    assert torch.equal(pixels["view"], hit["view"])
    assert torch.equal(2 * pixels["row"] + pixels["view"] + event["first_plane"], hit["plane"].long())
    assert torch.equal(pixels["column"] + event["first_cell"][0][pixels["view"].long()], hit["cell"].long())


def test_the_vertex_is_where_the_tracks_meet():
    vertex = whole(tracks(*FORK))["event"]["vertex"][0]
    assert (vertex - VERTEX).abs().max() < 8  # cm: two cells


def test_two_tracks_are_two_prongs_with_their_directions_lengths_and_owners():
    events = whole(tracks(*FORK))
    prongs = events["prongs"]
    assert len(prongs) == 2
    assert prongs["particle"].tolist() == [0, 1]  # the longer one has more energy
    true = torch.nn.functional.normalize(torch.tensor(FORK[0]), dim=1)
    assert ((prongs["direction"] * true).sum(1) > 0.998).all()
    torch.testing.assert_close(prongs["length"], torch.tensor([400.0, 250.0]), atol=20, rtol=0)
    assert (prongs["purity"] > 0.9).all()
    assert (prongs["completeness"] > 0.9).all()
    assert ((prongs["hits_x"] > 10) & (prongs["hits_y"] > 10)).all()
    torch.testing.assert_close(prongs["energy"], prongs["energy_x"] + prongs["energy_y"])
    expected = 2.0 * 0.901 * NEAR.readout.active_share
    assert prongs["mean_loss"].tolist() == pytest.approx([expected] * 2, rel=0.15)


def test_prongs_of_an_event_do_not_depend_on_its_neighbours():
    one, other = (whole(tracks(*FORK, vertex=VERTEX + shift)) for shift in (0.0, 37.0))
    hits = [e.without("prongs", "pixels", "truth_links") for e in (one, other)]
    both = find_prongs(find_vertex(Events.concat(hits), quiet()), quiet())
    for i, alone in enumerate((one, other)):
        for name in ("energy", "direction", "hits_x"):
            torch.testing.assert_close(both.event(i)["prongs"][name], alone["prongs"][name])


def test_hits_belong_to_their_own_prong():
    events = whole(tracks(*FORK))
    hits, prongs = events["hits"], events["prongs"]
    known = hits["prong"] >= 0
    assert known.double().mean() > 0.9
    counts = torch.bincount(hits["prong"][known], minlength=len(prongs))
    assert torch.equal(counts, prongs["hits_x"] + prongs["hits_y"])
    assert (prongs["particle"][hits["prong"][known]] == hits["particle"][known]).double().mean() > 0.9


def test_an_event_without_hits_has_a_place_in_every_table():
    events = tracks(*FORK)
    nothing = events.keep("segments", torch.zeros(len(events["segments"]), dtype=torch.bool))
    done = whole(Events.concat([nothing, events, nothing]))
    for name in ("hits", "pixels", "prongs"):
        counts = done[name].counts
        assert counts[0] == counts[2] == 0
        assert counts[1] > 0
    assert done["event"]["vertex"].isfinite().all()
    alone = whole(nothing)
    assert [len(alone[name]) for name in ("hits", "pixels", "prongs")] == [0, 0, 0]


def test_the_sums_of_a_slice_are_those_of_its_prongs_and_what_they_left():
    done = whole(Events.concat([tracks(*FORK), tracks([[0.0, 0.2, 1.0]], [100])]))
    event, prongs = done["event"], done["prongs"]
    in_prongs = torch.zeros(2).index_add(0, prongs.batch, prongs["energy"])
    torch.testing.assert_close(event["energy_x"] + event["energy_y"], in_prongs + event["loose_energy"])
    assert (event["energy_x"] > 0.3 * in_prongs).all()
    assert {event.about[name].role for name in ("energy_x", "energy_y", "loose_energy", "edge")} == {"readout"}


def test_the_edge_is_how_near_the_walls_a_slice_comes():
    half, end = NEAR.readout.length / 2, NEAR.readout.planes * NEAR.readout.depth
    inside = whole(tracks([[0.0, 0.0, 1.0]], [200]))["event"]["edge"]
    assert float(inside) == pytest.approx(half - 20.0, abs=NEAR.readout.width)
    leaving = whole(tracks([[0.0, 0.0, 1.0]], [int(end - 310)]))["event"]["edge"]
    assert float(leaving) < 2 * NEAR.readout.depth
    nothing = tracks(*FORK).keep("segments", torch.zeros(650, dtype=torch.bool))
    assert float(whole(nothing)["event"]["edge"]) == 0


def test_nothing_that_is_read_out_looks_at_truth():
    read_only = slice_hits(read(tracks(*FORK)), quiet()).readout()
    done = find_prongs(find_vertex(pixel_maps(calibrate(read_only, quiet()), quiet()), quiet()), quiet())
    assert len(done["prongs"]) == 2
    for table in ("hits", "pixels", "prongs", "slices"):
        assert {column.role for column in done[table].about.values()} == {"readout"}
