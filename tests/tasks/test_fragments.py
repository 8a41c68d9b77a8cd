"""The fragments task: which edges are cut, and what then hangs together."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.models.graph_spice import GraphSPICE
from nuforge.tasks.fragments import Fragments, as_fragments, cut_loss
from toy_chain import chain_events, emptied, overfitted


def small_graph_spice():
    torch.manual_seed(0)
    return GraphSPICE(depth=3, width=8, blocks=1, value_mean=-1.0)


def figures(task, events, prediction):
    sums = task.statistics(events, prediction)
    found = task.figures({name: counts.sum(0, keepdim=True) for name, counts in sums.items()})
    return {name: value.item() for name, value in found.items()}


def certain(outputs, events, sure=20.0):
    """Outputs whose edges know the truth."""
    edges, fragment = outputs["voxel_edges"], events["voxels"]["fragment"]
    differ = fragment[edges["source"]] != fragment[edges["target"]]
    return {**outputs, "voxel_edges": edges.with_columns({"logit": torch.where(differ, sure, -sure)})}


def test_tracks_that_touch_are_learned_to_be_separated():
    events, model, task = chain_events(3), small_graph_spice(), Fragments()
    before = figures(task, events, task.predict(task(model(events.readout())), choice=1.0))
    first, last = overfitted(model, task, events, 120)
    assert last < 0.2 * first
    found = figures(task, events, task.predict(task(model(events.readout()))))
    assert before["fragment ARI of track"] < 0.5  # uncut they are one
    assert found["fragment ARI of track"] > 0.9


def test_edges_that_know_the_truth_give_the_true_fragments():
    events, model, task = chain_events(4), small_graph_spice(), Fragments(least=1)
    outputs = certain(task(model(events.readout())), events)
    assert task.loss(outputs, events) < 1e-5
    found = task.predict(outputs)["voxels"]["reco_fragment"]
    for event, own in zip(events, found.split(events["voxels"].counts.tolist()), strict=True):
        pairs = torch.stack([event["voxels"]["fragment"], own], 1)[event["voxels"]["label"] == 1].unique(dim=0)
        assert len(pairs) == len(pairs[:, 0].unique()) == len(pairs[:, 1].unique()) == 2
    result = figures(task, events, {"voxels": task.predict(outputs)["voxels"]})
    assert result["fragment ARI of track"] == 1.0
    assert result["fragment purity of track"] == 1.0


def test_low_energy_voxels_have_no_fragment_and_others_one_from_zero_on():
    events, model, task = chain_events(3), small_graph_spice().eval(), Fragments()
    found = task.predict(task(model(events.readout())))["voxels"]
    assert torch.equal(found["reco_fragment"] < 0, events["voxels"]["kind"] == 4)
    for i in range(3):
        own = found["reco_fragment"][int(found.offsets[i]) : int(found.offsets[i + 1])]
        assert torch.equal(own[own >= 0].unique(), torch.arange(int(own.max()) + 1))
    assert found.about["reco_fragment"].role == "prediction"


def test_voxels_of_a_wrong_class_break_no_fragment():
    events, model, task = chain_events(3), small_graph_spice().eval(), Fragments()
    voxels = events["voxels"]
    wrong = voxels.with_columns({"kind": torch.where(torch.arange(len(voxels)) % 7 == 3, 0, voxels["kind"])})
    outputs = certain(task(model(events.with_table("voxels", wrong).readout())), events)
    found = figures(task, events, task.predict(outputs))
    assert found["fragment efficiency of track"] == found["fragment purity of track"] == 1


def test_fragments_of_fewer_voxels_join_the_nearest_of_their_class():
    events, model = chain_events(2), small_graph_spice().eval()
    outputs = Fragments()(model(events.readout()))
    found = Fragments(least=3).predict(outputs, choice=0.0)["voxels"]["reco_fragment"]  # all edges are cut
    everyone = Fragments(least=1).predict(outputs, choice=0.0)["voxels"]["reco_fragment"]
    assert torch.equal(found, everyone)  # without a larger one they stay
    whole = Fragments(least=3).predict(outputs, choice=1.0)["voxels"]
    for i in range(2):
        own = whole["reco_fragment"][int(whole.offsets[i]) : int(whole.offsets[i + 1])]
        assert torch.bincount(own[own >= 0]).min() >= 3


def test_an_event_alone_has_the_same_fragments():
    events, model, task = chain_events(3), small_graph_spice().eval(), Fragments()
    together = task.predict(task(model(events.readout())), choice=0.6)["voxels"]
    alone = [task.predict(task(model(e.readout())), choice=0.6)["voxels"]["reco_fragment"] for e in events]
    assert torch.equal(torch.cat(alone), together["reco_fragment"])


@pytest.mark.parametrize("keep", [(0, 0), (1, 0), (0, 30)])
def test_events_without_voxels_pass(keep):
    events, model, task = emptied(chain_events(2), keep), small_graph_spice(), Fragments()
    loss = task.loss(task(model(events.readout())), events)
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    found = task.predict(task(model.eval()(events.readout())))
    assert found["voxels"].counts.tolist() == list(keep)
    assert task.statistics(events, found)["fragment_partition"].isfinite().all()


def test_edges_of_unknown_fragments_do_not_count():
    events, model, task = chain_events(1), small_graph_spice().eval(), Fragments()
    voxels = events["voxels"]
    unknown = events.with_table("voxels", voxels.with_columns({"fragment": torch.full_like(voxels["fragment"], -1)}))
    assert task.loss(task(model(events.readout())), unknown) == 0


def test_the_loss_of_a_few_edges_to_be_cut_is_that_of_its_formula():
    logit, cut = torch.tensor([0.0, 0.0, 0.0, 0.0]), torch.tensor([True, False, False, False])
    entropy = torch.tensor(2.0).log()
    dice = torch.tensor((2 * 0.5 + 1) / (4 * 0.5 + 1 + 1))
    torch.testing.assert_close(cut_loss(logit, cut), entropy - dice.log())
    assert cut_loss(logit[:0], cut[:0]) == 0


def test_statistics_of_events_add_up_and_an_event_without_a_class_does_not_count():
    events, model, task = chain_events(3), small_graph_spice().eval(), Fragments()
    found = task.predict(task(model(events.readout())))
    sums = task.statistics(events, found)["fragment_partition"]
    assert sums.shape == (3, 5, 5, 2)
    assert not sums[:, 2:4].any()  # neither Michel nor delta
    assert sums[:, 4, :, 1].sum(0).tolist() == [3.0] * 5
    assert torch.tensor(figures(task, events, found)["fragment ARI of delta"]).isnan()


def test_a_threshold_that_is_no_probability_is_refused():
    with pytest.raises(InputError, match="threshold must be from 0 to 1"):
        Fragments(threshold=2.0)


def test_the_threshold_travels_with_the_weights():
    task, other = Fragments(threshold=0.25), Fragments()
    other.load_state_dict(task.state_dict())
    assert other.threshold == 0.25


def test_low_energy_voxels_are_of_the_fragment_that_they_touch_and_of_none_otherwise():
    row = torch.arange(12)
    kind = torch.tensor([1, 1, 1, 4, 4, 4, 0, 0, 0, 4, 4, 4])
    place = torch.stack([row + 5 * (row > 4) + 5 * (row > 9), row * 0, row * 0], 1)  # gaps after the fifth and tenth
    cluster = torch.tensor([0, 0, 0, 5, 6, 7, 1, 1, 1, 8, 9, 10])
    found = as_fragments(cluster, place, kind, row * 0, 3)
    assert found.tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, -1, -1]
    assert as_fragments(cluster, place, kind, row // 3, 3)[3:6].tolist() == [-1, -1, -1]  # events do not touch


def test_low_energy_voxels_between_two_fragments_join_neither_to_the_other():
    row = torch.arange(8)
    kind = torch.tensor([1, 1, 1, 4, 4, 1, 1, 1])
    place = torch.stack([row, row * 0, row * 0], 1)
    found = as_fragments(torch.tensor([0, 0, 0, 3, 4, 1, 1, 1]), place, kind, row * 0, 3)
    assert found.tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
