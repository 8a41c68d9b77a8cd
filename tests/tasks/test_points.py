"""The points task: what voxels learn, how proposals become points, and how points are counted."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.models.ppn import PPN
from nuforge.tasks.point_figures import BINS, quantile
from nuforge.tasks.points import ABOUT, Points, balanced_cross_entropy, best_of_merged
from toy_chain import ORIGIN, VOXEL, chain_events, emptied, overfitted


def small_ppn():
    torch.manual_seed(0)
    return PPN(depth=3, width=6, blocks=1, point_width=8, value_mean=-1.0)


def task():
    return Points(VOXEL, ORIGIN)


def true_points(positions, labels, ends=None, counts=None):
    """A table of true points at places in voxels."""
    n = len(labels)
    columns = {
        "position": torch.tensor(positions).reshape(n, 3) * VOXEL,
        "label": torch.tensor(labels, dtype=torch.int64),
        "end": torch.tensor(ends or [False] * n, dtype=torch.bool),
    }
    about = {name: Column("", "", "truth") for name in columns}
    return Table.from_counts(columns, torch.tensor(counts or [n]), about=about)


def found_points(positions, labels, ends=None, counts=None):
    """A table of found points at places in voxels, sure of their class."""
    n = len(labels)
    columns = {
        "position": torch.tensor(positions).reshape(n, 3) * VOXEL,
        "probability": torch.nn.functional.one_hot(torch.tensor(labels, dtype=torch.int64), 4).float(),
        "score": torch.ones(n),
        "end": torch.tensor(ends or [0.0] * n),
    }
    return Table.from_counts(columns, torch.tensor(counts or [n]), about=ABOUT)


def figures(points, found):
    asked = Points(VOXEL, (0.0, 0.0, 0.0))
    sums = asked.statistics(Events({"points": points}), {"reco_points": found})
    return {name: v.item() for name, v in asked.figures({k: v.sum(0, keepdim=True) for k, v in sums.items()}).items()}


def outputs_of(place, logit, kind, offset=(0.0, 0.0, 0.0)):
    """What a model might say of voxels of one event."""
    n = len(place)
    columns = {
        "index": torch.tensor(place),
        "mask": torch.stack([torch.zeros(n), torch.tensor(logit)], 1),
        "offset": torch.tensor(offset).expand(n, 3),
        "type": 9.0 * torch.nn.functional.one_hot(torch.tensor(kind), 4).float(),
        "end": torch.zeros(n),
    }
    about = {name: Column("", "", "prediction") for name in columns}
    return {"voxels": Table.from_counts(columns, torch.tensor([n]), about=about)}


def test_points_of_a_few_events_are_learned_and_found_again():
    events, model, asked = chain_events(3), small_ppn(), task()
    first, last = overfitted(model, asked, events, 90)
    assert last < 0.2 * first
    sums = asked.statistics(events, asked.predict(asked(model(events.readout()))))
    found = asked.figures({name: counts.sum(0, keepdim=True) for name, counts in sums.items()})
    assert found["point efficiency within 3 voxels"] > 0.9
    assert found["point purity within 3 voxels"] > 0.8
    assert found["point class accuracy"] > 0.9


def test_a_voxel_learns_the_nearest_point_and_of_several_at_one_place_that_of_its_class():
    events = chain_events(1)
    points = events["points"]
    twice = Table.from_counts(
        {
            "position": points["position"][[0, 0, 4]],
            "label": torch.tensor([0, 1, 3]),
            "end": torch.tensor([False, False, False]),
        },
        torch.tensor([3]),
        about=points.about,
    )
    events = events.with_table("points", twice)
    asked = task()
    distance, row = asked._nearest(events["voxels"], events)
    near, label = distance <= asked.radius, events["voxels"]["label"]
    assert near.any()
    assert (row[near & (label == 1)] == 1).all()
    assert (row[near & (label == 0)] == 2).all()  # the shower of the toy is at its own place
    place = events["voxels"]["index"] + 0.5
    away = (place[:, None] - asked.in_voxels(twice["position"])[None]).norm(dim=2).amin(1)
    torch.testing.assert_close(distance[near], away[near].double())
    assert torch.equal(near, away <= asked.radius)


def test_coarse_voxels_are_positive_if_they_hold_a_positive_one():
    events, model, asked = chain_events(2), small_ppn(), task()
    outputs = asked(model(events.readout()))
    positive = asked._nearest(outputs["voxels"], events)[0] <= asked.radius
    right = {}
    for name, table in outputs.items():  # logits that are certain of the truth have no loss
        logits = torch.where(positive[:, None], torch.tensor([-50.0, 50.0]), torch.tensor([50.0, -50.0]))
        right[name] = table.with_columns({"mask": logits})
        if "parent" in table:
            coarse = outputs[table.refers_to["parent"]]
            held = {
                (int(b), *i)
                for b, i in zip(table.batch[positive], (table["index"][positive] >> 1).tolist(), strict=True)
            }
            places = zip(coarse.batch.tolist(), coarse["index"].tolist(), strict=True)
            positive = torch.tensor([(b, *i) in held for b, i in places])
    at_points = asked.loss(right, events) - asked._at_points(
        right["voxels"], events["points"], *positives(asked, right, events)
    )
    assert at_points.abs() < 1e-5


def positives(asked, outputs, events):
    distance, row = asked._nearest(outputs["voxels"], events)
    positive = distance <= asked.radius
    return positive, row[positive]


def test_rare_and_common_rows_weigh_the_same_in_the_mask():
    logits = torch.zeros(10, 2)
    positive = torch.arange(10) < 1
    assert balanced_cross_entropy(logits, positive).item() == pytest.approx(torch.tensor(2.0).log().item())
    one_wrong = logits.clone()
    one_wrong[0] = torch.tensor([5.0, -5.0])
    assert balanced_cross_entropy(one_wrong, positive) > 5.0


@pytest.mark.parametrize("keep", [(0, 0), (1, 0), (0, 40)])
def test_events_without_voxels_or_points_pass(keep):
    events, model, asked = emptied(chain_events(2), keep), small_ppn(), task()
    loss = asked.loss(asked(model(events.readout())), events)
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    found = asked.predict(asked(model.eval()(events.readout())))
    assert found["reco_points"].n_events == 2
    statistics = asked.statistics(events, found)
    assert all(len(counts) == 2 and counts.isfinite().all() for counts in statistics.values())


def test_prediction_needs_no_truth_and_an_event_alone_has_the_same_points():
    events, model, asked = chain_events(3), small_ppn().eval(), Points(VOXEL, ORIGIN, purity=0.0)
    outputs = asked(model(events.readout()))
    together = asked.predict(outputs, choice=0.3)["reco_points"]
    assert len(together)
    for i, event in enumerate(events):
        alone = asked.predict(asked(model(event.readout())), choice=0.3)["reco_points"]
        rows = slice(int(together.offsets[i]), int(together.offsets[i + 1]))
        for name in together:
            torch.testing.assert_close(alone[name], together[name][rows], rtol=1e-4, atol=1e-4)


def test_a_point_lies_at_the_centre_of_its_voxel_plus_the_offset():
    outputs = outputs_of([[3, 4, 5]], [2.0], [1], offset=(0.5, -0.25, 1.0))
    found = task().predict(outputs)["reco_points"]
    expected = (torch.tensor([[3.5 + 0.5, 4.5 - 0.25, 5.5 + 1.0]])) * VOXEL + torch.tensor(ORIGIN)
    torch.testing.assert_close(found["position"], expected)
    assert found["score"].item() == pytest.approx(torch.sigmoid(torch.tensor(2.0)).item())
    assert found["end"].item() == 0.5


def test_near_proposals_of_one_class_are_one_point_of_the_highest_score():
    place = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [9, 0, 0], [1, 1, 0]]
    found = task().predict(outputs_of(place, [1.0, 3.0, 2.0, 1.0, 0.5], [1, 1, 1, 1, 0]))["reco_points"]
    index = ((found["position"] - torch.tensor(ORIGIN)) / VOXEL - 0.5).round().int().tolist()
    assert index == [[1, 1, 0], [1, 0, 0], [9, 0, 0]]  # the shower's first, then tracks by score


def test_voxels_below_the_threshold_propose_nothing():
    outputs = outputs_of([[0, 0, 0], [9, 0, 0]], [-1.0, 1.0], [1, 1])
    assert len(task().predict(outputs)["reco_points"]) == 1
    assert len(task().predict(outputs, choice=0.1)["reco_points"]) == 2
    assert len(Points(VOXEL, ORIGIN, threshold=0.9).predict(outputs)["reco_points"]) == 0


@given(st.integers(0, 2**31), st.integers(0, 25))
def test_merging_does_not_depend_on_the_order_of_proposals(seed, n):
    generator = torch.Generator().manual_seed(seed)
    position = torch.randint(0, 8, (n, 3), generator=generator).double()
    event = torch.randint(0, 3, (n,), generator=generator)
    score = torch.randint(0, 4, (n,), generator=generator) / 4
    order = torch.randperm(n, generator=generator)
    best = best_of_merged(position, event, score, 1.999)
    mixed = order[best_of_merged(position[order], event[order], score[order], 1.999)]
    for column in (position, event, score):
        assert torch.equal(column[best], column[mixed])
    assert (event[best].diff() >= 0).all()


def test_figures_of_known_points():
    true = true_points(
        [[10.0, 10, 10], [50, 50, 50], [90, 90, 90], [10, 10, 10]], [1, 1, 0, 0], [False, True, False, False]
    )
    found = found_points([[10.0, 12, 10], [50, 56, 50], [200, 0, 0]], [0, 1, 3], [0.1, 0.9, 0.0])
    figure = figures(true, found)
    assert figure["point efficiency within 3 voxels"] == pytest.approx(2 / 4)
    assert figure["point efficiency within 10 voxels"] == pytest.approx(3 / 4)
    assert figure["point purity within 3 voxels"] == pytest.approx(1 / 3)
    assert figure["point purity within 10 voxels"] == pytest.approx(2 / 3)
    assert figure["point efficiency of shower"] == pytest.approx(1 / 2)
    assert figure["point class accuracy"] == 1.0  # of two true points at one place, that of the class found counts
    assert torch.tensor(figure["start or end accuracy"]).isnan()
    assert figure["90 % quantile of the distance"] == 10.0


def test_starts_taken_for_ends_are_counted():
    true = true_points([[0.0, 0, 0], [20, 0, 0]], [1, 1], [False, True])
    figure = figures(true, found_points([[0.0, 0, 0], [20, 1, 0]], [1, 1], [0.9, 0.9]))
    assert figure["start or end accuracy"] == 0.5
    assert figure["median distance"] < 1.05


def test_statistics_of_events_add_up_to_those_of_the_batch():
    true = true_points([[0.0, 0, 0], [20, 0, 0], [5, 5, 5]], [1, 0, 2], counts=[2, 0, 1])
    found = found_points([[0.0, 1, 0], [5, 5, 7], [40, 0, 0]], [1, 2, 0], counts=[1, 0, 2])
    asked = Points(VOXEL, (0.0, 0.0, 0.0))
    together = asked.statistics(Events({"points": true}), {"reco_points": found})
    both = Events({"points": true, "reco_points": found})
    for i, event in enumerate(both):
        alone = asked.statistics(event, {"reco_points": event["reco_points"]})
        for name, counts in alone.items():
            assert torch.equal(counts[0], together[name][i])


def test_quantiles_of_histograms_are_those_of_the_distances():
    distance = torch.rand(20_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 8
    histogram = torch.histc(distance, BINS, 0, 10)
    histogram = torch.cat([histogram, histogram.new_zeros(1)])
    for fraction in (0.1, 0.5, 0.9):
        assert quantile(histogram, fraction).item() == pytest.approx(distance.quantile(fraction).item(), abs=0.025)
    assert quantile(torch.zeros(BINS + 1), 0.5).isnan()


def test_lengths_that_are_none_are_refused():
    with pytest.raises(InputError, match="voxel, radius and merge must be positive"):
        Points(0.0, ORIGIN)
