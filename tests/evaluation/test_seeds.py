"""Reports of several seeds as one."""

import math
from dataclasses import replace

import pytest
from toy_reports import toy_report

from nuforge.errors import InputError
from nuforge.evaluation.report import read_report
from nuforge.evaluation.seeds import main, over_seeds


def of_seed(seed, moved):
    """The toy's report as another training would have it: the model's figures moved, the baselines as they are."""
    report = toy_report()

    def elsewhere(interval):
        return replace(interval, value=interval.value + moved, low=interval.low + moved, high=interval.high + moved)

    return replace(
        report,
        seeds=[seed],
        metrics={name: elsewhere(interval) for name, interval in report.metrics.items()},
        difference={
            name: replace(difference, interval=elsewhere(difference.interval))
            for name, difference in report.difference.items()
        },
    )


def test_means_have_the_interval_of_events_and_of_seeds():
    one = toy_report().metrics["mean IoU"]
    of_all = over_seeds([of_seed(i, moved) for i, moved in enumerate((-0.01, 0.0, 0.01))])
    found = of_all.metrics["mean IoU"]
    assert of_all.seeds == [0, 1, 2]
    assert found.value == pytest.approx(one.value)
    seed = 4.302653 * 0.01 / math.sqrt(3)  # Student's t of two degrees of freedom; spread of -.01, 0, .01
    assert found.high - found.value == pytest.approx(math.hypot(one.high - one.value, seed))
    assert found.value - found.low == pytest.approx(math.hypot(one.value - one.low, seed))
    assert "3 seeds" in found.method


def test_what_no_seed_changes_keeps_its_interval():
    report = toy_report()
    of_all = over_seeds([of_seed(i, 0.01 * i) for i in range(3)])
    for name, figures in report.baselines.items():
        for figure, interval in figures.items():
            found = of_all.baselines[name][figure]
            assert (found.value, found.low, found.high) == pytest.approx((interval.value, interval.low, interval.high))


def test_a_lead_within_the_spread_of_seeds_is_no_lead():
    reports = [of_seed(i, moved) for i, moved in enumerate((-0.3, 0.0, 0.3))]
    assert toy_report().difference["mean IoU"].verdict == "ahead"
    assert over_seeds(reports).difference["mean IoU"].verdict == "undecided"


@pytest.mark.parametrize(
    ("reports", "message"),
    [
        ([of_seed(0, 0.0)], "at least 2 reports, got 1"),
        ([of_seed(0, 0.0), of_seed(0, 0.1)], r"seeds \[0, 0\]"),
        ([of_seed(0, 0.0), replace(of_seed(1, 0.0), arguments={"steps": 7})], "differ in their arguments"),
        ([of_seed(0, 0.0), replace(of_seed(1, 0.0), experiment="other")], "differ in their experiment"),
    ],
)
def test_what_is_not_of_seeds_alone_is_refused(reports, message):
    with pytest.raises(InputError, match=message):
        over_seeds(reports)


def test_the_command_writes_one_report(tmp_path, capsys):
    folders = [of_seed(i, 0.01 * i).write(tmp_path / str(i)).parent for i in range(2)]
    assert main([str(tmp_path / "all"), *map(str, folders)]) == 0
    report = read_report(tmp_path / "all")
    assert report.seeds == [0, 1]
    assert report.provenance["command"].count("nuforge run") == 2
    assert main([str(tmp_path / "all"), str(folders[0])]) == 2
    assert main([str(tmp_path / "other"), str(folders[0]), str(folders[0])]) == 2
    assert "seeds" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
