import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nuforge.metrics.bootstrap import bootstrap
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


def residuals(n=4000, seed=0, shift=0.3, width=2.0):
    generator = torch.Generator().manual_seed(seed)
    r = shift + width * torch.randn(n, generator=generator, dtype=torch.float64)
    return r, torch.randint(0, 7, (n,), generator=generator)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20), st.integers(0, 2**31))
def test_bias_and_spreads_are_the_textbooks_and_weights_are_copies(values, seed):
    r = torch.tensor(values, dtype=torch.float64)
    copies = torch.randint(1, 4, (len(r),), generator=torch.Generator().manual_seed(seed))
    sums = residual_sums(r, torch.zeros(len(r), dtype=torch.int64), 1, copies.double())[0]
    x = np.repeat(r.numpy(), copies.numpy())
    size = max(1.0, float(np.abs(x).max()))
    assert float(bias(sums)) == pytest.approx(x.mean(), abs=1e-9 * size)
    assert float(rms(sums)) == pytest.approx(np.sqrt((x**2).mean()), abs=1e-9 * size)
    assert float(standard_deviation(sums)) == pytest.approx(x.std(), abs=1e-7 * size)


@pytest.mark.parametrize("scale", [0.5, 2.0, 10.0])
def test_quantiles_of_counts_are_those_of_the_residuals_to_a_bin(scale):
    r, batch = residuals()
    counts = residual_counts(r, batch, 7, scale).sum(0)
    for share in (0.02, 0.16, 0.5, 0.84, 0.98):
        expected = float(np.quantile(r.numpy(), share))
        assert float(residual_quantile(counts, share, scale)) == pytest.approx(
            expected, abs=0.02 * max(1, abs(expected))
        )


def test_half_the_central_width_of_a_normal_distribution_is_its_standard_deviation_and_tails_do_not_touch_it():
    r, batch = residuals(n=200_000)
    expected = 5 * 2.0 * math.sqrt(0.159 * 0.841 / len(r)) / 0.242  # five errors of a quantile, of density .242 / width
    assert float(half_width(residual_counts(r, batch, 7, 2.0).sum(0), 2.0)) == pytest.approx(2.0, abs=expected)
    r[::100] *= 1e4
    sums = residual_sums(r, batch, 7).sum(0)
    assert float(half_width(residual_counts(r, batch, 7, 2.0).sum(0), 2.0)) == pytest.approx(2.0, abs=0.05)
    assert float(standard_deviation(sums)) > 1000


def test_turned_residuals_have_turned_quantiles():
    r, batch = residuals()
    there, back = (residual_counts(sign * r, batch, 7, 1.0).sum(0) for sign in (1, -1))
    for share in (0.1, 0.5, 0.7):
        low, high = residual_quantile(there, share, 1.0), residual_quantile(back, 1 - share, 1.0)
        assert float(low) == pytest.approx(-float(high), abs=1e-9)


def test_sums_and_counts_add_up_over_events_and_batch_over_resamplings():
    r, batch = residuals()
    one = torch.zeros_like(batch)
    torch.testing.assert_close(residual_sums(r, batch, 9).sum(0), residual_sums(r, one, 1)[0])
    torch.testing.assert_close(residual_counts(r, batch, 9, 1.0).sum(0), residual_counts(r, one, 1, 1.0)[0])
    counts = residual_counts(r, batch, 9, 1.0)
    widths = half_width(counts, 1.0)
    assert widths[7:].isnan().all()  # events without rows
    for event in range(7):
        torch.testing.assert_close(widths[event], half_width(counts[event], 1.0))


def test_coverage_is_the_weight_inside_over_all():
    inside, batch = torch.tensor([True, False, True, True]), torch.tensor([0, 0, 2, 2])
    weight = torch.tensor([1.0, 3.0, 1.0, 1.0])
    counts = coverage_counts(inside, batch, 3, weight)
    assert coverage(counts)[[0, 2]].tolist() == [0.25, 1.0]
    assert coverage(counts)[1].isnan()
    assert float(coverage(counts.sum(0))) == 0.5


def test_figures_go_through_the_bootstrap():
    r, batch = residuals()
    statistics = {"sums": residual_sums(r, batch, 7), "counts": residual_counts(r, batch, 7, 2.0)}
    found = bootstrap(
        statistics, lambda s: {"bias": bias(s["sums"]), "half-width": half_width(s["counts"], 2.0)}, replicas=100
    )
    assert found["bias"].low < 0.3 < found["bias"].high
    assert found["half-width"].low < found["half-width"].value < found["half-width"].high


def test_what_is_no_residual_is_refused():
    r, batch = torch.tensor([0.0, float("nan")]), torch.zeros(2, dtype=torch.int64)
    with pytest.raises(ValueError, match="residuals must be finite, got nan in 1 of 2 rows"):
        residual_sums(r, batch, 1)
    with pytest.raises(ValueError, match="scale must be positive"):
        residual_counts(torch.zeros(2), batch, 1, 0.0)
    with pytest.raises(ValueError, match="share must be between 0 and 1"):
        residual_quantile(torch.zeros(1024), 50, 1.0)
