import math

import numpy as np
import pytest
import torch
from scipy import stats

from nuforge.metrics.binomial import clopper_pearson, wilson
from nuforge.metrics.bootstrap import bootstrap, paired_difference, resampled_sums
from nuforge.metrics.interval import Interval


def ratio(sums):
    return {"ratio": sums["hit"] / sums["all"]}


def events(n=200, seed=0, p=0.8):
    """Events with 1 to 20 rows of which a fraction is hit, the fraction varying from event to event."""
    g = torch.Generator().manual_seed(seed)
    rows = torch.randint(1, 21, (n,), generator=g).double()
    own = (p + 0.2 * (torch.rand(n, generator=g).double() - 0.5)).clamp(0, 1)
    return {"hit": torch.binomial(rows, own, generator=g), "all": rows}


def test_the_value_is_the_figure_of_the_sample_itself():
    s = events()
    interval = bootstrap(s, ratio)["ratio"]
    assert interval.value == pytest.approx(float(s["hit"].sum() / s["all"].sum()))
    assert interval.low < interval.value < interval.high
    assert interval.n == 200
    assert interval.method == "event bootstrap, 1000 replicas, 95%"


def test_resampled_sums_are_sums_over_as_many_events():
    s = {"one": torch.ones(37), "matrix": torch.arange(37.0)[:, None, None].expand(37, 2, 3)}
    sums = resampled_sums(s, replicas=50)
    assert (sums["one"] == 37).all()
    assert sums["matrix"].shape == (50, 2, 3)
    assert (sums["matrix"] == sums["matrix"][:, :1, :1]).all()


def test_the_spread_of_a_mean_is_its_standard_error():
    x = torch.randn(400, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    replicas = 4000
    spread = resampled_sums({"x": x}, replicas)["x"].div(400).std()
    # a standard deviation of R replicas is known to 1 / sqrt(2 R)
    assert float(spread) == pytest.approx(float(x.std(correction=0)) / 20, rel=5 / math.sqrt(2 * replicas))


def test_the_ends_agree_with_scipy():
    s = events(seed=4)
    hit, rows = s["hit"].numpy(), s["all"].numpy()
    theirs = stats.bootstrap(
        (hit, rows),
        lambda h, r, axis: h.sum(axis) / r.sum(axis),
        paired=True,
        vectorized=True,
        n_resamples=4000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    ours = bootstrap(s, ratio, replicas=4000)["ratio"]
    # a 2.5 % quantile of R replicas fluctuates by sqrt(.025 .975 / R) / density = 2.7 standard errors / sqrt(R)
    sigma = (ours.high - ours.low) / 3.92
    tolerance = 5 * math.sqrt(2) * 2.7 * sigma / math.sqrt(4000)
    assert ours.low == pytest.approx(theirs.low, abs=tolerance)
    assert ours.high == pytest.approx(theirs.high, abs=tolerance)


def test_ninety_five_per_cent_intervals_cover_ninety_five_per_cent():
    trials = 400
    truth = 0.8
    covered = sum(bootstrap(events(n=200, seed=i), ratio, replicas=400)["ratio"].contains(truth) for i in range(trials))
    # 5 sigma of the binomial, and 1.5 % for what a percentile interval of 200 events and 400 replicas may lack
    assert abs(covered / trials - 0.95) < 5 * math.sqrt(0.95 * 0.05 / trials) + 0.015


def test_rows_that_hang_together_widen_the_interval():
    """Ten copies of a row in one event carry no more information than the row."""
    s = events(n=300, seed=5)
    narrow = bootstrap({k: v.repeat(10) for k, v in s.items()}, ratio)["ratio"]
    wide = bootstrap({k: 10 * v for k, v in s.items()}, ratio)["ratio"]
    assert (wide.high - wide.low) / (narrow.high - narrow.low) == pytest.approx(math.sqrt(10), rel=0.15)


def test_a_difference_on_the_same_events_is_surer_than_two_intervals():
    a = events(n=300, seed=6)
    b = {"hit": (a["hit"] - 1).clamp(min=0), "all": a["all"]}
    paired = paired_difference(a, b, ratio)["ratio"]
    alone = bootstrap(a, ratio)["ratio"]
    assert paired.value > 0
    assert paired.low > 0
    assert paired.high - paired.low < (alone.high - alone.low) / 2
    assert paired.method.startswith("paired event bootstrap")


def test_a_method_against_itself_differs_by_exactly_nothing():
    same = paired_difference(events(), events(), ratio)["ratio"]
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_difference_changes_sign_when_the_two_change_places():
    a, b = events(seed=1), events(seed=2)
    one, other = paired_difference(a, b, ratio)["ratio"], paired_difference(b, a, ratio)["ratio"]
    assert one.value == pytest.approx(-other.value)
    assert one.low == pytest.approx(-other.high)


def test_chunks_do_not_change_the_numbers(monkeypatch):
    whole = bootstrap(events(), ratio, generator=torch.Generator().manual_seed(7))
    monkeypatch.setattr("nuforge.metrics.bootstrap._CHUNK", 1700)
    assert bootstrap(events(), ratio, generator=torch.Generator().manual_seed(7)) == whole


def test_a_figure_undefined_in_some_replicas_uses_the_others_and_in_the_sample_is_nan():
    s = {"hit": torch.tensor([1.0] + [0.0] * 5), "all": torch.tensor([2.0] + [0.0] * 5)}
    rare = bootstrap(s, ratio)["ratio"]
    assert (rare.value, rare.low, rare.high) == (0.5, 0.5, 0.5)
    never = bootstrap({"hit": torch.zeros(5), "all": torch.zeros(5)}, ratio)["ratio"]
    assert math.isnan(never.value)
    assert math.isnan(never.low)


def test_one_event_has_a_value_and_no_interval():
    one = bootstrap({"hit": torch.tensor([1.0]), "all": torch.tensor([2.0])}, ratio, units={"ratio": "cm"})["ratio"]
    assert one.value == 0.5
    assert math.isnan(one.low)
    assert one.unit == "cm"


@pytest.mark.parametrize(
    ("statistics", "message"),
    [
        ({"hit": torch.zeros(0), "all": torch.zeros(0)}, "at least one event, got 0"),
        ({"hit": torch.zeros(2), "all": torch.zeros(3)}, "one row an event"),
        ({"hit": torch.tensor([math.nan]), "all": torch.ones(1)}, "'hit' is NaN or infinite"),
    ],
)
def test_unusable_statistics_are_refused(statistics, message):
    with pytest.raises(ValueError, match=message):
        bootstrap(statistics, ratio)


def test_different_statistics_cannot_be_paired():
    with pytest.raises(ValueError, match="same statistics"):
        paired_difference(events(), {"hit": torch.ones(200)}, ratio)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (950, 1000)])
def test_binomial_intervals_agree_with_scipy(k, n):
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        got, expected = ours(k, n, 0.9), stats.binomtest(k, n).proportion_ci(0.9, method=method)
        assert got.value == k / n
        assert got.low == pytest.approx(expected.low, abs=1e-12)
        assert got.high == pytest.approx(expected.high, abs=1e-12)


def test_clopper_pearson_never_covers_too_little():
    n = 30
    intervals = [clopper_pearson(k, n) for k in range(n + 1)]
    for p in np.linspace(0.01, 0.99, 50):
        covered = sum(stats.binom.pmf(k, n, p) for k, i in enumerate(intervals) if i.contains(p))
        assert covered >= 0.95 - 1e-9


def test_no_trials_leave_everything_open():
    for interval in (wilson(0, 0), clopper_pearson(0, 0)):
        assert math.isnan(interval.value)
        assert (interval.low, interval.high) == (0, 1)


def test_more_successes_than_trials_are_refused():
    with pytest.raises(ValueError, match="between 0 and the 3 trials, got 4"):
        wilson(4, 3)
    with pytest.raises(ValueError, match="level must be between 0 and 1, got 95"):
        clopper_pearson(1, 3, level=95.0)


def test_an_interval_reads_as_a_sentence():
    assert str(Interval(0.9, 0.8, 1.0, 12, "Wilson score, 95%")) == "0.9 [0.8, 1] (n = 12, Wilson score, 95%)"
