"""Stages: an event as each stage of the liquid-argon chain sees it, the truth beside the prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch

from nuforge.display import names, style
from nuforge.display.frame import Frame
from nuforge.display.kinds import (
    Kinds,
    by_energy,
    class_kinds,
    cluster_kinds,
    matched_colors,
    ranked_colors,
)
from nuforge.display.marks import Marks, Symbol, placed
from nuforge.events import Events, Table
from nuforge.events.rows import looked_up
from nuforge.simulation.truth import VoxelClass

LABELLED, ARROWED = 6, 20
"""Particles, those with most energy, whose names are written beside them, and whose directions are drawn."""


@dataclass(frozen=True)
class Side:
    """One side of a stage: how it colours the voxels, and what it marks."""

    kinds: Kinds
    marks: tuple[Marks, ...] = ()


@dataclass(frozen=True)
class Stage:
    """What is true and what is predicted, each if it is known."""

    truth: Side | None
    prediction: Side | None

    def only(self, rows: np.ndarray) -> Stage:
        """The same for some of the voxels."""
        truth, prediction = (
            None if side is None else replace(side, kinds=side.kinds.only(rows))
            for side in (self.truth, self.prediction)
        )
        return Stage(truth, prediction)


class _Clusters(NamedTuple):
    """The cluster of each voxel, -1 for none, and the clusters' names."""

    of: np.ndarray
    names: list[str]


class _Painted(NamedTuple):
    """Clusters with colours."""

    kinds: Kinds
    colors: tuple[str, ...]


class _Voxels(NamedTuple):
    """What every stage needs: the event, its voxels' energy and centres, whether cm can be placed, the classes."""

    event: Events
    energy: np.ndarray
    position: np.ndarray
    in_cm: bool
    classes: Sequence[str]

    def column(self, name: str) -> np.ndarray | None:
        """A column of the voxels, if it is there."""
        rows = self.event["voxels"]
        return rows[name].numpy() if name in rows else None

    def table(self, name: str, *columns: str) -> Table | None:
        """A table of the event, if it is there with these columns."""
        there = name in self.event and all(column in self.event[name] for column in columns)
        return self.event[name] if there else None


def stages_of(
    event: Events, energy: np.ndarray, position: np.ndarray, frame: Frame, classes: Sequence[str]
) -> dict[str, Stage]:
    """The stages of which anything is known, by name: classes, fragments, particles, interactions.

    Clusters of a prediction have the colour of their true partners (`nuforge.display.kinds.partners`).

    Args:
        event: One event with `voxels`.
        energy: Of its voxels, MeV.
        position: Their centres in the frame's unit.
        frame: Where they are; marks need one in cm.
        classes: Names of the classes.
    """
    voxels = _Voxels(event, energy, position, frame.unit == "cm", classes)
    stages = {
        "classes": _classes(voxels),
        "fragments": _fragments(voxels),
        "particles": _particles(voxels),
        "interactions": _interactions(voxels),
    }
    return {name: stage for name, stage in stages.items() if stage.truth is not None or stage.prediction is not None}


def _classes(voxels: _Voxels) -> Stage:
    """Classes of voxels, and points."""
    label, probability = voxels.column("label"), voxels.column("probability")
    truth = prediction = None
    if label is not None:
        truth = Side(class_kinds(label, voxels.classes), _true_points(voxels))
    if probability is not None:
        guess = probability.argmax(1) if len(probability) else np.zeros(0, dtype=int)
        prediction = Side(class_kinds(guess, voxels.classes), _found_points(voxels))
    return Stage(truth, prediction)


def _true_points(voxels: _Voxels) -> tuple[Marks, ...]:
    points = voxels.table("points", "position", "label", "end")
    if points is None or not voxels.in_cm:
        return ()
    kind = points["label"].tolist()
    texts = [f"of a {voxels.classes[k]}" for k in kind]
    return _points(points["position"].double().numpy(), kind, points["end"].numpy(), texts)


def _found_points(voxels: _Voxels) -> tuple[Marks, ...]:
    points = voxels.table("reco_points", "position", "probability", "end")
    if points is None or not len(points) or not voxels.in_cm:
        return ()
    best = points["probability"].max(1)
    kind, end = best.indices.tolist(), points["end"].numpy()
    score = points["score"].tolist() if "score" in points else [1.0] * len(points)
    rows = zip(kind, best.values.tolist(), end.tolist(), score, strict=True)
    texts = [f"of a {voxels.classes[k]}, {100 * p:.0f} %<br>end {100 * e:.0f} %, score {s:.2f}" for k, p, e, s in rows]
    is_end = (end > 0.5) & (np.array(kind) == VoxelClass.TRACK)
    return _points(points["position"].double().numpy(), kind, is_end, texts)


def _points(position: np.ndarray, kind: Sequence[int], is_end: np.ndarray, texts: Sequence[str]) -> tuple[Marks, ...]:
    """Starts and ends in the colours of their classes."""
    marks: tuple[Marks, ...] = ()
    symbols: tuple[tuple[Symbol, np.ndarray], ...] = (("start", ~is_end), ("end", is_end))
    for symbol, chosen in symbols:
        rows = np.flatnonzero(chosen).tolist()
        colors, said = [style.class_color(kind[r]) for r in rows], [f"{symbol} {texts[r]}" for r in rows]
        marks += placed(symbol, symbol, position[rows], colors, said)
    return marks


def _fragments(voxels: _Voxels) -> Stage:
    """Pieces of particles."""
    truth = found = None
    of, table = voxels.column("fragment"), voxels.table("fragments", "label")
    if of is not None and table is not None:
        first = table["start"].tolist() if "start" in table else [False] * len(table)
        truth = _named_fragments(voxels, of, table["label"].tolist(), first)
    of, table = voxels.column("reco_fragment"), voxels.table("reco_fragments", "kind")
    if of is not None:
        kind = table["kind"].tolist() if table is not None else [-1] * (int(of.max(initial=-1)) + 1)
        found = _named_fragments(voxels, of, kind, [False] * len(kind))
    painted = _painted(voxels, truth, found)
    return Stage(*(None if side is None else Side(side.kinds) for side in painted))


def _named_fragments(voxels: _Voxels, of: np.ndarray, kind: list[int], first: list[bool]) -> _Clusters:
    return _Clusters(of, names.fragments(kind, _totals(of, voxels.energy, len(kind)), voxels.classes, first))


def _particles(voxels: _Voxels) -> Stage:
    """Particles with start, direction and name."""
    of, table = _true_particle(voxels), voxels.table("particles")
    truth = _Clusters(of, names.true_particles(table)) if of is not None and table is not None else None
    reco_of, reco = voxels.column("reco_particle"), voxels.table("reco_particles")
    found = None
    if reco_of is not None and reco is not None:
        found = _Clusters(reco_of, names.found_particles(reco, voxels.classes))
    true_side, found_side = _painted(voxels, truth, found)
    stage = Stage(None, None)
    if truth is not None and true_side is not None and table is not None:
        start, direction = _true_starts(voxels, table)
        stage = replace(stage, truth=Side(true_side.kinds, _arrows(voxels, truth, true_side, start, direction)))
    if found is not None and found_side is not None and reco is not None:
        start, direction = (_vectors(reco, name) for name in ("start", "start_direction"))
        stage = replace(stage, prediction=Side(found_side.kinds, _arrows(voxels, found, found_side, start, direction)))
    return stage


def _true_particle(voxels: _Voxels) -> np.ndarray | None:
    """The particle that each voxel shows, (N,): the head of its deposit, none for low-energy and unknown ones."""
    deposit, label = voxels.column("deposit"), voxels.column("label")
    if deposit is None or label is None:
        return None
    return np.where((label >= 0) & (label != VoxelClass.LOW_ENERGY), deposit, -1)


def _true_starts(voxels: _Voxels, particles: Table) -> tuple[np.ndarray, np.ndarray]:
    """Where particles begin to be seen (else where they start), and where they head at first, (P, 3) each."""
    start, momentum = _vectors(particles, "start"), _vectors(particles, "momentum")
    points = voxels.table("points", "position", "particle", "end")
    if points is not None:
        begins = (~points["end"] & (points["particle"] >= 0)).nonzero()[:, 0].flip(0)  # the first one is set last
        start[points["particle"][begins].numpy()] = points["position"][begins].double().numpy()
    size = np.linalg.norm(momentum, axis=1, keepdims=True)
    return start, np.divide(momentum, size, out=np.full_like(momentum, np.nan), where=size > 0)


def _arrows(
    voxels: _Voxels, clusters: _Clusters, painted: _Painted, start: np.ndarray, direction: np.ndarray
) -> tuple[Marks, ...]:
    """Starts and directions of the particles that are seen, and the names of the largest in their middles."""
    if not voxels.in_cm:
        return ()
    seen = by_energy(clusters.of, voxels.energy, len(clusters.names))
    colors, texts = [painted.colors[c] for c in seen], [clusters.names[c] for c in seen]
    drawn = np.where(np.arange(len(seen))[:, None] < ARROWED, direction[seen], np.nan)
    arrows = placed("start", "start", start[seen], colors, texts, drawn)
    top = seen[:LABELLED]
    middle = np.stack([voxels.position[clusters.of == c].mean(0) for c in top]) if len(top) else np.zeros((0, 3))
    return arrows + placed("name", "label", middle, colors[:LABELLED], texts[:LABELLED])


def _interactions(voxels: _Voxels) -> Stage:
    """Interactions with their vertices."""
    particle, table = _true_particle(voxels), voxels.table("particles", "interaction", "pdg", "parent")
    truth = found = None
    whole, reco_whole = voxels.table("interactions"), voxels.table("reco_interactions")
    if particle is not None and table is not None and whole is not None:
        of = looked_up(table["interaction"], torch.from_numpy(particle)).numpy()
        seen = by_energy(particle, voxels.energy, len(table))
        truth = _Clusters(of, names.true_interactions(table, seen, _totals(of, voxels.energy, len(whole))))
    particle, table = voxels.column("reco_particle"), voxels.table("reco_particles", "interaction")
    if particle is not None and table is not None and reco_whole is not None:
        of = looked_up(table["interaction"], torch.from_numpy(particle)).numpy()
        energy = _totals(of, voxels.energy, len(reco_whole))
        found = _Clusters(of, names.found_interactions(table, energy, voxels.classes))
    sides = _painted(voxels, truth, found)
    tables, clusters = (whole, reco_whole), (truth, found)
    return Stage(*(_with_vertices(voxels, *each) for each in zip(tables, clusters, sides, strict=True)))


def _with_vertices(
    voxels: _Voxels, table: Table | None, clusters: _Clusters | None, painted: _Painted | None
) -> Side | None:
    if table is None or clusters is None or painted is None:
        return None
    if not voxels.in_cm:
        return Side(painted.kinds)
    vertices = placed("vertex", "vertex", _vectors(table, "vertex"), painted.colors, clusters.names)
    return Side(painted.kinds, vertices)


def _painted(
    voxels: _Voxels, truth: _Clusters | None, found: _Clusters | None
) -> tuple[_Painted | None, _Painted | None]:
    """Clusters in their colours; those of the prediction have the colours of their true partners."""
    one = other = None
    energy = voxels.energy
    if truth is not None:
        colors = ranked_colors(truth.of, energy, len(truth.names))
        one = _Painted(cluster_kinds(truth.of, energy, truth.names, colors), colors)
    if found is not None:
        n = len(found.names)
        colors = (
            ranked_colors(found.of, energy, n)
            if truth is None or one is None
            else matched_colors(found.of, truth.of, energy, n, one.colors)
        )
        other = _Painted(cluster_kinds(found.of, energy, found.names, colors), colors)
    return one, other


def _totals(of: np.ndarray, energy: np.ndarray, n: int) -> np.ndarray:
    """MeV of each of n clusters."""
    return np.asarray(np.bincount(of[of >= 0], weights=energy[of >= 0], minlength=n))


def _vectors(table: Table, column: str) -> np.ndarray:
    """A column of vectors (P, 3), NaN if it is not there."""
    if column not in table:
        return np.full((len(table), 3), np.nan)
    return np.array(table[column].double().numpy(), dtype=float).reshape(len(table), 3)


def is_predicted(stages: Mapping[str, Stage]) -> bool:
    """Whether anything of the chain is predicted: points, or any stage after the classes."""
    return any(
        stage.prediction is not None and (name != "classes" or stage.prediction.marks) for name, stage in stages.items()
    )
