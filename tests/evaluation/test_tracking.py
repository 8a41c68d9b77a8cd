"""The check of a selection: differences of efficiencies between samples, and the difference of two of them."""

import pytest
import torch

from nuforge.display.report_html import report_page
from nuforge.errors import InputError
from nuforge.evaluation.comparison import Comparison
from nuforge.evaluation.report import Report, read_report
from nuforge.evaluation.tracking import DOUBLE, OF_SIGNAL, OF_STAND_INS, SIGNAL, STAND_INS, tracking_curve
from nuforge.events import Column, Events, Table
from nuforge.tasks.classification import Classification
from nuforge.tasks.selection import Selection

CLASSES = ("muon", "electron", "rest")
NAMES = (*STAND_INS, *SIGNAL)


def sample(label, selected, expected=None, weight=None, names=("model",)):
    """The comparison of methods that all select the same events as electrons."""
    task = Selection(Classification(CLASSES, 4, "kind"), ("muon", "electron"))
    label, chosen, n = torch.tensor(label), torch.tensor(selected), len(label)
    columns = {"kind": label, "expected": torch.tensor(expected or [1.0] * n, dtype=torch.float64)}
    if weight is not None:
        columns["weight"] = torch.tensor(weight, dtype=torch.float64)
    about = {name: Column("", name, "truth") for name in columns}
    events = Events({"event": Table(columns, torch.arange(n + 1), about=about)})
    probability = torch.full((n, 3), 0.1)
    probability[:, 1] = torch.where(chosen, 0.8, 0.1)
    probability[:, 2] = 0.9 - probability[:, 1]
    said = Column("", "said", "prediction")
    table = Table({"probability": probability}, torch.arange(n + 1), about={"probability": said})
    comparison = Comparison(task, list(names))
    comparison.add(events, dict.fromkeys(names, task.selecting({"event": table})))
    return comparison


def electrons(n, share, **more):
    """A sample of n electrons of which a share is selected."""
    return sample([1] * n, [i < share * n for i in range(n)], **more)


def of(*samples, **more):
    return tracking_curve(dict(zip(NAMES, samples, strict=True)), "electron", ("muon", "electron"), **more)


def test_differences_are_data_over_simulation_less_one_and_the_double_one_is_between_them():
    found = of(electrons(200, 0.5), electrons(100, 0.6), electrons(200, 0.4), electrons(400, 0.44))["model"]
    assert [found[name].value for name in NAMES] == pytest.approx([0.5, 0.6, 0.4, 0.44])
    assert [found[name].value for name in (OF_STAND_INS, OF_SIGNAL, DOUBLE)] == pytest.approx([0.2, 0.1, 0.1])
    assert [found[name].n for name in (STAND_INS[0], OF_STAND_INS, DOUBLE)] == [200, 300, 900]


def test_the_interval_of_the_double_difference_is_that_of_four_samples_apart():
    n, share, replicas = 900, 0.5, 4000
    found = of(*(electrons(n, share) for _ in NAMES), replicas=replicas)["model"]
    one = (1 - share) / (share * n)  # relative variance of an efficiency
    for name, samples in ((OF_STAND_INS, 2), (DOUBLE, 4)):
        half = 1.96 * (samples * one) ** 0.5
        tolerance = 0.05 + 1 / 30  # quantiles of 4000 replicas, and ratios that are not quite linear
        assert (found[name].high - found[name].low) / 2 == pytest.approx(half, rel=tolerance)
    assert found[DOUBLE].contains(0)


def test_only_events_of_the_selected_class_count_with_what_is_expected_of_them_and_their_weight():
    plain = sample([1, 1, 1, 1], [True, False, False, True])
    mixed = sample([0, 1, 1, 2, 1], [True, True, False, True, False], [9.0, 2.0, 1.0, 7.0, 1.0])
    heavy = sample([1, 1, 1], [True, False, False], None, [3.0, 1.0, 0.0])
    found = of(plain, mixed, plain, heavy)["model"]
    assert [found[name].value for name in NAMES] == pytest.approx([0.5, 0.5, 0.5, 0.75])
    assert [found[name].n for name in NAMES] == [4, 3, 4, 2]
    assert [found[name].effective for name in NAMES] == [None, pytest.approx(16 / 6), None, pytest.approx(1.6)]
    assert found[OF_STAND_INS].effective == pytest.approx(4 + 16 / 6)


def test_every_method_is_resampled_alike():
    names = ("model", "before")
    found = of(*(electrons(40, share, names=names) for share in (0.5, 0.6, 0.5, 0.4)))
    assert found["model"] == found["before"]


def test_a_sample_without_the_class_says_nothing():
    found = of(electrons(10, 0.5), electrons(10, 0.5), sample([0, 2], [True, False]), electrons(10, 0.5))["model"]
    assert found[OF_STAND_INS].is_defined
    assert not found[SIGNAL[0]].is_defined
    assert not found[DOUBLE].is_defined


def test_the_page_shows_it_from_what_is_written(tmp_path):
    curve = of(*(electrons(40, share, names=("model", "before")) for share in (0.5, 0.6, 0.5, 0.4)))
    Report("check", {}, {}, curves={"tracking": curve}).write(tmp_path)
    page = report_page(read_report(tmp_path))
    assert "Does the check track the signal?" in page
    assert page.count(f'<th scope="col">{DOUBLE}</th>') == 1


def test_a_class_that_is_not_selected_is_refused():
    with pytest.raises(InputError, match="no selection of 'rest'"):
        tracking_curve({}, "rest", ("muon", "electron"))
