"""Hand-made clusters: lines and cones of voxels with start, end and truth, for tests of graphs of clusters."""

from dataclasses import dataclass

import torch

from nuforge.events import Column, Events, Table

VOXEL, ORIGIN = 0.3, -115.2
SHOWER, TRACK, MICHEL, DELTA = range(4)


@dataclass
class Toy:
    """A cluster: places of its voxels (N, 3) in cm, energies, class, ends and truth."""

    place: torch.Tensor
    kind: int = TRACK
    value: float = 0.6
    group: int = 0
    primary: int = -1
    pid: int = -1
    start: tuple | None = None
    end: tuple | None = None


def line(start, direction, length, **more):
    """A straight line of voxels from a start (cm) along a direction, of a length in cm."""
    start, direction = torch.tensor(start, dtype=torch.float64), torch.tensor(direction, dtype=torch.float64)
    steps = torch.arange(0.0, length, VOXEL, dtype=torch.float64)[:, None]
    place = start + steps * direction / direction.norm()
    return Toy(place, start=tuple(place[0].tolist()), end=tuple(place[-1].tolist()), **more)


def cone(start, direction, length, generator, opening=0.15, n=60, **more):
    """Voxels spread evenly in a cone."""
    start, direction = torch.tensor(start, dtype=torch.float64), torch.tensor(direction, dtype=torch.float64)
    along = torch.rand(n, 1, generator=generator, dtype=torch.float64).sort(0)[0] * length
    across = (torch.rand(n, 3, generator=generator, dtype=torch.float64) - 0.5) * 2 * opening * along
    place = start + along * direction / direction.norm() + across
    place[0] = start
    return Toy(place, start=tuple(start.tolist()), end=tuple(start.tolist()), **{"kind": SHOWER, **more})


def cluster_events(*events):
    """Events of clusters, each a list of `Toy`; voxels that two clusters share belong to the earlier one."""
    return Events.concat([_event(toys) for toys in events])


def _event(toys):
    index = [((toy.place - ORIGIN) / VOXEL).floor().int() for toy in toys]
    cluster = [torch.full((len(i),), k) for k, i in enumerate(index)]
    value = [torch.full((len(i),), toy.value) for i, toy in zip(index, toys, strict=True)]
    index = torch.cat([torch.zeros(0, 3, dtype=torch.int32), *index])
    cluster = torch.cat([torch.zeros(0, dtype=torch.int64), *cluster])
    value = torch.cat([torch.zeros(0), *value])
    _, voxel = torch.unique(index, dim=0, return_inverse=True)
    first = torch.full((int(voxel.max()) + 1 if len(voxel) else 0,), len(voxel))
    rows = first.scatter_reduce(0, voxel, torch.arange(len(voxel)), "amin").sort()[0]
    columns = {name: torch.tensor([getattr(toy, name) for toy in toys], dtype=torch.int64) for name in _TRUTH}
    for name in ("start", "end"):
        columns[name] = torch.tensor([getattr(toy, name) for toy in toys]).reshape(-1, 3).float()
    return Events(
        {
            "voxels": Table.from_counts(
                {"index": index[rows], "value": value[rows], "cluster": cluster[rows]},
                torch.tensor([len(rows)]),
                about={"cluster": Column("", "its cluster", "readout", "clusters")},
            ),
            "clusters": Table.from_counts(columns, torch.tensor([len(toys)]), about=_ABOUT),
        }
    )


_TRUTH = ("kind", "group", "primary", "pid")
_ABOUT = {
    "kind": Column("", "class", "readout"),
    "start": Column("cm", "where it starts", "readout"),
    "end": Column("cm", "where it ends", "readout"),
    "group": Column("", "true group", "truth"),
    "primary": Column("", "whether it is primary", "truth"),
    "pid": Column("", "who it is", "truth"),
}


def random_events(clusters_per_event, seed=0):
    """Events of random lines and cones, two groups in each, far apart; protons are dense, primaries are tracks."""
    generator = torch.Generator().manual_seed(seed)
    return cluster_events(*[_random(n, generator) for n in clusters_per_event])


def _random(n, generator):
    toys = []
    for k in range(n):
        group, kind = k % 2, int(torch.randint(4, (), generator=generator))
        centre = torch.tensor([-50.0, 0.0, 0.0]) + 100.0 * group * torch.tensor([1.0, 0.0, 0.0])
        start = tuple((centre + 15 * torch.randn(3, generator=generator)).tolist())
        direction = tuple(torch.randn(3, generator=generator).tolist())
        length = 3 + 12 * float(torch.rand((), generator=generator))
        more = {"kind": kind, "group": group, "primary": int(kind == TRACK), "pid": kind}
        make = line(start, direction, length, **more) if kind else cone(start, direction, length, generator, **more)
        toys.append(make)
    return toys


def shuffled(events, seed=0):
    """The events with their clusters in another order, and the new place of each cluster."""
    clusters, generator = events["clusters"], torch.Generator().manual_seed(seed)
    key = clusters.batch + 0.9 * torch.rand(len(clusters), generator=generator, dtype=torch.float64)
    order = key.argsort()
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    mixed = Table({k: v[order] for k, v in clusters.columns.items()}, clusters.offsets, about=clusters.about)
    voxels = events["voxels"].with_columns({"cluster": place[events["voxels"]["cluster"]]})
    return Events({"voxels": voxels, "clusters": mixed}), place
