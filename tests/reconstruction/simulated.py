"""Simulated particles with clusters that are true, as the chain would give them if it made no error."""

from functools import cache

import torch

from nuforge.detectors import lartpc_cube
from nuforge.events import Column, Events, Process, Table
from nuforge.simulation.response.lartpc import respond
from nuforge.simulation.sources import particle_bomb
from nuforge.simulation.sources.primaries import primaries
from nuforge.simulation.transport import transport
from nuforge.simulation.truth import label_voxels
from nuforge.simulation.truth.deposits import deposits_of

DETECTOR = lartpc_cube()
_CLASSES = 5
_PID = {22: 0, 11: 1, 13: 2, 211: 3, 2212: 4}


@cache
def gun(n, pdg, low, high, inner=0.5, seed=1):
    """n events of one particle of even kinetic energy and any direction from the inner part of the cube."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape):
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    ones = torch.ones(n, dtype=torch.int64)
    direction = torch.randn((n, 3), generator=generator, dtype=torch.float64)
    direction = direction / direction.norm(dim=1, keepdim=True)
    vertex = (2 * uniform(n, 3) - 1) * 115.2 * inner
    flying = primaries(ones, ones, vertex, pdg * ones, low + (high - low) * uniform(n), direction)
    return _read_out(flying, generator)


@cache
def bombs(n, seed=3):
    """n particle bombs with cosmics."""
    generator = torch.Generator().manual_seed(seed)
    return _read_out(particle_bomb(n, DETECTOR, generator), generator)


def _read_out(flying, generator):
    return label_voxels(respond(transport(flying, DETECTOR, generator), DETECTOR, generator), DETECTOR)


def with_clusters(events, smear=0.0, seed=2):
    """Events with a cluster for each head of deposits and class, its truth in the columns of readout."""
    particles, voxels = events["particles"], events["voxels"]
    head = deposits_of(particles).head
    known = (voxels["particle"] >= 0) & (voxels["label"] >= 0) & (voxels["label"] < 4)
    code = head[voxels["particle"].clamp(min=0)] * _CLASSES + voxels["label"]
    codes, cluster = torch.unique(torch.where(known, code, -1), return_inverse=True)
    first = int((codes < 0).sum())
    codes, cluster = codes[first:], cluster - first
    who, kind = codes // _CLASSES, codes % _CLASSES
    generator = torch.Generator().manual_seed(seed)
    start = _starts(particles)[who] + smear * torch.randn((len(who), 3), generator=generator, dtype=torch.float64)
    interaction = particles["interaction"][who] - events["interactions"].offsets[:-1][particles.batch[who]]
    columns = {
        "kind": kind,
        "start": start.float(),
        "end": start.float(),
        "pid": _pid(particles["pdg"][who]),
        "primary": _is_primary(particles)[who].long() * (kind < 2),
        "group": interaction,
        "head": who,
    }
    about = {name: Column("", name, "readout") for name in columns}
    table = Table.from_counts(columns, torch.bincount(particles.batch[who], minlength=len(events)), about=about)
    of_voxel = {"cluster": Column("", "cluster", "readout", "clusters")}
    return events.with_table("clusters", table).with_table(
        "voxels", voxels.with_columns({"cluster": cluster}, of_voxel)
    )


def _starts(particles):
    """Where particles begin to be seen: photons where their first child is."""
    start, parent = particles["start"].double(), particles["parent"]
    born = parent >= 0
    way = (start - start[parent.clamp(min=0)]).norm(dim=1)
    nearest = torch.full((len(parent),), torch.inf, dtype=torch.float64)
    nearest = nearest.scatter_reduce(0, parent[born], way[born], "amin")
    chosen = born & (way <= nearest[parent.clamp(min=0)]) & (particles["pdg"][parent.clamp(min=0)] == 22)
    seen = start.clone()
    seen[parent[chosen]] = start[chosen]
    return seen


def _pid(pdg):
    number = torch.full_like(pdg, -1)
    for code, value in _PID.items():
        number[pdg.abs() == code] = value
    return number


def _is_primary(particles):
    parent = particles["parent"]
    mother = parent.clamp(min=0)
    return (parent < 0) | ((particles["pdg"][mother] == 111) & (particles["parent"][mother] < 0))


def of_primaries(events, kind):
    """Rows of clusters of class `kind` whose head is the event's primary, and the rows of these particles."""
    head = events["clusters"]["head"]
    rows = ((events["particles"]["parent"][head] < 0) & (events["clusters"]["kind"] == kind)).nonzero().flatten()
    return rows, head[rows]


def undisturbed(events, who):
    """Which of some particles (K,) stayed in the cube and did not interact inelastically."""
    particles = events["particles"]
    broken = torch.zeros(len(particles), dtype=torch.bool)
    inelastic = (particles["process"] == int(Process.INELASTIC)) & (particles["parent"] >= 0)
    broken[particles["parent"][inelastic]] = True
    return (particles["escaped"][who] < 0) & ~broken[who]


def momentum(events, who):
    return events["particles"]["momentum"][who].double().norm(dim=1)


def one_event(index, value=None, **clusters):
    """One event made by hand: voxels (N, 3) with `cluster`, and columns of `clusters`."""
    index = torch.as_tensor(index, dtype=torch.int32).reshape(-1, 3)
    cluster = torch.as_tensor(clusters.pop("cluster"), dtype=torch.int64).reshape(-1)
    value = torch.full((len(index),), 0.6) if value is None else value
    about = {"cluster": Column("", "cluster", "readout", "clusters")}
    voxels = {"index": index, "value": value, "cluster": cluster}
    columns = {name: torch.as_tensor(column) for name, column in clusters.items()}
    n, described = len(columns["kind"]), {name: Column("", name, "readout") for name in columns}
    return Events(
        {
            "event": Table.from_counts({"run": torch.zeros(1, dtype=torch.int64)}, torch.tensor([1])),
            "voxels": Table.from_counts(voxels, torch.tensor([len(index)]), about=about),
            "clusters": Table.from_counts(columns, torch.tensor([n]), about=described),
        }
    )
