"""Classical energies and vertices: laws that they find again, what they are kept as, and weights."""

import pytest
import torch

from nuforge.baselines.baseline import Baseline
from nuforge.baselines.energy_trees import EnergyTrees
from nuforge.baselines.forest import grow_regression
from nuforge.baselines.kinematic_energy import KinematicEnergy, visible_energies
from nuforge.baselines.range_energy import RangeEnergy
from nuforge.baselines.slice_vertex import SliceVertex
from nuforge.baselines.splines import Spline
from nuforge.errors import InputError
from nuforge.tasks.flat_spectrum import FlatSpectrum
from toy_slices import toy_slices
from toy_weights import times, weighing

NUE, NUMU = "flavour == 1", "flavour == 0"
TARGETS = ("neutrino_energy", "lepton_energy")
BASELINES = [
    KinematicEnergy(TARGETS, NUE),
    RangeEnergy(NUMU),
    EnergyTrees(TARGETS, NUE, rounds=20),
    SliceVertex(),
]


def with_truth(events, **columns):
    return events.with_table("event", events["event"].with_columns({k: v.float() for k, v in columns.items()}))


def unfitted(baseline):
    """One of the same kind that knows nothing."""
    if isinstance(baseline, SliceVertex):
        return SliceVertex()
    if isinstance(baseline, RangeEnergy):
        return RangeEnergy(NUMU)
    return EnergyTrees(TARGETS, NUE) if isinstance(baseline, EnergyTrees) else KinematicEnergy(TARGETS, NUE)


def answer(baseline, events, target="neutrino_energy"):
    return baseline.predict(events.readout())["event"][f"reco_{target}"].double()


def test_a_quadratic_law_is_found_again():
    events = toy_slices(200, flavour=1)
    shower, rest = visible_energies(events)
    true = 1.5 * shower + 1.8 * rest + 4e-5 * shower**2 - 1e-5 * rest**2
    events = with_truth(events, neutrino_energy=true)
    baseline = KinematicEnergy(["neutrino_energy"], NUE)
    baseline.fit([events[:90], events[90:]])
    torch.testing.assert_close(answer(baseline, events), true, rtol=1e-4, atol=0.1)
    want = torch.tensor([1.5, 1.8, 4e-5, -1e-5], dtype=torch.float64)
    torch.testing.assert_close(baseline.coefficients["neutrino_energy"], want, rtol=1e-2, atol=1e-6)


def test_splines_of_length_and_visible_energy_are_found_again():
    events = toy_slices(300, flavour=0, blur=0.05)
    event = events["event"]
    length, muon = (event[name].double() for name in ("track_length", "track_energy"))
    rest = event["energy_x"].double() + event["energy_y"].double() - muon
    muon = 100 + 2.0 * length + 0.3 * (length - length.median()).clamp(min=0)
    hadrons = 50 + 1.4 * rest
    events = with_truth(events, lepton_energy=muon, hadronic_energy=hadrons, neutrino_energy=muon + hadrons)
    baseline = RangeEnergy(NUMU, pieces=2)
    baseline.fit([events])
    for target, want in (("lepton_energy", muon), ("hadronic_energy", hadrons), ("neutrino_energy", muon + hadrons)):
        torch.testing.assert_close(answer(baseline, events, target), want, rtol=2e-3, atol=1.0)


def test_a_spline_goes_on_straight_beyond_its_knots():
    x = torch.linspace(0, 10, 101, dtype=torch.float64)
    want = 3 + 2 * x - 1.5 * (x - 5).clamp(min=0)
    spline = Spline.fitted(x, want, torch.ones_like(x), torch.ones_like(x), pieces=2)
    torch.testing.assert_close(spline(x), want)
    torch.testing.assert_close(spline(torch.tensor([20.0, -4.0])), torch.tensor([20.5, -5.0], dtype=torch.float64))


def test_a_regression_has_the_scores_of_the_library_that_grew_it():
    from sklearn.ensemble import HistGradientBoostingRegressor

    generator = torch.Generator().manual_seed(0)
    features = torch.rand(300, 5, generator=generator).numpy()
    wanted = torch.rand(300, 2, generator=generator, dtype=torch.float64).numpy() + features[:, :2]
    forest = grow_regression(features, wanted, rounds=10, leaves=6, learning_rate=0.1, seed=0)
    for i in range(2):
        model = HistGradientBoostingRegressor(
            max_iter=10,
            max_leaf_nodes=6,
            learning_rate=0.1,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=0,
        ).fit(features, wanted[:, i])
        torch.testing.assert_close(forest.scores(features)[:, i], model.predict(features), rtol=1e-6, atol=1e-9)


def test_trees_are_better_than_the_mean():
    events = toy_slices(600, flavour=1, blur=0.05)
    trees = EnergyTrees(TARGETS, NUE, rounds=60)
    trees.fit([events[:400]])
    test = events[400:]
    for target in TARGETS:
        true = test["event"][target].double()
        error = (answer(trees, test, target) / true - 1).abs().mean()
        assert error < 0.3 * (true.log() - true.log().mean()).abs().mean()


def test_trees_know_how_they_grew_after_they_were_kept(tmp_path):
    spectrum = FlatSpectrum("neutrino_energy", 400.0, 4500.0, 8, 20.0)
    trees = EnergyTrees(TARGETS, NUE, spectrum, rounds=3, leaves=4)
    trees.fit([toy_slices(60, flavour=1)])
    trees.save(tmp_path)
    again = EnergyTrees.load(tmp_path)
    assert (again.spectrum, again.rounds, again.leaves, again.where) == (spectrum, 3, 4, NUE)


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda b: type(b).__name__)
def test_every_baseline_answers_alike_after_it_was_kept_and_for_an_event_alone(baseline, tmp_path):
    assert isinstance(baseline, Baseline)
    events = toy_slices(60, prongs=[i % 4 for i in range(60)])
    baseline.fit([events[:30], events[30:]])
    baseline.save(tmp_path / "kept")
    told = baseline.predict(events.readout())["event"]
    again = unfitted(baseline).load(tmp_path / "kept").predict(events.readout())["event"]
    assert len(told) == 60
    assert {column.role for column in told.about.values()} == {"prediction"}
    for name in told:
        assert torch.equal(again[name], told[name])
        assert told[name].isfinite().all()
    for i in (0, 1, 7):
        alone = baseline.predict(events.event(i).readout())["event"]
        for name in told:
            torch.testing.assert_close(alone[name][0], told[name][i])


@pytest.mark.parametrize("baseline", BASELINES[:2], ids=lambda b: type(b).__name__)
def test_a_weight_is_an_event_so_many_times_and_others_teach_nothing(baseline):
    events = toy_slices(100, blur=0.1)
    number = [i // 5 % 3 for i in range(100)]
    lying = with_truth(events, neutrino_energy=events["event"]["neutrino_energy"] * 2)
    mine = events["event"]["flavour"] == (1 if isinstance(baseline, KinematicEnergy) else 0)
    lies = lying.select(~mine)
    answers = []
    for batches in ([weighing(events, number)], [events.select(times(number)), lies]):
        baseline.fit(batches)
        answers.append(answer(baseline, events))
    torch.testing.assert_close(*answers, rtol=1e-4, atol=0.1)


@pytest.mark.parametrize("baseline", BASELINES[:3], ids=lambda b: type(b).__name__)
def test_too_few_events_are_refused(baseline):
    fresh = unfitted(baseline)
    with pytest.raises(InputError, match=r"flavour == .*give more events"):
        fresh.fit([toy_slices(20, flavour=3)])
    with pytest.raises(ValueError, match=r"call fit\(batches\)"):
        fresh.predict(toy_slices(3).readout())
