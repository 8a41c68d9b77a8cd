"""Fixtures of scintillation detectors: NOvA, LiquidO, Daya Bay, MINERvA."""

from __future__ import annotations

import h5py
import numpy as np
from fixtures_generators import jagged, rooted
from format_fixture import Fixture, written

from nuforge.formats.dayabay import DAYABAY
from nuforge.formats.liquido import LIQUIDO
from nuforge.formats.minerva import MINERVA
from nuforge.formats.nova import NOVA


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


def make_liquido(path, events, seed, variant):
    """Event 1 has no hits; rows are in no order."""
    number, generator = 3 * np.arange(events) + 2, np.random.default_rng(seed)
    hits = generator.random((3 * (events - 1), 7)).astype("f4")
    hits[:, 0], hits[:, 1] = np.repeat(np.delete(number, 1), 3), 17
    hits[0, 2:6] = [10, 20, 30, 9.5]
    truth = generator.random((events, 9)).astype("f4")
    truth[:, 0], truth[:, 8] = number, 11
    truth[0, 1:4] = [10, 20, 30]
    if variant == "not finite":
        truth[:, 4:6], truth[:, 8] = np.nan, np.inf
    with h5py.File(path, "w") as file:
        for name, rows in (("HitData", hits), ("TruthData", truth[::-1])):
            file.create_dataset(name, data=rows, compression="gzip" if variant == "compressed" else None)
        file["SiPMIDxyz"] = np.zeros(3, [("SiPMID", "i4"), ("x", "f8"), ("y", "f8"), ("z", "f8")])
    return path


def make_minerva(path, events, seed, variant):
    counts = np.full(events, 2)
    counts[1] = 0
    n = int(counts.sum())
    vertex = np.tile([10.0, 20.0, 6000.0, 5.0], (events, 1))
    if variant == "not finite":
        vertex[:] = np.nan
    return rooted(
        path,
        "MasterAnaDev",
        {
            "mc_run": np.full(events, 110000 + seed, np.int32),
            "mc_subrun": np.full(events, 7, np.int32),
            "mc_nthEvtInFile": 3 * np.arange(events, dtype=np.int32),
            "mc_incoming": np.full(events, -14, np.int32),
            "mc_incomingE": np.full(events, 3000.0),
            "mc_intType": np.full(events, 8, np.int32),
            "mc_current": np.full(events, 1, np.int32),
            "mc_vtx": vertex,
            "vtx": vertex + 1,
            "mc_FSPartPDG": jagged(np.tile(np.array([-13, 2112], np.int32), n // 2), counts),
            **{f"mc_FSPart{name}": jagged(np.full(n, 500.0), counts) for name in ("Px", "Py", "Pz", "E")},
        },
    )


def make_dayabay(path, events, seed, variant):
    """Spectra of detectors, the second without bins."""
    datasets = {}
    for i in range(events):
        bins = np.zeros(0 if i == 1 else 240, [("E_min_MeV", "f8"), ("E_max_MeV", "f8"), ("N", "f8")])
        bins["E_min_MeV"], bins["E_max_MeV"] = 0.05 * np.arange(len(bins)), 0.05 * np.arange(1, len(bins) + 1)
        bins["N"] = np.nan if variant == "not finite" else 100 + seed
        datasets[f"ibd_spectrum_8AD_AD1{i + 1}"] = bins
    return written(path, datasets, variant)


FIXTURES = [
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
        "liquido",
        LIQUIDO,
        make_liquido,
        empty=("hits",),
        expected={"hits.position": [1, 2, 3], "hits.time": 9.5, "particles.start": [3, 2, -1]},
        variants=("compressed", "not finite"),
        real={"graphnet/liquido_electrons.h5": {"events": 100, "hits": 121_096, "particles": 100}},
    ),
    Fixture(
        "dayabay",
        DAYABAY,
        make_dayabay,
        empty=("bins",),
        expected={"event.detector": 11, "event.period": 8, "bins.high": 0.05, "bins.content": 100},
        variants=("compressed", "not finite"),
    ),
    Fixture(
        "minerva",
        MINERVA,
        make_minerva,
        empty=("particles",),
        expected={
            "event.energy": 3000,
            "event.run": 110000,
            "event.subrun": 7,
            "event.vertex": [1.1, 2.1, 600.1],
            "interactions.mode": 300,
            "interactions.vertex": [1, 2, 600],
            "particles.momentum": [500, 500, 500],
        },
        variants=("not finite",),
    ),
]
