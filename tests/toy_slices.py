"""Slices made by hand: true energies first, then prongs, sums and pixels that go with them."""

import torch

from nuforge.baselines.muon_tracks import with_muon_track
from nuforge.detectors import nova_far
from nuforge.events import Column, Events, Table

FAR = nova_far()
VISIBLE = 0.65
"""Calibrated energy over the true one."""
PER_CENTIMETRE = 2.0
"""MeV that a muon loses."""


def described(columns, role):
    return {name: Column("", name, role) for name in columns}


def toy_slices(n, seed=0, flavour=None, prongs=None, blur=0.0):
    """Slices of a lepton, whose prong is the first and as long as its energy says, and hadrons; with the muon's track.

    Args:
        n: Number of events.
        seed: Of everything random.
        flavour: Of all events, or 0 to 4 in turn.
        prongs: Prongs of each event, else 1 to 4; the last third of more than one is seen in view X alone.
        blur: Relative standard deviation of visible energies.
    """
    g = torch.Generator().manual_seed(seed)

    def drawn(low, high, *shape):
        return low + (high - low) * torch.rand(*shape, generator=g, dtype=torch.float64)

    kind = torch.arange(n) % 5 if flavour is None else torch.full((n,), flavour)
    lepton, hadrons = drawn(300.0, 3000.0, n), drawn(100.0, 1500.0, n)
    smear = 1 + blur * torch.randn(2, n, generator=g, dtype=torch.float64)
    shower, rest = VISIBLE * lepton * smear[0], VISIBLE * hadrons * smear[1]
    counts = torch.tensor(prongs) if prongs is not None else 1 + torch.randint(0, 4, (n,), generator=g)
    offsets = torch.nn.functional.pad(counts.cumsum(0), (1, 0))
    event = torch.repeat_interleave(counts)
    place = torch.arange(len(event)) - offsets[event]
    others = (counts - 1).clamp(min=1)[event]
    first = place == 0
    energy = torch.where(first, shower[event], (0.8 * rest)[event] / others)
    both = first | (3 * (place + 1) <= 2 * counts[event])
    length = torch.where(first, lepton[event] / PER_CENTIMETRE, energy / 10)
    one = torch.ones(len(event))
    direction = drawn(-1.0, 1.0, len(event), 3)
    direction[first] = torch.cat([0.3 * direction[first, :2], torch.ones(int(first.sum()), 1)], 1)  # along the beam
    direction = torch.nn.functional.normalize(direction, dim=1)
    of_prong = {
        "start": drawn(-300.0, 300.0, len(event), 3).float(),
        "direction": direction.float(),
        "length": length.float(),
        "gap": drawn(0.0, 20.0, len(event)).float(),
        "energy": energy.float(),
        "energy_x": torch.where(both, energy / 2, energy).float(),
        "energy_y": torch.where(both, energy / 2, 0.0).float(),
        "hits_x": (length / 10).long() + 2,
        "hits_y": torch.where(both, (length / 10).long() + 1, 0),
        "planes": (length / 8).long() + 1,
        **dict.fromkeys(("start_loss", "mean_loss", "end_loss"), one * 1.5),
        "width": one * 5.0,
        "longest_gap": one * 10.0,
    }
    in_prongs = torch.zeros(n, dtype=torch.float64).index_add(0, event, energy)
    total = torch.where(counts > 0, shower + rest, 0.0)
    vertex = drawn(-300.0, 300.0, n, 3).float() + torch.tensor([0.0, 0.0, 400.0])
    readout = {
        **dict.fromkeys(("source", "run", "subrun", "variation"), torch.zeros(n, dtype=torch.int64)),
        "event": torch.arange(n),
        "vertex": vertex + 3,
        "energy_x": (total / 2).float(),
        "energy_y": (total / 2).float(),
        "loose_energy": (total - in_prongs).clamp(min=0).float(),
        "edge": torch.full((n,), 50.0),
        "first_plane": (vertex[:, 2] / FAR.readout.depth).long() // 2 * 2,
        "first_cell": ((vertex[:, :2] - torch.tensor(FAR.origin[:2])) / FAR.readout.width).long() - 40,
    }
    truth = {
        "flavour": kind,
        "mode": torch.where(kind < 4, torch.arange(n) // 5 % 5, -1),
        "neutrino_energy": torch.where(kind < 4, lepton + hadrons, torch.nan).float(),
        "lepton_energy": torch.where(kind < 3, lepton, torch.nan).float(),
        "hadronic_energy": torch.where(kind < 4, hadrons, torch.nan).float(),
        "true_vertex": vertex,
    }
    about = {**described(readout, "readout"), **described(truth, "truth")}
    slices = Events(
        {
            "event": Table({**readout, **truth}, torch.arange(n + 1), about=about),
            "prongs": Table(of_prong, offsets, about=described(of_prong, "readout")),
            "hits": toy_hits(vertex + 3, event[first], direction[first], length[first], energy[first], offsets[:-1]),
            "pixels": toy_pixels(n, total, counts, g),
        }
    )
    return with_muon_track(slices, FAR)


def toy_hits(vertex, event, direction, length, energy, prong):
    """Tracks from vertices (B, 3), straight, in every plane that they cross, their energy in equal parts.

    Args:
        vertex: Of all events, cm.
        event: Of each track, rising.
        direction: Unit vector (T, 3), along the beam.
        length: cm (T,).
        energy: MeV (T,).
        prong: The row of each event's first prong (B,).
    """
    depth, begin = FAR.readout.depth, vertex.double()[event]
    first = (begin[:, 2] / depth).floor()
    planes = ((begin[:, 2] + length * direction[:, 2]) / depth).floor() - first + 1
    track = torch.repeat_interleave(planes.long())
    plane = first[track] + torch.arange(len(track)) - (planes.cumsum(0) - planes)[track]
    way = ((plane + 0.5) * depth - begin[track, 2]) / direction[track, 2]
    view = plane.long() % 2
    across = (begin[track] + way[:, None] * direction[track]).gather(1, view[:, None]).squeeze(1)
    columns = {
        "view": view.int(),
        "plane": plane.int(),
        "cell": ((across - FAR.origin[0]) / FAR.readout.width).floor().int(),
        "energy": (energy / planes)[track].float(),
        "prong": prong[event[track]],
    }
    counts = torch.bincount(event[track], minlength=len(vertex))
    return Table.from_counts(columns, counts, about=described(columns, "readout"), refers_to={"prong": "prongs"})


def toy_pixels(n, total, prongs, generator):
    """A track along the beam in both views, as long as its energy and at the middle, its charge fluctuating."""
    rows = torch.where(prongs > 0, (total / 60).long().clamp(1, 90), 0)
    counts = 2 * rows
    event = torch.repeat_interleave(counts)
    place = torch.arange(len(event)) - torch.nn.functional.pad(counts.cumsum(0), (1, 0))[event]
    columns = {
        "view": (place % 2).int(),
        "row": (place // 2).int(),
        "column": torch.full((len(event),), 40).int(),
        "charge": torch.randint(20, 60, (len(event),), generator=generator).to(torch.uint8),
    }
    return Table.from_counts(columns, counts, about=described(columns, "readout"))
