import json
import math
from dataclasses import replace

import pytest
from toy_reports import interval, toy_report

from nuforge.evaluation.report import Difference, Report, ReportError, read_report
from nuforge.metrics.interval import Interval


def test_a_report_reads_back_as_it_was_written(tmp_path):
    report = toy_report()
    path = report.write(tmp_path / "run")
    assert path == tmp_path / "run" / "report.json"
    for source in (path, tmp_path / "run"):
        assert read_report(source).to_json() == report.to_json()
    assert read_report(path).metrics == report.metrics
    assert read_report(path).difference == report.difference


def test_the_document_has_exactly_the_fields_of_the_schema():
    document = toy_report().to_json()
    assert list(document) == [
        *("schema", "experiment", "arguments", "split", "seeds", "metrics", "baselines", "difference", "published"),
        *("shifts", "curves", "timing", "provenance"),
    ]
    assert set(document["metrics"]["mean IoU"]) == {"value", "low", "high", "n", "method", "unit"}
    assert set(document["baselines"]["rules"]) == set(document["metrics"]) == set(document["difference"])
    assert document["difference"]["mean IoU"]["against"] == "boosted trees"


def test_what_is_no_number_is_null_and_comes_back_as_none(tmp_path):
    unknown = Interval(math.nan, math.nan, math.inf, 0, "none")
    report = Report("x", {"a": math.nan}, {"recall": unknown}, curves={"list": (1, -math.inf)})
    text = report.write(tmp_path).read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    document = json.loads(text)
    assert document["metrics"]["recall"]["value"] is None
    assert document["curves"]["list"] == [1, None]
    assert math.isnan(read_report(tmp_path).metrics["recall"].high)


def test_a_failed_write_leaves_the_old_report_and_nothing_else(tmp_path, monkeypatch):
    toy_report().write(tmp_path)
    before = (tmp_path / "report.json").read_text()

    def fail(_):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="no space"):
        replace(toy_report(), experiment="other").write(tmp_path)
    assert (tmp_path / "report.json").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def changed(**change):
    return {**json.loads(json.dumps(toy_report().to_json())), **change}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "report is a list, expected an object"),
        ({}, "schema is None, expected the number 1; this is no report"),
        (changed(schema=2), "schema is 2, this version reads up to 1; update nuforge"),
        (changed(extra=1), r"unknown fields \['extra'\]"),
        (changed(metrics=[]), "metrics is a list"),
        (changed(metrics={"a": {"value": 1}}), r"metrics.a has the keys \['value'\], expected"),
        (changed(seeds=["one"]), r"seeds are \['one'\], expected whole numbers"),
        (changed(published=[{"name": "recall"}]), r"published\[0\] has the keys"),
        (changed(experiment=None), "experiment is None, expected text"),
        (changed(baselines={"rules": {}}), "baseline 'rules' has the figures"),
        (changed(baselines={}), "difference 'mean IoU' against 'boosted trees' compares with nothing"),
    ],
)
def test_what_does_not_follow_the_schema_is_refused(document, message):
    with pytest.raises(ReportError, match=message):
        Report.from_json(document)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("low", "0.9", "low is '0.9', expected a number or null"),
        ("n", -1, "n is -1, expected a number of events"),
        ("unit", None, "unit is None, expected text"),
    ],
)
def test_a_wrong_interval_is_named(key, value, message):
    document = changed()
    document["metrics"]["mean IoU"][key] = value
    with pytest.raises(ReportError, match=f"metrics.mean IoU.{message}"):
        Report.from_json(document)


def test_files_that_are_no_reports_are_refused_by_name(tmp_path):
    with pytest.raises(ReportError, match=r"no report at .*report\.json"):
        read_report(tmp_path)
    (tmp_path / "report.json").write_text('{"schema": 1,')
    with pytest.raises(ReportError, match="is no JSON"):
        read_report(tmp_path)
    (tmp_path / "report.json").write_text("[]")
    with pytest.raises(ReportError, match=r"report\.json: report is a list"):
        read_report(tmp_path)


def test_only_plain_values_enter_a_report():
    with pytest.raises(ReportError, match=r"timing.train is a complex, expected plain numbers"):
        Report("x", {}, {}, timing={"train": 1j}).to_json()


def test_the_verdict_needs_an_interval_that_excludes_zero_on_the_better_side():
    assert Difference(interval(0.05), "rules").verdict == "ahead"
    assert Difference(interval(-0.05), "rules").verdict == "behind"
    assert Difference(interval(0.005), "rules").verdict == "undecided"
    assert Difference(interval(-0.05), "rules", "lower").verdict == "ahead"
    assert Difference(interval(0.05), "rules", "lower").verdict == "behind"
    assert Difference(Interval(1.0, math.nan, math.nan, 1, ""), "rules").verdict == "undecided"
