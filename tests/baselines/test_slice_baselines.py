"""Classical methods for slices: they tell apart what is obvious, can be kept, know weights, and stand empty events."""

from dataclasses import replace

import pytest
import torch

from nuforge.baselines.baseline import Baseline
from nuforge.baselines.cosmic_cuts import CosmicCuts, lower_quantiles
from nuforge.baselines.displaced_clusters import DisplacedClusters
from nuforge.baselines.lem import LEM, patterns, squared_distances
from nuforge.baselines.lid import LID
from nuforge.baselines.muon_neighbours import MuonNeighbours, shares_of_nearest
from nuforge.baselines.prong_likelihood import ProngLikelihood
from nuforge.baselines.prong_profiles import CELLS, PLANES, prong_profiles
from nuforge.baselines.prong_trees import PRONG_FEATURES, ProngTrees, prong_features
from nuforge.baselines.slice_summaries import SLICE_SUMMARIES, leading_prongs, slice_summaries
from nuforge.baselines.slice_trees import Growth, SliceTrees
from nuforge.baselines.small_network import train_small_network
from nuforge.baselines.stacked import Stacked
from nuforge.baselines.templates import log_bins, log_likelihood, log_templates
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from toy_weights import weighing

from .toy_slices import DETECTOR, accuracy, in_batches, repeated, toy_slices

QUICK = Growth(rounds=20, leaves=4, learning_rate=0.2)


def apart(a, b):
    """The squared distance of two patterns."""
    return float(squared_distances(a, b, b.square().sum(1)))


def lid():
    return LID(DETECTOR, classes=4)


def trees():
    return SliceTrees(DETECTOR, classes=4, growth=QUICK)


def lem():
    return LEM(DETECTOR, classes=4, growth=QUICK)


def neighbours():
    return MuonNeighbours(DETECTOR, classes=4, neighbours=5)


def cosmic():
    return CosmicCuts(DETECTOR, classes=4, cosmic=3, growth=QUICK)


def stacked():
    return Stacked({"LID": lid(), "neighbours": neighbours()}, classes=4)


def particles():
    return ProngLikelihood(DETECTOR)


def prong_trees():
    return ProngTrees(DETECTOR, growth=QUICK)


PRONGS = [particles, prong_trees]
SLICES = [lid, trees, lem, neighbours, cosmic, stacked]


@pytest.fixture(scope="module")
def train():
    return in_batches(toy_slices(160, seed=1))


@pytest.fixture(scope="module")
def test():
    return toy_slices(40, seed=2)


@pytest.fixture(scope="module")
def fitted(train):
    """All classifiers of slices, each fitted once."""
    out = {}
    for build in [*SLICES, *PRONGS]:
        out[build] = build()
        out[build].fit(train)
    return out


@pytest.mark.parametrize("build", SLICES)
def test_obvious_slices_are_told_apart(build, fitted, test):
    found = fitted[build].predict(test.readout())
    torch.testing.assert_close(found["event"]["probability"].sum(1), torch.ones(len(test)))
    least = 0.7 if build is neighbours else 0.9  # a track alone does not tell electrons from photons
    assert accuracy(found, test["event"]["flavour"]) > least
    assert isinstance(fitted[build], Baseline)


@pytest.mark.parametrize("build", PRONGS)
def test_obvious_prongs_are_told_apart(build, fitted, test):
    assert accuracy(fitted[build].predict(test.readout()), test["prongs"]["pid"], "prongs") > 0.85


@pytest.mark.parametrize("build", [*SLICES, *PRONGS])
def test_what_was_saved_answers_alike(build, fitted, test, tmp_path):
    baseline, table = fitted[build], "prongs" if build in PRONGS else "event"
    baseline.save(tmp_path / "kept")
    again = build().load(tmp_path / "kept")
    a, b = (x.predict(test.readout())[table]["probability"] for x in (baseline, again))
    assert torch.equal(a, b)


@pytest.mark.parametrize("build", [*SLICES, *PRONGS])
def test_an_event_alone_gets_the_same_answer_as_among_others(build, fitted, test):
    table = "prongs" if build in PRONGS else "event"
    together = fitted[build].predict(test.readout())[table]["probability"]
    alone = [fitted[build].predict(test.event(i).readout())[table]["probability"] for i in range(4)]
    torch.testing.assert_close(torch.cat(alone), together[: sum(len(part) for part in alone)], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("build", [*SLICES, *PRONGS])
def test_slices_without_hits_and_batches_without_slices_have_answers(build, fitted):
    events = toy_slices(5, blank=True)
    table = "prongs" if build in PRONGS else "event"
    assert events["prongs"].counts[-1] == 0
    found = fitted[build].predict(events.readout())[table]
    assert len(found) == len(events[table])
    assert bool(found["probability"].isfinite().all())
    assert len(fitted[build].predict(events[-1:].readout())[table]) == (0 if build in PRONGS else 1)
    none = fitted[build].predict(events[:0].readout())[table]
    assert len(none) == 0
    assert none["probability"].shape[1] == (5 if build in PRONGS else 4)


@pytest.mark.parametrize("build", [lid, lem, neighbours, particles])  # leaves of trees count rows, whatever they weigh
def test_an_event_of_weight_two_is_the_same_event_twice(build):
    """Halves go by identity, which repeated events share."""
    events = toy_slices(48, seed=4)
    numbers = [(1, 1, 2)[i % 3] for i in range(48)]
    once, twice = build(), build()
    once.fit([weighing(events, [float(n) for n in numbers])])
    twice.fit([repeated(events, numbers)])
    table = "prongs" if build in PRONGS else "event"
    look = toy_slices(12, seed=5).readout()
    a, b = (x.predict(look)[table]["probability"] for x in (once, twice))
    if build is lem:  # an event finds its own copies in the library, but not itself
        assert float((a - b).abs().median()) < 0.05
    else:
        torch.testing.assert_close(a, b, atol=2e-3, rtol=1e-2)


@pytest.mark.parametrize("build", [*SLICES, *PRONGS])
def test_events_of_weight_zero_teach_nothing(build, train, test):
    events = Events.concat(train[:3])
    lies = toy_slices(24, seed=9)
    wrong = lies.with_table("event", lies["event"].with_columns({"flavour": (lies["event"]["flavour"] + 1) % 4}))
    both = Events.concat([weighing(events, [1.0] * len(events)), weighing(wrong, [0.0] * 24)])
    a, b = build(), build()
    a.fit([weighing(events, [1.0] * len(events))])
    b.fit([both])
    table = "prongs" if build in PRONGS else "event"
    x, y = (baseline.predict(test.readout())[table]["probability"] for baseline in (a, b))
    torch.testing.assert_close(x, y, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("build", [*SLICES, *PRONGS])
def test_what_was_not_fitted_says_so(build, test, tmp_path):
    with pytest.raises(InputError, match="fit"):
        build().predict(test.readout())
    with pytest.raises(InputError, match="fit"):
        build().save(tmp_path)


@pytest.mark.parametrize("build", [lid, trees, lem, neighbours, cosmic])
def test_events_of_one_class_cannot_be_learned_from(build):
    with pytest.raises(InputError, match="at least 2 classes"):
        build().fit([toy_slices(4, kinds=("muon",))])


@pytest.mark.parametrize("build", [lid, lem, neighbours, cosmic])
def test_files_of_other_classes_are_refused(build, fitted, tmp_path):
    fitted[build].save(tmp_path)
    with pytest.raises((InputError, ValueError), match=r"another|other features"):
        replace(build(), classes=5).load(tmp_path)


def test_a_muon_along_the_beam_has_its_energy_loss_in_every_plane():
    hits = [(200 + i, 190, 13.2, 0.0, 1) for i in range(30)]
    events = slice_of(hits, vertex_plane=200)
    profiles = prong_profiles(events, DETECTOR)
    assert profiles.along.shape == (1, PLANES)
    expected = torch.where(torch.arange(PLANES) < 30, 13.2 / 6.6, 0.0)
    torch.testing.assert_close(profiles.along[0], expected)
    torch.testing.assert_close(profiles.back[0], expected)
    assert profiles.sees_along[0].tolist() == [i < 30 for i in range(PLANES)]
    assert profiles.aside[0].tolist() == [1.0, *[0.0] * (CELLS - 1)]
    assert (profiles.kinks[0][:26].abs() < 1e-4).all()
    assert profiles.kinks[0][26:].isnan().all()
    assert profiles.calm[0] == 1.0


def test_a_prong_seen_from_behind_is_the_same_prong():
    energies = [10.0 + i for i in range(20)]
    there = slice_of([(200 + i, 190, e, 0.0, 1) for i, e in enumerate(energies)], 200)
    back = slice_of([(199 - i, 190, e, 0.0, 1) for i, e in enumerate(energies)], 200, forward=False)
    a, b = (prong_profiles(events, DETECTOR) for events in (there, back))
    torch.testing.assert_close(a.along, b.along)
    torch.testing.assert_close(a.back, b.back)


def slice_of(hits, vertex_plane, forward=True):
    """A slice of one prong along the beam."""
    rows = torch.tensor(hits, dtype=torch.float64)
    plane = rows[:, 0].long()
    about = dict.fromkeys(("view", "plane", "cell", "energy", "time"), Column("", "", "readout"))
    columns = {"view": plane % 2, "plane": plane, "cell": rows[:, 1].long(), "energy": rows[:, 2], "time": rows[:, 3]}
    offsets = torch.tensor([0, len(hits)])
    prong = {"prong": torch.zeros(len(hits), dtype=torch.int64)}
    readout = DETECTOR.readout
    at = (190.5 * readout.width + DETECTOR.origin[0], 190.5 * readout.width + DETECTOR.origin[1], vertex_plane * 6.6)
    one = torch.tensor([1])
    prongs = {
        "direction": torch.tensor([[0.0, 0.0, 1.0 if forward else -1.0]]),
        "energy": rows[:, 2].sum()[None].float(),
        "hits_x": one * 10,
        "hits_y": one * 10,
    }
    seen = Column("", "", "readout")
    tables = {
        "hits": Table(
            columns | prong, offsets, {"prong": "prongs"}, {**about, "prong": Column("", "", "readout", "prongs")}
        ),
        "prongs": Table(prongs, torch.tensor([0, 1]), about=dict.fromkeys(prongs, seen)),
        "event": Table({"vertex": torch.tensor([at])}, torch.tensor([0, 1]), about={"vertex": seen}),
    }
    return Events(tables)


def test_summaries_say_what_is_in_a_slice(test):
    found = slice_summaries(test.readout(), DETECTOR)
    assert found.shape == (len(test), len(SLICE_SUMMARIES))
    of = {name: found[:, i] for i, name in enumerate(SLICE_SUMMARIES)}
    hits = test["hits"]
    torch.testing.assert_close(of["hits"], hits.counts.float())
    energy = torch.zeros(len(test), dtype=torch.float64).index_add_(0, hits.batch, hits["energy"])
    torch.testing.assert_close(of["energy"], energy.float())
    kind = test["event"]["flavour"]
    assert of["way to the roof"][kind == 3].max() < 26.0  # six cells in a plane, of which the first may tell x
    assert of["way to the roof"][kind != 3].min() > 100.0
    assert of["slope, X"][kind == 0].min() > 0.95
    shares = [value for name, value in of.items() if "fraction" in name]
    assert all(0 <= float(share.min()) <= float(share.max()) <= 1.0001 for share in shares)


def test_features_of_prongs_have_their_names(test):
    found = prong_features(test.readout(), DETECTOR)
    assert found.shape == (len(test["prongs"]), len(PRONG_FEATURES))
    torch.testing.assert_close(found[:, PRONG_FEATURES.index("width")], test["prongs"]["width"])
    torch.testing.assert_close(found[:, PRONG_FEATURES.index("direction, z")], test["prongs"]["direction"][:, 2])
    assert (found[:, PRONG_FEATURES.index("energy, fraction of the slice")] <= 1.0001).all()


def test_the_leading_prong_is_that_of_most_energy():
    offsets = torch.tensor([0, 2, 2, 5])
    energy = torch.tensor([1.0, 3.0, 5.0, 2.0, 9.0])
    prongs = Table({"energy": energy}, offsets, about={"energy": Column("MeV", "", "readout")})
    events = Events({"prongs": prongs})
    assert leading_prongs(events).tolist() == [1, -1, 4]
    assert leading_prongs(events, rank=1).tolist() == [0, -1, 2]
    assert leading_prongs(events, rank=2).tolist() == [-1, -1, 3]


def test_the_distance_of_patterns_is_zero_for_the_same_and_grows_with_the_way_between():
    def pattern(cell, plane=230):
        hits = [(200, 190, 10.0, 0.0, 1), *[(plane + i, cell, 10.0, 0.0, 1) for i in range(4)]]
        return patterns(slice_of(hits, 200), DETECTOR, 0.5)

    here = pattern(190)
    ways = [apart(here, pattern(190 + step)) for step in (0, 2, 5, 10, 20)]
    assert ways[0] == pytest.approx(0, abs=1e-3)
    assert ways == sorted(ways)
    assert apart(here, pattern(190, 234)) > 0


def test_a_mirrored_event_is_the_same_to_the_library():
    def pattern(side):
        return patterns(
            slice_of([(200 + i, 190 + side * i // 2, 10.0 + i, 0.0, 1) for i in range(20)], 200), DETECTOR, 1.0
        )

    left, right = (pattern(side) for side in (-2, 2))
    own = float((left - right).square().sum())
    assert apart(left, right) < 0.02 * own


def test_the_pattern_s_distance_is_the_energy_of_one_put_upon_the_other_s_negative():
    """By summing the waves' potential over pairs of charges in place of the vectors."""
    g = torch.Generator().manual_seed(0)
    place = torch.stack(
        [200 + 2 * torch.randint(20, (10,), generator=g), torch.randint(181, 199, (10,), generator=g)], 1
    )
    a, b = ([(plane, cell, 10.0, 0.0, 1) for plane, cell in part] for part in place.reshape(2, 5, 2).tolist())
    va, vb = (patterns(slice_of(hits, 200), DETECTOR, 1.0).double() for hits in (a, b))
    whole = patterns(slice_of([*a, *b], 200), DETECTOR, 1.0).double()
    torch.testing.assert_close(va + vb, whole, atol=2e-2, rtol=2e-3)  # additive in charge
    energy = float((va - vb).square().sum())
    cross = float((va * vb).sum())
    assert energy == pytest.approx(float(va.square().sum() + vb.square().sum()) - 2 * cross, rel=1e-6)


def test_neighbours_count_until_their_weight_is_full():
    distance = torch.tensor([[0.3, 0.1, 0.2, 0.9]])
    label, weight = torch.tensor([0, 1, 1, 0]), torch.tensor([1.0, 2.0, 1.0, 1.0], dtype=torch.float64)
    found = shares_of_nearest(distance, label, weight, 3, 2)
    assert found[0].tolist() == pytest.approx([1 / 5, 4 / 5])
    weight[2] = 0.5
    assert shares_of_nearest(distance, label, weight, 3, 2)[0].tolist() == pytest.approx([1.5 / 5, 3.5 / 5])


def test_templates_are_frequencies_and_their_likelihood_prefers_the_truth():
    g = torch.Generator().manual_seed(0)
    hypothesis = torch.arange(4000) % 2
    bins = (torch.rand(4000, 6, generator=g) * (3 + hypothesis[:, None])).long()
    counted = torch.ones_like(bins, dtype=torch.bool)
    energy, weight = torch.zeros(4000, dtype=torch.int64), torch.ones(4000, dtype=torch.float64)
    templates = log_templates(bins, counted, energy, hypothesis, weight, 2, 4)
    torch.testing.assert_close(templates.exp().sum(2), torch.ones(6, 6, 2))
    assert templates[0, :, 0, 0].exp().mean() == pytest.approx(1 / 3, abs=0.02)
    found = log_likelihood(templates, bins, counted, energy).argmax(1)
    assert float((found == hypothesis).float().mean()) > 0.85
    nothing = log_likelihood(templates, bins, ~counted, energy)
    assert (nothing == 0).all()


def test_bins_begin_at_nothing_and_end_open():
    value = torch.tensor([[0.0, 1e-9, 1.0, 99.0, 1e9]])
    assert log_bins(value, 1.0, 100.0, 11).tolist() == [[0, 1, 1, 10, 10]]


def test_a_small_network_learns_what_is_not_linear():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(400, 2, generator=g)
    label = (x[:, 0] * x[:, 1] > 0).long()
    network = train_small_network(x, label, torch.ones(400), 2, decay=1e-4)
    assert float((network.probability(x).argmax(1) == label).float().mean()) > 0.9
    again = train_small_network(x, label, torch.ones(400) * 7, 2, decay=1e-4)
    torch.testing.assert_close(again.probability(x), network.probability(x))


def test_a_cut_costs_no_more_than_its_share():
    values = torch.arange(10.0)[:, None]
    weight = torch.ones(10, dtype=torch.float64)
    assert lower_quantiles(values, weight, 0.0).tolist() == [0.0]
    assert lower_quantiles(values, weight, 0.25).tolist() == [2.0]
    assert lower_quantiles(values, torch.cat([weight[:9], weight[:1] * 91]), 0.05).tolist() == [5.0]


def neutrons():
    """Prongs at the vertex and apart; hits at the time of their prong."""
    prongs = {
        "gap": torch.tensor([0.0, 60.0, 0.0, 50.0, 40.0]),
        "hits_x": torch.tensor([20, 1, 30, 2, 1]),
        "hits_y": torch.tensor([20, 2, 30, 1, 0]),
        "energy": torch.tensor([900.0, 20.0, 800.0, 30.0, 600.0]),
        "origin": torch.tensor([0, 4, 1, 4, 5]),
    }
    about = {name: Column("", "", "truth" if name == "origin" else "readout") for name in prongs}
    hits = {
        "prong": torch.arange(5),
        "energy": torch.ones(5, dtype=torch.float64),
        "time": torch.tensor([0.0, 12.0, 100.0, 115.0, 101.4], dtype=torch.float64),
    }
    said = {name: Column("", "", "readout", "prongs" if name == "prong" else None) for name in hits}
    offsets = torch.tensor([0, 2, 5])
    return Events({"prongs": Table(prongs, offsets, about=about), "hits": Table(hits, offsets, about=said)})


def test_displaced_small_prongs_are_called_neutrons(tmp_path):
    events = neutrons()
    cuts = DisplacedClusters()
    cuts.fit([events])
    found = cuts.predict(events.readout())["prongs"]["probability"].argmax(1)
    assert found.tolist() == [0, 1, 0, 1, 0]
    cuts.save(tmp_path)
    assert DisplacedClusters.load(tmp_path) == cuts
    late = replace(DisplacedClusters(gap=10.0, hits=1e9, energy=1e9), delay=5.0)
    assert late.predict(events.readout())["prongs"]["probability"].argmax(1).tolist() == [0, 1, 0, 1, 0]
    with pytest.raises(InputError, match="0 batches"):
        DisplacedClusters().fit([])
