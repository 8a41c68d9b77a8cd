import pytest
import torch
from toy_reports import CLASSES, ToyTask, toy_batch

from nuforge.display.report_html import report_page
from nuforge.evaluation.comparison import Comparison
from nuforge.evaluation.report import Report, read_report
from nuforge.events import Events

SKILL = {"model": 4.0, "rules": 1.0, "boosted trees": 2.0}


def compared(skill=SKILL, batches=6):
    g = torch.Generator().manual_seed(0)
    comparison = Comparison(ToyTask(), list(skill))
    for _ in range(batches):
        comparison.add(*toy_batch(10, skill, g))
    return comparison


def test_the_model_is_compared_with_the_better_baseline():
    result = compared().figures(replicas=200)
    assert {result.difference[name].against for name in ("mean IoU", "accuracy")} == {"boosted trees"}
    iou = result.difference["mean IoU"]
    assert iou.verdict == "ahead"
    trees = result.baselines["boosted trees"]["mean IoU"].value
    assert iou.interval.value == pytest.approx(result.metrics["mean IoU"].value - trees)


def test_of_an_error_the_lower_is_the_better():
    result = compared().figures(replicas=50)
    name = "expected calibration error"
    best = min(result.baselines, key=lambda b: result.baselines[b][name].value)
    assert best == "rules"
    assert result.difference[name].better == "lower"
    assert result.difference[name].against == best


def test_batches_do_not_matter():
    g = torch.Generator().manual_seed(1)
    events, predictions = toy_batch(30, SKILL, g)
    whole = Comparison(ToyTask(), list(SKILL))
    whole.add(events, predictions)
    parts = Comparison(ToyTask(), list(SKILL))
    for cut in (slice(0, 11), slice(11, 30)):
        parts.add(events[cut], {n: {"voxels": Events(p)[cut]["voxels"]} for n, p in predictions.items()})
    assert len(whole) == len(parts) == 30
    assert whole.figures(replicas=50) == parts.figures(replicas=50)


def test_the_same_seed_gives_the_same_intervals():
    assert compared().figures(100, seed=3) == compared().figures(100, seed=3)
    assert compared().figures(100, seed=3) != compared().figures(100, seed=4)


def test_curves_hold_the_confusion_matrix_and_the_reliability_of_every_method():
    comparison = compared()
    curves = comparison.curves({"": CLASSES})
    counts = torch.tensor(curves["confusion"]["counts"]["model"])
    torch.testing.assert_close(counts, comparison.statistics("model")["confusion"].sum(0).float())
    assert curves["confusion"]["classes"] == list(CLASSES)
    assert set(curves["reliability"]) == set(SKILL)
    assert sum(curves["reliability"]["rules"]["count"]) == counts.sum()


def test_figures_and_curves_make_a_report(tmp_path):
    comparison = compared()
    result = comparison.figures(replicas=50)
    curves = comparison.curves({"": CLASSES})
    report = Report("toy", {}, result.metrics, result.baselines, result.difference, curves=curves)
    assert report.write(tmp_path).exists()


def test_a_model_without_baselines_has_no_difference():
    result = compared({"model": 2.0}).figures(replicas=20)
    assert result.baselines == {}
    assert result.difference == {}


def test_every_method_must_see_every_event():
    comparison = Comparison(ToyTask(), list(SKILL))
    events, predictions = toy_batch(3, {"model": 1.0}, torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match=r"got \['model'\]; every method sees every event"):
        comparison.add(events, predictions)
    with pytest.raises(ValueError, match="comparison has no events"):
        comparison.figures()


def test_names_and_classes_must_fit():
    with pytest.raises(ValueError, match="each once, got"):
        Comparison(ToyTask(), ["model", "model"])
    with pytest.raises(ValueError, match=r"classes must be 5 names, got \['shower'\]"):
        compared(batches=1).curves({"": ["shower"]})


def test_figures_against_a_number_are_those_of_its_events():
    comparison = compared()
    number = torch.arange(60) % 3
    table = comparison.against(number, replicas=20)
    assert table["number"] == [0, 1, 2]
    assert table["events"] == [20, 20, 20]
    mine = {name: values[number == 1] for name, values in comparison.statistics("rules").items()}
    wanted = comparison.task.figures({name: values.sum(0, keepdim=True) for name, values in mine.items()})
    curve = table["figures"]["mean IoU"]["rules"]
    assert curve["value"][1] == pytest.approx(float(wanted["mean IoU"]))
    assert curve["low"][1] <= curve["value"][1] <= curve["high"][1]


def test_a_report_holds_figures_against_numbers_and_draws_them(tmp_path):
    comparison = compared()
    result = comparison.figures(replicas=20)
    curves = {"against": {"tracks": comparison.against(torch.arange(60) % 3, replicas=20)}}
    report = Report("toy", {}, result.metrics, result.baselines, result.difference, curves=curves)
    report.write(tmp_path)
    page = report_page(report)
    assert "Against what an event holds" in page
    assert read_report(tmp_path).curves["against"]["tracks"]["number"] == [0, 1, 2]
