"""Fixtures of what liquid-argon detectors read out: LArPix's pixels and Wire-Cell's wires."""

from __future__ import annotations

import h5py
import numpy as np
from fixtures_lartpc_voxels import make_segments
from format_fixture import Fixture, Payload, ids_of

from nuforge.formats.charge_events import CHARGE_EVENTS
from nuforge.formats.larpix import LARPIX
from nuforge.formats.wirecell import WIRECELL_DEPOS, WIRECELL_FRAMES

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


FIXTURES = [
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
]
