"""Standardised columns: what was met counts, batches do not."""

import pytest
import torch

from nuforge.nn.standard import Standard

SIZES = [[200], [1, 199], [64, 64, 0, 72]]


def rows():
    """Rows of columns with different means and deviations, one of them constant."""
    x = torch.randn(200, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 20.0, 0.0])
    return x + torch.tensor([5.0, -300.0, 2.0])


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_mean_and_deviation_are_those_of_all_rows_however_they_came(sizes):
    x, standard = rows(), Standard(3)
    for batch in x.split(sizes):
        standard(batch)
    found = standard.eval()(x).double()
    wanted = (x.double() - x.double().mean(0)) / x.double().std(0, correction=0).clamp(min=1e-3)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


def test_a_row_of_a_batch_in_training_depends_on_others_the_less_the_more_were_met():
    x, standard = rows(), Standard(3)
    standard(x.repeat(50, 1))
    first = standard(x[:4])
    again = standard(torch.cat([x[:1], x[1:4] + 10 * x.std(0)]))
    torch.testing.assert_close(first[0], again[0], rtol=0, atol=0.02)


def test_answers_change_nothing_and_untrained_rows_stay_as_they_are():
    x, standard = rows(), Standard(3).eval()
    torch.testing.assert_close(standard(x), x)
    assert all(bool((b == 0).all()) for b in standard.buffers())


def test_gradients_are_those_of_a_fixed_scaling():
    x, standard = rows().requires_grad_(), Standard(3)
    standard(x).sum().backward()
    deviation = x.detach().double().std(0, correction=0).clamp(min=1e-3)
    torch.testing.assert_close(x.grad.double(), (1 / deviation).expand(200, 3), rtol=1e-5, atol=0)
