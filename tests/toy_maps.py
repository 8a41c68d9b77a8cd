"""Toy slices: random pixels in two views, with the hits that they stand for and the prongs of these."""

import torch

from nuforge.events import Column, Events, Table

_ABOUT = {
    "view": Column("", "view: 0 X, 1 Y", "readout"),
    "row": Column("", "plane in the map", "readout"),
    "column": Column("", "cell in the map", "readout"),
    "charge": Column("", "charge in 1 to 255", "readout"),
    "hit": Column("", "the brightest hit of it", "readout", "hits"),
    "prong": Column("", "the prong it is in, -1 for none", "readout", "prongs"),
    "energy": Column("MeV", "energy", "readout"),
    "pid": Column("", "who it is", "truth"),
    "kind": Column("", "what it is", "truth"),
}


def toy_maps(pixels, prongs=None, seed=0):
    """Events with so many pixels and prongs (two each unless given); every fifth hit is nobody's.

    Prongs and events have labels: whether their pixels lie below or above the middle plane.
    """
    generator = torch.Generator().manual_seed(seed)
    prongs = [2] * len(pixels) if prongs is None else prongs
    counts, n_prongs = torch.tensor(pixels), torch.tensor(prongs)
    n = int(counts.sum())
    place = torch.cat([torch.randperm(2 * 50 * 80, generator=generator)[:k] for k in pixels])
    late = torch.randint(0, 2, (len(pixels),), generator=generator)
    event = torch.repeat_interleave(counts)
    first = (n_prongs.cumsum(0) - n_prongs)[event]
    prong = first + torch.randint(0, 1000, (n,), generator=generator) % n_prongs[event].clamp(min=1)
    nobodys = (torch.arange(n) % 5 == 0) | (n_prongs[event] == 0)
    mixed = torch.randperm(n, generator=generator)  # hits of an event follow each other, whatever the pixels' order
    order = event[mixed].argsort(stable=True)
    hit = mixed[order].argsort()
    columns = {
        "view": (place // 4000).int(),
        "row": (place // 80 % 50 + 50 * late[event]).int(),
        "column": (place % 80).int(),
        "charge": torch.randint(1, 256, (n,), generator=generator).to(torch.uint8),
        "hit": hit,
    }
    of_hit = torch.empty_like(prong)
    of_hit[hit] = torch.where(nobodys, -1, prong)
    of_prong = {
        "energy": torch.rand(int(n_prongs.sum()), generator=generator),
        "pid": late[torch.repeat_interleave(n_prongs)],
    }
    return Events(
        {
            "event": Table.from_counts({"kind": late}, torch.ones_like(counts), about={"kind": _ABOUT["kind"]}),
            "hits": Table.from_counts({"prong": of_hit}, counts, about={"prong": _ABOUT["prong"]}),
            "pixels": Table.from_counts(columns, counts, about={name: _ABOUT[name] for name in columns}),
            "prongs": Table.from_counts(of_prong, n_prongs, about={name: _ABOUT[name] for name in of_prong}),
        }
    )
