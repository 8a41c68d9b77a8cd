"""A small experiment that classifies events: those of the second source have brighter clouds."""

from functools import partial

import torch
from toy_experiment import respond, toy_events

from nuforge.baselines.event_trees import EventTrees
from nuforge.detectors import lartpc_cube
from nuforge.evaluation.domain import what_tells_apart
from nuforge.events import Column, Events, Table
from nuforge.experiments import Experiment, experiment
from nuforge.models.sparse_encoder import SparseEncoder
from nuforge.samples import Sample
from nuforge.tasks.classification import Classification
from nuforge.training.learner import Supervised
from nuforge.training.options import FitOptions


def two_sources(n_events: int, shard: int, generator: torch.Generator) -> Events:
    """Lines and clouds; in every other event clouds are twice as bright."""
    events = toy_events(n_events, shard, generator)
    voxels, source = events["voxels"], torch.arange(n_events) % 2
    brighter = (voxels["label"] == 0) & (source[voxels.batch] == 1)
    events = events.with_table("voxels", voxels.with_columns({"value": voxels["value"] * (1 + brighter)}))
    about = {"source_kind": Column("", "0 or 1", "truth")}
    return events.with_table("event", Table({"source_kind": source}, torch.arange(n_events + 1), about=about))


@experiment(system="toy", detector="toy", task="which source", reference="none", quick={"steps": 2})
def sources(
    events: int = 600, width: int = 4, steps: int = 80, batch: int = 16, learning_rate: float = 1e-2
) -> Experiment:
    """One source against another.

    Args:
        events: Number of events.
        width: Features.
        steps: Steps.
        batch: Events in a step.
        learning_rate: Learning rate.
    """
    model = SparseEncoder(2, width, hidden=8)
    task = Classification(("faint", "bright"), model.features, "source_kind")
    return Experiment(
        sample=Sample("sources", {}, two_sources, events, lartpc_cube(), shard_size=100),
        learner=Supervised(model, [task]),
        baselines={"boosted trees": EventTrees("source_kind", rounds=30)},
        options=FitOptions(steps, learning_rate, validate_every=40),
        batch=batch,
        respond=respond,
        look=partial(what_tells_apart, task, parts=("cloud", "line")),
    )
