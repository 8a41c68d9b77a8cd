"""Scene: one event as arrays to draw, the same for the interactive display and for pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from nuforge.display import style
from nuforge.display.frame import Frame
from nuforge.display.kinds import NAMED, Kinds, class_kinds, particle_kinds
from nuforge.display.names import particle_name
from nuforge.display.stages import Stage, is_predicted, stages_of
from nuforge.events import Events, Table
from nuforge.simulation.truth import CLASSES

DRAWN = 40_000
"""Voxels or segments that a display draws at most; of more, as many are chosen at random, always the same."""


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
        stages: What is known of each stage of the liquid-argon chain, by name.
        n: Voxels or segments of the event; more than there are rows here if it is thinned.
    """

    title: str
    position: np.ndarray
    energy: np.ndarray
    kinds: Mapping[str, Kinds]
    starts: np.ndarray
    start_names: tuple[str, ...]
    frame: Frame
    stages: Mapping[str, Stage] = field(default_factory=dict)
    n: int = 0

    @property
    def is_chain(self) -> bool:
        """Whether the chain has something to say of it, or it has the truth of several stages and no prediction."""
        alone = all(stage.prediction is None for stage in self.stages.values())
        return is_predicted(self.stages) or (alone and len(self.stages) > 1)

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


def scene_of(events: Events, i: int = 0, frame: Frame | None = None, classes: Sequence[str] = CLASSES) -> Scene:
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
    stages = stages_of(event, energy, position, frame, classes) if name == "voxels" else {}
    return Scene(title_of(event, i), position, energy, kinds, starts, start_names, frame, stages, len(energy))


def thinned(scene: Scene, most: int = DRAWN) -> Scene:
    """The scene with at most so many of its voxels or segments; marks stay."""
    if len(scene.energy) <= most:
        return scene
    rows = np.sort(np.random.default_rng(0).choice(len(scene.energy), most, replace=False))
    return replace(
        scene,
        position=scene.position[rows],
        energy=scene.energy[rows],
        kinds={name: kinds.only(rows) for name, kinds in scene.kinds.items()},
        stages={name: stage.only(rows) for name, stage in scene.stages.items()},
    )


def _kinds(
    event: Events, rows: Table, energy: np.ndarray, classes: Sequence[str]
) -> tuple[dict[str, Kinds], np.ndarray]:
    """Colourings by kind, and the particles that have rows here."""
    kinds: dict[str, Kinds] = {}
    label = rows["label"].numpy() if "label" in rows else None
    guess = rows["probability"].argmax(1).numpy() if "probability" in rows and len(rows) else None
    if label is not None:
        kinds["truth"] = class_kinds(label, classes)
    if guess is not None:
        kinds["prediction"] = class_kinds(guess, classes)
    if label is not None and guess is not None:
        code = np.where(label < 0, 2, (label != guess).astype(int))
        kinds["right or wrong"] = Kinds(code, ("right", "wrong", "unknown"), (style.RIGHT, style.WRONG, style.UNKNOWN))
    shown = np.zeros(0, dtype=int)
    if "particle" in rows and "particles" in event:
        kinds["particle"], shown = particle_kinds(rows["particle"].numpy(), energy, event["particles"])
    return kinds, shown


def _starts(event: Events, shown: np.ndarray, frame: Frame) -> tuple[np.ndarray, tuple[str, ...]]:
    """Start points of primaries and of particles with rows, in the frame's unit."""
    if "particles" not in event or "start" not in event["particles"]:
        return np.zeros((0, 3)), ()
    table = event["particles"]
    visible = np.zeros(len(table), dtype=bool)
    visible[shown[: 4 * NAMED]] = True
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


def title_of(event: Events, i: int) -> str:
    """The identity of an event, or its place."""
    if "event" in event and all(name in event["event"] for name in ("run", "event")):
        row = event["event"]
        return f"run {int(row['run'][0])}, event {int(row['event'][0])}"
    return f"event {i}"


def _array(table: Table, column: str) -> np.ndarray:
    return np.asarray(table[column].detach().double().numpy())
