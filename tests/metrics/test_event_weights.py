"""Weights in figures: twice the weight is the event twice, none is no event, and only ratios matter."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, precision_score, recall_score, roc_auc_score

from nuforge.metrics.binomial import clopper_pearson, wilson
from nuforge.metrics.bootstrap import bootstrap, paired_difference
from nuforge.metrics.calibration import expected_calibration_error, fit_temperature, reliability_counts
from nuforge.metrics.classification import accuracy, confusion_counts, iou, precision, recall
from nuforge.metrics.clustering import Contingency, clustering_figures, clustering_sums
from nuforge.metrics.interval import Interval
from nuforge.metrics.ranking import BINS, area_under_curve, log_odds_bin, rank_bin, score_counts
from nuforge.metrics.regression import (
    bias,
    coverage,
    coverage_counts,
    half_width,
    residual_counts,
    residual_quantile,
    residual_sums,
    rms,
    standard_deviation,
)
from nuforge.metrics.weights import effective_number, ratio, weighted

N, K, ROWS = 12, 3, 5
EVENT = torch.arange(N).repeat_interleave(ROWS)


def rows(seed=0):
    """Labels, probabilities and residuals of five rows of each event."""
    g = torch.Generator().manual_seed(seed)
    label = torch.randint(0, K, (N * ROWS,), generator=g)
    logits = torch.randn(N * ROWS, K, generator=g, dtype=torch.float64) + torch.nn.functional.one_hot(label, K)
    return label, logits.softmax(1), torch.randn(N * ROWS, generator=g, dtype=torch.float64)


def statistics(seed=0):
    """What every metric counts of each event."""
    label, p, residual = rows(seed)
    confidence, best = p.max(1)
    odds = (p[:, 1] / (1 - p[:, 1])).log()
    clusters = clustering_sums(Contingency.of(label, best, EVENT, N))
    return {
        "confusion": confusion_counts(label, best, EVENT, N, K),
        "reliability": reliability_counts(confidence, best == label, EVENT, N),
        "scores": score_counts(log_odds_bin(odds), label == 1, EVENT, N),
        "residuals": residual_sums(residual, EVENT, N),
        "histogram": residual_counts(residual, EVENT, N, 1.0),
        "inside": coverage_counts(residual.abs() < 1, EVENT, N),
        **{f"clusters {name}": values for name, values in clusters.items()},
    }


def figures(sums):
    """Every figure of the metrics."""
    confusion = sums["confusion"]
    each = {"recall": recall(confusion), "precision": precision(confusion), "iou": iou(confusion)}
    clusters = {name.removeprefix("clusters "): s for name, s in sums.items() if name.startswith("clusters")}
    return {
        **{f"{name} {k}": values[..., k] for name, values in each.items() for k in range(K)},
        **clustering_figures(clusters),
        "accuracy": accuracy(confusion),
        "ece": expected_calibration_error(sums["reliability"]),
        "auc": area_under_curve(sums["scores"]),
        "bias": bias(sums["residuals"]),
        "rms": rms(sums["residuals"]),
        "deviation": standard_deviation(sums["residuals"]),
        "median": residual_quantile(sums["histogram"], 0.5, 1.0),
        "half width": half_width(sums["histogram"], 1.0),
        "coverage": coverage(sums["inside"]),
    }


def values(weight=None, chosen=slice(None)):
    part = {name: s[chosen] for name, s in statistics().items()}
    found = bootstrap(part, figures, replicas=2, weight=weight)
    return {name: interval.value for name, interval in found.items()}


@settings(max_examples=25)
@given(st.lists(st.integers(0, 3), min_size=N, max_size=N).filter(any))
def test_a_whole_weight_is_the_event_so_often(number):
    chosen = torch.repeat_interleave(torch.arange(N), torch.tensor(number))
    found = values(torch.tensor(number, dtype=torch.float64))
    assert found == pytest.approx(values(chosen=chosen), nan_ok=True)


@pytest.mark.parametrize("scale", [1e-39, 0.3, 1e30])
def test_the_scale_of_the_weights_does_not_matter(scale):
    weight = torch.rand(N, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    ours, same = (bootstrap(statistics(), figures, replicas=20, weight=w) for w in (weight, scale * weight))
    for name, interval in ours.items():
        assert same[name].effective == pytest.approx(interval.effective)
        for end in ("value", "low", "high"):
            assert getattr(same[name], end) == pytest.approx(getattr(interval, end), nan_ok=True), name


def test_equal_weights_change_no_bit_and_are_not_mentioned():
    plain = bootstrap(statistics(), figures, replicas=20)
    for weight in (1.0, 0.37, 1e-39):
        assert bootstrap(statistics(), figures, replicas=20, weight=torch.full((N,), weight).double()) == plain
    assert all(interval.effective is None and interval.n == N for interval in plain.values())


def test_events_without_weight_leave_interval_and_number_as_if_they_were_not_there():
    weight = torch.linspace(0.5, 2, N, dtype=torch.float64)
    weight[::3] = 0
    here = weight != 0
    without = bootstrap({k: s[here] for k, s in statistics().items()}, figures, replicas=30, weight=weight[here])
    assert bootstrap(statistics(), figures, replicas=30, weight=weight) == without
    assert next(iter(without.values())).n == int(here.sum())


def test_both_sides_of_a_paired_difference_are_weighed():
    weight = torch.rand(N, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    a, b = statistics(0), statistics(1)
    difference = paired_difference(a, b, figures, replicas=20, weight=weight)
    of_a, of_b = (bootstrap(s, figures, replicas=20, weight=weight) for s in (a, b))
    for name, interval in difference.items():
        assert interval.value == pytest.approx(of_a[name].value - of_b[name].value, abs=1e-12, nan_ok=True)
        assert interval.effective == of_a[name].effective
        assert interval.method.startswith("paired")


def test_figures_are_those_of_scikit_learn_with_sample_weights():
    weight = torch.rand(N, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    label, p, residual = rows()
    best, row = p.argmax(1).numpy(), weight[EVENT].numpy()
    found = values(weight)
    assert found["accuracy"] == pytest.approx(accuracy_score(label, best, sample_weight=row))
    for name, theirs in (("recall", recall_score), ("precision", precision_score)):
        want = theirs(label, best, sample_weight=row, average=None)
        assert [found[f"{name} {k}"] for k in range(K)] == pytest.approx(list(want))
    sums = weighted(statistics()["confusion"], weight).sum(0)
    np.testing.assert_allclose(sums, confusion_matrix(label, best, sample_weight=row))
    # scores of a bin are ties, hence the tolerance; by rank each of the 60 has its own and the area is exact
    assert found["auc"] == pytest.approx(roc_auc_score(label == 1, p[:, 1], sample_weight=row), abs=3e-3)
    counts = score_counts(rank_bin(p[:, 1]), label == 1, EVENT, N, N * ROWS)
    area = float(area_under_curve(weighted(counts, weight).sum(0)))
    assert area == pytest.approx(roc_auc_score(label == 1, p[:, 1], sample_weight=row), abs=1e-12)
    assert found["bias"] == pytest.approx(np.average(residual, weights=row))
    spread = np.sqrt(np.average((residual - np.average(residual, weights=row)) ** 2, weights=row))
    assert found["deviation"] == pytest.approx(spread)


def test_the_calibration_error_is_the_mean_over_bins_of_weight():
    weight = torch.rand(N, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    label, p, _ = rows()
    (confidence, best), row = p.max(1), weight[EVENT].numpy()
    place, right = np.minimum((15 * confidence.numpy()).astype(int), 14), (best == label).numpy()
    want = 0.0
    for i in range(15):
        mine = place == i
        if mine.any():
            gap = np.average(right[mine], weights=row[mine]) - np.average(confidence[mine], weights=row[mine])
            want += row[mine].sum() / row.sum() * abs(gap)
    assert values(weight)["ece"] == pytest.approx(want)


def test_the_interval_of_weighted_events_has_the_spread_of_their_effective_number():
    g = torch.Generator().manual_seed(0)
    hit = (torch.rand(4000, generator=g) < 0.3).double()
    weight = torch.where(torch.rand(4000, generator=g) < 0.1, 10.0, 1.0).double()
    found = bootstrap(
        {"hit": hit, "all": torch.ones(4000)}, lambda s: {"share": s["hit"] / s["all"]}, replicas=2000, weight=weight
    )["share"]
    n = effective_number(weight)
    assert found.effective == n
    assert 1200 < n < 1700  # (0.9 + 1)^2 / (0.9 + 10) of 4000
    sigma = math.sqrt(0.21 / n)
    assert abs(found.value - 0.3) < 5 * sigma
    # the spread of 2000 replicas is known to 1.6 %, the share of hits itself moves it by as much
    assert (found.high - found.low) / (2 * 1.96 * sigma) == pytest.approx(1, abs=0.1)


def test_a_temperature_knows_weights():
    label, p, _ = rows()
    number = torch.tensor([0, 1, 2] * (N * ROWS // 3))
    chosen = torch.repeat_interleave(torch.arange(N * ROWS), number)
    logits = 3 * p.log()
    fitted = fit_temperature(logits, label, weight=number.double())
    assert fitted == pytest.approx(fit_temperature(logits[chosen], label[chosen]), rel=1e-5)
    assert fit_temperature(logits, label, weight=1e-30 * number.double()) == pytest.approx(fitted, rel=1e-5)
    assert abs(fitted - fit_temperature(logits, label)) > 1e-3
    with pytest.raises(ValueError, match="finite and not negative to fit a temperature"):
        fit_temperature(logits, label, weight=number.double() - 1)


def test_an_effective_number_is_that_of_events_of_equal_weight():
    assert effective_number(torch.full((7,), 0.2)) == pytest.approx(7)
    assert effective_number(torch.tensor([1.0, 0.0, 1.0])) == pytest.approx(2)
    assert effective_number(torch.tensor([1e-200, 3e-200], dtype=torch.float64)) == pytest.approx(1.6)
    assert math.isnan(effective_number(torch.zeros(2)))
    assert str(Interval(0.5, 0.4, 0.6, 9, "m", "", 4.25)) == "0.5 [0.4, 0.6] (n = 9, effective 4.25, m)"


def test_negative_weights_cancel_events_of_the_same_kind():
    part = statistics()
    twice = {name: torch.cat([s, s[:3]]) for name, s in part.items()}
    weight = torch.cat([torch.full((N,), 2.0), torch.full((3,), -1.0)]).double()
    once = torch.full((N,), 2.0).double()
    once[:3] = 1
    ours, want = (bootstrap(s, figures, replicas=5, weight=w) for s, w in ((twice, weight), (part, once)))
    for name, interval in want.items():
        assert ours[name].value == pytest.approx(interval.value), name
    assert ours["auc"].effective < want["auc"].effective


def test_what_has_no_positive_whole_is_not_defined():
    assert ratio(torch.tensor([1.0, 1.0, 0.0]), torch.tensor([2.0, -2.0, 0.0])).nan_to_num(9).tolist() == [0.5, 9, 9]
    counts = torch.zeros(BINS, 2)
    counts[0, 0], counts[5, 1] = -1, -1  # both negative: their product is no whole
    assert area_under_curve(counts).isnan()
    histogram = residual_counts(torch.tensor([0.0]), torch.tensor([0]), 1, 1.0)[0]
    assert residual_quantile(-histogram, 0.5, 1.0).isnan()
    sums = torch.tensor([[1.0, 1.0, 0.5]])  # a mean square below the square of the mean
    assert standard_deviation(sums).isnan()
    found = bootstrap(statistics(), figures, replicas=5, weight=torch.tensor([1.0] + [-1.0] * (N - 1)).double())
    assert not any(interval.is_defined for interval in found.values())


def test_a_quantile_with_negative_weights_is_where_its_share_is_first_reached():
    residual, event = torch.tensor([-1.0, 0.0, 1.0, 2.0]), torch.arange(4)
    counts = residual_counts(residual, event, 4, 1.0)
    found = residual_quantile(weighted(counts, torch.tensor([2.0, -0.5, 1.0, 1.5])).sum(0), 0.5, 1.0)
    assert float(found) == pytest.approx(-1.0, abs=0.03)  # 2 of 4; bins are 0.02 wide at one scale


@pytest.mark.parametrize(
    ("weight", "complaint"),
    [
        ([1.0, math.nan], "for each of \\[2\\] events, got 2 of which 1 are finite"),
        ([1.0], "for each of \\[2\\] events, got 1"),
        ([0.0, 0.0], "an event that counts, got 2 of weight 0"),
    ],
)
def test_weights_that_are_none_are_refused(weight, complaint):
    with pytest.raises(ValueError, match=complaint):
        bootstrap({"x": torch.ones(2)}, dict, weight=torch.tensor(weight))


def test_sums_of_weights_have_no_binomial_interval():
    for interval in (wilson, clopper_pearson):
        with pytest.raises(ValueError, match=r"whole numbers of events, got 1.5 of 3"):
            interval(1.5, 3)
