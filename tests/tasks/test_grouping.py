"""The grouping task: loss of edges, partition, statistics and figures."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.events import Column, Table
from nuforge.metrics.bootstrap import bootstrap
from nuforge.tasks.grouping import Grouping
from nuforge.tasks.segmentation import Segmentation
from toy_clusters import cluster_events, line, random_events

ABOUT = {name: Column("", name, "prediction") for name in ("features", "node")}


def complete(events, of_pair):
    """What a model gives: all pairs of an event, with one feature, a function of their clusters."""
    clusters = events["clusters"]
    batch, n = clusters.batch, len(clusters)
    source, target = torch.triu_indices(n, n, 1)
    inside = batch[source] == batch[target]
    source, target = source[inside], target[inside]
    counts = torch.bincount(batch[source], minlength=len(events))
    columns = {"source": source, "target": target, "features": of_pair(source, target).float()[:, None]}
    refers = {"source": "clusters", "target": "clusters"}
    about = {**ABOUT, **{name: Column("", name, "prediction", "clusters") for name in refers}}
    edges = Table.from_counts(columns, counts, about={k: about[k] for k in columns})
    node = torch.ones(n, dtype=torch.bool)
    features = Table({"features": torch.zeros(n, 1), "node": node}, clusters.offsets, about=ABOUT)
    return {"edges": edges, "clusters": features}


def perfect(events):
    group = events["clusters"]["group"]
    return complete(events, lambda i, j: torch.where(group[i] == group[j], 1.0, -1.0))


def sure(task, slope=20.0):
    """The task with log-odds of `slope` times the feature."""
    with torch.no_grad():
        task.head.weight.fill_(slope)
        task.head.bias.zero_()
    return task


@torch.no_grad()
def figures(task, events, features):
    statistics = task.statistics(events, task.predict(task(features)))
    return {name: value.value for name, value in bootstrap(statistics, task.figures, replicas=2).items()}


def test_right_edges_give_the_true_groups():
    events, task = random_events([5, 0, 6, 1]), sure(Grouping(1, by_number=3))
    found = figures(task, events, perfect(events))
    for name in ("ARI", "AMI", "voxel ARI", "voxel purity", "groups exactly right", "edge accuracy"):
        assert found[name] == 1, name
    assert task.loss(task(perfect(events)), events) < 1e-6


def test_groups_are_numbered_from_zero_in_each_event():
    events, task = random_events([5, 4]), sure(Grouping(1))
    group = task.predict(task(perfect(events)))["clusters"]["reco_group"]
    assert group.tolist() == [0, 1, 0, 1, 0, 0, 1, 0, 1]


def test_loss_is_the_cross_entropy_of_edges_of_known_groups():
    events = random_events([4])
    clusters = events["clusters"]
    events = events.with_table("clusters", clusters.with_columns({"group": torch.tensor([0, 1, 0, -1])}))
    task, logit = sure(Grouping(1), slope=1.0), 0.7
    loss = task.loss(task(complete(events, lambda i, j: torch.full_like(i, 1) * logit)), events)
    p = torch.sigmoid(torch.tensor(logit))
    torch.testing.assert_close(loss, -(p.log() + 2 * (1 - p).log()) / 3)  # of three known pairs one is of one group


def test_voxels_weigh_by_the_size_of_clusters():
    long, short = line((0, 0, 0), (1, 0, 0), 30), line((0, 9, 0), (1, 0, 0), 3, group=1)
    events = cluster_events([long, line((0, 30, 0), (1, 0, 0), 30), short])
    task = sure(Grouping(1))
    as_one = complete(events, lambda i, j: torch.where((i == 0) & (j == 1), 1.0, torch.where(j == 2, 1.0, -1.0)))
    found = figures(task, events, as_one)
    assert found["purity"] == pytest.approx(2 / 3)
    assert found["voxel purity"] == pytest.approx(200 / 210, abs=0.01)


def test_a_pair_without_an_edge_is_said_not_to_be_of_one_group():
    events, task = random_events([5]), sure(Grouping(1))
    features = perfect(events)
    features["edges"] = Table.from_counts(
        {name: column[:0] for name, column in features["edges"].columns.items()},
        torch.tensor([0]),
        about=features["edges"].about,
    )
    found = figures(task, events, features)
    assert found["edge accuracy"] == pytest.approx(6 / 10)  # groups of three and two: four pairs of ten are of one
    assert found["groups exactly right"] == 0


def test_clusters_of_other_kinds_and_unknown_groups_do_not_count():
    events = random_events([8])
    clusters = events["clusters"]
    kinds = (0, 2)
    counted = torch.isin(clusters["kind"], torch.tensor(kinds))
    task = sure(Grouping(1, kinds))
    statistics = task.statistics(events, task.predict(task(perfect(events))))
    n = int(counted.sum())
    assert statistics["edge_pairs"][0, 1] == n * (n - 1) / 2
    unknown = events.with_table("clusters", clusters.with_columns({"group": torch.full_like(clusters["group"], -1)}))
    statistics = task.statistics(unknown, task.predict(task(perfect(events))))
    assert not any(s.any() for s in statistics.values())


def test_statistics_fall_into_the_slot_of_the_number_of_groups():
    events, task = random_events([1, 6, 5]), sure(Grouping(1, by_number=3))
    statistics = task.statistics(events, task.predict(task(perfect(events))))
    assert statistics["voxels"].shape == (3, 3, 4, 2)
    assert statistics["voxels"][:, :, 0, 1].tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert {"voxel ARI at 1 group", "voxel ARI at 2 groups", "voxel ARI at 3 or more groups"} <= set(
        task.figures({name: s.sum(0) for name, s in statistics.items()})
    )


def test_two_questions_about_one_table_have_names_of_their_own():
    events = random_events([5, 3])
    features = perfect(events)
    task = Segmentation(("no", "yes"), 1, "clusters", "primary", name="primary")
    prediction = task.predict(task(features))["clusters"]
    assert set(prediction) == {"primary_probability"}
    statistics = task.statistics(events, {"clusters": prediction})
    assert set(statistics) == {"primary_confusion", "primary_reliability"}
    sums = {name: s.sum(0) for name, s in statistics.items()}
    assert {"primary accuracy", "primary recall of yes"} <= set(task.figures(sums))


def test_no_kinds_are_refused():
    with pytest.raises(InputError, match="kinds must name a class"):
        Grouping(4, kinds=())
