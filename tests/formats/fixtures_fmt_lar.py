"""Fixtures of the formats of liquid-argon detectors, the store and SPINE."""

from __future__ import annotations

import pickle
import zlib
from pathlib import Path

import h5py
import numpy as np
import torch
from format_fixture import Fixture

from nuforge.detectors import lartpc_cube
from nuforge.events import Column, Events, Table
from nuforge.events.store import finish, write_shard
from nuforge.formats import STORE
from nuforge.formats.charge_events import CHARGE_EVENTS
from nuforge.formats.dune_cvn import DUNE_CVN
from nuforge.formats.identity import event_table
from nuforge.formats.larcv3 import LARCV3
from nuforge.formats.larcv3_particles import PARTICLE
from nuforge.formats.larcv3_write import meta_type
from nuforge.formats.larpix import LARPIX
from nuforge.formats.nova import NOVA
from nuforge.formats.nugraph import NUGRAPH
from nuforge.formats.numl import NUML
from nuforge.formats.pilarnet import PILARNET
from nuforge.formats.segments import SEGMENTS
from nuforge.formats.spine import SPINE, write_spine
from nuforge.formats.wirecell import WIRECELL_DEPOS, WIRECELL_FRAMES


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


PACKET = np.dtype(
    [(name, "u1") for name in ("io_group", "io_channel", "chip_id", "packet_type", "channel_id")]
    + [("timestamp", "u8"), ("dataword", "u1")]
)


def make_packets(simulated):
    """Three hits an event, in no order of time; in simulated files event 1 has deposits and no hits."""

    def make(path, events, seed, variant):
        ids = np.repeat(np.delete(ids_of(events), 1) if simulated else ids_of(events), 3)
        packets = np.zeros(len(ids) + 1, PACKET)
        packets["packet_type"][-1] = 4
        packets["timestamp"][:-1] = 1000 * ids + np.tile([20, 0, 10], len(ids) // 3)
        packets["dataword"], packets["chip_id"], packets["channel_id"] = 80 + seed, 11, 7
        packets["io_group"], packets["io_channel"] = 1, 2
        options = {"compression": "gzip"} if variant == "compressed" else {}
        if simulated:
            make_segments(path, events, seed, variant)
        with h5py.File(path, "a") as file:
            file.create_dataset("packets", data=packets, **options).attrs["packet_types"] = "\n0: 'data',\n4: 'sync',\n"
            if simulated:
                segments = file["segments"][()]
                del file["segments"]
                kinds = [*((name, segments.dtype[name]) for name in segments.dtype.names), ("segment_id", "u4")]
                rows = np.zeros(len(segments), kinds)
                for name in segments.dtype.names:
                    rows[name] = segments[name]
                rows["segment_id"] = 100 + np.arange(len(rows))
                file.create_dataset("segments", data=rows, **options)
                kind = "f8" if variant == "float ids" else "i8"
                links = np.zeros(
                    len(packets), [("event_ids", kind, 1), ("segment_ids", kind, 2), ("fraction", "f8", 2)]
                )
                links["event_ids"][:, 0], links["segment_ids"] = np.append(ids, -1), -1
                first = np.searchsorted(np.sort(rows["event_id"]), ids)
                order = np.argsort(rows["event_id"], kind="stable")
                links["segment_ids"][:-1, 0] = rows["segment_id"][order[first]]
                links["fraction"][:, 0] = 1
                file.create_dataset("mc_packets_assn", data=links, **options)
        return path

    return make


def make_charge_events(path, events, seed, variant):
    """Two hits and one track an event; event 1 has none."""
    counts = np.full(events, 2)
    counts[1] = 0
    number = "f8" if variant == "float ids" else "i8"
    reference = h5py.special_dtype(ref=h5py.RegionReference)
    table = np.zeros(
        events, [("evid", number), ("nhit", "i8"), ("ntracks", "i8"), ("ts_start", "i8"), ("hit_ref", "i8")]
    )
    table["evid"], table["nhit"], table["ntracks"], table["ts_start"] = ids_of(events), counts, counts // 2, 100
    hits = np.zeros(
        2 * events - 2,
        [("px", "f8"), ("py", "f8"), ("ts", "i8"), ("q", "f8"), ("event_ref", reference)]
        + [(name, "i8") for name in ("iochain", "chipid", "channelid")],
    )
    hits["px"], hits["py"], hits["ts"], hits["q"] = 40, -20 - seed, 110, 16
    tracks = np.zeros(
        events - 1,
        [(name, "f8") for name in ("theta", "phi", "q", "length")]
        + [("nhit", "i8"), ("residual", "f8", 3), ("start", "f8", 4), ("end", "f8", 4)],
    )
    tracks["start"], tracks["length"] = (10, 20, 30, 5), 100
    if variant == "not finite":
        hits["px"], tracks["start"] = np.nan, np.inf
    options = {"compression": "gzip"} if variant == "compressed" else {}
    with h5py.File(path, "w") as file:
        file.create_dataset("events", data=table, **options)
        hits["event_ref"] = file["events"].regionref[:1]
        file.create_dataset("hits", data=hits)
        file.create_dataset("tracks", data=tracks, **options).attrs["z_scale"] = 0.5
    return path


class Payload:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def save_npz(path, arrays, variant):
    """An .npz archive, packed or not; in the variant of pickles its first array is one of objects."""
    if variant == "pickle":
        first = next(iter(arrays))
        arrays = {**arrays, first: np.array([[Payload(path.with_name("ran"))]], object)}
    with path.open("wb") as file:
        (np.savez_compressed if variant == "compressed" else np.savez)(file, **arrays)
    return path


def make_frames(path, events, seed, variant):
    """Two tags of 5 channels and 30 ticks; event 1 is empty."""
    generator, arrays = np.random.default_rng(seed), {}
    for i, number in enumerate(ids_of(events)):
        for tag in ("gauss1", "wiener1"):
            frame = np.zeros((5, 30), np.float32)
            if i != 1:
                frame[0, 7], frame[3, 2:5] = 2.5, generator.random(3) + 1
            arrays[f"frame_{tag}_{number}"] = np.full_like(frame, np.nan) if variant == "not finite" else frame
            arrays[f"channels_{tag}_{number}"] = np.arange(100, 105, dtype=np.int32)
            arrays[f"tickinfo_{tag}_{number}"] = np.array([250.0, 500.0, 0.0])
        arrays[f"summary_wiener1_{number}"] = np.linspace(1, 2, 5)
        arrays[f"chanmask_bad_{number}"] = np.array([[102, 0, 30]], np.int32)
    return save_npz(path, arrays, variant)


def make_depos(path, events, seed, variant):
    """Seven depositions an event, which fit both ways; event 1 has none."""
    generator, arrays = np.random.default_rng(seed), {}
    for i, number in enumerate(ids_of(events)):
        n = 0 if i == 1 else 7
        data = generator.random((7, n)).astype(np.float32)
        if n:
            data[:, 0] = 500, -1000, 10, 20, 30, 1, 2
        arrays[f"depo_data_{number}"] = data * np.float32("nan") if variant == "not finite" else data
        arrays[f"depo_info_{number}"] = np.full((4, n), 13, np.int32)
    return save_npz(path, arrays, variant)


def make_cvn(path, events, seed, variant):
    """A folder of maps; event 1 is empty."""
    path.mkdir()
    labels = {}
    for i, number in enumerate(ids_of(events)):
        make_cvn_file(path / f"event{number}.gz", 1, seed if i != 1 else None, variant)
        labels[str(number)] = [0, 1, 2, 3, 0, 2, 0]
    content = [Payload(path.parent / "ran"), labels] if variant == "pickle" else [list(labels), labels]
    with (path / "partition.p").open("wb") as file:
        pickle.dump(content, file)
    return path


def make_cvn_file(path, events, seed, variant):
    """One map, of nothing if there is no seed."""
    image = np.zeros((3, 500, 500), np.uint8)
    if seed is not None:
        image[0, 3, 4 + seed], image[2, 499, 499] = 17, 255
    path.write_bytes(zlib.compress(image.tobytes()))
    return path


def make_nova(path, events, seed, variant):
    """Two slices of one trigger, one of others; slice 1 has no track; one row of each spill; one track of no map."""
    options = {"compression": "gzip"} if variant == "compressed" else {}
    number, generator = ("f8" if variant == "float ids" else "u4"), np.random.default_rng(seed)
    trigger = np.array([6, 6, *(10 + 5 * np.arange(events - 2))])
    slices = np.array([1, 3, *np.ones(events - 2)])
    tracks = np.concatenate([[0], np.repeat(np.arange(2, events), 2)])[::-1]
    maps = (generator.integers(0, 50, (events, 16_000), np.uint8) == 0) * np.uint8(200)  # 2 % as in real ones
    maps[1] = 0
    maps[0, :9] = 0, 0, 0, 0, 0, 0, 0, 0, 17
    spills = np.unique(trigger)
    positions = np.full((len(tracks), 1), np.nan if variant == "not finite" else 2.5, np.float32)
    groups = {
        "rec.me.trkkalman": (trigger[tracks], slices[tracks], {"meanpos.x": positions}),
        "rec.training.cvnmaps": (trigger, slices, {"cvnmap": maps}),
        "neutrino": (spills, None, {"vtx.x": np.full((len(spills), 1), 100, np.float32)}),
        "spill": (spills[:0], None, {}),
    }
    with h5py.File(path, "w") as file:
        for name, (event, slice_number, leaves) in groups.items():
            group = file.create_group(name)
            index = {"run": np.full(len(event), 11981), "subrun": np.full(len(event), 7 + seed), "evt": event}
            if slice_number is not None:
                index["subevt"] = slice_number
            for key, values in index.items():
                group.create_dataset(key, data=values.reshape(-1, 1).astype(number), **(options if len(event) else {}))
            for key, values in leaves.items():
                group.create_dataset(key, data=values, **options)
    return path


def make_numl(path, events, seed, variant):
    """Two hits and two particles an event; event 1 has neither."""
    options = {"compression": "gzip"} if variant == "compressed" else {}
    number, generator = ("f8" if variant == "float ids" else "i4"), np.random.default_rng(seed)
    full = np.delete(np.arange(events), 1)
    of = np.repeat(full, 2)
    ids = np.stack([np.full(events, 5), np.full(events, 6), ids_of(events)], axis=1)
    n, real = len(of), np.nan if variant == "not finite" else 0.25
    tables = {
        "event_table": {
            "is_cc": np.ones(events),
            "nu_pdg": np.full(events, 14),
            "nu_energy": np.full(events, 1.5),
            "lep_energy": np.full(events, 1.25),
            "nu_dir": np.tile([0, 0, 1.0], (events, 1)),
            "nu_vtx": np.ones((events, 3)),
        },
        "hit_table": {
            "hit_id": np.arange(n),
            "tpc": np.zeros(n),
            "local_plane": np.tile([0, 2], n // 2),
            "local_wire": generator.integers(0, 2400, n),
            "local_time": generator.random(n),
            "integral": np.full(n, 2.5),
            "rms": np.ones(n),
        },
        "particle_table": {
            "g4_id": np.tile([4, 2], n // 2),
            "g4_pdg": np.tile([11, 13], n // 2),
            "parent_id": np.tile([2, 0], n // 2),
            "momentum": np.full(n, real),
            "start_position": np.ones((n, 3)),
            "end_position": np.full((n, 3), 2.0),
        },
        "edep_table": {
            "hit_id": np.arange(n),
            "g4_id": np.tile([2, 4], n // 2),
            "energy": np.full(n, 3.0),
            "energy_fraction": np.ones(n),
        },
    }
    whole = {"hit_id", "tpc", "local_plane", "local_wire", "g4_id", "g4_pdg", "parent_id", "is_cc", "nu_pdg"}
    with h5py.File(path, "w") as file:
        for name, columns in tables.items():
            group, rows = file.create_group(name), np.arange(events) if name == "event_table" else of
            group.create_dataset("event_id", data=ids[rows].astype(number), **options)
            if name != "event_table" and not (name == "edep_table" and seed):
                counts = np.stack([full, np.full(len(full), 2)], axis=1)
                group.create_dataset("event_id.seq_cnt", data=counts.astype(number), **options)
            for key, values in columns.items():
                shaped = values.reshape(len(values), -1).astype("i4" if key in whole else "f4")
                group.create_dataset(key, data=shaped, **options)
        words = np.tile([[b"muIoni"], [b"primary"]], (n // 2, 1))
        file["particle_table"].create_dataset("start_process", data=words, **options)
    return path


def make_nugraph(path, events, seed, variant):
    """Three hits, a space point and their edges in a graph; graph 1 has an event node only."""
    generator, value = np.random.default_rng(seed), np.nan if variant == "not finite" else 2.5
    with h5py.File(path, "w") as file:
        file["gen"] = 2
        for i, number in enumerate(sorted(ids_of(events), key=lambda n: f"5_6_{n}")):
            x = generator.random((3, 4)).astype(np.float32)
            x[0, 0] = value
            tensors = {
                "hit/x": x,
                "hit/y_semantic": np.array([0, -1, 2]),
                "sp/pos": np.ones((1, 3), np.float32),
                "evt/num_nodes": np.array(1),
                "evt/y": np.array(seed),
                "hit_delaunay-planar_hit/edge_index": np.array([[0, 1, 2], [1, 2, 0]]),
                "hit_nexus_sp/edge_index": np.array([[0, 2], [0, 0]]),
            }
            if i == 1:
                tensors = {k: v if k.startswith("evt") else np.zeros((), v.dtype) for k, v in tensors.items()}
            row = np.zeros((), np.dtype([(key, v.dtype, v.shape) for key, v in tensors.items()]))
            for key, v in tensors.items():
                row[key] = v
            file.create_dataset(f"dataset/5_6_{number}", data=row)
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
    Fixture(
        "larpix",
        LARPIX,
        make_packets(simulated=False),
        expected={"hits.time": 200_000, "hits.charge": 80},
        variants=("compressed",),
        real={"larndsim/qc_tpc_cosmics.h5": {"events": 759, "hits": 12_200}},
    ),
    Fixture(
        "larpix-simulated",
        LARPIX,
        make_packets(simulated=True),
        empty=("hits", "truth_links"),
        expected={"hits.time": 202_000, "hits.charge": 80},
        variants=("compressed", "float ids", "not finite"),
    ),
    Fixture(
        "charge-events",
        CHARGE_EVENTS,
        make_charge_events,
        empty=("hits", "tracks"),
        expected={
            "hits.position": [4, -2, 0.5],
            "hits.time": 11_000,
            "tracks.start": [1, 2, 3],
            "tracks.time": 500,
            "tracks.length": 10,
        },
        variants=("compressed", "float ids", "not finite"),
        real={"larndsim/evd_qc_tpc.h5": {"events": 324, "hits": 10_743, "tracks": 433}},
    ),
    Fixture(
        "wire-cell-frames",
        WIRECELL_FRAMES,
        make_frames,
        empty=("pixels", "pixels_wiener1"),
        expected={"event.start": 250, "event.tick": 500, "pixels.charge": 2.5, "pixels.column": 7},
        variants=("compressed", "not finite", "pickle"),
        real={
            "wirecell/protodunehd_apa1_evt40896_gauss_sparse.npz": {
                "events": 1,
                "pixels": 325_035,
                "channels": 2560,
            },
            "wirecell/protodunehd-sp-frames-anode1.tar.bz2": {
                "events": 1,
                "pixels": 325_035,
                "channels": 2560,
                "channels_wiener1": 2560,
            },
        },
    ),
    Fixture(
        "wire-cell-depos",
        WIRECELL_DEPOS,
        make_depos,
        empty=("depos",),
        expected={"depos.time": 500, "depos.charge": -1000, "depos.position": [1, 2, 3], "depos.sigma": [0.1, 0.2]},
        variants=("compressed", "not finite", "pickle"),
        real={"wirecell/muon-depos.npz": {"events": 1, "depos": 32_825}},
    ),
    Fixture(
        "dune-cvn",
        DUNE_CVN,
        make_cvn,
        empty=("pixels",),
        expected={"pixels.charge": 17, "pixels.column": 4, "event.flavour": 1, "event.neutral_pions": 2},
        variants=("pickle",),
        real={"dune_cvn": {"events": 12, "pixels": 28_828}},
    ),
    Fixture(
        "dune-cvn-file",
        DUNE_CVN,
        make_cvn_file,
        expected={"pixels.charge": 17, "event.flavour": -1},
        real={"dune_cvn/event0.gz": {"events": 1, "pixels": 5447}},
        events=1,
    ),
    Fixture(
        "nova",
        NOVA,
        make_nova,
        empty=("tree_rec_me_trkkalman", "pixels"),
        expected={"pixels.charge": 17, "pixels.column": 8, "tree_rec_me_trkkalman.meanpos_x": 2.5},
        variants=("compressed", "float ids", "not finite"),
        real={
            "nova/sample_r11981_s07.h5": {
                "events": 8342,
                "tree_rec_training_cvnmaps": 8315,
                "tree_rec_me_trkkalman": 989,
            },
            "nova/sample_input_2.h5": {
                "events": 8342,
                "tree_rec_training_cvnmaps": 8315,
                "tree_rec_me_trkkalman": 989,
                "tree_neutrino": 0,
            },
        },
    ),
    Fixture(
        "numl",
        NUML,
        make_numl,
        empty=("hits", "particles", "truth_links"),
        expected={"hits.charge": 2.5, "particles.size": 250, "interactions.energy": 1500, "truth_links.row": 0},
        variants=("compressed", "float ids", "not finite"),
    ),
    Fixture(
        "nugraph",
        NUGRAPH,
        make_nugraph,
        empty=("graph_hit", "graph_sp", "graph_hit_nexus_sp"),
        variants=("not finite",),
    ),
]
