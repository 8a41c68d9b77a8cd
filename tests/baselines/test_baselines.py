"""Baselines: what every one must keep, then each alone."""

import json

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier

from nuforge.baselines.boosted_trees import BoostedTrees, _Sample
from nuforge.baselines.features import FEATURES
from nuforge.baselines.forest import Forest
from nuforge.baselines.rules import Rules
from nuforge.simulation.truth import CLASSES, VoxelClass

from .toy import simulated_muons, toy_events


def small_trees(**more):
    return BoostedTrees(rounds=8, leaves=6, rows_per_class=400, **more)


@pytest.fixture(params=[Rules, small_trees], ids=["rules", "boosted trees"])
def baseline(request):
    made = request.param()
    made.fit([toy_events(4, seed=1), toy_events(3, seed=2, blank=True)])
    return made


def test_probabilities_are_given_for_each_voxel_and_sum_to_one(baseline):
    readout = toy_events(3, blank=True).readout()
    table = baseline.predict(readout)["voxels"]
    assert torch.equal(table.offsets, readout["voxels"].offsets)
    assert table.about["probability"].role == "prediction"
    torch.testing.assert_close(table["probability"].sum(dim=1), torch.ones(len(table)))


def test_an_event_alone_is_predicted_as_among_others(baseline):
    events = toy_events(3, blank=True).readout()
    together = baseline.predict(events)["voxels"]["probability"]
    alone = torch.cat([baseline.predict(event)["voxels"]["probability"] for event in events])
    assert (alone.argmax(dim=1) == together.argmax(dim=1)).float().mean() > 0.99  # thresholds may split rounding


def test_tracks_showers_and_blips_are_told_apart(baseline):
    events = toy_events(6, seed=9)
    probability = baseline.predict(events.readout())["voxels"]["probability"]
    right = probability.argmax(dim=1) == events["voxels"]["label"]
    assert right.float().mean() > 0.9


def test_rules_find_the_deltas_and_the_michels_of_muons_that_stop():
    events = simulated_muons(30, 350.0)  # a range of about 150 cm
    label = events["voxels"]["label"]
    found = Rules().predict(events.readout())["voxels"]["probability"].argmax(dim=1)
    for c, least in ((VoxelClass.TRACK, 0.9), (VoxelClass.MICHEL, 0.65), (VoxelClass.DELTA, 0.35)):
        true, named = label == c, found == c  # seeds 0 to 3 give 0.97, 0.85 and 0.47 at least
        assert (true & named).sum() > least * true.sum(), f"recall of {CLASSES[c]}"
        assert (true & named).sum() > least * named.sum(), f"precision of {CLASSES[c]}"


def test_rules_find_hardly_a_michel_at_muons_that_leave():
    events = simulated_muons(20, 3000.0)
    assert not (events["voxels"]["label"] == VoxelClass.MICHEL).any()
    found = Rules().predict(events.readout())["voxels"]["probability"].argmax(dim=1)
    assert (found == VoxelClass.MICHEL).float().mean() < 0.01


@pytest.mark.parametrize("classes", [[0, 1, 2, 3, 4], [1, 4], [0, 2, 3]])
def test_own_evaluation_equals_scikit_learn(classes):
    random = np.random.default_rng(5)
    features = random.normal(size=(1500, 7)).astype(np.float32).round(2)  # ties at the thresholds
    label = np.array(classes)[np.digitize(features[:, 0] + features[:, 1] ** 2, np.linspace(0, 2, len(classes) - 1))]
    model = HistGradientBoostingClassifier(max_iter=15, max_depth=6, early_stopping=False).fit(features, label)
    own = Forest.of_scikit_learn(model, 5).probability(features)
    np.testing.assert_allclose(own[:, model.classes_], model.predict_proba(features), atol=1e-6)
    assert own.sum(axis=1) == pytest.approx(np.ones(len(own)))


def test_saved_trees_predict_the_same(tmp_path):
    trees = small_trees(prior_power=0.3)
    trees.fit([toy_events(4)])
    trees.save(tmp_path / "trees")
    loaded = BoostedTrees.load(tmp_path / "trees")
    readout = toy_events(2, seed=7).readout()
    assert torch.equal(*(t.predict(readout)["voxels"]["probability"] for t in (trees, loaded)))
    assert loaded.prior_power == 0.3


def test_same_seed_grows_the_same_trees():
    readout = toy_events(2, seed=7).readout()
    found = []
    for _ in range(2):
        trees = small_trees()
        trees.fit([toy_events(4), toy_events(4, seed=3)])
        found.append(trees.predict(readout)["voxels"]["probability"])
    assert torch.equal(*found)


def test_the_sample_is_bounded_and_counts_what_it_saw():
    batches = [toy_events(3, seed=s) for s in range(3)]
    sample = _Sample.of_batches(batches, 5, per_class=50, seed=0)
    truth = torch.bincount(torch.cat([b["voxels"]["label"] for b in batches]), minlength=5)
    assert sample.seen.tolist() == truth.tolist()
    assert np.bincount(sample.label, minlength=5).tolist() == [min(50, n) for n in truth.tolist()]
    assert sample.features.shape == (len(sample.label), len(FEATURES))


def test_trees_of_another_format_or_on_other_features_are_refused(tmp_path):
    trees = small_trees()
    trees.fit([toy_events(2)])
    trees.save(tmp_path)
    description = tmp_path / "boosted_trees.json"
    written = json.loads(description.read_text())
    description.write_text(json.dumps({**written, "format": 99}))
    with pytest.raises(ValueError, match="have format 99, expected 1"):
        BoostedTrees.load(tmp_path)
    description.write_text(json.dumps({**written, "features": [*FEATURES, "weather"]}))
    with pytest.raises(ValueError, match="other features, which differ in \\['weather'\\]"):
        BoostedTrees.load(tmp_path)
    description.write_text("{")
    with pytest.raises(ValueError, match="no readable boosted trees"):
        BoostedTrees.load(tmp_path)


def test_trees_that_were_not_grown_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"call fit\(batches\)"):
        BoostedTrees().predict(toy_events(1).readout())
    with pytest.raises(ValueError, match=r"call fit\(batches\)"):
        BoostedTrees().save(tmp_path)
    with pytest.raises(ValueError, match="no readable boosted trees"):
        BoostedTrees.load(tmp_path)
    with pytest.raises(ValueError, match="at least two classes"):
        BoostedTrees().fit([])
