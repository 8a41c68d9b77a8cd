"""GENIE's events: its rootracker trees, with every particle of the record, and its summary trees gst.

Units of both: GeV; of rootracker the vertex in m and s, positions of particles in fm from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Column, Events
from nuforge.formats.format import Format
from nuforge.formats.generators import (
    BEAM,
    COHERENT,
    DECAYED,
    DEEP,
    DOCUMENTATION,
    FINAL,
    OTHER,
    OWN_STATUS,
    QUASI_ELASTIC,
    RESONANT,
    STRUCK,
    TARGET,
    TWO_NUCLEONS,
    Generated,
    in_events,
    probes,
)
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.identity import source_of
from nuforge.formats.root import Entries, entries_of
from nuforge.formats.taken import Take, taken

TRACKER, SUMMARY = "gRooTracker", "gst"

_INITIAL, _INTERMEDIATE, _DECAYED, _NUCLEON = 0, 2, 3, 11
_NUCLEUS = 1_000_000_000

_SCATTERING = {
    "QES": QUASI_ELASTIC,
    "1Kaon": OTHER,
    "DIS": DEEP,
    "RES": RESONANT,
    "COH": COHERENT,
    "DFR": COHERENT,
    "MEC": TWO_NUCLEONS,
    "CEvNS": COHERENT,
    "NuEEL": OTHER,
    "IMD": OTHER,
    "AMNuGamma": OTHER,
    "IBD": QUASI_ELASTIC,
    "GLR": OTHER,
    "PHI": OTHER,
    "HEDIS": DEEP,
}
"""NuHepMC's number of GENIE's scattering types, as its reaction strings have them (ScatteringType.h)."""

_PROCESS = re.compile(r"proc:(?:(?P<kind>[\w-]+)\[(?P<current>[^\]]*)\])?,?(?P<scattering>[\w-]*)")
_PROBE = re.compile(r"(?:^|;)nu:(-?\d+)")
_CURRENTS = {"CC": 1, "NC": 2, "EM": 3}

_REQUIRED = ("StdHepPdg", "StdHepStatus", "StdHepP4")
_TRACKER_BRANCHES = (
    "EvtCode/fString",
    "EvtNum",
    "EvtWght",
    "EvtVtx",
    "EvtXSec",
    "EvtDXSec",
    *_REQUIRED,
    "StdHepFm",
)
_CROSS_SECTIONS = (
    Take("cross_section", Column("1e-38 cm2", "total cross section", "truth"), ("EvtXSec",), torch.float64),
    Take(
        "differential_cross_section",
        Column("1e-38 cm2", "cross section of the kinematics chosen, per unit of its own variables", "truth"),
        ("EvtDXSec",),
        torch.float64,
    ),
)


def _is_tracker(seen: Glimpse) -> bool:
    return seen.kind is Kind.ROOT and seen.has(f"{TRACKER}:TTree")


def _is_summary(seen: Glimpse) -> bool:
    return seen.kind is Kind.ROOT and seen.has(f"{SUMMARY}:TTree")


def read_rootracker(path: Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a rootracker tree, some at a time.

    Yields:
        `event`, `interactions` (vertex, mode and current of the reaction string) and `particles`. Every particle
        begins at the vertex: fm are nothing to a detector.

    Raises:
        InputError: If a branch is missing or the lists of an entry are not of one length.
    """
    source = source_of(path)
    for entries in entries_of(path, TRACKER, _TRACKER_BRANCHES, batch_events, _REQUIRED):
        yield _tracked(path, entries).events(source)


def _tracked(path: Path, entries: Entries) -> Generated:
    """Events of entries of a rootracker tree."""
    n, counts = len(entries), entries.counts("StdHepPdg")
    pdg = entries.flat("StdHepPdg").astype(np.int64)
    momentum, own = entries.flat("StdHepP4").reshape(-1, 4) * units.GeV, entries.flat("StdHepStatus")
    if len(own) != len(pdg) or len(momentum) != len(pdg):
        raise InputError(f"lists of particles of {path} are not of one length; copy or write it again")
    status = _statuses(own, pdg)
    mother = entries.flat("StdHepFm") if "StdHepFm" in entries else np.full(len(pdg), -1)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    inside = (mother >= 0) & (mother < np.repeat(counts, counts))
    batch = np.repeat(np.arange(n), counts)
    neutrino, energy = probes(pdg, momentum[:, 3], status, counts)
    vertex = entries.plain("EvtVtx") if "EvtVtx" in entries else np.full((n, 4), np.nan)
    mode, current = _reactions(entries.text("EvtCode/fString")) if "EvtCode/fString" in entries else _unknown(n)
    more, about = taken(_CROSS_SECTIONS, entries.columns, entries.plain)
    return Generated(
        event=entries.plain("EvtNum") if "EvtNum" in entries else entries.first + np.arange(n),
        weight=entries.plain("EvtWght") if "EvtWght" in entries else None,
        neutrino=neutrino,
        energy=energy,
        mode=mode,
        current=current,
        vertex=vertex[:, :3] * units.m,
        time=vertex[:, 3] * units.s,
        counts=counts,
        pdg=pdg,
        status=status,
        parent=np.where(inside, mother + first, -1),
        start=vertex[batch, :3] * units.m,
        momentum=momentum[:, :3],
        particle_energy=momentum[:, 3],
        more=more,
        about=about,
    )


def _unknown(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.zeros(n, np.int64), np.zeros(n, np.int64)


def _statuses(own: NDArray[np.integer], pdg: NDArray[np.int64]) -> NDArray[np.int64]:
    """NuHepMC's status (N,) of GENIE's: of what comes in, nuclei and nucleons are the target, all else the beam."""
    heavy = (np.abs(pdg) >= _NUCLEUS) | np.isin(pdg, (2112, 2212))
    return np.select(
        [
            (own == _INITIAL) & heavy,
            own == _INITIAL,
            own == FINAL,
            own == _INTERMEDIATE,
            own == _DECAYED,
            own == _NUCLEON,
        ],
        [TARGET, BEAM, FINAL, DOCUMENTATION, DECAYED, STRUCK],
        own.astype(np.int64) + OWN_STATUS,
    )


def _reactions(strings: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """NuHepMC's mode and the current (B,) of GENIE's reaction strings; there are few different ones."""
    known, which = np.unique(np.array(strings, dtype=object).astype(str), return_inverse=True)
    found = np.array([_reaction(each) for each in known], dtype=np.int64).reshape(-1, 2)
    return found[which, 0], found[which, 1]


def _reaction(text: str) -> tuple[int, int]:
    """NuHepMC's mode and the current of a reaction string such as `nu:14;tgt:1000180400;N:2112;proc:Weak[CC],QES;`."""
    match = _PROCESS.search(text)
    if match is None:
        return 0, 0
    current = _CURRENTS.get((match["current"] or "").split("+")[0], 0)
    mode = _SCATTERING.get(match["scattering"], 0)
    return (mode and {1: mode, 2: mode + 50, 3: -mode}.get(current, mode)), current


# Summary trees

_FLAGS = {
    "qel": QUASI_ELASTIC,
    "mec": TWO_NUCLEONS,
    "res": RESONANT,
    "dis": DEEP,
    "coh": COHERENT,
    "dfr": COHERENT,
    "imd": OTHER,
    "imdanh": OTHER,
    "nuel": OTHER,
    "singlek": OTHER,
    "amnugamma": OTHER,
}
_SUMMARY_NEEDED = ("neu", "Ev", "pdgf", "Ef", "pxf", "pyf", "pzf")


def _kinematics(column: str, unit: str, meaning: str, field: str, scale: float = 1.0) -> Take:
    return Take(column, Column(unit, meaning, "truth"), (field,), scale=scale)


_SUMMARY_MORE = (
    Take("target", Column("", "PDG number of the target", "truth"), ("tgt",), torch.int64),
    Take("struck", Column("", "PDG number of the struck nucleon, 0 for none", "truth"), ("hitnuc",), torch.int64),
    _kinematics("bjorken_x", "", "Bjorken x", "x"),
    _kinematics("inelasticity", "", "y", "y"),
    _kinematics("Q2", "MeV2", "minus the square of the momentum transfer", "Q2", units.GeV**2),
    _kinematics("W", "MeV", "mass of the hadronic system", "W", units.GeV),
)
_VERTEX = ("vtxx", "vtxy", "vtxz", "vtxt")


def read_gst(path: Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a summary tree, some at a time: neutrino, lepton and the hadrons that leave the nucleus.

    Raises:
        InputError: If a branch is missing.
    """
    source = source_of(path)
    lepton = ("El", "pxl", "pyl", "pzl")
    plain = ("iev", "wght", "pxv", "pyv", "pzv", "cc", "nc", "em", "fspl", *lepton, *_FLAGS, *_VERTEX)
    more = [take.fields[0] for take in _SUMMARY_MORE]
    for entries in entries_of(path, SUMMARY, (*_SUMMARY_NEEDED, *plain, *more), batch_events, _SUMMARY_NEEDED):
        yield _summary(path, entries).events(source)


def _summary(path: Path, entries: Entries) -> Generated:
    """Events of entries of a summary tree: of each the neutrino, the lepton, then the hadrons."""
    n, neutrino = len(entries), entries.plain("neu").astype(np.int64)
    counts, rows = _particles(path, entries, neutrino)
    momentum = rows["momentum"] * units.GeV
    vertex = np.stack([_plain(entries, name) for name in _VERTEX], 1) * [units.m, units.m, units.m, units.s]
    mode, current = _flagged(entries)
    more, about = taken(_SUMMARY_MORE, entries.columns, entries.plain)
    batch = np.repeat(np.arange(n), counts)
    return Generated(
        event=_plain(entries, "iev", entries.first + np.arange(n)).astype(np.int64),
        weight=_plain(entries, "wght", 1.0),
        neutrino=neutrino,
        energy=entries.plain("Ev").astype(np.float64) * units.GeV,
        mode=mode,
        current=current,
        vertex=vertex[:, :3],
        time=vertex[:, 3],
        counts=counts,
        pdg=rows["pdg"],
        status=rows["status"],
        parent=np.full(len(momentum), -1),
        start=vertex[batch, :3],
        momentum=momentum[:, :3],
        particle_energy=momentum[:, 3],
        more=more,
        about=about,
    )


def _particles(path: Path, entries: Entries, neutrino: NDArray[np.int64]) -> tuple[NDArray, dict[str, NDArray]]:
    """How many particles each event of a summary tree has, and of all their PDG number, momentum in GeV and status."""
    hadrons = entries.counts("pdgf")
    fields = [entries.flat(name) for name in ("pxf", "pyf", "pzf", "Ef")]
    if {len(each) for each in fields} != {int(hadrons.sum())}:
        raise InputError(f"lists of particles of {path} are not of one length; copy or write it again")
    one = np.ones(len(entries), np.int64)
    heads = (
        ("pxv", "pyv", "pzv", "Ev", neutrino, BEAM),
        ("pxl", "pyl", "pzl", "El", _plain(entries, "fspl", 0.0).astype(np.int64), FINAL),
    )
    singles = [
        (one, {"pdg": pdg, "momentum": np.stack([_plain(entries, n) for n in names], 1), "status": status * one})
        for *names, pdg, status in heads
    ]
    many = {"pdg": entries.flat("pdgf"), "momentum": np.stack(fields, 1), "status": np.full(len(fields[0]), FINAL)}
    return in_events(*singles, (hadrons, many))


def _plain(entries: Entries, name: str, missing: float | NDArray = np.nan) -> NDArray:
    """A number of each entry; what stands for it where the branch is not there."""
    return entries.plain(name) if name in entries else np.broadcast_to(missing, len(entries)).astype(np.float64)


def _flagged(entries: Entries) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """NuHepMC's mode and the current (B,) of flags."""
    n = len(entries)
    mode = np.zeros(n, np.int64)
    for name, value in _FLAGS.items():
        if name in entries:
            mode = np.where(entries.plain(name).astype(bool), value, mode)
    current = np.zeros(n, np.int64)
    for name, value in {"cc": 1, "nc": 2, "em": 3}.items():
        if name in entries:
            current = np.where(entries.plain(name).astype(bool), value, current)
    mode = np.where((current == 2) & (mode > 0), mode + 50, np.where(current == 3, -mode, mode))
    return mode, current


ROOTRACKER = Format("rootracker", "GENIE rootracker (ROOT)", "seen", _is_tracker, read_rootracker)
GST = Format("gst", "GENIE summary tree gst (ROOT)", "doc", _is_summary, read_gst)
