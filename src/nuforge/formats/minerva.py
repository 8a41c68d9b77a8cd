"""MINERvA's MasterAnaDev tuples: reconstructed events with their truth (mm, MeV)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.events import Column, Events
from nuforge.formats.flat_tree import coded, events_of, integers_of, particles_of, real, whole
from nuforge.formats.format import Format
from nuforge.formats.generators import (
    COHERENT,
    DEEP,
    FINAL,
    OTHER,
    QUASI_ELASTIC,
    RESONANT,
    TWO_NUCLEONS,
)
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.identity import source_of
from nuforge.formats.root import Entries, entries_of
from nuforge.formats.taken import Take, taken

MINERVA_TREE = "MasterAnaDev"
_MINERVA = {1: QUASI_ELASTIC, 2: RESONANT, 3: DEEP, 4: COHERENT, 5: COHERENT, 6: OTHER, 7: OTHER, 8: TWO_NUCLEONS}
"""NuHepMC's number of mc_intType, the scattering types of GENIE 2."""

_MINERVA_NEEDED = ("mc_incoming", "mc_incomingE", "mc_intType", "mc_current", "mc_vtx")
_FINAL_STATE = ("mc_FSPartPx", "mc_FSPartPy", "mc_FSPartPz", "mc_FSPartE")
_MINERVA_MORE = (
    whole("target_A", "nucleons of the target", "mc_targetA"),
    whole("target_Z", "protons of the target", "mc_targetZ"),
    real("bjorken_x", "", "Bjorken x", "mc_Bjorkenx"),
    real("inelasticity", "", "y", "mc_Bjorkeny"),
    real("Q2", "MeV2", "minus the square of the momentum transfer", "mc_Q2"),
    real("W", "MeV", "mass of the hadronic system", "mc_w"),
)
_RECONSTRUCTED = (
    Take("vertex", Column("cm", "reconstructed vertex", "readout"), ("vtx",), scale=units.mm),
    Take("vertex_time", Column("ns", "reconstructed time", "readout"), ("vtx",), torch.float64),
    Take(
        "lepton_momentum",
        Column("MeV", "reconstructed px, py, pz, E of the lepton", "readout"),
        ("MasterAnaDev_leptonE",),
    ),
    Take(
        "recoil_energy",
        Column("MeV", "calorimetric energy beside the lepton", "readout"),
        ("MasterAnaDev_recoil_E", "recoil_E"),
    ),
    Take(
        "minos_match",
        Column("", "whether the track matches one in MINOS", "readout"),
        ("isMinosMatchTrack",),
        torch.bool,
    ),
    Take(
        "muon_charge_over_momentum",
        Column("1/MeV", "charge over momentum of the muon", "readout"),
        ("MasterAnaDev_minos_trk_qp",),
    ),
)


def _is_minerva(seen: Glimpse) -> bool:
    return seen.kind is Kind.ROOT and seen.has(f"{MINERVA_TREE}:TTree")


def read_minerva(path: Path, batch_events: int = 64) -> Iterator[Events]:
    """The reconstructed events of a MasterAnaDev tuple, some at a time, with their truth.

    The tree `Truth`, with the events that were not reconstructed, and the exposure in `Meta` are left out.

    Raises:
        InputError: If a branch is missing or the lists of an entry are not of one length.
    """
    source = source_of(path)
    more = [field for take in (*_MINERVA_MORE, *_RECONSTRUCTED) for field in take.fields]
    identity = ("mc_run", "mc_subrun", "mc_nthEvtInFile", "ev_run", "ev_subrun", "ev_gate", "mc_cvweight_total", "wgt")
    wanted = list(dict.fromkeys([*_MINERVA_NEEDED, "mc_FSPartPDG", *_FINAL_STATE, *more, *identity]))
    for entries in entries_of(path, MINERVA_TREE, wanted, batch_events, _MINERVA_NEEDED):
        yield _minerva(path, entries, source)


def _minerva(path: Path, entries: Entries, source: int) -> Events:
    """Events of entries of a MasterAnaDev tuple."""
    n, vertex = len(entries), entries.plain("mc_vtx").astype(np.float64)
    if "mc_FSPartPDG" in entries:
        particles = particles_of(path, entries, "mc_FSPartPDG", _FINAL_STATE, units.MeV, FINAL)
    else:
        nothing = np.zeros(0, np.int64)
        particles = np.zeros(n, np.int64), {"pdg": nothing, "status": nothing, "momentum": np.zeros((0, 4))}
    events = events_of(
        entries,
        source,
        event=_first(entries, ("mc_nthEvtInFile", "ev_gate"), entries.first + np.arange(n)),
        weight=_first(entries, ("mc_cvweight_total", "wgt"), np.ones(n)),
        neutrino=entries.plain("mc_incoming"),
        energy=entries.plain("mc_incomingE") * units.MeV,
        mode=coded(entries.plain("mc_intType"), _MINERVA),
        current=np.clip(integers_of(entries, "mc_current"), 0, 2),
        vertex=vertex[:, :3] * units.mm,
        time=vertex[:, 3] if vertex.shape[1] > 3 else np.full(n, np.nan),
        particles=particles,
        more=_MINERVA_MORE,
    )
    columns, about = taken(_RECONSTRUCTED, entries.columns, entries.plain)
    if "vertex" in columns:
        columns["vertex"], columns["vertex_time"] = columns["vertex"][:, :3], columns["vertex_time"][:, -1]
    zero = np.zeros(n, np.int64)
    for name, fields in {"run": ("mc_run", "ev_run"), "subrun": ("mc_subrun", "ev_subrun")}.items():
        columns[name] = torch.from_numpy(_first(entries, fields, zero).astype(np.int64))
    return events.with_table("event", events["event"].with_columns(columns, about))


def _first(entries: Entries, names: tuple[str, ...], otherwise: NDArray) -> NDArray:
    """The first of some branches that is there."""
    return next((entries.plain(name) for name in names if name in entries), otherwise)


MINERVA = Format("minerva", "MINERvA MasterAnaDev tuple (ROOT)", "doc", _is_minerva, read_minerva)
