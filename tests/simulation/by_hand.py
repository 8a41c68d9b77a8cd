"""Events made by hand: particles one by one, and the voxels that each one gives energy to."""

from dataclasses import dataclass, field

import torch

from nuforge.events import Events, Process, Table

MASS = {11: 0.511, 13: 105.66, 211: 139.57, 2212: 938.27, 2112: 939.57}


@dataclass(frozen=True)
class Readout:
    voxel: float = 0.3


@dataclass(frozen=True)
class Cube:
    """Stands for a detector: only its voxel size is looked at."""

    readout: Readout = Readout()


def line(start, n, step=(1, 0, 0)):
    """n voxels in a row."""
    return [tuple(s + k * d for s, d in zip(start, step, strict=True)) for k in range(n)]


@dataclass
class Scene:
    """One event under construction; energies add up per voxel."""

    particles: list = field(default_factory=list)
    given: dict = field(default_factory=dict)

    def add(self, pdg, parent=-1, process=Process.PRIMARY, energy=100.0, voxels=(), gives=1.0):
        row, mass = len(self.particles), MASS.get(abs(pdg), 0.0)
        self.particles.append((pdg, parent, int(process), ((energy + mass) ** 2 - mass**2) ** 0.5))
        for voxel in voxels:
            self.given.setdefault(voxel, {})[row] = self.given.get(voxel, {}).get(row, 0.0) + gives
        return row

    def events(self):
        voxels = list(self.given)
        links = [
            (i, p, e / sum(self.given[v].values())) for i, v in enumerate(voxels) for p, e in self.given[v].items()
        ]
        pdg, parent, process, momentum = zip(*self.particles, strict=True)
        column = [torch.tensor(c) for c in zip(*links, strict=True)] if links else [torch.zeros(0)] * 3
        value = torch.tensor([sum(self.given[v].values()) for v in voxels])
        return Events(
            {
                "particles": one(
                    pdg=torch.tensor(pdg),
                    parent=torch.tensor(parent),
                    process=torch.tensor(process),
                    momentum=torch.tensor(momentum)[:, None] * torch.tensor([0.0, 0.0, 1.0]),
                ),
                "voxels": one(index=torch.tensor(voxels, dtype=torch.int32).reshape(-1, 3), value=value),
                "truth_links": one(
                    row=column[0].long(), particle=column[1].long(), fraction=column[2].to(torch.float32)
                ),
            }
        )

    def voxels(self):
        return list(self.given)


def one(**columns):
    """A table of one event."""
    return Table.from_counts(columns, torch.tensor([len(next(iter(columns.values())))]))
