"""What a network looks at: attention by classes, saliency of pixels, places of features."""

import json

import pytest
import torch
from torch import nn

from nuforge.display.report_html import report_page
from nuforge.errors import InputError
from nuforge.evaluation.insight import Insight, attention_curve, attention_sums, principal_axes, saliency
from nuforge.evaluation.report import Report
from nuforge.events import Column, Table
from nuforge.metrics.interval import Interval
from nuforge.models.transformer_cvn import Attention, SparseFront, TransformerCVN
from nuforge.tasks.classification import Classification
from nuforge.tasks.segmentation import Segmentation
from nuforge.training.learner import Supervised
from toy_maps import toy_maps

FEATURES = Column("", "features of the network", "prediction")


class FirstHalf(nn.Module):
    """A network by hand: the charge of the first fifty planes, and nothing else."""

    def forward(self, events):
        pixels = events["pixels"]
        seen = torch.where(pixels["row"] < 50, pixels["charge"].float(), 0.0)
        total = torch.zeros(len(events)).index_add(0, pixels.batch, seen)
        features = torch.stack([total, torch.zeros_like(total)], 1)
        return {"event": Table({"features": features}, torch.arange(len(events) + 1), about={"features": FEATURES})}


def transformer():
    torch.manual_seed(0)
    model = TransformerCVN(*(SparseFront(2, 4, hidden=6) for _ in range(2)), width=16, layers=2, heads=4)
    tasks = [
        Classification(("early", "late"), 16, "kind"),
        Segmentation(("e", "mu"), 16, "prongs", "pid", name="prong"),
    ]
    return Supervised(model, tasks)


def test_what_a_network_does_not_read_has_no_saliency_and_what_adds_up_has_its_share():
    events = toy_maps([40, 30, 20, 30])
    model = FirstHalf()
    size = saliency(lambda readout: 3 * model(readout)["event"]["features"][:, 0], events.readout())
    early = events["pixels"]["row"] < 50
    assert early.any()
    assert (~early).any()
    assert size[~early].abs().max() == 0
    torch.testing.assert_close(size[early], 3 * events["pixels"]["charge"][early].float())


def test_saliency_of_an_event_does_not_depend_on_the_others():
    events, learner = toy_maps([40, 30, 50], [2, 1, 3]), transformer().eval()

    def score(readout):
        return learner.tasks[0](learner.model(readout))["event"]["logits"][:, 1]

    together = saliency(score, events.readout())
    alone = torch.cat([saliency(score, event.readout()) for event in events])
    assert together.abs().max() > 0
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-5)


def test_even_attention_is_one_everywhere():
    rows = torch.tensor([[-1, 0, 1], [-1, 2, -1]])
    valid = torch.tensor([[True, True, True], [True, True, False]])
    even = valid[:, None, :].expand(-1, 3, -1) / valid.sum(1)[:, None, None]
    seen = Attention(even[None, :, None], rows, valid)
    sums = attention_sums(seen, torch.tensor([0, 1]), 2, torch.tensor([0, 1, 1]), 2, torch.ones(2).double())
    curve = attention_curve(sums, ("nu_mu", "nu_e"), ("e", "mu"))
    assert curve["count"] == [[1, 1], [0, 1], [0, 1], [1, 0]]  # a prong does not look at itself here
    found = torch.tensor(curve["mean"]).flatten()
    assert set(found[torch.tensor(curve["count"]).flatten() > 0].tolist()) == {1.0}


def test_unknown_classes_are_left_out_of_attention():
    rows, valid = torch.tensor([[-1, 0, 1]]), torch.ones(1, 3, dtype=torch.bool)
    seen = Attention(torch.full((1, 1, 1, 3, 3), 1 / 3), rows, valid)
    sums = attention_sums(seen, torch.tensor([-1]), 2, torch.tensor([0, -1]), 2, torch.ones(1).double())
    assert sums.sum() == 0


def test_the_first_axis_is_the_one_of_largest_variance():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(500, 3, generator=generator) * torch.tensor([0.1, 5.0, 1.0]) + 7
    place, explained = principal_axes(features)
    assert torch.corrcoef(torch.stack([place[:, 0], features[:, 1].double()]))[0, 1] > 0.999
    assert explained[0] == pytest.approx(25 / 26.01, abs=0.02)
    assert explained.sum() < 1


@pytest.mark.parametrize("n", [1, 2])
def test_very_few_events_have_places_too(n):
    place, explained = principal_axes(torch.randn(n, 4))
    assert place.shape == (n, 2)
    assert explained.isfinite().all()


def test_a_look_gives_curves_that_a_report_can_keep_and_its_page_can_draw():
    learner = transformer()
    events, (event, prong) = toy_maps([40, 30, 50, 0], [2, 1, 3, 0]), learner.tasks
    look = Insight(learner, event, learner.model.attention, prong, each=1, points=3)
    curves = look(lambda readout: {}, [events[:2], events[2:]], seed=0)
    assert set(curves) == {"attention", "saliency", "embedding"}
    assert len(curves["embedding"]["x"]) == 3
    assert 1 <= len(curves["saliency"]["maps"]) <= 2
    figure = Interval(0.5, 0.4, 0.6, 4, "bootstrap", "")
    report = Report("nova-toy", {}, {"accuracy": figure}, curves=curves)
    json.dumps(report.to_json(), allow_nan=False)
    page = report_page(report)
    assert "What the network looks at" in page
    assert page.count("Charge and saliency of the pixels") == len(curves["saliency"]["maps"])


def test_a_network_without_attention_is_looked_into_too():
    task = Classification(("early", "late"), 2, "kind")
    curves = Insight(Supervised(FirstHalf(), [task]), task)(lambda readout: {}, [toy_maps([40, 30])], seed=0)
    assert set(curves) == {"saliency", "embedding"}
    assert "What the network looks at" in report_page(Report("nova-toy", {}, {}, curves=curves))


def test_attention_without_classes_of_prongs_is_refused():
    learner = transformer()
    with pytest.raises(InputError, match="give both or neither"):
        Insight(learner, learner.tasks[0], learner.model.attention)
