"""The classical chain: every stage of the liquid-argon chain by the method that networks replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from nuforge.baselines.baseline import Baseline
from nuforge.baselines.dbscan_fragments import DBSCANFragments
from nuforge.baselines.end_points import EndPoints
from nuforge.baselines.particle_cuts import ParticleCuts
from nuforge.baselines.rules import Rules
from nuforge.baselines.shower_merging import ShowerMerging
from nuforge.baselines.together import Together
from nuforge.baselines.track_merging import TrackMerging
from nuforge.baselines.vertex_grouping import VertexGrouping
from nuforge.detectors import TimeProjectionChamber
from nuforge.events import Events, Table
from nuforge.reconstruction.hand_over import (
    finished,
    fragments_as_clusters,
    particles_as_clusters,
    showers_aside,
    with_kinds,
)
from nuforge.simulation.truth import cluster_truth
from nuforge.simulation.truth.clusters import Of
from nuforge.tasks.answer import predictions_of, with_predictions


@dataclass(frozen=True)
class Step:
    """One stage.

    Args:
        method: What answers.
        given: From events with all answers so far to what it reads.
        of: What its clusters are, whose truth it is fitted on; none if it reads no clusters.
    """

    method: Baseline
    given: Callable[[Events], Events]
    of: Of | None = None

    def answered(self, events: Events) -> Events:
        """What the stage was given, with its predictions."""
        return with_predictions(events, self.method.predict(events.readout()))


@dataclass(frozen=True)
class ClassicalChain:
    """Rules for classes, ends of clusters for points, DBSCAN, cones, collinearity, vertices, cuts.

    Each stage is fitted on what the stages before it say of the training events, as those of the network are trained.

    Args:
        detector: Its voxels, and what the reconstruction asks of it.
        steps: The stages by name; made from the detector if not given.
    """

    detector: TimeProjectionChamber
    steps: Mapping[str, Step] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.steps:
            object.__setattr__(self, "steps", _steps(self.detector))

    def fit(self, batches: Iterable[Events]) -> None:
        """Fits stage by stage; the events are kept in memory."""
        events = list(batches)
        for step in self.steps.values():
            events = [step.given(batch) for batch in events]
            step.method.fit(cluster_truth(batch, step.of) if step.of else batch for batch in events)
            events = [step.answered(batch) for batch in events]

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """The columns that the chain of networks gives."""
        events = readout
        for step in self.steps.values():
            events = step.answered(step.given(events))
        return predictions_of(finished(events, self.detector))

    def save(self, folder: Path) -> None:
        """Writes each stage into a folder of its own."""
        for name, step in self.steps.items():
            step.method.save(folder / name)

    def load(self, folder: Path) -> ClassicalChain:
        """What `save` wrote."""
        steps = {name: Step(s.method.load(folder / name), s.given, s.of) for name, s in self.steps.items()}
        return ClassicalChain(self.detector, steps)


def _steps(detector: TimeProjectionChamber) -> dict[str, Step]:
    """All stages, not fitted yet."""
    voxels: tuple[Baseline, ...] = (Rules(), EndPoints(detector.readout.voxel, detector.origin))
    return {
        "points": Step(Together(voxels), _same),
        "fragments": Step(DBSCANFragments(), with_kinds),
        "showers": Step(ShowerMerging(), partial(fragments_as_clusters, detector=detector), "fragments"),
        "tracks": Step(TrackMerging(), showers_aside, "fragments"),
        "interactions": Step(Together((VertexGrouping(), ParticleCuts())), particles_as_clusters, "particles"),
    }


def _same(events: Events) -> Events:
    return events
