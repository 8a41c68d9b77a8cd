"""Fixtures of event generators' formats: each event has a neutrino, a target and two final particles, event 1 none."""

from __future__ import annotations

import awkward as ak
import numpy as np
import uproot
from format_fixture import Fixture

from nuforge.formats.genie import GST, ROOTRACKER
from nuforge.formats.gibuu import GIBUU
from nuforge.formats.kin import KIN
from nuforge.formats.miniboone import MINIBOONE
from nuforge.formats.nuhepmc import NUHEPMC
from nuforge.formats.nuisance import NUISANCE


def jagged(values, counts):
    return ak.unflatten(values, counts)


def rooted(path, name, branches):
    """A tree of plain and jagged branches."""
    types = {key: v.type.content if isinstance(v, ak.Array) else (v.dtype, v.shape[1:]) for key, v in branches.items()}
    with uproot.recreate(path) as file:
        file.mktree(name, types).extend(branches)
    return path


def make_rootracker(path, events, seed, variant):
    """Event 1 has no particles."""
    counts = np.full(events, 4)
    counts[1] = 0
    n = int(counts.sum())
    momentum = np.zeros((n, 4))
    momentum[:, 2] = momentum[:, 3] = 0.5 + seed
    vertex = np.tile([1.0, 2.0, 3.0, 4e-9], (events, 1))
    if variant == "not finite":
        momentum[:], vertex[:] = np.nan, -999
    status, pdg = [0, 0, 1, 14], [14, 1000180400, 13, 2212]
    return rooted(
        path,
        "gRooTracker",
        {
            "EvtNum": 3 * np.arange(events, dtype=np.int32),
            "EvtWght": np.full(events, 2.0),
            "EvtXSec": np.full(events, 0.25),
            "EvtVtx": vertex,
            "StdHepPdg": jagged(np.tile(np.array(pdg, np.int32), n // 4), counts),
            "StdHepStatus": jagged(np.tile(np.array(status, np.int32), n // 4), counts),
            "StdHepFm": jagged(np.tile(np.array([-1, -1, 0, 1], np.int32), n // 4), counts),
            "StdHepP4": jagged(momentum.reshape(-1), 4 * counts),
        },
    )


def make_gst(path, events, seed, variant):
    """Event 1 has no hadrons."""
    counts = np.full(events, 2)
    counts[1] = 0
    n = int(counts.sum())
    energy = np.full(events, np.nan if variant == "not finite" else 2.0 + seed)
    return rooted(
        path,
        "gst",
        {
            "iev": 3 * np.arange(events, dtype=np.int32),
            "neu": np.full(events, 14, np.int32),
            "fspl": np.full(events, 13, np.int32),
            "tgt": np.full(events, 1000180400, np.int32),
            "cc": np.ones(events, bool),
            "nc": np.zeros(events, bool),
            "res": np.ones(events, bool),
            "wght": np.full(events, 0.5),
            "Ev": energy,
            "pzv": energy,
            "El": np.full(events, 1.0),
            "Q2": np.full(events, 0.5),
            "vtxx": np.full(events, 1.5),
            "vtxy": np.full(events, 2.0),
            "vtxz": np.full(events, 3.0),
            "vtxt": np.full(events, 4e-9),
            "pdgf": jagged(np.full(n, 2212, np.int32), counts),
            **{name: jagged(np.full(n, 0.3), counts) for name in ("Ef", "pxf", "pyf", "pzf")},
        },
    )


def make_nuisance(path, events, seed, variant):
    counts = np.full(events, 2)
    counts[1] = 0
    n = int(counts.sum())

    def particles(suffix, pdg):
        lists = {f"{name}{suffix}": jagged(np.full(n, 0.25, np.float32), counts) for name in ("px", "py", "pz", "E")}
        return {**lists, f"pdg{suffix}": jagged(np.tile(np.array(pdg, np.int32), n // 2), counts)}

    return rooted(
        path,
        "FlatTree_VARS",
        {
            "Mode": np.full(events, -31 if seed else 1, np.int32),
            "PDGnu": np.full(events, 14, np.int32),
            "Enu_true": np.full(events, np.nan if variant == "not finite" else 0.75, np.float32),
            "tgt": np.full(events, 1000060120, np.int32),
            "Q2": np.full(events, 0.5, np.float32),
            "Weight": np.full(events, 2.0, np.float32),
            "fScaleFactor": np.full(events, 1e-42),
            **particles("", (13, 2212)),
            **particles("_init", (14, 2112)),
        },
    )


def make_gibuu(path, events, seed, variant):
    """Event 1 has the leptons alone."""
    counts = np.full(events, 2)
    counts[1] = 0
    n = int(counts.sum())
    lepton = np.full(events, np.nan if variant == "not finite" else 1.5 + seed)
    return rooted(
        path,
        "RootTuple",
        {
            "weight": np.full(events, 0.125),
            "barcode": jagged(np.tile(np.array([2212, 211], np.int32), n // 2), counts),
            **{name: jagged(np.full(n, 0.5), counts) for name in ("Px", "Py", "Pz", "E")},
            "lepIn_E": lepton,
            "lepIn_Pz": lepton,
            "lepOut_E": lepton / 2,
            "lepOut_Pz": lepton / 2,
            "evType": np.full(events, 34, np.int32),
            "process_ID": np.full(events, -2, np.int32),
            "flavor_ID": np.full(events, 2, np.int32),
        },
    )


def make_nuhepmc(path, events, seed, variant):
    """Event 1 has no particles; the others a neutrino, a nucleus and two that leave."""
    lines = ["HepMC::Version 3.03.01", "HepMC::Asciiv3-START_EVENT_LISTING", "W CV", "A NuHepMC.Version.Major 1"]
    energy = "nan" if variant == "not finite" else f"{1.5 + seed}e+00"
    for i in range(events):
        lines += [f"E {3 * i} 1 4", "U GEV MM", "W 5.0e-01", "A 0 lab_pos 10.0 20.0 30.0 4e-9"]
        lines += [f"A 0 {'ProcID' if seed else 'signal_process_id'} 450"]
        if i != 1:
            lines += [
                f"P 1 0 14 0 0 {energy} {energy} 0 4",
                "P 2 0 1000180400 0 0 0 3.7e+01 3.7e+01 20",
                "V -1 1 [1,2]",
                "P 3 -1 14 1e-01 0 1.0e+00 1.0e+00 0 1",
                "P 4 -1 2212 0 0 5e-01 1.06e+00 9.38e-01 31",
            ]
    path.write_text("\n".join([*lines, "HepMC::Asciiv3-END_EVENT_LISTING", "", ""]))
    return path


def make_kin(path, events, seed, variant):
    """Event 1 has no tracks."""
    lines = []
    for i in range(events):
        lines += ["$ begin", "$ nuance 1", "$ vertex 1.0 2.0 3.0 4.0"]
        if i != 1:
            energy = "nan" if variant == "not finite" else 20.0 + seed
            lines += [
                f"$ track -12 {energy} 0 0 1 -1",
                "$ track 2212 938.272 0 0 1 -1",
                "$ info 0 0 0",
                "$ track -11 15.0 1.0 0 0 0",
                "$ track 2112 942.0 0 0 1 0",
            ]
        lines += ["$ end"]
    path.write_text("\n".join([*lines, "$ stop", ""]))
    return path


def make_miniboone(path, events, seed, variant):
    energy = "nan" if variant == "not finite" else "1202.76"
    rows = [f"{energy}\t{1118 + i}.5\t51884.7\t{seed + 1}.5" for i in range(events)]
    path.write_text("\n".join([*rows, ""]))
    return path


FIXTURES = [
    Fixture(
        "rootracker",
        ROOTRACKER,
        make_rootracker,
        empty=("particles",),
        expected={
            "event.energy": 500,
            "event.weight": 2,
            "interactions.vertex": [100, 200, 300],
            "interactions.time": 4,
            "particles.momentum": [0, 0, 500],
            "particles.status": 4,
        },
        variants=("not finite",),
        real={"prometheus/gtrac_1_nue.root": {"events": 1000, "interactions": 1000, "particles": 12081}},
    ),
    Fixture(
        "gst",
        GST,
        make_gst,
        expected={
            "event.energy": 2000,
            "event.interaction": 1,
            "event.weight": 0.5,
            "interactions.mode": 400,
            "interactions.vertex": [150, 200, 300],
            "interactions.time": 4,
            "interactions.Q2": 5e5,
            "particles.momentum": [float("nan"), float("nan"), 2000],
        },
        variants=("not finite",),
    ),
    Fixture(
        "nuisance",
        NUISANCE,
        make_nuisance,
        empty=("particles",),
        expected={
            "event.energy": 750,
            "interactions.mode": 200,
            "interactions.Q2": 5e5,
            "interactions.cross_section": 2e-42,
            "particles.pdg": 14,
            "particles.momentum": [250, 250, 250],
        },
        variants=("not finite",),
    ),
    Fixture(
        "gibuu",
        GIBUU,
        make_gibuu,
        expected={
            "event.energy": 1500,
            "event.weight": 0.125,
            "interactions.mode": 600,
            "interactions.neutrino": -14,
            "particles.energy": 1500,
        },
        variants=("not finite",),
    ),
    Fixture(
        "nuhepmc",
        NUHEPMC,
        make_nuhepmc,
        empty=("particles",),
        expected={
            "event.energy": 1500,
            "event.weight": 0.5,
            "event.interaction": 2,
            "interactions.mode": 450,
            "interactions.vertex": [1, 2, 3],
            "interactions.time": 4,
            "particles.momentum": [0, 0, 1500],
        },
        variants=("not finite",),
        real={"nuhepmc/test.v1.0.0.hepmc3": {"events": 4, "particles": 67}},
    ),
    Fixture(
        "kin",
        KIN,
        make_kin,
        empty=("particles",),
        expected={
            "event.energy": 20,
            "interactions.mode": 200,
            "interactions.vertex": [1, 2, 3],
            "interactions.time": 4,
            "particles.momentum": [0, 0, 20],
        },
        variants=("not finite",),
    ),
    Fixture(
        "miniboone",
        MINIBOONE,
        make_miniboone,
        expected={"event.energy": 1118.5, "event.energy_qe": 1202.76, "event.baseline": 51884.7, "event.weight": 1.5},
        variants=("not finite",),
        real={"miniboone/miniboone_numunuefullosc_ntuple.txt": {"events": 17204}},
    ),
]
