"""Momenta: the particles of a generated interaction as arrows, and as a list."""

from __future__ import annotations

import numpy as np

from nuforge.display import style
from nuforge.display.drawing import Drawing, Listing, Panel, Part, Strokes
from nuforge.display.names import particle_name
from nuforge.display.overlays import spoken
from nuforge.display.pictures.picture import DrawnParts, Picture
from nuforge.display.quantity import Unit
from nuforge.display.seen import Seen, array, number_of
from nuforge.events import Events, Table

_FINAL, _BEAM, _TARGET = 1, 4, 20
_STATUS = {1: "final", 2: "decayed", 3: "documentation", 4: "beam", 20: "target", 21: "struck nucleon"}
_LISTED = 300  # particles
_MODES = {
    1: "coherent",
    2: "quasi-elastic",
    3: "two nucleons",
    4: "resonant",
    5: "shallow inelastic",
    6: "deep inelastic",
    7: "other",
}


def _fits(events: Events) -> bool:
    return "particles" in events and {"momentum", "status", "pdg"} <= set(events["particles"])


def _draw(seen: Seen) -> DrawnParts:
    table = seen.event["particles"]
    momentum, status = array(table, "momentum").reshape(-1, 3), number_of(table, "status")
    unit = Unit.of("MeV", momentum)
    parts = _arrows(table, momentum / unit.size, status)
    axes = [f"p{axis} / {unit.name}/c" for axis in "xyz"]
    panel = Panel(tuple(parts), axes[0], axes[1], axes[2], up=(0.0, 1.0, 0.0))
    facts = (*_interaction(seen.event), f"{int((status == _FINAL).sum())} particles leave the nucleus")
    note = "Arrows are momenta: the beam ends in the middle, final particles begin there. Dots mark the tips."
    return DrawnParts(Drawing((panel,), note=note, facts=facts, listing=_listing(table, momentum, status)))


def _arrows(table: Table, momentum: np.ndarray, status: np.ndarray) -> list[Part]:
    """Arrows by kind: beam, final particles by name, all others when asked for."""
    pdg = number_of(table, "pdg")
    good = np.isfinite(momentum).all(1) & (np.abs(momentum).sum(1) > 0)
    zero = np.zeros_like(momentum)
    parts: list[Part] = []
    beam = np.flatnonzero(good & (status == _BEAM))
    if len(beam):
        ends = np.stack([-momentum, zero], axis=1)[beam]
        parts.append(_strokes(table, beam, ends, "beam", style.INK, True))
    final = np.flatnonzero(good & (status == _FINAL))
    order = sorted(
        set(pdg[final].tolist()), key=lambda p: -float(np.linalg.norm(momentum[final][pdg[final] == p], axis=1).max())
    )
    ends = np.stack([zero, momentum], axis=1)
    for k, p in enumerate(order):
        rows = final[pdg[final] == p]
        name = particle_name(p) + f" x {len(rows)}" * (len(rows) > 1)
        parts.append(_strokes(table, rows, ends[rows], name, style.cluster_color(k), True))
    rest = np.flatnonzero(good & (status != _FINAL) & (status != _BEAM))
    if len(rest):
        parts.append(_strokes(table, rest, ends[rest], "inside the nucleus", style.FAINT, False))
    return parts


def _strokes(table: Table, rows: np.ndarray, ends: np.ndarray, name: str, color: str, shown: bool) -> Strokes:
    size = np.linalg.norm(array(table, "momentum")[rows], axis=1)
    pdg = number_of(table, "pdg")[rows]
    texts = tuple(f"{particle_name(int(p))}, {spoken(m, 'MeV')}/c" for p, m in zip(pdg, size, strict=True))
    return Strokes(ends, name, "readout", color, texts, marked="tip", width=5.0, shown=shown)


def _interaction(event: Events) -> list[str]:
    """Which neutrino did what."""
    if "interactions" not in event or not len(event["interactions"]):
        return []
    table = event["interactions"]
    neutrino, mode = int(table["neutrino"][0]), int(table["mode"][0])
    energy = array(event["event"], "energy") if "event" in event else np.zeros(0)
    known = spoken(energy[0], "MeV") if len(energy) and np.isfinite(energy[0]) else ""
    kind = _MODES.get(abs(mode) // 100, "mode not known")
    current = "EM" if mode < 0 else "NC" if mode % 100 >= 50 else "CC"
    said = f"{current} {kind}" if mode else kind
    return [f"{particle_name(neutrino)} {known}".strip() if neutrino else known, f"{said} (mode {mode})"]


def _listing(table: Table, momentum: np.ndarray, status: np.ndarray) -> Listing:
    """All particles with their numbers."""
    pdg, parent, energy = number_of(table, "pdg"), number_of(table, "parent"), array(table, "energy")
    header = ("", "particle", "PDG", "status", "parent", "px / MeV/c", "py / MeV/c", "pz / MeV/c", "energy / MeV")
    rows = tuple(
        (
            str(k),
            particle_name(int(pdg[k])),
            str(pdg[k]),
            _STATUS.get(int(status[k]), str(status[k])),
            str(parent[k]) if parent[k] >= 0 else "",
            *(f"{p:.2f}" for p in momentum[k]),
            f"{energy[k]:.2f}",
        )
        for k in range(min(len(table), _LISTED))
    )
    return Listing(header, rows, f"The first {_LISTED} of {len(table):,} particles." * (len(table) > _LISTED))


MOMENTA = Picture("momenta", _fits, _draw)
