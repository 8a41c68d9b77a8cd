"""Scene: one event as arrays to draw, the same for the interactive display and for pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from particle import InvalidParticle, Particle, ParticleNotFound

from nuforge.display import style
from nuforge.display.frame import Frame
from nuforge.events import Events, Table

VOXEL_CLASSES = ("shower", "track", "Michel", "delta", "low-energy")
"""The classes of `voxels.label`, in their order."""

_NAMED = 9  # particles with a colour and a name of their own; the rest share one


@dataclass(frozen=True)
class Kinds:
    """A colouring by kind: `code` (N,) numbers `names` and `colors`."""

    code: np.ndarray
    names: tuple[str, ...]
    colors: tuple[str, ...]

    def of_rows(self) -> np.ndarray:
        """The name of each row, (N,)."""
        return np.take(np.array(self.names, dtype=object), self.code)


@dataclass(frozen=True)
class Scene:
    """One event to draw.

    Args:
        title: What it is, in a few words.
        position: Centres of voxels (N, 3), or ends of segments (N, 2, 3), in the frame's unit.
        energy: MeV, (N,).
        kinds: Colourings by kind, as "truth", "prediction", "right or wrong", "particle".
        starts: Where the visible particles start (P, 3), in the frame's unit.
        start_names: Their names, P of them.
        frame: Where things are.
    """

    title: str
    position: np.ndarray
    energy: np.ndarray
    kinds: Mapping[str, Kinds]
    starts: np.ndarray
    start_names: tuple[str, ...]
    frame: Frame

    @property
    def is_segments(self) -> bool:
        """Whether rows are lines, not voxels."""
        return self.position.ndim == 3

    @property
    def points(self) -> np.ndarray:
        """All points of the rows, (M, 3)."""
        return self.position.reshape(-1, 3)

    @property
    def colorings(self) -> tuple[str, ...]:
        """All ways to colour it, "energy" first."""
        return ("energy", *self.kinds)


def scene_of(events: Events, i: int = 0, frame: Frame | None = None, classes: Sequence[str] = VOXEL_CLASSES) -> Scene:
    """Event i to draw: its voxels, or its segments if there are no voxels.

    Args:
        events: With a table `voxels` (index, value; label, particle and probability where known) or `segments`.
        i: Which event.
        frame: Where voxels are; without one, axes count voxels. Segments are always in cm.
        classes: Names of the classes of `label` and `probability`.

    Raises:
        ValueError: If there is no such event, or it has neither table.
    """
    if not 0 <= i < len(events):
        raise ValueError(f"event {i} does not exist, expected 0 to {len(events) - 1}; these are {len(events)} events")
    name = next((name for name in ("voxels", "segments") if name in events), None)
    if name is None:
        raise ValueError(f"events have no 'voxels' or 'segments' to show, they have {sorted(events.tables)}")
    event = events.event(i).to("cpu")
    rows = event[name]
    frame = frame if frame is not None else Frame()
    if name == "voxels":
        position, energy = frame.centers(rows["index"].numpy()), _array(rows, "value")
    else:
        position = np.stack([_array(rows, "start"), _array(rows, "end")], axis=1)
        energy = _array(rows, "energy")
        frame = Frame(boxes=frame.boxes, up=frame.up, unit="cm")
    kinds, shown = _kinds(event, rows, energy, classes)
    starts, start_names = _starts(event, shown, frame)
    return Scene(_title(event, i), position, energy, kinds, starts, start_names, frame)


def _kinds(
    event: Events, rows: Table, energy: np.ndarray, classes: Sequence[str]
) -> tuple[dict[str, Kinds], np.ndarray]:
    """Colourings by kind, and the particles that have rows here."""
    kinds: dict[str, Kinds] = {}
    label = rows["label"].numpy() if "label" in rows else None
    guess = rows["probability"].argmax(1).numpy() if "probability" in rows and len(rows) else None
    if label is not None:
        kinds["truth"] = _class_kinds(label, classes)
    if guess is not None:
        kinds["prediction"] = _class_kinds(guess, classes)
    if label is not None and guess is not None:
        code = np.where(label < 0, 2, (label != guess).astype(int))
        kinds["right or wrong"] = Kinds(code, ("right", "wrong", "unknown"), (style.RIGHT, style.WRONG, style.UNKNOWN))
    shown = np.zeros(0, dtype=int)
    if "particle" in rows and "particles" in event:
        kinds["particle"], shown = _particle_kinds(rows["particle"].numpy(), energy, event["particles"])
    return kinds, shown


def _class_kinds(code: np.ndarray, classes: Sequence[str]) -> Kinds:
    if len(code) and code.max() >= len(classes):
        raise ValueError(
            f"rows have the class {code.max()}, expected 0 to {len(classes) - 1}; pass the names of all classes"
        )
    names, colors = (*classes, "unknown"), (*(style.class_color(k) for k in range(len(classes))), style.UNKNOWN)
    return Kinds(np.where(code < 0, len(classes), code), names, colors)


def _particle_kinds(particle: np.ndarray, energy: np.ndarray, particles: Table) -> tuple[Kinds, np.ndarray]:
    """The particles with most energy by name, the others together."""
    known = particle >= 0
    total = np.bincount(particle[known], weights=energy[known], minlength=len(particles))
    order = np.argsort(-total, kind="stable")
    order = order[total[order] > 0]
    top = order[:_NAMED]
    code = np.full(len(particles) + 1, len(top))  # the last place is for -1
    code[top] = np.arange(len(top))
    code[-1] = len(top) + 1
    pdg = particles["pdg"].tolist() if "pdg" in particles else [0] * len(particles)
    names = tuple(f"{particle_name(pdg[p])}  {total[p]:.3g} MeV" for p in top)
    colors = tuple(_PARTICLE_COLORS[k] for k in range(len(top)))
    return Kinds(code[particle], (*names, "other particles", "unknown"), (*colors, style.FAINT, style.UNKNOWN)), order


_PARTICLE_COLORS = ("#0077bb", "#ee7733", "#009988", "#cc3377", "#bbaa33", "#5b3a9e", "#33bbee", "#994f00", "#228833")


def _starts(event: Events, shown: np.ndarray, frame: Frame) -> tuple[np.ndarray, tuple[str, ...]]:
    """Start points of primaries and of particles with rows, in the frame's unit."""
    if "particles" not in event or "start" not in event["particles"]:
        return np.zeros((0, 3)), ()
    table = event["particles"]
    visible = np.zeros(len(table), dtype=bool)
    visible[shown[: 4 * _NAMED]] = True
    if "parent" in table:
        visible |= table["parent"].numpy() < 0
    start = _array(table, "start")
    if frame.unit == "voxels":  # positions are known in cm, voxels only by number
        return np.zeros((0, 3)), ()
    pdg = table["pdg"].tolist() if "pdg" in table else [0] * len(table)
    kept = np.flatnonzero(visible & np.isfinite(start).all(1))
    return start[kept], tuple(f"{particle_name(pdg[p])} {_momentum(table, int(p))}".strip() for p in kept)


def _momentum(table: Table, row: int) -> str:
    return f"{float(table['momentum'][row].norm()):.4g} MeV/c" if "momentum" in table else ""


def _title(event: Events, i: int) -> str:
    """The identity of an event, or its place."""
    if "event" in event and all(name in event["event"] for name in ("run", "event")):
        row = event["event"]
        return f"run {int(row['run'][0])}, event {int(row['event'][0])}"
    return f"event {i}"


def _array(table: Table, column: str) -> np.ndarray:
    return np.asarray(table[column].detach().double().numpy())


@lru_cache(maxsize=1024)
def particle_name(pdg: int) -> str:
    """The name of a PDG number, as "mu-" or "Ar40"; the number itself if it has none."""
    try:
        return str(Particle.from_pdgid(pdg).name)
    except (ParticleNotFound, InvalidParticle):
        return str(pdg) if pdg else "particle"
