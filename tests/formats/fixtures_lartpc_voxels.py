"""Fixtures of deposits and voxels in liquid argon: segments, SPINE, LArCV3, PILArNet-M."""

from __future__ import annotations

import h5py
import numpy as np
import torch
from format_fixture import Fixture, ids_of

from nuforge.detectors import lartpc_cube
from nuforge.events import Column, Events, Table
from nuforge.formats.identity import event_table
from nuforge.formats.larcv3 import LARCV3
from nuforge.formats.larcv3_particles import PARTICLE
from nuforge.formats.larcv3_write import meta_type
from nuforge.formats.pilarnet import PILARNET
from nuforge.formats.segments import SEGMENTS
from nuforge.formats.spine import SPINE, write_spine


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


def make_larcv3(path, events, seed, variant):
    """Two projections of 20 x 10; event 1 has no voxels and no particles."""
    generator = np.random.default_rng(seed)
    options = {"compression": "gzip"} if variant == "compressed" else {}
    extents, ids = np.dtype([("first", "u8"), ("N", "u4")]), np.dtype([("first", "u8"), ("N", "u4"), ("ID", "u4")])
    number = "f8" if variant == "float ids" else "i8"

    def spans(counts, numbers=None):
        rows = np.zeros(len(counts), extents if numbers is None else ids)
        rows["first"], rows["N"] = np.cumsum(counts) - counts, counts
        if numbers is not None:
            rows["ID"] = numbers
        return rows

    n_images, views = 2 * events, np.tile([0, 1], events)
    voxels = np.full(n_images, 4)
    voxels[2:4] = 0
    flat = np.zeros(int(voxels.sum()), [("id", "u8"), ("value", "f4")])
    flat["id"] = np.concatenate([np.sort(generator.choice(200, k, replace=False)) for k in voxels])
    flat["value"] = generator.random(len(flat))
    flat[0] = 57, 2.5  # row 5, column 7
    label = flat.copy()
    label["value"] = generator.integers(0, 3, len(flat))
    if variant == "not finite":
        flat["value"][1:], label["value"] = np.nan, -999
    meta = np.zeros(
        n_images,
        meta_type(2),
    )
    meta["projection_id"], meta["number_of_voxels"], meta["image_sizes"] = views, (20, 10), (6.0, 5.0)
    counts = np.full(events, 2)
    counts[1] = 0
    particles = np.zeros(int(counts.sum()), PARTICLE)
    particles["trackid"], particles["parent_trackid"] = np.tile([7, 9], events - 1), 7
    particles["pdg"], particles["pz"] = np.tile([13, 11], events - 1), 0.3
    particles["energy_init"] = np.hypot(0.3, np.where(particles["pdg"] == 13, 0.1056583755, 0.000511))
    particles["process"] = np.tile([b"primary", b"muIoni"], events - 1)
    particles["vtx"] = np.tile(np.array([[1.0, 2, 3, 4]]), (len(particles), 1)).view("V32").reshape(-1)
    if variant == "not finite":
        particles["pz"], particles["energy_init"] = np.nan, -999
    event = np.zeros(events, [("run", number), ("subrun", number), ("event", number)])
    event["run"], event["event"] = 5, ids_of(events)
    with h5py.File(path, "w") as file:
        file.create_dataset("Events/event_id", data=event, **options)
        for name, rows in (("sparse2d_wire", flat), ("sparse2d_label", label)):
            group = file.create_group(f"Data/{name}_group")
            for key, values in {
                "extents": spans(np.full(events, 2)),
                "image_meta": meta,
                "voxel_extents": spans(voxels, views),
                "voxels": rows,
            }.items():
                group.create_dataset(key, data=values, **options)
        group = file.create_group("Data/cluster2d_true_group")  # two clusters of two voxels in each image
        clusters = np.where(voxels > 0, 2, 0)
        for key, values in {
            "extents": spans(np.full(events, 2)),
            "image_meta": meta,
            "projection_extents": spans(clusters, views),
            "cluster_extents": spans(np.full(int(clusters.sum()), 2), np.tile([0, 1], int(clusters.sum()) // 2)),
            "voxels": flat,
        }.items():
            group.create_dataset(key, data=values, **options)
        group = file.create_group("Data/particle_mcst_group")
        group.create_dataset("extents", data=spans(counts), **options)
        group.create_dataset("particles", data=particles, **options)
    return path


def make_pilarnet(revision):
    """Files of a revision: two clusters an event; event 1 has nothing."""

    def make(path, events, seed, variant):
        generator = np.random.default_rng(seed)
        points, clusters, extras = [], [], []
        for i in range(events):
            sizes = (3, 2) if i != 1 else ()
            rows = np.concatenate([generator.integers(0, 768, (sum(sizes), 3)), generator.random((sum(sizes), 5))], 1)
            rows[:1] = 1, 2, 3, 2.5, 2, 7, 60_000, 0.3
            ids = np.array([[3, 0, 0, 0, 1, 2], [2, 1, 1, 0, 0, 1]])[: len(sizes), : 4 + revision]
            extra = np.array([[0, 300, 10, 11, 12], [0, 20, 10, 11, 12]])[: len(sizes)]
            if variant == "not finite":
                rows[:, 3:], extra = np.nan, np.full_like(extra, np.inf, float)
            for part, values in ((points, rows), (clusters, ids), (extras, extra)):
                part.append(values.reshape(-1).astype(np.float32))
        with h5py.File(path, "w") as file:
            for name, arrays in zip(
                ("point", "cluster", "cluster_extra")[: revision + 1], (points, clusters, extras), strict=False
            ):
                options = {"compression": "gzip"} if variant == "compressed" else {}
                dataset = file.create_dataset(name, (events,), h5py.vlen_dtype(np.float32), **options)
                for i, values in enumerate(arrays):
                    dataset[i] = values
        return path

    return make


FIXTURES = [
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
    Fixture(
        "larcv3",
        LARCV3,
        make_larcv3,
        empty=("pixels", "particles", "clusters2d_true"),
        expected={
            "pixels.charge": 2.5,
            "pixels.row": 5,
            "pixels.column": 7,
            "particles.momentum": [0, 0, 300],
            "particles.start": [1, 2, 3],
            "particles.time": 4,
        },
        variants=("compressed", "float ids", "not finite"),
    ),
    *(
        Fixture(
            f"pilarnet-v{revision}",
            PILARNET[revision - 1],
            make_pilarnet(revision),
            empty=("voxels", "fragments"),
            expected={
                "voxels.index": [1, 2, 3],
                "voxels.value": 2.5,
                "voxels.time": 7,
                "voxels.label": 1,
                **({"fragments.momentum": 300, "fragments.vertex": [10, 11, 12]} if revision == 2 else {}),
            },
            variants=("compressed", "not finite"),
        )
        for revision in (1, 2)
    ),
]
