"""Selections: cuts chosen on validation, figures by hand, baselines with cuts of their own, equal purity."""

import json

import pytest
import torch

from nuforge.baselines.baseline import Choosing
from nuforge.baselines.selecting import Selecting
from nuforge.display.report_html import report_page
from nuforge.errors import InputError
from nuforge.evaluation.comparison import Comparison
from nuforge.evaluation.equal_purity import at_equal_purity, left_over
from nuforge.evaluation.report import Report, read_report
from nuforge.events import Column, Events, Table
from nuforge.events.bins import lower_edge
from nuforge.experiments.tuning import tune
from nuforge.metrics.binomial import upper_limit
from nuforge.metrics.ranking import BINS, log_odds_bin
from nuforge.metrics.selecting import (
    best_cut,
    efficiency_at_purity,
    kept,
    purity_at_efficiency,
    significance,
)
from nuforge.tasks.classification import Classification
from nuforge.tasks.rejection import Rejection
from nuforge.tasks.selection import Selection
from nuforge.training.learner import Supervised
from toy_weights import times, weighing

CLASSES = ("nu_mu", "nu_e", "NC", "cosmic")
ABOUT = {
    "flavour": Column("", "class", "truth"),
    "expected": Column("", "events of an exposure", "truth"),
    "score": Column("", "what a method sees", "readout"),
}
PREDICTION = {"probability": Column("", "", "prediction")}


def events_of(label, expected, score):
    columns = {"flavour": label, "expected": expected.double(), "score": score}
    return Events({"event": Table(columns, torch.arange(len(label) + 1), about=ABOUT)})


def by_hand():
    """Signal (nu_e) at probabilities .9, .8, .3; NC at .8 and .2; a cosmic muon at .95; each stands for some events."""
    p = torch.tensor([0.9, 0.8, 0.3, 0.8, 0.2, 0.95])
    label = torch.tensor([1, 1, 1, 2, 2, 3])
    expected = torch.tensor([1.0, 3.0, 2.0, 4.0, 10.0, 1e6])
    return events_of(label, expected, p), predicted(p)


def predicted(p):
    rest = (1 - p) / 3
    probability = torch.stack([rest, p, rest, rest], 1)
    return {"event": Table({"probability": probability}, torch.arange(len(p) + 1), about=PREDICTION)}


def selection(**more):
    return Selection(Classification(CLASSES, 2, "flavour"), ("nu_e",), **{"ignored": ("cosmic",), **more})


def sums(task, events, prediction):
    return {k: s.sum(0) for k, s in task.statistics(events, task.selecting(prediction)).items()}


def figures(task, events, prediction):
    found = task.figures({k: s[None] for k, s in sums(task, events, prediction).items()})
    return {name: float(value) for name, value in found.items()}


class Score:
    """A method whose probability of nu_e is the score times something that it was fitted to."""

    def __init__(self, factor=1.0):
        self.factor, self.fitted_on = factor, None

    def fit(self, batches):
        self.fitted_on = torch.cat([events["event"]["score"] for events in batches])

    def predict(self, readout):
        return predicted(readout["event"]["score"] * self.factor)

    def save(self, folder):
        folder.mkdir(parents=True, exist_ok=True)

    def load(self, folder):
        return Score(self.factor)


def test_figures_of_a_cut_are_those_counted_by_hand():
    events, prediction = by_hand()
    task = selection()
    task.cut.copy_(log_odds_bin(torch.logit(torch.tensor([0.79]))))
    found = figures(task, events, prediction)
    assert found["efficiency of nu_e"] == pytest.approx((1 + 3) / 6)
    assert found["purity of nu_e"] == pytest.approx((1 + 3) / (1 + 3 + 4))  # the cosmic muon is not counted
    assert found["figure of merit of nu_e"] == pytest.approx(4 / 8**0.5)
    assert found["recall of NC"] == 0.0  # the classification's own figures: of events, whatever they stand for
    assert found["accuracy"] == pytest.approx(3 / 6)


def test_the_cut_is_where_the_figure_of_merit_is_largest():
    events, prediction = by_hand()
    task = selection()
    task.settle(sums(task, events, prediction))
    best = {0.85: 1 / 1**0.5, 0.5: 4 / 8**0.5, 0.25: 6 / 10**0.5, 0.1: 6 / 20**0.5}
    assert max(best, key=best.get) == 0.25
    assert figures(task, events, prediction)["figure of merit of nu_e"] == pytest.approx(6 / 10**0.5)
    counted = selection(ignored=())
    counted.settle(sums(counted, events, prediction))
    assert figures(counted, events, prediction)["efficiency of nu_e"] == pytest.approx(1.0)  # a million anyway


def test_every_cut_is_tried():
    g = torch.Generator().manual_seed(0)
    counts = torch.rand(50, 2, generator=g, dtype=torch.float64)
    every = [significance(counts[i:, 1].sum(), counts[i:, 0].sum()) for i in range(51)]
    assert best_cut(counts) == int(torch.stack(every).argmax())
    torch.testing.assert_close(kept(counts)[:-1].flip(0), counts.flip(0).cumsum(0))
    assert (kept(counts)[-1] == 0).all()


def test_without_expected_events_each_counts_one():
    events, prediction = by_hand()
    task = selection(expected="")
    assert task.needs == ("event.flavour",)
    task.cut.copy_(log_odds_bin(torch.logit(torch.tensor([0.79]))))
    assert figures(task, events, prediction)["purity of nu_e"] == pytest.approx(2 / 3)


def test_an_event_of_weight_two_is_selected_twice():
    events, prediction = by_hand()
    numbers = [2, 1, 0, 3, 1, 1]
    rows = times(numbers)
    task = selection()
    weight = torch.tensor(numbers, dtype=torch.float64)
    once = task.statistics(weighing(events, [float(n) for n in numbers]), task.selecting(prediction))
    score = events["event"]["score"]
    again = events_of(events["event"]["flavour"][rows], events["event"]["expected"][rows], score[rows])
    twice = task.statistics(again, task.selecting(predicted(score[rows])))
    for name, s in once.items():
        torch.testing.assert_close((s * weight.reshape(-1, *[1] * (s.ndim - 1))).sum(0), twice[name].sum(0))


class Looking(torch.nn.Module):
    """A model that passes the score on."""

    def forward(self, events):
        event = events["event"]
        x = torch.logit(event["score"].float())
        return {"event": Table({"features": torch.stack([x, x * 0], 1)}, event.offsets)}


def test_a_network_settles_on_validation_events_and_keeps_the_cut_with_its_weights():
    events, _ = by_hand()
    learner = Supervised(Looking(), [selection()])
    head = learner.tasks[0].classification.head
    with torch.no_grad():
        head.weight.zero_()[1, 0] = 1.0
        head.bias.zero_()[1] = torch.log(torch.tensor(3.0))  # so that p = score
    asked = []

    def validation():
        asked.append(1)
        return [events]

    tune(learner, validation)
    assert len(asked) == 2  # temperature, cut
    assert learner.state_dict()["tasks.0.cut"].tolist() == learner.tasks[0].cut.tolist()
    found = learner.predict(events.readout())["event"]
    total = sums(learner.tasks[0], events, learner.predict(events.readout()))
    background, signal = kept(total["cuts"][0]).unbind(-1)
    passed = total["selected"][0]
    assert significance(passed[1, 1], passed[0, 1]) == significance(signal, background).max()
    assert found["selected"].shape == (6, 1)


def test_a_baseline_chooses_its_own_cut_on_validation_events_alone(tmp_path):
    events, _ = by_hand()
    baseline = Selecting(Score(), selection())
    assert isinstance(baseline, Choosing)
    assert not isinstance(Score(), Choosing)
    train = events_of(torch.tensor([1, 2]), torch.ones(2), torch.tensor([0.01, 0.99]))
    baseline.fit([train])
    assert baseline.baseline.fitted_on.tolist() == pytest.approx([0.01, 0.99])
    assert baseline.selection.cut.tolist() == [BINS // 2]  # fitting chooses nothing
    baseline.choose([events[:3], events[3:]])
    want = selection()
    want.settle(sums(want, *by_hand()))
    assert baseline.selection.cut.tolist() == want.cut.tolist()
    baseline.save(tmp_path)
    again = Selecting(Score(), selection()).load(tmp_path)
    for name in ("probability", "selected"):
        a, b = (x.predict(events.readout())["event"][name] for x in (baseline, again))
        assert (a == b).all()


def test_cuts_of_other_classes_are_refused(tmp_path):
    baseline = Selecting(Score(), selection())
    baseline.save(tmp_path)
    other = Selecting(Score(), Selection(Classification(CLASSES, 2, "flavour"), ("nu_mu",)))
    with pytest.raises(InputError, match="no cuts of"):
        other.load(tmp_path)
    with pytest.raises(InputError, match="no cuts of"):
        baseline.load(tmp_path / "nowhere")


def test_a_baseline_without_cuts_is_refused_with_what_to_do():
    events, prediction = by_hand()
    with pytest.raises(InputError, match="Selecting"):
        selection().statistics(events, prediction)


@pytest.mark.parametrize("names", [{"wanted": ("nu_x",)}, {"wanted": (), "ignored": ("muon",)}])
def test_unknown_classes_are_refused(names):
    with pytest.raises(InputError, match="no class"):
        Selection(Classification(CLASSES, 2, "flavour"), **names)


def counted(score, own, n_bins=4):
    counts = torch.zeros(n_bins, 2, dtype=torch.float64)
    for s, o in zip(score, own, strict=True):
        counts[s, o] += 1
    return counts


def test_efficiency_at_a_purity_and_purity_at_an_efficiency_by_hand():
    counts = counted([3, 3, 3, 2, 2, 1, 1, 1, 0], [1, 1, 0, 1, 0, 0, 1, 0, 0])
    # from the top: 2 of 3, 3 of 5, 4 of 8, 4 of 9
    at = torch.tensor([0.6, 0.5, 0.66, 0.9], dtype=torch.float64)
    found = efficiency_at_purity(counts.expand(4, 4, 2), at)
    assert found.tolist() == pytest.approx([0.75, 1.0, 0.5, 0.0])
    at = torch.tensor([0.5, 0.75, 0.625, 1.0], dtype=torch.float64)
    found = purity_at_efficiency(counts.expand(4, 4, 2), at)
    assert found.tolist() == pytest.approx([2 / 3, 3 / 5, 2.5 / 4, 4 / 8])


def comparison(n=400):
    g = torch.Generator().manual_seed(1)
    label = torch.randint(0, 4, (n,), generator=g)
    sharp = torch.sigmoid(torch.randn(n, generator=g) + 4.0 * (label == 1) - 2)
    blunt = torch.sigmoid(torch.randn(n, generator=g) + 1.5 * (label == 1) - 1)
    events = events_of(label, torch.ones(n), sharp)
    ours, theirs = selection(), selection()
    for task, score in ((ours, sharp), (theirs, blunt)):
        task.settle(sums(task, events, predicted(score)))
    rejection = Rejection(ours.classification)
    out = Comparison(Supervised(Looking(), [ours, rejection]), ["model", "LID"])
    out.add(events, {"model": ours.selecting(predicted(sharp)), "LID": theirs.selecting(predicted(blunt))})
    return out


def test_at_equal_purity_the_better_method_keeps_more():
    row = at_equal_purity(comparison(), ("nu_e",), replicas=100)["LID"]["nu_e"]
    assert row["ratio of efficiencies"].low > 1
    assert row["efficiency at its purity"].value > row["efficiency"].value
    assert row["purity at its efficiency"].value > row["purity"].value
    both = comparison()
    both._parts["LID"] = both._parts["model"]
    same = at_equal_purity(both, ("nu_e",), replicas=10)["LID"]["nu_e"]
    assert same["ratio of efficiencies"].value == pytest.approx(1, abs=0.05)
    assert same["purity at its efficiency"].value == pytest.approx(same["purity"].value)


def test_a_report_with_selections_is_written_read_and_shown(tmp_path):
    compared = comparison()
    found = compared.figures(replicas=10)
    curves = {
        "equal_purity": at_equal_purity(compared, ("nu_e",), replicas=10),
        "left_over": left_over(compared, CLASSES, "cosmic"),
    }
    Report("nova", {}, found.metrics, found.baselines, found.difference, curves=curves).write(tmp_path)
    assert "ratio of efficiencies" in json.dumps(read_report(tmp_path).curves)
    page = report_page(read_report(tmp_path))
    assert "ratio of efficiencies" in page
    assert "upper limit" in page


def test_rejection_reads_off_where_the_share_is_left():
    p = torch.tensor([0.9, 0.6, 0.4, 0.1, 0.05, 0.5, 0.02])  # of cosmic
    label = torch.tensor([3, 3, 3, 3, 1, 1, 0])
    rest = (1 - p) / 3
    events = events_of(label, torch.ones(7), p)
    prediction = {
        "event": Table({"probability": torch.stack([rest, rest, rest, p], 1)}, torch.arange(8), about=PREDICTION)
    }
    task = Rejection(Classification(CLASSES, 2, "flavour"), left=0.25)
    s = {name: v.sum(0, keepdim=True) for name, v in task.statistics(events, prediction).items()}
    found = {name: float(v) for name, v in task.figures(s).items()}
    assert set(found) == {"kept of nu_mu", "kept of nu_e", "kept of NC"}
    assert found["kept of nu_mu"] == 1.0
    assert found["kept of nu_e"] == pytest.approx(0.5)  # one of four cosmic muons is left below .4
    none = task.figures({"rejection": torch.zeros_like(s["rejection"])})
    assert all(bool(v.isnan()) for v in none.values())


def test_the_limit_of_none_left_is_that_of_the_spills_counted():
    assert upper_limit(0, 1000, 0.9) == pytest.approx(1 - 0.1 ** (1 / 1000))
    assert upper_limit(5, 5) == 1.0
    assert upper_limit(1, 10, 0.9) == pytest.approx(0.337, abs=0.001)  # Review of Particle Physics tables


def test_an_energy_has_the_lower_edge_of_its_bin():
    about = {"energy": Column("MeV", "", "truth")}
    value = torch.tensor([-5.0, 0.0, 499.0, 500.0, 9e9, torch.nan])
    events = Events({"event": Table({"energy": value}, torch.arange(7), about=about)})
    assert lower_edge(events, "energy", [0, 500, 1000]).tolist() == [0, 0, 0, 500, 1000, 0]
