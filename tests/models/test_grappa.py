"""GrapPA: symmetric in the order of clusters, an event at a time, empty ones too, and able to learn."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.models.grappa import GrapPA
from nuforge.nn.cluster_graph import Joining
from nuforge.tasks.grouping import Grouping
from nuforge.tasks.segmentation import Segmentation
from nuforge.training.learner import Supervised
from toy_clusters import SHOWER, TRACK, cluster_events, cone, line, random_events, shuffled

WIDE = Joining(longest=(200.0,) * 4)


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = GrapPA(width=8, joining=WIDE)
    model(random_events([6, 7]).readout())  # running mean and variance of something
    return model.eval()


def as_matrix(edges, n):
    """Features of edges as (N, N, C), both ways."""
    dense = torch.zeros(n, n, edges["features"].shape[1])
    dense[edges["source"], edges["target"]] = edges["features"].detach()
    return dense + dense.transpose(0, 1)


def test_permuting_clusters_permutes_nodes_and_edges(model):
    events = random_events([7, 5])
    mixed, place = shuffled(events)
    straight, permuted = (model(e.readout()) for e in (events, mixed))
    n = len(events["clusters"])
    tolerance = {"rtol": 1e-4, "atol": 1e-4}
    torch.testing.assert_close(permuted["clusters"]["features"][place], straight["clusters"]["features"], **tolerance)
    dense = as_matrix(permuted["edges"], n)[place][:, place]
    torch.testing.assert_close(dense, as_matrix(straight["edges"], n), **tolerance)


def test_an_event_alone_gets_the_same_features_as_in_a_batch(model):
    events = random_events([6, 0, 1, 8])
    together = model(events.readout())
    for i, event in enumerate(events):
        for name, table in model(event.readout()).items():
            rows = slice(int(together[name].offsets[i]), int(together[name].offsets[i + 1]))
            torch.testing.assert_close(table["features"], together[name]["features"][rows], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("counts", [[], [0], [0, 0], [1], [0, 2, 0]])
@pytest.mark.parametrize("training", [True, False])
def test_events_with_hardly_a_cluster_pass_forward_and_backward(model, counts, training):
    events = random_events(counts) if counts else random_events([0])[:0]
    learner = Supervised(model.train(training), [Grouping(8), Segmentation(("no", "yes"), 8, "clusters", "primary")])
    loss, statistics = learner.evaluate(events)
    loss.backward()
    assert loss.isfinite()
    assert all(len(s) == len(events) and s.isfinite().all() for s in statistics.values())
    prediction = learner.predict(events.readout())
    assert len(prediction["clusters"]) == sum(counts)
    assert prediction["edges"].n_events == len(counts)


def test_every_pair_is_there_once_and_no_edge_joins_two_events(model):
    events = random_events([6, 4])
    edges, batch = model(events.readout())["edges"], events["clusters"].batch
    assert len(edges) == 15 + 6
    assert (edges["source"] < edges["target"]).all()
    assert torch.equal(batch[edges["source"]], batch[edges["target"]])
    assert torch.equal(batch[edges["source"]], edges.batch)


def test_only_the_kinds_asked_for_are_nodes_and_long_gaps_are_no_edges():
    events = cluster_events(
        [
            line((0, 0, 0), (1, 0, 0), 10, kind=TRACK),
            line((0, 20, 0), (1, 0, 0), 10, kind=TRACK),
            line((0, 60, 0), (1, 0, 0), 10, kind=TRACK),
            cone((0, 5, 0), (0, 1, 0), 10, torch.Generator(), kind=SHOWER),
        ]
    )
    out = GrapPA(width=4, joining=Joining(kinds=(TRACK,))).eval()(events.readout())
    assert out["clusters"]["node"].tolist() == [True, True, True, False]
    assert not out["clusters"]["features"][3].any()
    assert list(zip(out["edges"]["source"].tolist(), out["edges"]["target"].tolist(), strict=True)) == [(0, 1)]


def test_every_parameter_learns(model):
    out = model.train()(random_events([6, 7]).readout())
    (out["clusters"]["features"].square().sum() + out["edges"]["features"].square().sum()).backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]


def test_a_small_set_is_learned_by_heart():
    torch.manual_seed(0)
    events = random_events([6, 7, 5, 8, 6], seed=3)
    tasks = [Grouping(16), Segmentation(("no", "yes"), 16, "clusters", "primary", name="primary")]
    learner = Supervised(GrapPA(width=16, joining=WIDE), tasks)
    optimizer = torch.optim.AdamW(learner.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        learner.loss(events).backward()
        optimizer.step()
    _, statistics = learner.eval().evaluate(events)
    figures = learner.figures({name: s.sum(0, keepdim=True) for name, s in statistics.items()})
    assert figures["ARI"] == 1
    assert figures["primary accuracy"] > 0.95


def test_unknown_kinds_and_wrong_lengths_are_refused():
    with pytest.raises(InputError, match="kinds must be some of the classes"):
        Joining(kinds=(5,))
    with pytest.raises(InputError, match="voxel and radius must be positive"):
        Joining(voxel=0.0)
    with pytest.raises(InputError, match="width and layers must be at least 1"):
        GrapPA(layers=0)
