"""A comparison of events with weights, and a domain test on them."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.evaluation.comparison import Comparison
from nuforge.evaluation.domain import occlusions, separations
from nuforge.evaluation.report import Report
from nuforge.evaluation.single_particles import single_particle_figures
from nuforge.events import Column, Events, Table
from nuforge.tasks.classification import Classification
from toy_weights import times, weighing

N, NUMBER = 30, [0, 1, 2] * 10
KIND = Column("", "kind", "truth")
SAID = Column("", "probability", "prediction")


def batch():
    """Events of two classes, and what two methods say of them."""
    g = torch.Generator().manual_seed(0)
    label = torch.randint(0, 2, (N,), generator=g)
    events = Events({"event": Table({"kind": label}, torch.arange(N + 1), about={"kind": KIND})})
    first = torch.randn(N, generator=g) + 2 * label
    return events, {"model": first.sigmoid(), "rules": (first / 2 - 0.5).sigmoid()}


def compared(events, said):
    """The comparison of some events."""
    comparison = Comparison(Classification(("a", "b"), 4, "kind"), list(said))
    n = len(events)
    comparison.add(
        events,
        {
            name: {
                "event": Table(
                    {"probability": torch.stack([1 - p, p], 1)}, torch.arange(n + 1), about={"probability": SAID}
                )
            }
            for name, p in said.items()
        },
    )
    return comparison


def weighed():
    events, said = batch()
    return compared(weighing(events, [float(n) for n in NUMBER]), said)


def repeated():
    events, said = batch()
    chosen = times(NUMBER)
    return compared(events.select(chosen), {name: p[chosen] for name, p in said.items()})


def test_every_method_its_difference_and_its_curves_know_weights():
    ours, theirs = weighed(), repeated()
    one, other = ours.figures(replicas=20), theirs.figures(replicas=20)
    for name, interval in other.metrics.items():
        assert one.metrics[name].value == pytest.approx(interval.value, nan_ok=True)
        assert one.baselines["rules"][name].value == pytest.approx(other.baselines["rules"][name].value, nan_ok=True)
        assert one.difference[name].interval.value == pytest.approx(other.difference[name].interval.value, abs=1e-12)
    assert {interval.n for interval in one.metrics.values()} == {20}
    assert [i.effective for i in one.metrics.values()] == pytest.approx([18.0] * len(one.metrics))  # 30^2 / (10 + 40)
    curves = [c.curves({"": ("a", "b")}) for c in (ours, theirs)]
    torch.testing.assert_close(*(torch.tensor(c["confusion"]["counts"]["model"]) for c in curves))
    for end in ("confidence", "accuracy", "count"):
        ends = [torch.tensor(c["reliability"]["model"][end]) for c in curves]
        torch.testing.assert_close(*ends, equal_nan=True)


def test_figures_against_a_number_know_weights():
    number = torch.arange(N) % 2
    ours, theirs = weighed().against(number, 20), repeated().against(number[times(NUMBER)], 20)
    assert ours["effective"] == [pytest.approx(9.0)] * 2
    assert "effective" not in theirs
    for figure, methods in theirs["figures"].items():
        for method, curve in methods.items():
            assert ours["figures"][figure][method]["value"] == pytest.approx(curve["value"], nan_ok=True)


def test_an_effective_number_is_written_only_where_weights_differ():
    figures = weighed().figures(replicas=20)
    report = Report("toy", {}, figures.metrics, figures.baselines, figures.difference)
    document = report.to_json()
    assert document["metrics"]["AUC"]["effective"] == pytest.approx(18.0)
    assert Report.from_json(document).to_json() == document
    plain = repeated().figures(replicas=20).metrics
    assert "effective" not in Report("toy", {}, plain).to_json()["metrics"]["AUC"]


def test_weights_that_add_up_to_nothing_are_refused():
    events, said = batch()
    with pytest.raises(InputError, match="weights of 30 events add up to 0, expected more than 0"):
        compared(weighing(events, [1.0, -1.0] * 15), said).figures()
    with pytest.raises(InputError, match="must be finite, got inf in 1 of 30"):
        compared(weighing(events, [float("inf")] + [1.0] * 29), said)


def test_a_domain_test_knows_weights():
    g = torch.Generator().manual_seed(0)
    second = torch.arange(N) % 2 == 1
    values = torch.randn(N, 2, generator=g) + second[:, None]
    weight, chosen = torch.tensor(NUMBER).double(), times(NUMBER)
    ours = {row.name: row for row in separations(values, ("a", "b"), second, weight=weight)}
    for row in separations(values[chosen], ("a", "b"), second[chosen]):
        assert ours[row.name].area.value == pytest.approx(row.area.value)
        assert ours[row.name].means == pytest.approx(row.means)
    has = torch.ones(N, 2, dtype=torch.bool)
    ours = occlusions(values, has, ("nothing", "all"), second, weight=weight)
    theirs = occlusions(values[chosen], has[chosen], ("nothing", "all"), second[chosen])
    for one, other in zip(ours, theirs, strict=True):
        assert one.area.value == pytest.approx(other.area.value)
        assert [i.value for i in one.changes] == pytest.approx([i.value for i in other.changes])


def test_figures_of_single_particles_refuse_weights():
    with pytest.raises(InputError, match="figures of single particles are of events that count alike"):
        single_particle_figures(weighing(batch()[0], [1.0] * 29 + [2.0]), 0.0, 7.0)
