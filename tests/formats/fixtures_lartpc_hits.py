"""Fixtures of pixel maps, hits and graphs of liquid-argon detectors: DUNE CVN, NuML, NuGraph."""

from __future__ import annotations

import pickle
import zlib

import h5py
import numpy as np
from format_fixture import Fixture, Payload, ids_of

from nuforge.formats.dune_cvn import DUNE_CVN
from nuforge.formats.nugraph import NUGRAPH
from nuforge.formats.numl import NUML


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
