"""What a comparison keeps of statistics."""

import pytest
import torch

from nuforge.evaluation.comparison import Comparison
from nuforge.events import Column, Events, Table


class Histogram:
    """One number of an event in one of many bins, and a number that is seldom 0."""

    def statistics(self, events, prediction):
        place = prediction["event"]["place"]
        n = len(place)
        counts = torch.zeros(n, 2000, dtype=torch.float64)
        counts[torch.arange(n), place] = 0.5
        return {"counts": counts, "sum": place.double()[:, None] + 1}

    def figures(self, sums):
        return {"mean": sums["sum"][:, 0] / sums["counts"].sum(1)}


def batch(place):
    table = Table.from_counts(
        {"place": place}, torch.ones(len(place)).long(), about={"place": Column("", "bin", "readout")}
    )
    return Events({"event": table})


def test_statistics_come_back_as_they_were_and_zeros_take_no_memory():
    task, generator = Histogram(), torch.Generator().manual_seed(0)
    comparison, expected = Comparison(task, ["model"]), []
    for n in (30, 1, 25):
        events = batch(torch.randint(2000, (n,), generator=generator))
        expected.append(task.statistics(events, events.tables))
        comparison.add(events, {"model": events.tables})
    assert len(comparison) == 56
    found = comparison.statistics("model")
    for name in ("counts", "sum"):
        torch.testing.assert_close(found[name], torch.cat([part[name] for part in expected]), rtol=0, atol=0)
    numbers = sum(part["counts"].coalesce().values().numel() for part in comparison._parts["model"])
    assert numbers == pytest.approx(56)
