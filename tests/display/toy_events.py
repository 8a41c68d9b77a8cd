"""Events of random walks that look a little like particles in liquid argon, with a prediction that is mostly right."""

import torch

from nuforge.display.frame import Frame
from nuforge.events import Column, Events, Table

SIDE, VOXEL = 230.4, 0.3
FRAME = Frame((-SIDE / 2,) * 3, VOXEL, (((-SIDE / 2,) * 3, (SIDE / 2,) * 3),), (0.0, 1.0, 0.0), "cm")
SHOWER, TRACK, MICHEL, DELTA, LOW = range(5)
PREDICTION = {"probability": Column("", "probability of each class", "prediction")}


def walk(start, direction, steps, wobble, g, step=VOXEL):
    """Points (steps, 3) of a walk whose direction changes a little at each step."""
    turns = torch.randn(steps, 3, generator=g) * wobble
    way = torch.tensor(direction, dtype=torch.float32) + turns.cumsum(0)
    return torch.as_tensor(start, dtype=torch.float32) + (step * way / way.norm(dim=1, keepdim=True)).cumsum(0)


def particles_of(g):
    """pdg, parent, class, energy a voxel, and points of the particles of one event."""
    vertex = torch.tensor([-20.0, -30.0, 10.0]) + 10 * torch.randn(3, generator=g)
    muon = walk(vertex, (0.6, 0.4, 0.7), 320, 0.012, g)
    out = [(13, -1, TRACK, 0.65, muon), (2212, -1, TRACK, 1.8, walk(vertex, (-0.5, 0.8, 0.1), 60, 0.01, g))]
    out.append((11, 0, MICHEL, 0.6, walk(muon[-1], (-0.3, 0.9, -0.2), 45, 0.2, g)))
    for at in (60, 150, 230):
        out.append((11, 0, DELTA, 0.5, walk(muon[at], (-0.6, 0.7, 0.5), 12, 0.3, g)))
    core = walk(vertex + torch.tensor([0.0, 6.0, -10.0]), (0.2, 0.35, -0.9), 220, 0.02, g)
    branches = [walk(core[at], (0.2, 0.35, -0.9), 60, 0.12, g) for at in range(10, 210, 14)]
    out.append((22, -1, SHOWER, 0.7, torch.cat([core, *branches])))
    blips = vertex + 28 * torch.randn(14, 1, 3, generator=g) + 0.25 * torch.randn(14, 3, 3, generator=g)
    out.append((2112, -1, LOW, 0.25, blips.reshape(-1, 3)))
    return out


def toy_event(seed=0):
    """One event: voxels with label, particle and probability, and particles."""
    g = torch.Generator().manual_seed(seed)
    parts = particles_of(g)
    points = torch.cat([points for *_, points in parts])
    owner = torch.cat([torch.full((len(p[4]),), k) for k, p in enumerate(parts)])
    index = ((points + SIDE / 2) / VOXEL).floor().int()
    index, inverse = torch.unique(index, dim=0, return_inverse=True)
    first = torch.full((len(index),), len(owner)).scatter_reduce(0, inverse, torch.arange(len(owner)), "amin")
    particle = owner[first]
    label = torch.tensor([p[2] for p in parts])[particle]
    mean = torch.tensor([p[3] for p in parts])[particle]
    value = mean * torch.exp(0.5 * torch.randn(len(index), generator=g))
    logits = torch.randn(len(index), 5, generator=g) + 4.2 * torch.nn.functional.one_hot(label, 5)
    columns = {"index": index, "value": value, "label": label, "particle": particle}
    columns["probability"] = torch.softmax(logits, 1)
    voxels = Table.from_counts(
        columns, torch.tensor([len(index)]), about=PREDICTION, refers_to={"particle": "particles"}
    )
    particles = {
        "pdg": torch.tensor([p[0] for p in parts]),
        "parent": torch.tensor([p[1] for p in parts]),
        "start": torch.stack([p[4][0] for p in parts]),
        "momentum": 100 * torch.rand(len(parts), 3, generator=g),
    }
    identity = {"run": torch.tensor([3]), "event": torch.tensor([seed])}
    return Events(
        {
            "event": Table.from_counts(identity, torch.tensor([1])),
            "particles": Table.from_counts(particles, torch.tensor([len(parts)])),
            "voxels": voxels,
        }
    )


def toy_segments(seed=0):
    """One event of energy deposits instead of voxels."""
    g = torch.Generator().manual_seed(seed)
    parts = particles_of(g)[:3]
    lines = [torch.stack([points[:-1], points[1:]]) for *_, points in parts]
    counts = torch.tensor([line.shape[1] for line in lines])
    start, end = torch.cat(lines, dim=1)
    n = len(start)
    particle = torch.repeat_interleave(counts)
    segments = {"start": start, "end": end, "energy": torch.rand(n, generator=g), "particle": particle}
    particles = {"pdg": torch.tensor([p[0] for p in parts]), "start": torch.stack([p[4][0] for p in parts])}
    return Events(
        {
            "segments": Table.from_counts(segments, torch.tensor([n])),
            "particles": Table.from_counts(particles, torch.tensor([len(parts)])),
        }
    )
