"""Small made events, two of each kind of picture; the first has an event number of 7, the second of 19 and no rows."""

import math

import torch
from toy_events import toy_event, toy_segments

from nuforge.events import Column, Events, Table

READ, TRUE, FOUND = "readout", "truth", "prediction"
RADIUS, HALF = 1700.0, 1800.0  # of the tank, cm


def table(columns, counts, about=None, refers_to=None):
    """A table of the standard columns, or of described ones; vectors as rows of three."""
    return Table.from_counts(columns, torch.tensor(counts), about=about or {}, refers_to=refers_to or {})


def identity():
    columns = {
        "run": torch.tensor([3, 3]),
        "event": torch.tensor([7, 19]),
        "weight": torch.ones(2, dtype=torch.float64),
    }
    return table(columns, [1, 1])


def hits(position, time, charge, sensor, **more):
    columns = {"position": position.float(), "time": time.double(), "charge": charge.float(), "sensor": sensor.long()}
    return table({**columns, **more}, [len(position), 0], {name: Column("", name, READ) for name in more})


def particle(momentum=(500.0, 0.0, 0.0), pdg=11):
    columns = {
        "pdg": torch.tensor([pdg]),
        "parent": torch.tensor([-1]),
        "start": torch.zeros(1, 3),
        "momentum": torch.tensor([momentum]),
    }
    return table(columns, [1, 0])


def wall(steps=26):
    """Sensors on barrel and caps (S, 3), cm."""
    azimuth = torch.arange(4 * steps) / (4 * steps) * 2 * math.pi
    height = torch.linspace(-0.9 * HALF, 0.9 * HALF, steps)
    a, z = (v.reshape(-1) for v in torch.meshgrid(azimuth, height, indexing="ij"))
    barrel = torch.stack([RADIUS * a.cos(), RADIUS * a.sin(), z], dim=1)
    grid = torch.linspace(-RADIUS, RADIUS, steps)
    x, y = (v.reshape(-1) for v in torch.meshgrid(grid, grid, indexing="ij"))
    on = x.hypot(y) < 0.95 * RADIUS
    flat = torch.stack([x[on], y[on], torch.full_like(x[on], HALF)], dim=1)
    return torch.cat([barrel, flat, flat * torch.tensor([1.0, 1.0, -1.0])])


def tank():
    """A ring around +x on the wall; every hit sensor twice."""
    g = torch.Generator().manual_seed(1)
    place = wall()
    angle = torch.acos(place[:, 0] / place.norm(dim=1))
    rows = torch.nonzero((angle - 0.73).abs() < 0.12 + 0.5 * torch.rand(len(place), generator=g) ** 6)[:, 0]
    rows = torch.cat([rows, rows, torch.arange(0, len(place), 5)])
    time = place[rows].norm(dim=1) / 22.5 + 2 * torch.randn(len(rows), generator=g)
    charge = 4 * torch.rand(len(rows), generator=g) + 0.2
    return Events({"event": identity(), "particles": particle(), "hits": hits(place[rows], time, charge, rows)})


def strings():
    """A track through 36 strings of 20 modules, 100 m apart, and where it was thought to be."""
    g = torch.Generator().manual_seed(2)
    axes = (torch.arange(6.0) * 1e4, torch.arange(6.0) * 1e4, torch.arange(20.0) * 2e3)
    place = torch.cartesian_prod(*axes) - torch.tensor([2.5e4, 2.5e4, 1.9e4])
    way = torch.tensor([0.7, 0.5, -0.5]) / math.sqrt(0.99)
    along = place @ way
    distance = (place - along[:, None] * way).norm(dim=1)
    rows = torch.nonzero(distance < 9e3 * torch.rand(len(place), generator=g))[:, 0].repeat(2)
    time = along[rows] / 29.98 + distance[rows] / 22 + 30 * torch.rand(len(rows), generator=g) + 5000
    charge = 1 + 1e4 / (100 + distance[rows])
    truth = {"vertex": torch.zeros(1, 3), "direction": way[None], "energy": torch.tensor([1e6])}
    about = {"direction": Column("", "of travel", TRUE), "energy": Column("MeV", "of the neutrino", TRUE)}
    found = {"start": torch.full((1, 3), 500.0), "direction": torch.tensor([[0.72, 0.48, -0.5]])}
    reco = {"start": Column("cm", "where it began", FOUND), "direction": Column("", "of travel", FOUND)}
    return Events(
        {
            "event": identity(),
            "interactions": table(truth, [1, 0], about),
            "reconstructed": table(found, [1, 0], reco),
            "hits": hits(place[rows], time, charge, torch.full((len(rows),), -1), string=rows // 20),
        }
    )


def points():
    """A track in a pixel chamber, and the line that was fitted."""
    g = torch.Generator().manual_seed(3)
    at = torch.rand(120, 1, generator=g)
    place = at * torch.tensor([20.0, -25.0, 10.0]) + 0.2 * torch.randn(120, 3, generator=g)
    fit = {"start": torch.zeros(1, 3), "end": torch.tensor([[20.0, -25.0, 10.0]])}
    about = {"start": Column("cm", "begin", FOUND), "end": Column("cm", "end", FOUND)}
    charge = 30 + 10 * torch.randn(120, generator=g).abs()
    return Events(
        {
            "event": identity(),
            "hits": hits(place, 1e5 + 1e3 * at[:, 0], charge, torch.arange(120)),
            "tracks": table(fit, [1, 0], about),
        }
    )


def images():
    """Two views with signed charge, a class for each pixel."""
    g = torch.Generator().manual_seed(4)
    row = torch.arange(400).repeat(2)
    column = (300 + 0.5 * row + 40 * torch.randn(800, generator=g)).long()
    charge = 20 + 30 * torch.randn(800, generator=g)
    columns = {"view": torch.arange(800) // 400, "row": row, "column": column, "charge": charge}
    columns["label"] = (row > 200).long()
    about = {"label": Column("", "class", TRUE, names=("cosmic", "neutrino"))}
    return Events({"event": identity(), "pixels": table(columns, [800, 0], about)})


def planes():
    """Hits of three views, with the particle of each."""
    g = torch.Generator().manual_seed(5)
    wire = torch.arange(300) % 100
    about = {name: Column("", name, READ) for name in ("view", "wire", "tick", "charge")}
    columns = {
        "view": torch.arange(300) // 100,
        "wire": wire,
        "tick": 900.0 + 2 * wire,
        "charge": torch.rand(300, generator=g),
    }
    links = {"row": torch.arange(300), "particle": torch.zeros(300, dtype=torch.int64), "fraction": torch.ones(300)}
    events = {
        "event": identity(),
        "hits": table(columns, [300, 0], about),
        "particles": particle(pdg=13),
        "truth_links": table(links, [300, 0], {"row": Column("", "hit", TRUE, "hits")}),
    }
    return Events(events)


def graph():
    """A ring of nodes."""
    n = 24
    turn = torch.arange(n) / n * 2 * math.pi
    nodes = {"pos": torch.stack([turn.cos(), turn.sin()], dim=1), "y_semantic": torch.arange(n) % 3}
    about = {"pos": Column("", "where", READ), "y_semantic": Column("", "class", TRUE)}
    edges = {"source": torch.arange(n), "target": (torch.arange(n) + 1) % n}
    ends = {name: Column("", name, READ, "graph_hit") for name in edges}
    return Events(
        {
            "event": identity(),
            "graph_hit": table(nodes, [n, 0], about),
            "graph_hit_next_hit": table(edges, [n, 0], ends),
        }
    )


def waveforms():
    """Three long traces with one pulse of one sample, and forty short ones."""
    g = torch.Generator().manual_seed(6)
    about = {"period": Column("ns", "between samples", READ)}

    def made(n, samples):
        adc = (2000 + 3 * torch.randn(n, samples, generator=g)).round().to(torch.int16)
        adc[:, samples // 3] += 900
        columns = {"adc": adc, "channel": torch.arange(n), "start": torch.zeros(n, dtype=torch.float64)}
        return columns | {"period": torch.full((n,), 25.0)}

    sipms = made(40, 300)
    described = {name: Column("ns" if name == "start" else "", name, READ) for name in ("adc", "channel", "start")}
    return Events(
        {
            "event": identity(),
            "waveforms": table(made(3, 20_000), [3, 0], about),
            "sipm_waveforms": table(sipms, [40, 0], {**described, **about}),
        }
    )


def pulses():
    """One S2, sample by sample and sensor by sensor."""
    time = 6e5 + 1000.0 * torch.arange(20.0, dtype=torch.float64)
    charge = torch.exp(-(((torch.arange(20.0) - 9) / 4) ** 2)) * 300
    zero = torch.zeros(20, dtype=torch.int64)
    names = {"peak": "", "time": "ns", "charge": "", "sensor": ""}
    about = {name: Column(unit, name, READ) for name, unit in names.items()}
    s2 = {"peak": zero, "time": time, "charge": charge}
    sipms = {"peak": zero, "sensor": 1000 + torch.arange(20), "charge": charge / 9}
    pick = lambda columns: {name: about[name] for name in columns}  # noqa: E731
    return Events(
        {"event": identity(), "s2": table(s2, [20, 0], pick(s2)), "s2_sipms": table(sipms, [20, 0], pick(sipms))}
    )


def channels():
    """Packets of a pixel readout whose layout is not known."""
    g = torch.Generator().manual_seed(7)
    columns = {"sensor": 1000 + torch.arange(60) // 2, "time": 1e5 + 100.0 * torch.arange(60.0, dtype=torch.float64)}
    columns["charge"] = 60 + 40 * torch.rand(60, generator=g)
    return Events({"event": identity(), "hits": table(columns, [60, 0])})


def interaction():
    """A muon neutrino on carbon: muon, proton and a pion."""
    momentum = [
        [0.0, 0.0, 1500.0],
        [0.0, 0.0, 0.0],
        [120.0, 300.0, 900.0],
        [-200.0, -250.0, 400.0],
        [80.0, -50.0, 200.0],
    ]
    columns = {
        "pdg": torch.tensor([14, 1000060120, 13, 2212, 211]),
        "parent": torch.tensor([-1, -1, 0, 1, 1]),
        "momentum": torch.tensor(momentum),
        "status": torch.tensor([4, 20, 1, 1, 1]),
        "energy": torch.tensor([1500.0, 11178.0, 964.0, 1075.0, 262.0]),
    }
    about = {"status": Column("", "status", TRUE), "energy": Column("MeV", "total energy", TRUE)}
    whole = {"vertex": torch.zeros(2, 3), "neutrino": torch.tensor([14, 14]), "mode": torch.tensor([200, 400])}
    return Events(
        {"event": identity(), "interactions": table(whole, [1, 1]), "particles": table(columns, [5, 0], about)}
    )


def showers():
    """Two showers in ice."""
    columns = {
        "vertex": torch.tensor([[1e5, 2e5, -8e4], [1.02e5, 2.01e5, -8.1e4]]),
        "direction": torch.tensor([[0.0, 0.6, -0.8], [0.0, 0.6, -0.8]]),
        "energy": torch.tensor([1e12, 3e12]),
    }
    about = {"vertex": Column("cm", "where", TRUE), "direction": Column("", "of travel", TRUE)}
    return Events(
        {"event": identity(), "showers": table(columns, [2, 0], {**about, "energy": Column("MeV", "energy", TRUE)})}
    )


def spectrum():
    """A spectrum of a reactor experiment."""
    low = 0.7 + 0.05 * torch.arange(200.0, dtype=torch.float64)
    columns = {"low": low, "high": low + 0.05, "content": 900 * low * torch.exp(-0.5 * low)}
    about = {
        "low": Column("MeV", "edge", READ),
        "high": Column("MeV", "edge", READ),
        "content": Column("", "events", READ),
    }
    return Events({"event": identity(), "bins": table(columns, [200, 0], about)})


def numbers():
    """Energies, true and reconstructed, of many events."""
    g = torch.Generator().manual_seed(8)
    n = 500
    energy = 1e3 * torch.exp(torch.randn(n, generator=g))
    event = {"run": torch.zeros(n, dtype=torch.int64), "event": torch.arange(n), "energy": energy}
    found = {"energy": energy * (1 + 0.2 * torch.randn(n, generator=g)).abs()}
    return Events(
        {
            "event": table(event, [1] * n, {"energy": Column("MeV", "of the neutrino", TRUE)}),
            "reconstructed": table(found, [1] * n, {"energy": Column("MeV", "of the neutrino", FOUND)}),
        }
    )


TOYS = {
    "voxels": toy_event(),
    "energy deposits": toy_segments(),
    "unrolled tank": tank(),
    "sensors": strings(),
    "points": points(),
    "images": images(),
    "wire planes": planes(),
    "graph": graph(),
    "waveforms": waveforms(),
    "pulses": pulses(),
    "channels": channels(),
    "momenta": interaction(),
    "in space": showers(),
    "spectrum": spectrum(),
    "histograms": numbers(),
}
"""Events by the kind of picture that fits them first."""
