"""Events for the benchmarks: voxels along bent lines, and hits in a store."""

import torch

from nuforge.events import Column, Events, Table
from nuforge.simulation.truth import CLASSES


def line_voxels(n_events, voxels, generator, lines=12):
    """Bent lines with some thickness, (N, 4) int64: 6.5 of 27 places around a voxel are occupied, its own counted."""
    steps = int(voxels / lines * 1.3) + 1
    direction = torch.randn(n_events, lines, 1, 3, generator=generator)
    direction = direction / direction.norm(dim=-1, keepdim=True)
    direction = direction + 0.03 * torch.randn(n_events, lines, steps, 3, generator=generator).cumsum(2)
    step = 0.9 * direction / direction.norm(dim=-1, keepdim=True)
    path = step.cumsum(2) + 400 * torch.rand(n_events, lines, 1, 3, generator=generator)
    spread = 0.57 * torch.randn(n_events, lines, steps, 3, 3, generator=generator)
    index = (path.unsqueeze(-2) + spread).floor().long().flatten(1, 3)
    event = torch.arange(n_events).view(-1, 1, 1).expand(-1, index.shape[1], 1)
    where = torch.cat([event, index], 2).flatten(0, 1).unique(dim=0)
    place = torch.arange(len(where)) - torch.searchsorted(where[:, 0].contiguous(), where[:, 0].contiguous())
    return where[place < voxels]


def voxel_events(where, generator):
    """Events of these voxels, with random values and labels."""
    columns = {
        "index": where[:, 1:].int(),
        "value": torch.rand(len(where), generator=generator) * 2,
        "label": torch.randint(0, len(CLASSES), (len(where),), generator=generator),
    }
    about = {"label": Column("", "class", "truth")}
    return Events({"voxels": Table.from_counts(columns, torch.bincount(where[:, 0]), about=about)})


def hit_events(n_events, mean, generator, run=0):
    """Events of so many hits in the mean, random in every column."""
    counts = torch.poisson(torch.full((n_events,), float(mean)), generator=generator).long()
    n = int(counts.sum())
    identity = {"source": 7, "run": run, "subrun": 0, "event": 0, "variation": 0}
    event = {name: torch.full((n_events,), value) for name, value in identity.items()}
    event["event"] = torch.arange(n_events)
    columns = {
        "position": torch.rand(n, 3, generator=generator),
        "time": torch.rand(n, generator=generator, dtype=torch.float64),
        "charge": torch.rand(n, generator=generator),
        "sensor": torch.randint(0, 1000, (n,), generator=generator),
    }
    return Events({"event": Table(event, torch.arange(n_events + 1)), "hits": Table.from_counts(columns, counts)})
