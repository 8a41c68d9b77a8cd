"""Fixtures of neutrino telescopes, in ice and water and by radio."""

from __future__ import annotations

import json
import shutil
import sqlite3

import h5py
import numpy as np
import pyarrow as pa
import pytest
from format_fixture import IDS, Fixture, ids_of, written
from pyarrow import parquet

from nuforge.formats.graphnet_parquet import GRAPHNET_NESTED, GRAPHNET_PARQUET
from nuforge.formats.graphnet_sqlite import GRAPHNET_SQLITE
from nuforge.formats.hese import HESE
from nuforge.formats.kaggle import KAGGLE
from nuforge.formats.km3net_offline import KM3NET_OFFLINE
from nuforge.formats.km3pipe import KM3PIPE
from nuforge.formats.nuradiomc import NURADIOMC
from nuforge.formats.pisa import PISA
from nuforge.formats.prometheus import PROMETHEUS


def telescope(events, seed, variant):
    """Truth and pulses by IceCube's names: event 1 has no pulses, the others three each."""
    number = (3 * np.arange(events) + 2).astype("f8" if variant == "float ids" else "i8")
    generator = np.random.default_rng(seed)
    truth = {"event_no": number, "RunID": np.full(events, 7), "SubrunID": np.full(events, 8)}
    truth |= {n: generator.random(events) for n in ("position_x", "position_y", "position_z", "zenith", "azimuth")}
    truth |= {"energy": 10 + generator.random(events), "pid": np.where(np.arange(events) % 2, 13, -14)}
    truth |= {"interaction_type": np.full(events, 2), "inelasticity": generator.random(events)}
    truth |= {"energy_track": generator.random(events), "stopped_muon": np.full(events, -1)}
    key = np.repeat(np.delete(number, 1), 3)
    pulses = {"event_no": key}
    pulses |= {n: generator.random(len(key)) for n in ("dom_x", "dom_y", "dom_z", "dom_time", "charge", "width", "rde")}
    pulses |= {n: generator.integers(0, 60, len(key)) for n in ("string", "dom_number", "hlc")}
    truth["energy"][0], pulses["dom_x"][0], pulses["dom_time"][0] = 12, 4, 9.5
    truth["zenith"][0], truth["azimuth"][0] = 0, 0
    if variant == "not finite":
        truth["energy"][:], truth["zenith"][:], truth["pid"][:] = -1, np.nan, -999
    return truth, pulses


def make_sqlite(path, events, seed, variant):
    truth, pulses = telescope(events, seed, variant)
    order = np.random.default_rng(seed).permutation(len(pulses["event_no"]))
    base = sqlite3.connect(path)
    for name, columns in (("truth", truth), ("SRTInIcePulses", {k: v[order] for k, v in pulses.items()})):
        base.execute(f"CREATE TABLE {name} ({', '.join(f'{c} FLOAT' for c in columns)})")
        rows = zip(*(values.tolist() for values in columns.values()), strict=True)
        base.executemany(f"INSERT INTO {name} VALUES ({','.join('?' * len(columns))})", rows)
    base.commit()
    base.close()
    if seed == 0 and variant == "plain":
        assert order[0] != 0  # rows are in no order
    return path


def make_folder(path, events, seed, variant):
    for name, columns in zip(("truth", "pulses"), telescope(events, seed, variant), strict=True):
        (path / name).mkdir(parents=True)
        for part in (0, 1):  # two files, the first with two events
            mine = (columns["event_no"] <= 5) == (part == 0)
            table = pa.table({n: values[mine] for n, values in columns.items()})
            parquet.write_table(table, path / name / f"{name}_{part}.parquet")
    return path


def make_nested(path, events, seed, variant):
    truth, pulses = telescope(events, seed, variant)
    counts = np.where(np.arange(events) == 1, 0, 3)
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]))
    arrays = {n: pa.LargeListArray.from_arrays(offsets, pa.array(v)) for n, v in pulses.items() if n != "event_no"}
    arrays["event_no"] = pa.array(truth["event_no"])
    table = {"pulses": struct(arrays), "truth": struct({n: pa.array(v) for n, v in truth.items()})}
    parquet.write_table(pa.table(table), path, compression="zstd" if variant == "compressed" else "none")
    return path


def struct(arrays):
    return pa.StructArray.from_arrays(list(arrays.values()), list(arrays))


def make_prometheus(path, events, seed, variant):
    """Event 1 has no photons."""
    generator = np.random.default_rng(seed)
    plain = ("energy", "zenith", "azimuth", "x", "y", "z")
    truth = {"interaction": pa.array(np.ones(events, int)), "initial_state_type": pa.array(np.full(events, -14))}
    truth |= {f"initial_state_{n}": pa.array(np.full(events, 2.0) if n == "z" else np.zeros(events)) for n in plain}
    truth["bjorken_y"] = pa.array(np.full(events, np.nan if variant == "not finite" else 0.5))
    two = pa.array(2 * np.arange(events + 1))
    truth |= {f"final_state_{n}": lists(two, generator.random(2 * events)) for n in plain}
    truth["final_state_type"] = lists(two, np.tile([13.0, -2000001006], events))
    counts = np.where(np.arange(events) == 1, 0, 3)
    three, n = pa.array(np.concatenate([[0], np.cumsum(counts)])), int(counts.sum())
    photons = {name: lists(three, 4 + generator.random(n) * seed) for name in ("sensor_pos_x", "sensor_pos_y")}
    photons |= {"sensor_pos_z": lists(three, np.full(n, -4.0)), "t": lists(three, np.full(n, 9.5))}
    photons |= {"string_id": lists(three, np.full(n, 1)), "sensor_id": lists(three, np.full(n, 6))}
    photons["id_idx"] = lists(three, np.tile([1, 2, 9], events - 1))
    parquet.write_table(pa.table({"mc_truth": struct(truth), "photons": struct(photons)}), path)
    return path


def lists(offsets, values):
    return pa.LargeListArray.from_arrays(offsets, pa.array(values))


def make_kaggle(path, events, seed, variant):
    """A folder of two batches; event 1 has no pulses."""
    (path / "train").mkdir(parents=True)
    generator, number = np.random.default_rng(seed), 3 * np.arange(events) + 2
    batch = np.where(np.arange(events) < 3, 1, 2)
    key = np.repeat(np.delete(number, 1), 3)
    first = np.searchsorted(key, number)
    meta = {"batch_id": batch, "event_id": number.astype("f8" if variant == "float ids" else "i8")}
    meta |= {"first_pulse_index": first, "last_pulse_index": np.searchsorted(key, number, side="right") - 1}
    meta |= {"azimuth": np.zeros(events), "zenith": np.full(events, np.nan if variant == "not finite" else 0.0)}
    parquet.write_table(pa.table(meta), path / "train_meta.parquet")
    of_pulse = np.repeat(np.delete(batch, 1), 3)
    time, charge = 9.5 + seed + np.arange(len(key)), generator.random(len(key)).astype("f4")
    for k in (1, 2):
        mine = of_pulse == k
        pulses = {"sensor_id": np.full(mine.sum(), 1, "i2"), "time": time[mine].astype(int), "charge": charge[mine]}
        pulses |= {"auxiliary": np.full(mine.sum(), True), "event_id": key[mine]}
        parquet.write_table(pa.table(pulses), path / "train" / f"batch_{k}.parquet")
    (path / "sensor_geometry.csv").write_text("sensor_id,x,y,z\n0,1,2,3\n1,-2.5,4,5\n")
    return path


def make_hese(path, events, seed, variant):
    lists = {"recoDepositedEnergy": [12.0 + seed] * events, "recoMorphology": np.resize([0, 1, 2], events).tolist()}
    lists |= {"recoZenith": [1.5] * events, "recoLength": [float("nan")] * events}
    if variant == "not finite":
        lists |= {"recoDepositedEnergy": [float("inf")] * events, "recoMorphology": [-999.5] * events}
    path.write_text(json.dumps(lists))
    return path


def make_pisa(path, events, seed, variant):
    """The last event is of another flavour than the others."""
    with h5py.File(path, "w") as file:
        for group, n in (("nue_bar/nc", events - 1), ("numu/cc", 1)):
            columns = {f"{k}_energy": np.full(n, 12.0 + seed) for k in ("true", "reco")}
            columns |= {f"{k}_coszen": np.full(n, 0.5) for k in ("true", "reco")} | {"weighted_aeff": np.ones(n)}
            if variant == "not finite":
                columns["reco_energy"][:] = np.nan
            for name, values in columns.items():
                packed = "gzip" if variant == "compressed" else None
                file.create_dataset(f"{group}/{name}", data=values, compression=packed)
    return path


def make_km3pipe(path, events, seed, variant):
    """Event 1 has no hits; hits are a group of columns, true particles a structured dataset."""
    packed, kind = "gzip" if variant == "compressed" else None, "f8" if variant == "float ids" else "i8"
    info = np.zeros(events, [("event_id", kind), ("group_id", kind), ("run_id", "i4"), ("weight_w2", "f8")])
    info["event_id"], info["group_id"], info["run_id"] = 3 * np.arange(events) + 2, np.arange(events), 7 + seed
    group = np.repeat(np.delete(np.arange(events), 1), 3).astype(kind)
    hits = {"channel_id": np.full(len(group), 5), "dom_id": np.full(len(group), 808_972_593), "group_id": group}
    hits |= {"time": np.full(len(group), 9.5), "tot": np.full(len(group), 25, "u1")}
    hits |= {"triggered": np.ones(len(group), bool)}
    light = {"a": np.ones(events), "pmt_id": np.full(events, 3), "origin": np.full(events, 2)}
    light |= {"time": np.ones(events), "group_id": np.arange(events)}
    floats = ("energy", "pos_x", "pos_y", "pos_z", "dir_x", "dir_y", "dir_z", "time", "length", "bjorkeny")
    tracks = np.zeros(2 * events, [("type", "i4"), ("group_id", kind), *((n, "f8") for n in floats)])
    tracks["group_id"], tracks["type"] = np.repeat(np.arange(events), 2), np.tile([-14, -13], events)
    tracks["energy"], tracks["pos_x"], tracks["dir_z"] = 12, 4, 1
    if variant == "not finite":
        tracks["energy"], tracks["type"] = np.nan, -999
    with h5py.File(path, "w") as file:
        file.create_dataset("event_info", data=info, compression=packed)
        file.create_dataset("mc_tracks", data=tracks, compression=packed)
        for table, columns in (("hits", hits), ("mc_hits", light)):
            for name, values in columns.items():
                file.create_dataset(f"{table}/{name}", data=values, compression=packed)
        counts = np.where(np.arange(events) == 1, 0, 3)
        extents = np.zeros(events, [("index", "i8"), ("n_items", "i8")])
        extents["index"], extents["n_items"] = np.cumsum(counts) - counts, counts
        file["hits/_indices"] = extents
        file["_i_hits/index"] = np.zeros(3)
    return path


def make_km3net(path, events, seed, variant):
    """A file of KM3NeT's own tests, simulated: nothing else writes them."""
    pytest.importorskip("km3io")
    data = pytest.importorskip("km3net_testdata")
    shutil.copy(data.data_path("offline/numucc.root"), path)
    with path.open("ab") as file:
        file.write(bytes(seed))
    return path


COUNTS = {"events": 5, "hits": 56, "interactions": 5, "truth": 5}


def make_nuradiomc(path, events, seed, variant):
    """The first event group has two showers, not next to each other; others one."""
    ids = np.append(ids_of(events), 2).astype("f8" if variant == "float ids" else "i8")
    n = len(ids)
    columns = {
        "event_group_ids": ids,
        "shower_ids": np.arange(n),
        "xx": np.full(n, 1.5),
        "yy": np.full(n, 2.0),
        "zz": np.full(n, -100.0),
        "zeniths": np.zeros(n),
        "azimuths": np.zeros(n),
        "energies": np.full(n, np.nan if variant == "not finite" else 1e17 * (1 + seed)),
        "shower_energies": np.full(n, 5e16),
        "flavors": np.full(n, -14),
        "interaction_type": np.array([b"cc", b"nc"] * n)[:n],
        "shower_type": np.array([b"EM", b"HAD"] * n)[:n],
        "weights": np.full(n, 0.5),
        "triggered": np.arange(n) % 2 == 1,
        "vertex_times": np.full(n, 4.0),
    }
    return written(path, columns, variant)


FIXTURES = [
    Fixture(
        "graphnet sqlite",
        GRAPHNET_SQLITE,
        make_sqlite,
        empty=("hits",),
        expected={"interactions.energy": 12_000, "interactions.direction": [0, 0, -1], "event.run": 7},
        variants=IDS,
        real={
            "graphnet/oscNext_genie_level7_v02_first_5_frames.db": COUNTS,
            "graphnet/upgrade_genie_first_5_frames.db": {"events": 5, "hits": 625, "retro": 5},
            "graphnet/prometheus-events.db": {"events": 50, "hits": 1872, "interactions": 50},
        },
    ),
    Fixture(
        "graphnet parquet",
        GRAPHNET_PARQUET,
        make_folder,
        empty=("hits",),
        expected={"interactions.energy": 12_000, "hits.time": 9.5},
        variants=IDS,
        real={"graphnet/prometheus_parquet": {"events": 10, "hits": 303, "interactions": 10}},
    ),
    Fixture(
        "graphnet nested",
        GRAPHNET_NESTED,
        make_nested,
        empty=("hits",),
        expected={"interactions.energy": 12_000, "hits.time": 9.5},
        variants=(*IDS, "compressed"),
        real={"graphnet/oscNext_genie_level7_v02_first_5_frames.parquet": COUNTS},
    ),
    Fixture(
        "prometheus",
        PROMETHEUS,
        make_prometheus,
        empty=("hits",),
        expected={"hits.position": [400, 400, -400], "hits.time": 9.5, "interactions.vertex": [0, 0, 200]},
        variants=("not finite",),
        real={"prometheus/example_photons.parquet": {"events": 10, "hits": 217_214, "particles": 20}},
    ),
    Fixture(
        "icecube kaggle",
        KAGGLE,
        make_kaggle,
        empty=("hits",),
        expected={"hits.position": [-250, 400, 500], "hits.time": 9, "interactions.direction": [0, 0, -1]},
        variants=IDS,
    ),
    Fixture(
        "hese",
        HESE,
        make_hese,
        expected={"reconstructed.energy": 12_000, "reconstructed.zenith": 1.5},
        variants=("not finite",),
        real={"hese/HESE_data.json": {"events": 102, "reconstructed": 102}},
    ),
    Fixture("km3net", KM3NET_OFFLINE, make_km3net, events=10),
    Fixture(
        "km3pipe",
        KM3PIPE,
        make_km3pipe,
        empty=("hits",),
        expected={
            "hits.time": 9.5,
            "hits.sensor": 32 * 808_972_593 + 5,
            "interactions.vertex": [400, 0, 0],
            "particles.momentum": [0, 0, 12_000],
            "photoelectrons.particle": 1,
            "event.run": 7,
        },
        variants=("compressed", *IDS),
    ),
    Fixture(
        "pisa",
        PISA,
        make_pisa,
        expected={"interactions.energy": 12_000, "interactions.neutrino": -12, "reconstructed.energy": 12_000},
        variants=("compressed", "not finite"),
        real={"pisa/events__PINGU__V47__unjoined.hdf5": {"events": 77_273, "interactions": 77_273}},
    ),
    Fixture(
        "nuradiomc",
        NURADIOMC,
        make_nuradiomc,
        expected={
            "event.energy": 1e11,
            "event.weight": 0.5,
            "showers.vertex": [150, 200, -10000],
            "showers.direction": [0, 0, -1],
            "showers.interaction": 1,
            "showers.time": 4,
        },
        variants=("compressed", "float ids", "not finite"),
    ),
]
