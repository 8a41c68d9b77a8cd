"""Slices by hand in a detector like NOvA's: muons, electrons, pions that begin away from the vertex, cosmic muons."""

import torch

from nuforge.detectors import nova_far
from nuforge.events import Column, Events, Table
from nuforge.samples.prepare import with_identity
from nuforge.simulation.cells.prongs import find_prongs
from nuforge.simulation.cells.vertex import find_vertex

DETECTOR = nova_far()
KINDS = ("muon", "electron", "neutral", "cosmic")
"""Classes of the slices: `event.flavour` numbers them."""

_ABOUT = {
    "view": Column("", "view", "readout"),
    "plane": Column("", "plane", "readout"),
    "cell": Column("", "cell", "readout"),
    "energy": Column("MeV", "energy", "readout"),
    "time": Column("ns", "time", "readout"),
    "who": Column("", "what made it", "truth"),
}
_TRUTH = {
    "flavour": Column("", "kind", "truth"),
    "expected": Column("", "events of an exposure", "truth"),
}
_LABELS = {"pid": Column("", "what it is", "truth"), "origin": Column("", "whence it is", "truth")}


def hits_of(kind, g):
    """(plane, cell, energy, time, who) of the hits of one slice."""
    plane, cell = (int(torch.randint(a, b, (), generator=g)) for a, b in ((100, 700), (150, 230)))
    if kind == "muon":
        n = int(torch.randint(30, 60, (), generator=g))
        return [
            (plane + i, cell + i // 25, 10.0 + 3 * float(torch.rand((), generator=g)), 0.2 * i, 1) for i in range(n)
        ]
    if kind == "electron":
        return shower(plane, cell, g, 0, 0.0)
    if kind == "neutral":
        stub = [(plane + i, cell, 30.0, 0.0, 4) for i in range(5)]
        away = [(plane + 6 + i, cell + 20, 12.0, 30.0, 5) for i in range(2)]
        return [*stub, *shower(plane + 8, cell - 5, g, 2, 2.0), *away]
    return [(plane + i // 6, 383 - i, 10.0 + 3 * float(torch.rand((), generator=g)), 0.1 * i, 1) for i in range(90)]


def shower(plane, cell, g, who, time):
    out = []
    for i in range(18):
        core = 60.0 * (i + 1) / 4 * 2.718 ** (-(i + 1) / 4) * float(0.7 + 0.6 * torch.rand((), generator=g))
        out += [(plane + i, cell + side, core * share, time, who) for side, share in ((-1, 0.2), (0, 0.6), (1, 0.2))]
    return [hit for hit in out if hit[2] > 1.0]


def toy_slices(n=40, seed=0, kinds=KINDS, blank=False):
    """n slices of the kinds in turn, with vertex and prongs as they are found; with `blank` the last one is empty."""
    g = torch.Generator().manual_seed(seed)
    chosen = [KINDS.index(kinds[i % len(kinds)]) for i in range(n)]
    slices = [hits_of(KINDS[k], g) for k in chosen]
    if blank:
        slices[-1] = []
    rows = torch.tensor([hit for hits in slices for hit in hits], dtype=torch.float64).reshape(-1, 5)
    plane, cell, who = (rows[:, i].long() for i in (0, 1, 4))
    columns = {"view": plane % 2, "plane": plane, "cell": cell, "energy": rows[:, 2], "time": rows[:, 3], "who": who}
    counts = torch.tensor([len(hits) for hits in slices])
    event = {"flavour": torch.tensor(chosen), "expected": torch.ones(n, dtype=torch.float64)}
    tables = {
        "hits": Table.from_counts(columns, counts, about=_ABOUT),
        "event": Table(event, torch.arange(n + 1), about=_TRUTH),
    }
    events = with_identity(Events(tables), 3 + seed, 0)
    return labelled(find_prongs(find_vertex(events, DETECTOR), DETECTOR))


def labelled(events):
    """Prongs with what made most of their hits: 0 electron, 1 muon, 2 photon, 4 proton, or a neutron."""
    hits, prongs = events["hits"], events["prongs"]
    seen = hits["prong"] >= 0
    counts = torch.zeros(len(prongs), 6).index_put_((hits["prong"][seen], hits["who"][seen]), torch.tensor(1.0), True)
    who = counts.argmax(1)
    origin = torch.tensor([0, 1, 5, 3, 2, 4])[who]
    columns = {"pid": torch.where(who == 5, -1, who), "origin": origin}
    return events.with_table("prongs", prongs.with_columns(columns, about=_LABELS))


def in_batches(events, size=16):
    return [events[i : i + size] for i in range(0, len(events), size)]


def repeated(events, numbers):
    """Each event so many times."""
    return Events.concat([events.event(i) for i, n in enumerate(numbers) for _ in range(n)])


def accuracy(prediction, label, table="event"):
    known = label >= 0
    return float((prediction[table]["probability"].argmax(1) == label)[known].float().mean())
