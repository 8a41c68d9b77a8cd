"""GiBUU's RootTuple: the lepton and the particles that leave the nucleus, an entry an event (GeV)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nuforge import units
from nuforge.events import Events
from nuforge.formats.flat_tree import coded, events_of, integers_of, particles_of, whole
from nuforge.formats.format import Format
from nuforge.formats.generators import (
    BEAM,
    DEEP,
    FINAL,
    QUASI_ELASTIC,
    RESONANT,
    SHALLOW,
    TWO_NUCLEONS,
    in_events,
)
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.identity import source_of
from nuforge.formats.root import Entries, entries_of

GIBUU_TREE = "RootTuple"
_GIBUU = {
    1: QUASI_ELASTIC,
    **dict.fromkeys(range(2, 32), RESONANT),
    32: SHALLOW,
    33: SHALLOW,
    34: DEEP,
    35: TWO_NUCLEONS,
    36: TWO_NUCLEONS,
    37: SHALLOW,
}
"""NuHepMC's number of GiBUU's evType: 1 quasi-elastic, 2 to 31 a resonance, 32, 33 one and 37 two pions of the
background, 34 deep inelastic, 35 and 36 two nucleons."""

_GIBUU_NEEDED = ("weight", "barcode", "Px", "Py", "Pz", "E", "lepIn_E")
_LEPTONS = {"lepIn": BEAM, "lepOut": FINAL}
_COMPONENTS = ("Px", "Py", "Pz", "E")


def _is_gibuu(seen: Glimpse) -> bool:
    return seen.kind is Kind.ROOT and seen.has(f"{GIBUU_TREE}:TTree")


def read_gibuu(path: Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of GiBUU's RootTuple, some at a time; the number of an event is that of its entry.

    Positions in the nucleus (fm) are left out.

    Raises:
        InputError: If a branch is missing or the lists of an entry are not of one length.
    """
    source = source_of(path)
    leptons = [f"{name}_{component}" for name in _LEPTONS for component in _COMPONENTS]
    wanted = [*_GIBUU_NEEDED, *leptons, "evType", "process_ID", "flavor_ID", "nucleus_A", "nucleus_Z"]
    for entries in entries_of(path, GIBUU_TREE, list(dict.fromkeys(wanted)), batch_events, _GIBUU_NEEDED):
        n = len(entries)
        flavour, process = integers_of(entries, "flavor_ID"), integers_of(entries, "process_ID")
        charged = np.sign(process) * (2 * flavour + 9) * (flavour > 0)  # 1, 2, 3: e, mu, tau; negative antiparticles
        neutrino = np.where(np.abs(process) > 1, charged + np.sign(charged), charged)
        outgoing = np.where(np.abs(process) == 2, charged, neutrino)
        ones = np.ones(n, np.int64)
        heads = [
            (ones, {"pdg": pdg, "status": status * ones, "momentum": _lepton(entries, name)})
            for (name, status), pdg in zip(_LEPTONS.items(), (neutrino, outgoing), strict=True)
        ]
        final = particles_of(path, entries, "barcode", _COMPONENTS, units.GeV, FINAL)
        yield events_of(
            entries,
            source,
            event=entries.first + np.arange(n),
            weight=entries.plain("weight"),
            neutrino=neutrino,
            energy=entries.plain("lepIn_E") * units.GeV,
            mode=coded(integers_of(entries, "evType"), _GIBUU),
            current=np.select([np.abs(process) == k for k in (1, 2, 3)], [3, 1, 2], 0),
            vertex=np.full((n, 3), np.nan),
            time=np.full(n, np.nan),
            particles=in_events(*heads, final),
            more=(
                whole("target_A", "nucleons of the target", "nucleus_A"),
                whole("target_Z", "protons", "nucleus_Z"),
            ),
        )


def _lepton(entries: Entries, name: str) -> NDArray:
    """Momentum (px, py, pz, E) of a lepton of each entry, MeV; NaN if it is not there."""
    nothing = np.full(len(entries), np.nan)
    names = [f"{name}_{component}" for component in _COMPONENTS]
    return np.stack([entries.plain(each) if each in entries else nothing for each in names], 1) * units.GeV


GIBUU = Format("gibuu", "GiBUU RootTuple (ROOT)", "doc", _is_gibuu, read_gibuu)
