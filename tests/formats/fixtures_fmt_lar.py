"""Fixtures of the formats of liquid-argon detectors, the store and SPINE."""

from __future__ import annotations

import h5py
import numpy as np
import torch
from format_fixture import Fixture

from nuforge.detectors import lartpc_cube
from nuforge.events import Column, Events, Table
from nuforge.events.store import finish, write_shard
from nuforge.formats import STORE
from nuforge.formats.identity import event_table
from nuforge.formats.segments import SEGMENTS
from nuforge.formats.spine import SPINE, write_spine


def make_store(path, events, seed, variant):
    path.mkdir()
    write_shard(path, 0, made := Events({"event": event_table(seed, 3 * np.arange(events))}))
    finish(path, made, detector=None, provenance={}, shards=1)
    return path


def ids_of(events):
    """Event numbers with gaps."""
    return 3 * np.arange(events) + 2


def make_segments(path, events, seed, variant):
    """Event 1 has a trajectory and no segments; the others three segments each."""
    kind = "f8" if variant == "float ids" else "u4"
    floats = ("x_start", "y_start", "z_start", "x_end", "y_end", "z_end", "dE", "dx", "t")
    segments = np.zeros(
        3 * (events - 1), [("event_id", kind), ("traj_id", "i4"), ("pdg_id", "i4"), *((n, "f4") for n in floats)]
    )
    generator = np.random.default_rng(seed)
    segments["event_id"] = np.repeat(np.delete(ids_of(events), 1), 3)
    segments["traj_id"], segments["pdg_id"] = 7, 13
    for name in floats:
        segments[name] = generator.random(len(segments))
    segments[0]["t"], segments[0]["dE"] = 1.5, 2.5
    for name in floats[:3]:
        segments[0][name] = 4
    segments = segments[generator.permutation(len(segments))] if seed else segments
    trajectories = np.zeros(
        events, [("event_id", kind), ("traj_id", "i4"), ("parent_id", "i4"), ("pdg_id", "i4"), ("pxyz_start", "f4", 3)]
    )
    trajectories["event_id"], trajectories["traj_id"], trajectories["parent_id"] = ids_of(events), 7, -1
    if variant == "not finite":
        trajectories["pxyz_start"] = np.nan
        segments["traj_id"] = -999
    with h5py.File(path, "w") as file:
        for name, rows in (("segments", segments), ("trajectories", trajectories)):
            file.create_dataset(name, data=rows, compression="gzip" if variant == "compressed" else None)
    return path


def make_spine(path, events, seed, variant):
    """Event 1 has no particles and no voxels."""
    generator = torch.Generator().manual_seed(seed)
    counts = torch.full((events,), 2)
    counts[1] = 0
    n = int(counts.sum())

    def predicted(columns, refers):
        about = {c: Column("", f"the {c}", "prediction", refers.get(c)) for c in columns}
        return Table.from_counts(columns, counts, about=about)

    owner = {"reco_particle": Column("", "its particle", "prediction", "reco_particles")}
    voxels = {
        "index": torch.randint(0, 700, (n, 3), generator=generator, dtype=torch.int32),
        "value": torch.rand(n, generator=generator),
        "reco_particle": torch.arange(n),
    }
    particles = {
        "kind": torch.ones(n, dtype=torch.int64),
        "pid": torch.full((n,), 2),
        "primary": torch.ones(n, dtype=torch.int64),
        "interaction": torch.arange(n),
        "contained": torch.ones(n, dtype=torch.bool),
        "start": torch.rand(n, 3, generator=generator),
        "range_momentum": torch.full((n, 4), 200.0),
        "kinetic_energy": torch.full((n,), 120.0),
        "momentum": torch.rand(n, 3, generator=generator),
    }
    vertices = {"vertex": torch.rand(n, 3, generator=generator), "contained": torch.ones(n, dtype=torch.bool)}
    made = Events(
        {
            "event": event_table(seed, ids_of(events)),
            "voxels": Table.from_counts(voxels, counts, about=owner),
            "reco_particles": predicted(particles, {"interaction": "reco_interactions"}),
            "reco_interactions": predicted(vertices, {}),
        }
    )
    write_spine(path, [made], lartpc_cube())
    return path


FIXTURES = [
    Fixture("store", STORE, make_store),
    Fixture(
        "segments",
        SEGMENTS,
        make_segments,
        empty=("segments",),
        expected={"segments.time": 1500.0, "segments.energy": 2.5, "segments.start": [4, 4, 4]},
        variants=("compressed", "float ids", "not finite"),
        real={
            "geant4_lar/particle_bomb_400.h5": {"events": 400, "segments": 2_454_773},
            "larndsim/edepsim-output.h5": {"events": 100, "segments": 73_789},
            "larndsim/jax_input_0.h5": {"segments": 168},
        },
    ),
    Fixture("spine", SPINE, make_spine, empty=("voxels", "reco_particles"), detector=lartpc_cube()),
]
