"""Area under the ROC curve from counts of scores."""

import math

import pytest
import torch
from sklearn.metrics import roc_auc_score

from nuforge.metrics.bootstrap import bootstrap
from nuforge.metrics.ranking import BINS, area_under_curve, log_odds_bin, rank_bin, score_counts


def scores(n=4000, apart=1.0, spread=1.0, seed=0):
    """Log-odds of two normal distributions, and whether they are of the class."""
    g = torch.Generator().manual_seed(seed)
    own = torch.rand(n, generator=g) < 0.3
    return spread * (torch.randn(n, generator=g) + apart * own.float()), own


def area(bins, own, n_bins=BINS):
    counts = score_counts(bins, own, torch.arange(len(own)), len(own), n_bins)
    return float(area_under_curve(counts.sum(0)))


@pytest.mark.parametrize("spread", [0.02, 1.0, 5.0])
@pytest.mark.parametrize("apart", [-1.0, 0.0, 0.3, 2.0])
def test_the_area_of_the_counts_is_that_of_the_scores(apart, spread):
    odds, own = scores(apart=apart, spread=spread)
    assert area(log_odds_bin(odds), own) == pytest.approx(roc_auc_score(own, odds), abs=2e-3)


def test_ranks_of_few_values_give_the_exact_area_and_ties_count_half():
    value, own = scores(300)
    value = (4 * value).round()
    assert area(rank_bin(value), own) == pytest.approx(roc_auc_score(own, value), abs=1e-12)
    assert area(torch.zeros(300, dtype=torch.int64), own) == 0.5


def test_ranks_of_many_values_are_bins_of_as_many_rows():
    value, own = scores(5000, spread=1e6)
    bins = rank_bin(value, 100)
    assert torch.bincount(bins).tolist() == [50] * 100
    assert area(bins, own) == pytest.approx(roc_auc_score(own, value), abs=2e-3)


def test_higher_scores_are_in_higher_bins_and_exchanged_classes_mirror_the_area():
    odds, own = scores()
    assert (log_odds_bin(odds.sort().values).diff() >= 0).all()
    assert area(log_odds_bin(odds), own) == pytest.approx(1 - area(log_odds_bin(odds), ~own))
    assert log_odds_bin(torch.tensor([-1e9, 1e9])).tolist() == [0, BINS - 1]


def test_no_rows_of_a_class_have_no_area():
    odds, own = scores(50)
    assert math.isnan(area(log_odds_bin(odds), torch.zeros_like(own)))
    assert area_under_curve(torch.zeros(3, BINS, 2)).isnan().all()


def test_the_bootstrap_has_the_spread_that_the_theory_has_without_a_difference():
    odds, own = scores(2000, apart=0.0)
    counts = score_counts(log_odds_bin(odds), own, torch.arange(2000), 2000)
    found = bootstrap({"s": counts}, lambda sums: {"AUC": area_under_curve(sums["s"])}, replicas=500)["AUC"]
    n = int(own.sum())
    want = 2 * 1.96 * (2001 / (12 * n * (2000 - n))) ** 0.5  # Mann and Whitney
    assert found.high - found.low == pytest.approx(want, rel=0.15)  # 500 replicas know their tails to 5 %
    assert found.contains(0.5)
