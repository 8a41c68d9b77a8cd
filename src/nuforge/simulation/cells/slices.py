"""Slices: hits of an event that come together in time and place."""

from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.detectors.nova import SegmentedDetector
from nuforge.events import Column, Events, Table
from nuforge.events.connected import components
from nuforge.simulation.cells.places import Places, places_of

_SLICES = {
    "begin": Column("ns", "time of its first hit", "readout"),
    "charge": Column("pe", "photo-electrons", "readout"),
    "n_hits": Column("", "number of its hits", "readout"),
}
_OF_HIT = {"slice": Column("", "the slice it is in, -1 for none", "readout", "slices")}


@dataclass(frozen=True)
class Slicing:
    """What makes hits neighbours, and a slice.

    Args:
        distance: cm, along the beam and, in one view, across. Three radiation lengths: 96 % of photons convert sooner.
        time: ns: the delay of a fibre, 90 ns, and the jitter of a faint hit.
        neighbours: Hits that a hit needs around it for its neighbours to be one slice through it.
        hits: Least hits of a slice.
        planes: Least planes that it touches.
    """

    distance: float = 110.0
    time: float = 120.0
    neighbours: int = 3
    hits: int = 5
    planes: int = 3


def slice_hits(events: Events, detector: SegmentedDetector, slicing: Slicing | None = None) -> Events:
    """Events with `slices` and `hits.slice`: clusters of hits that are dense in time and place (DBSCAN).

    Hits of one view are neighbours if an ellipse of the distances holds them; of two views, if they are as near along
    the beam. NOvA's slicer clusters in the same four dimensions (Baird et al., J. Phys. Conf. Ser. 664 (2015) 072035).

    Args:
        events: With `hits`, several interactions an event perhaps.
        detector: Says where cells are.
        slicing: Distances and least numbers, else those of `Slicing()`.
    """
    hits, slicing = events["hits"], slicing or Slicing()
    places = places_of(events, detector, "charge")
    first, second = _neighbours(places, hits["time"], slicing)
    n = len(hits)
    around = torch.bincount(first, minlength=n) + torch.bincount(second, minlength=n)
    core = around >= slicing.neighbours
    both = core[first] & core[second]
    label = torch.from_numpy(components(first[both].numpy(), second[both].numpy(), n)).to(torch.int64)
    label = _with_border(label, core, first, second)
    label = _large(label, hits, slicing)
    return _with_slices(events, label)


def each_slice(events: Events) -> Events:
    """Each slice as an event of its own, with its hits alone: what an analysis looks at one by one.

    `event.event` becomes 65536 times the event plus the number of the slice in it; `event.trigger` and `event.slice`
    are both apart, as in NOvA's files. Events without slices are gone.
    """
    slices = events["slices"]
    of = slices.batch
    number = torch.arange(len(of)) - slices.offsets[of]
    alone = events[of]
    copied = alone["hits"]
    chosen = copied["slice"] - alone["slices"].offsets[copied.batch] == number[copied.batch]
    alone = alone.keep("hits", chosen & (copied["slice"] >= 0)).without("slices")
    event = alone["event"]
    about = {
        "trigger": Column("", "number of the event before it was cut into slices", "readout"),
        "slice": Column("", "number of the slice in it", "readout"),
    }
    ids = {"trigger": event["event"], "slice": number, "event": event["event"] * 65536 + number}
    return alone.with_table("event", event.with_columns(ids, about=about))


def _neighbours(places: Places, time: Tensor, slicing: Slicing) -> tuple[Tensor, Tensor]:
    """All pairs of neighbours, each once: (E,), (E,) rows of hits."""
    event = places.event
    by_time = torch.argsort(time, stable=True)
    order = by_time[torch.argsort(event[by_time], stable=True)]
    t, e = time[order], event[order]
    span = 2 * (float(t.max() - t.min()) + slicing.time) if len(t) else 1.0
    key = e.double() * span + (t - (t.min() if len(t) else 0))
    last = torch.searchsorted(key, key + slicing.time, right=True)
    count = last - torch.arange(len(key)) - 1
    a = torch.repeat_interleave(count)
    b = torch.arange(len(a)) - (count.cumsum(0) - count)[a] + a + 1
    z, u, view = places.z[order], places.u[order], places.view[order]
    along, across = (z[a] - z[b]) / slicing.distance, (u[a] - u[b]) / slicing.distance
    same = view[a] == view[b]
    near = along**2 + torch.where(same, across**2, 0.0) <= 1
    return order[a[near]], order[b[near]]


def _with_border(label: Tensor, core: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Labels (N,) of cores and of hits next to one (that of the smallest label), -1 for the others."""
    none = torch.iinfo(torch.int64).max
    border = torch.full_like(label, none)
    for here, there in ((first, second), (second, first)):
        reached = core[here] & ~core[there]
        border.scatter_reduce_(0, there[reached], label[here[reached]], "amin")
    return torch.where(core, label, torch.where(border == none, -1, border))


def _large(label: Tensor, hits: Table, slicing: Slicing) -> Tensor:
    """Labels (N,), -1 for those of too few hits or planes."""
    known = label >= 0
    n = int(label.max()) + 1 if len(label) else 0
    count = torch.bincount(label[known], minlength=n)
    pairs = torch.unique(label[known] * 4096 + hits["plane"][known])
    planes = torch.bincount(torch.div(pairs, 4096, rounding_mode="floor"), minlength=n)
    good = torch.cat([(count >= slicing.hits) & (planes >= slicing.planes), torch.zeros(1, dtype=torch.bool)])
    return torch.where(good[label], label, -1)


def _with_slices(events: Events, label: Tensor) -> Events:
    """Slices, numbered by event and label, and the slice of each hit."""
    hits, known = events["hits"], label >= 0
    n = int(label.max()) + 1 if len(label) else 0
    code, place = torch.unique(hits.batch[known] * max(n, 1) + label[known], return_inverse=True)
    of_hit = torch.full_like(label, -1)
    of_hit[known] = place
    count = torch.bincount(place, minlength=len(code))
    charge = torch.zeros(len(code), dtype=torch.float64).index_add_(0, place, hits["charge"][known].double())
    begin = torch.full((len(code),), torch.inf, dtype=torch.float64)
    begin.scatter_reduce_(0, place, hits["time"][known], "amin")
    counts = torch.bincount(torch.div(code, max(n, 1), rounding_mode="floor"), minlength=len(events))
    slices = {"begin": begin, "charge": charge.float(), "n_hits": count}
    return events.with_table("slices", Table.from_counts(slices, counts, about=_SLICES)).with_table(
        "hits", hits.with_columns({"slice": of_hit}, about=_OF_HIT)
    )
