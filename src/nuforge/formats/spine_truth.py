"""What is true, as SPINE's objects: particles that own voxels, and interactions."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge.events import Events, Table
from nuforge.formats.spine_objects import (
    MASS_OF_PID,
    PDG_OF_PID,
    Objects,
    lists,
    local,
    members_of,
    numbers_of,
    strings,
)


def truth_of(events: Events) -> list[Objects]:
    """The products of objects of truth, none if it is not there."""
    if "particles" in events and "particle" in events["voxels"] and "interactions" in events:
        return [true_particles(events), true_interactions(events)]
    return []


def true_particles(events: Events) -> Objects:
    """True particles that own voxels, by `voxels.deposit` if it is there, else `voxels.particle`."""
    table, voxels = events["particles"], events["voxels"]
    owner = voxels["deposit"] if "deposit" in voxels else voxels["particle"]
    seen = torch.zeros(len(table), dtype=torch.bool)
    seen[owner[owner >= 0]] = True
    rows = seen.nonzero().flatten()
    kept = events.keep("particles", seen)
    table, voxels = kept["particles"], kept["voxels"]
    owner = voxels["deposit"] if "deposit" in voxels else voxels["particle"]
    n, members = len(rows), members_of(voxels, owner, len(rows))
    pdg = np.abs(table["pdg"].numpy())
    pid = np.full(n, -1)
    for number, code in enumerate(PDG_OF_PID[:-1]):
        pid[pdg == code] = number
    mass, p = MASS_OF_PID[pid], table["momentum"].double().norm(dim=1).numpy()
    fixed = {
        "is_truth": np.ones(n, np.bool_),
        "id": numbers_of(table),
        "orig_id": local(rows, table, events["particles"]),
        "parent_id": local(table["parent"], table, table),
        "interaction_id": local(table["interaction"], table, events["interactions"]),
        "is_primary": (events["particles"]["parent"][rows] < 0).numpy(),
        "shape": _main_class(voxels, owner, n),
        "pid": pid,
        "pdg_code": table["pdg"].numpy(),
        "mass": mass,
        "energy_init": np.sqrt(p**2 + mass**2),
        "momentum": table["momentum"].float().numpy(),
        "position": table["start"].float().numpy(),
        "start_point": table["start"].float().numpy(),
        "t": table["time"].double().numpy(),
        "size": members[1],
    }
    return Objects("truth_particles", "TruthParticle", table.counts.numpy(), fixed, [strings(n), lists(index=members)])


def _main_class(voxels: Table, owner: Tensor, n: int) -> NDArray[np.int64]:
    """The class (n,) of most voxels of each object, -1 unknown."""
    if "label" not in voxels:
        return np.full(n, -1)
    known = ((owner >= 0) & (voxels["label"] >= 0)).numpy()
    code = owner.numpy()[known] * 5 + voxels["label"].numpy()[known]
    counts = np.bincount(code, minlength=5 * n).reshape(n, 5)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), -1)


def true_interactions(events: Events) -> Objects:
    table = events["interactions"]
    n = len(table)
    fixed = {
        "is_truth": np.ones(n, np.bool_),
        "id": numbers_of(table),
        "vertex": table["vertex"].float().numpy(),
        "pdg_code": table["neutrino"].numpy(),
        "t": table["time"].double().numpy(),
    }
    return Objects("truth_interactions", "TruthInteraction", table.counts.numpy(), fixed, [strings(n)])
