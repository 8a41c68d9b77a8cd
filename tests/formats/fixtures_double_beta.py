"""Fixtures of NEXT and LEGEND, made after their schemas."""

from __future__ import annotations

import h5py
import numpy as np
from format_fixture import Fixture, ids_of, written

from nuforge.formats.lh5 import LH5
from nuforge.formats.next_ic import NEXT


def keyed(events, fields, key="event", kind="i4"):
    """Rows of a table with an event column: two an event, none of event 1."""
    rows = np.zeros(2 * (events - 1), [(key, kind), *fields])
    rows[key] = np.repeat(np.delete(ids_of(events), 1), 2)
    return rows


def make_truth(newest):
    """Truth and hits, in nexus's layout with extents or with an event number in every row."""

    def make(path, events, seed, variant):
        kind = "f8" if variant == "float ids" else "i4"
        if newest:
            names = [f"initial_{axis}" for axis in "xyzt"] + [f"initial_momentum_{axis}" for axis in "xyz"]
            more = [*((name, "f4") for name in names), ("kin_energy", "f4"), ("creator_proc", "S20")]
            particle_fields = [("particle_id", "i4"), ("particle_name", "S20"), ("primary", "i1"), ("mother_id", "i4")]
            particles = keyed(events, [*particle_fields, *more], "event_id", kind)
            deposit = [*((name, "f4") for name in ("x", "y", "z", "energy")), ("time", "f8"), ("label", "S20")]
            hits = keyed(events, [*deposit, ("particle_id", "i4"), ("hit_id", "i4")], "event_id", kind)
            number, mother = "particle_id", "mother_id"
            hits["x"], hits["y"], hits["z"], hits["energy"], hits["time"] = 10, 20, 30, 0.25, 7
            particles["initial_x"], particles["initial_t"], particles["initial_momentum_z"] = 10, 7, 2.5
        else:
            fields = [("particle_indx", "i4"), ("particle_name", "S20"), ("primary", "i1"), ("mother_indx", "i4")]
            fields += [
                ("initial_vertex", "f4", 4),
                ("momentum", "f4", 3),
                ("kin_energy", "f4"),
                ("creator_proc", "S20"),
            ]
            particles = keyed(events, fields)
            deposit = [("hit_position", "f4", 3), ("hit_time", "f8"), ("hit_energy", "f4"), ("label", "S20")]
            hits = keyed(events, [*deposit, ("particle_indx", "i4"), ("hit_indx", "i4")])
            number, mother = "particle_indx", "mother_indx"
            hits["hit_position"], hits["hit_energy"], hits["hit_time"] = (10, 20, 30), 0.25, 7
            particles["initial_vertex"], particles["momentum"] = (10, 0, 0, 7), (0, 0, 2.5)
        particles[number] = np.tile([4, 9], events - 1)
        particles["particle_name"] = np.tile([b"e-", b"gamma"], events - 1)
        particles["primary"], particles[mother] = np.tile([1, 0], events - 1), np.tile([0, 4], events - 1)
        particles["creator_proc"] = np.tile([b"none", b"eBrem"], events - 1)
        hits[number], hits["label"] = np.tile([9, 4], events - 1), b"ACTIVE"
        if variant == "not finite":
            particles["kin_energy"] = np.nan
        reconstructed = keyed(events, [("npeak", "u2"), ("nsipm", "u2"), *((n, "f8") for n in "XYZQE")], kind=kind)
        reconstructed["X"], reconstructed["Y"], reconstructed["Z"] = 10, 20, 30
        reconstructed["Q"] = np.tile([-999999, 3], events - 1)
        reconstructed["E"] = 1 + seed
        extents = np.zeros(events, [("evt_number", kind), ("last_hit", "i8"), ("last_particle", "i8")])
        extents["evt_number"] = ids_of(events)
        counts = np.full(events, 2)
        counts[1] = 0
        extents["last_hit"] = extents["last_particle"] = np.cumsum(counts) - 1
        runs = np.zeros(events, [("evt_number", kind), ("timestamp", "u8")])
        runs["evt_number"], runs["timestamp"] = ids_of(events), 5
        datasets = {"MC/hits": hits, "MC/particles": particles, "RECO/Events": reconstructed, "Run/events": runs}
        return written(path, datasets if newest else {**datasets, "MC/extents": extents}, variant)

    return make


def make_waveforms(path, events, seed, variant):
    """Waveforms, pmaps and kDST; event 1 has no peaks."""
    generator = np.random.default_rng(seed)
    kind = "f8" if variant == "float ids" else "i4"
    runs = np.zeros(events, [("evt_number", kind), ("timestamp", "u8")])
    runs["evt_number"], runs["timestamp"] = ids_of(events), 5
    sensors = np.zeros(3, [("channel", "i4"), ("sensorID", "i4")])
    sensors["sensorID"] = [1000, 1001, 1002]
    adc = generator.integers(0, 4096, (events, 3, 50)).astype("i2")
    adc[0, 0, 0] = 2500
    s2 = keyed(events, [("peak", "u1"), ("time", "f4"), ("ene", "f4")], kind=kind)
    s2["time"], s2["ene"] = 1000, 2.5
    si = keyed(events, [("peak", "u1"), ("nsipm", "i2"), ("ene", "f4")], kind=kind)
    si["nsipm"], si["ene"] = 123, 1.5
    pairs = keyed(
        events,
        [("time", "f8"), ("peak", "u2"), ("nS2", "u2"), *((n, "f8") for n in ("S2w", "S2e", "DT", *"XYZ"))],
        kind=kind,
    )
    pairs["S2w"], pairs["DT"], pairs["X"], pairs["S2e"] = 7.5, 100, 50, 6000
    if variant == "not finite":
        pairs["X"] = np.nan
    return written(
        path,
        {
            "Run/events": runs,
            "Sensors/DataPMT": sensors,
            "RD/pmtrwf": adc,
            "RD/sipmrwf": adc[:, :2, :20],
            "PMAPS/S2": s2,
            "PMAPS/S2Si": si,
            "DST/Events": pairs,
        },
        variant,
    )


def make_lh5(path, events, seed, variant):
    """Two channels; the second has no waveforms."""
    generator = np.random.default_rng(seed)
    packed = {"compression": "gzip"} if variant == "compressed" else {}
    with h5py.File(path, "w") as file:
        for channel, n in ((1084803, events - 2), (1084804, 2)):
            group = file.create_group(f"ch{channel}/raw")
            group.attrs["datatype"] = "table{timestamp,baseline,energy_cal,is_valid}"
            energy = np.full(n, np.nan if variant == "not finite" else 583.0)
            columns = {
                "timestamp": np.arange(n) + 1.5,
                "baseline": np.arange(n, dtype="u2"),
                "energy_cal": energy,
                "is_valid": np.ones(n, "u1"),
            }
            for name, values in columns.items():
                dataset = group.create_dataset(name, data=values, **({} if n < 3 else packed))
                dataset.attrs["datatype"] = "array<1>{bool}" if name == "is_valid" else "array<1>{real}"
            group["timestamp"].attrs["units"] = "s"
            if channel == 1084803:
                waveform = group.create_group("waveform")
                waveform.attrs["datatype"] = "table{t0,dt,values}"
                values = generator.integers(0, 60000, (n, 64)).astype("u2")
                waveform.create_dataset("values", data=values, **packed)
                waveform["t0"], waveform["dt"] = np.full(n, 0.5, "f4"), np.full(n, 16.0, "f4")
                waveform["t0"].attrs["units"] = "us"
    return path


TRUTH = {
    "segments.start": [1, 2, 3],
    "segments.energy": 0.25,
    "segments.time": 7,
    "segments.particle": 1,
    "segments.volume": 1,
    "particles.start": [1, float("nan"), float("nan")],
    "particles.momentum": [float("nan"), float("nan"), 2.5],
    "particles.pdg": 11,
    "particles.time": 7,
    "hits.position": [1, 2, 3],
    "hits.charge": float("nan"),
    "event.timestamp": 5e6,
}


FIXTURES = [
    Fixture(
        "next-extents",
        NEXT,
        make_truth(newest=False),
        empty=("particles", "segments", "hits"),
        expected={**TRUTH, "particles.start": [1, 0, 0], "particles.momentum": [0, 0, 2.5]},
        variants=("compressed", "float ids", "not finite"),
        real={
            "next/Kr83_nexus_v5_03_00_ACTIVE_7bar_10evts.sim.h5": {"events": 10, "particles": 26, "segments": 75},
            "next/electron_26keV_nexus.h5": {"events": 1, "particles": 1, "segments": 5},
            "next/dst_NEXT_v1_00_05_Kr_ACTIVE_0_0_7bar_HDST_10evt.h5": {"events": 5, "hits": 33, "segments": 34},
        },
    ),
    Fixture(
        "next-rows",
        NEXT,
        make_truth(newest=True),
        empty=("particles", "segments", "hits"),
        expected={**TRUTH, "particles.start": [1, 0, 0], "particles.momentum": [0, 0, 2.5]},
        variants=("compressed", "float ids", "not finite"),
    ),
    Fixture(
        "next-waveforms",
        NEXT,
        make_waveforms,
        empty=("s2", "s2_sipms", "pairs"),
        expected={
            "waveforms.channel": 1000,
            "waveforms.period": 25,
            "sipm_waveforms.period": 1000,
            "s2.time": 1000,
            "s2.charge": 2.5,
            "s2_sipms.sensor": 123,
            "pairs.s2_width": 7500,
            "pairs.drift_time": 1e5,
            "pairs.position": [5, 0, 0],
        },
        variants=("compressed", "float ids", "not finite"),
        real={
            "next/6229_000_trg_type.h5": {"events": 1, "waveforms": 12, "sipm_waveforms": 1792},
            "next/electrons_2500keV_z250_RWF.h5": {
                "events": 10,
                "waveforms": 120,
                "sipm_waveforms": 17920,
                "segments": 4707,  # of 4708 rows: the file's extents leave out its last
            },
            "next/tl_rwf_mctracks_test_3evts.h5": {"events": 3, "waveforms": 36, "segments": 118},
            "next/Tl_v1_00_05_nexus_v5_02_08_7bar_pmaps_5evts_0.h5": {
                "events": 5,
                "particles": 121,
                "segments": 110,
                "s1": 65,
                "s2": 60,
                "s1_pmts": 715,
                "s2_pmts": 660,
                "s2_sipms": 1370,
            },
            "next/KrDST_MC.h5": {"events": 2500, "pairs": 2500},
        },
    ),
    Fixture(
        "lh5",
        LH5,
        make_lh5,
        expected={
            "event.subrun": 1084803,
            "records.timestamp": 1.5e9,
            "records.energy_cal": 0.583,
            "waveforms.start": 500,
            "waveforms.period": 16,
        },
        variants=("compressed", "not finite"),
        real={
            "legend/l200-p03-r001-cal-20230318T012144Z-tier_raw.lh5": {"events": 30, "records": 30, "waveforms": 30},
            "legend/l200-p03-r001-cal-20230318T012144Z-tier_hit.lh5": {"events": 30, "records": 30},
        },
    ),
]
