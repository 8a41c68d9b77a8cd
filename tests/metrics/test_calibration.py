import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve

from nuforge.metrics.calibration import (
    expected_calibration_error,
    fit_temperature,
    reliability_counts,
    reliability_curve,
)


def binary(n=5000, seed=0):
    g = torch.Generator().manual_seed(seed)
    confidence = torch.rand(n, generator=g, dtype=torch.float64)
    correct = torch.rand(n, generator=g, dtype=torch.float64) < confidence**1.3
    return confidence, correct, torch.randint(9, (n,), generator=g)


def test_the_curve_agrees_with_scikit_learn():
    confidence, correct, batch = binary()
    mean, fraction, n = reliability_curve(reliability_counts(confidence, correct, batch, 9, bins=15).sum(0))
    truth, predicted = calibration_curve(correct.numpy(), confidence.numpy(), n_bins=15)
    np.testing.assert_allclose(mean, predicted)
    np.testing.assert_allclose(fraction, truth)
    assert n.sum() == len(confidence)


def test_counts_add_up_over_events():
    confidence, correct, batch = binary()
    parts = reliability_counts(confidence, correct, batch, 9)
    whole = reliability_counts(confidence, correct, torch.zeros_like(batch), 1)
    torch.testing.assert_close(parts.sum(0), whole[0])


def test_certainty_falls_in_the_last_bin():
    counts = reliability_counts(torch.ones(1), torch.tensor([True]), torch.tensor([0]), 1, bins=4)
    assert counts[0, -1].tolist() == [1, 1, 1]


def test_a_calibrated_forecast_has_a_calibration_error_within_its_fluctuation():
    g = torch.Generator().manual_seed(3)
    n, bins = 200_000, 15
    confidence = torch.rand(n, generator=g, dtype=torch.float64)
    correct = torch.rand(n, generator=g, dtype=torch.float64) < confidence
    counts = reliability_counts(confidence, correct, torch.zeros(n, dtype=torch.int64), 1, bins)[0]
    # each bin's |accuracy - confidence| is half-normal, at most 0.8 sigma with sigma = 0.5 / sqrt(n / bins)
    sigma = 0.5 / math.sqrt(n / bins)
    assert expected_calibration_error(counts) < 0.8 * sigma + 5 * 0.6 * sigma / math.sqrt(bins)


def test_always_sure_and_right_half_the_time_is_an_error_of_one_half():
    correct = torch.arange(10) % 2 == 0
    counts = reliability_counts(torch.ones(10), correct, torch.zeros(10, dtype=torch.int64), 1)
    assert expected_calibration_error(counts).tolist() == [0.5]


def test_probabilities_are_required():
    with pytest.raises(ValueError, match=r"between 0 and 1, got 3\.0; pass probabilities, not logits"):
        reliability_counts(torch.tensor([3.0]), torch.tensor([True]), torch.tensor([0]), 1)
    with pytest.raises(ValueError, match="got nan"):
        reliability_counts(torch.tensor([math.nan]), torch.tensor([True]), torch.tensor([0]), 1)


def labelled(temperature, n=20_000, seed=0):
    g = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(n, 5, generator=g, dtype=torch.float64)
    label = torch.multinomial(torch.softmax(logits / temperature, 1), 1, generator=g).squeeze(1)
    return logits, label


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found_again(temperature):
    logits, label = labelled(temperature)
    # Fisher information of beta = 1/T is the mean variance of the logits under the model
    p = torch.softmax(logits / temperature, 1)
    variance = (p * logits**2).sum(1) - (p * logits).sum(1) ** 2
    sigma_beta = 1 / math.sqrt(float(variance.sum()))
    assert abs(1 / fit_temperature(logits, label) - 1 / temperature) < 5 * sigma_beta


def test_the_temperature_is_the_minimum_that_scipy_finds():
    logits, label = labelled(1.7, n=500)

    def loss(log_t):
        return float(torch.nn.functional.cross_entropy(logits / math.exp(log_t), label))

    assert fit_temperature(logits, label) == pytest.approx(math.exp(minimize_scalar(loss).x), rel=1e-4)


def test_scaled_logits_scale_the_temperature_and_unknown_labels_do_not_count():
    logits, label = labelled(1.0, n=2000)
    t = fit_temperature(logits, label)
    assert fit_temperature(3 * logits, label) == pytest.approx(3 * t, rel=1e-4)
    more = torch.cat([logits, torch.randn(50, 5, dtype=torch.float64)])
    assert fit_temperature(more, torch.cat([label, torch.full((50,), -1)])) == pytest.approx(t, rel=1e-6)


def test_a_network_that_is_never_wrong_stops_at_the_end_of_the_range():
    assert fit_temperature(torch.eye(3), torch.arange(3)) == pytest.approx(0.05, rel=1e-4)


def test_no_label_and_infinite_logits_are_refused():
    with pytest.raises(ValueError, match="needs labelled rows"):
        fit_temperature(torch.zeros(2, 3), torch.tensor([-1, -1]))
    with pytest.raises(ValueError, match="must be finite"):
        fit_temperature(torch.tensor([[0.0, -math.inf]]), torch.tensor([0]))
