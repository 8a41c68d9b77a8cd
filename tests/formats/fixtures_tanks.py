"""Fixtures of water Cherenkov tanks: WatChMaL, WCSim."""

from __future__ import annotations

import shutil

import h5py
import numpy as np
import pytest
from format_fixture import DATA, IDS, Fixture

from nuforge.formats.watchmal import WATCHMAL
from nuforge.formats.wcsim import WCSIM

WCSIM_FILE = "wcsim/wcsim.root"


def make_watchmal(path, events, seed, variant):
    """Event 1 has no hits."""
    generator, counts = np.random.default_rng(seed), np.where(np.arange(events) == 1, 0, 3)
    n = int(counts.sum())
    columns = {"event_hits_index": np.cumsum(counts) - counts, "event_ids": (3 * np.arange(events) + 2).astype("i4")}
    columns |= {"hit_pmt": np.full(n, 5, "i4"), "hit_charge": generator.random(n).astype("f4")}
    columns |= {"hit_time": np.full(n, 9.5, "f4"), "labels": np.resize(np.array([1, 0, 2, 3], "i4"), events)}
    columns |= {"energies": np.full((events, 1), 500, "f4"), "positions": np.full((events, 1, 3), 4, "f4")}
    columns |= {"angles": np.zeros((events, 2), "f4"), "veto": np.zeros(events, bool)}
    columns["root_files"] = np.array([f"file{seed}.root"] * events, "S64")
    if variant == "float ids":
        columns["event_ids"] = columns["event_ids"].astype("f8")
    if variant == "not finite":
        columns["energies"][:], columns["labels"][:] = np.nan, -999
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            file.create_dataset(name, data=values, compression="gzip" if variant == "compressed" else None)
    return path


def make_wcsim(path, events, seed, variant):
    """The file of WCSim's own tests: nothing else writes such arrays."""
    if not (DATA / WCSIM_FILE).exists():
        pytest.skip(f"{DATA / WCSIM_FILE} is not there")
    shutil.copy(DATA / WCSIM_FILE, path)
    path.chmod(0o644)
    with path.open("ab") as file:
        file.write(bytes(seed))
    return path


FIXTURES = [
    Fixture(
        "watchmal",
        WATCHMAL,
        make_watchmal,
        empty=("hits",),
        expected={"hits.time": 9.5, "particles.energy": 500, "particles.momentum": [0, 499.99974, 0]},
        variants=("compressed", *IDS),
        real={"wcsim/wcsim_e500MeV_digihits.h5": {"events": 10, "hits": 21_560, "particles": 10}},
    ),
    Fixture(
        "wcsim",
        WCSIM,
        make_wcsim,
        expected={"hits.time": 950.0378, "particles.energy": 500.510986},
        real={WCSIM_FILE: {"events": 10, "hits": 21_560, "particles": 10, "photoelectrons": 43_336}},
        events=10,
    ),
]
