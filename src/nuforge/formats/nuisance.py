"""NUISANCE flat trees: events of any generator with the variables of cross-section measurements (GeV)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.events import Column, Events
from nuforge.formats.flat_tree import Integers, coded, events_of, particles_of, real, whole
from nuforge.formats.format import Format
from nuforge.formats.generators import (
    BEAM,
    COHERENT,
    DEEP,
    DOCUMENTATION,
    FINAL,
    QUASI_ELASTIC,
    RESONANT,
    SHALLOW,
    TARGET,
    TWO_NUCLEONS,
    in_events,
)
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.identity import source_of
from nuforge.formats.root import Entries, entries_of

NUISANCE_TREE = "FlatTree_VARS"
_NEUT = {
    **dict.fromkeys((1, 51, 52), QUASI_ELASTIC),
    2: TWO_NUCLEONS,
    **dict.fromkeys((11, 12, 13, 17, 22, 23, 31, 32, 33, 34, 38, 39, 42, 43, 44, 45), RESONANT),
    **dict.fromkeys((15, 16, 35, 36), COHERENT),
    **dict.fromkeys((21, 41), SHALLOW),
    **dict.fromkeys((26, 46), DEEP),
}
"""NuHepMC's number of NEUT's modes, as if of charged currents; NEUT's neutral currents are above 30."""

_NUISANCE_NEEDED = ("Mode", "PDGnu", "Enu_true", "pdg", "px", "py", "pz", "E")
_NUISANCE_LISTS = (("pdg_init", "_init", TARGET), ("pdg_vert", "_vert", DOCUMENTATION), ("pdg", "", FINAL))
_NUISANCE_MORE = (
    whole("target", "PDG number of the target", "tgt"),
    whole("neut_mode", "mode as NEUT has it", "Mode"),
    real("bjorken_x", "", "Bjorken x", "x"),
    real("inelasticity", "", "y", "y"),
    real("Q2", "MeV2", "minus the square of the momentum transfer", "Q2", units.GeV**2),
    real("W", "MeV", "mass of the hadronic system", "W", units.GeV),
    real("q0", "MeV", "energy transfer", "q0", units.GeV),
    real("q3", "MeV", "momentum transfer", "q3", units.GeV),
    real("energy_qe", "MeV", "neutrino energy of quasi-elastic kinematics", "Enu_QE", units.GeV),
    real("missing_energy", "MeV", "missing energy", "Emiss", units.GeV),
    real("missing_momentum", "MeV", "missing momentum", "pmiss", units.GeV),
)
_SCALE = Column("cm2", "cross section per nucleon that this event stands for: its weight times fScaleFactor", "truth")


def _is_nuisance(seen: Glimpse) -> bool:
    return seen.kind is Kind.ROOT and seen.has(f"{NUISANCE_TREE}:TTree")


def read_nuisance(path: Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a flat tree of NUISANCE, some at a time; the number of an event is that of its entry.

    Raises:
        InputError: If a branch is missing or the lists of an entry are not of one length.
    """
    source = source_of(path)
    lists = [f"{name}{suffix}" for _, suffix, _ in _NUISANCE_LISTS for name in ("px", "py", "pz", "E", "pdg")]
    more = [take.fields[0] for take in _NUISANCE_MORE]
    wanted = list(dict.fromkeys([*_NUISANCE_NEEDED, *lists, *more, "cc", "Weight", "fScaleFactor"]))
    for entries in entries_of(path, NUISANCE_TREE, wanted, batch_events, _NUISANCE_NEEDED):
        n, mode = len(entries), entries.plain("Mode").astype(np.int64)
        neutral = ~entries.plain("cc").astype(bool) if "cc" in entries else np.abs(mode) > 30
        weight = entries.plain("Weight").astype(np.float64) if "Weight" in entries else None
        events = events_of(
            entries,
            source,
            event=entries.first + np.arange(n),
            weight=weight,
            neutrino=entries.plain("PDGnu"),
            energy=entries.plain("Enu_true") * units.GeV,
            mode=coded(np.abs(mode), _NEUT),
            current=np.where(neutral, 2, 1),
            vertex=np.full((n, 3), np.nan),
            time=np.full(n, np.nan),
            particles=_nuisance_particles(path, entries),
            more=_NUISANCE_MORE,
        )
        if weight is not None and "fScaleFactor" in entries:
            scaled = {"cross_section": torch.from_numpy(weight * entries.plain("fScaleFactor").astype(np.float64))}
            table = events["interactions"].with_columns(scaled, {"cross_section": _SCALE})
            events = events.with_table("interactions", table)
        yield events


def _nuisance_particles(path: Path, entries: Entries) -> tuple[Integers, dict[str, NDArray]]:
    """Particles of each entry: what comes in, what leaves the vertex, what leaves the nucleus."""
    lists = []
    for pdg, suffix, status in _NUISANCE_LISTS:
        if pdg in entries:
            fields = (f"px{suffix}", f"py{suffix}", f"pz{suffix}", f"E{suffix}")
            counts, rows = particles_of(path, entries, pdg, fields, units.GeV, status)
            if status == TARGET:
                neutrino = np.isin(np.abs(rows["pdg"]), (11, 12, 13, 14, 15, 16))
                rows["status"] = np.where(neutrino, BEAM, TARGET)
            lists.append((counts, rows))
    return in_events(*lists)


NUISANCE = Format("nuisance", "NUISANCE flat tree (ROOT)", "doc", _is_nuisance, read_nuisance)
