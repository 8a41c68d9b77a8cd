"""Focal losses, and shares of several questions in one loss."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.tasks.classification import Classification
from nuforge.tasks.segmentation import Segmentation
from nuforge.tasks.weighing import cross_entropy_sum
from nuforge.training.learner import Supervised

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.4, 0.3], [-2.0, 1.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
LABEL = torch.tensor([0, 1, 2, -1])


@pytest.mark.parametrize("focusing", [0.5, 1.0, 2.0])
def test_the_focal_loss_is_the_closed_form(focusing):
    p = LOGITS.softmax(1)[torch.arange(3), LABEL[:3]]
    expected = -((1 - p) ** focusing * p.log()).sum()
    torch.testing.assert_close(cross_entropy_sum(LOGITS, LABEL, None, focusing=focusing), expected)


def test_without_focusing_it_is_cross_entropy_and_weights_multiply_either():
    plain = F.cross_entropy(LOGITS[:3], LABEL[:3], reduction="sum")
    torch.testing.assert_close(cross_entropy_sum(LOGITS, LABEL, None), plain)
    of_class, weight = torch.tensor([1.0, 2.0, 3.0]).double(), torch.tensor([2.0, 0.0, 1.0, 5.0]).double()
    each = torch.stack(
        [cross_entropy_sum(x[None], y[None], None, of_class, 1.0) for x, y in zip(LOGITS, LABEL, strict=True)]
    )
    torch.testing.assert_close(cross_entropy_sum(LOGITS, LABEL, weight, of_class, 1.0), (each * weight).sum())


def test_the_gradient_of_the_focal_loss_agrees_with_finite_differences():
    logits = LOGITS.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: cross_entropy_sum(x, LABEL, None, focusing=1.5), logits)


@pytest.mark.parametrize("focusing", [0.5, 1.0])
def test_rows_that_are_quite_sure_have_a_finite_gradient(focusing):
    logits = torch.tensor([[200.0, 0.0]], requires_grad=True)
    cross_entropy_sum(logits, torch.tensor([0]), None, focusing=focusing).backward()
    assert logits.grad.isfinite().all()


def events():
    about = {"seen": Column("", "seen", "readout"), "kind": Column("", "kind", "truth")}
    columns = {
        "seen": torch.randn(5, 2, generator=torch.Generator().manual_seed(0)),
        "kind": torch.tensor([0, 1, 1, 0, -1]),
    }
    return Events({"event": Table(columns, torch.arange(6), about=about)})


class Seen(nn.Module):
    """What was seen, as features."""

    def forward(self, readout):
        rows = readout["event"]
        about = {"features": Column("", "features", "prediction")}
        return {"event": Table({"features": rows["seen"]}, rows.offsets, about=about)}


def questions(focusing=0.0):
    torch.manual_seed(0)
    return [
        Classification(("a", "b"), 2, "kind", focusing=focusing),
        Segmentation(("a", "b"), 2, "event", "kind", name="other", focusing=focusing),
    ]


def test_a_focal_loss_is_smaller_than_the_cross_entropy():
    for focal, plain in zip(questions(1.0), questions(), strict=True):
        outputs = [task(Seen()(events())) for task in (focal, plain)]
        assert 0 < focal.loss(outputs[0], events()) < plain.loss(outputs[1], events())


def test_shares_multiply_the_losses_of_the_tasks():
    one, other = questions()
    parts = [Supervised(Seen(), [task]).loss(events()) for task in (one, other)]
    together = Supervised(Seen(), [one, other], shares=(0.9, 0.1)).loss(events())
    torch.testing.assert_close(together, 0.9 * parts[0] + 0.1 * parts[1])
    torch.testing.assert_close(Supervised(Seen(), [one, other]).loss(events()), parts[0] + parts[1])


def test_impossible_shares_and_powers_are_refused():
    with pytest.raises(InputError, match="shares must be a number of 0 or more for each of 2 tasks"):
        Supervised(Seen(), questions(), shares=(1.0,))
    with pytest.raises(InputError, match="focusing must be 0 for plain cross entropy or larger, got -1"):
        questions(-1)
