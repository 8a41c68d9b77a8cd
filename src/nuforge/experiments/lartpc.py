"""Liquid-argon time projection chambers with pixel readout: the chain from voxels to interactions."""

from __future__ import annotations

from functools import partial

from nuforge.evaluation.report import Published
from nuforge.experiments.experiment import Experiment, experiment
from nuforge.samples.lartpc import Engine

_SLIDES = "sparse UResNet voxel labels of the liquid-argon 3D chain, as shown in lecture slides"


@experiment(
    system="sparse UResNet voxel labels",
    detector="pixel LArTPC cube, 230.4 cm, 0.3 cm voxels",
    task="semantic segmentation: shower, track, Michel, delta, low-energy",
    reference="Domine and Terao, arXiv:1903.05663",
    published=(
        Published("recall of shower", 0.979, _SLIDES),
        Published("recall of track", 0.995, _SLIDES),
        Published("recall of michel", 0.840, _SLIDES),
        Published("recall of delta", 0.825, _SLIDES),
        Published("recall of low-energy", 0.781, _SLIDES),
    ),
    quick={
        "events": 1000,
        "width": 8,
        "steps": 3600,
        "batch": 4,
        "learning_rate": 6e-3,
        "warmup": 0.1,
        "validate_every": 1800,
        "baseline_events": 40,
        "tree_rounds": 40,
    },
)
def lartpc_segmentation(
    events: int = 8000,
    shard_size: int = 100,
    depth: int = 5,
    width: int = 16,
    steps: int = 7000,
    batch: int = 8,
    learning_rate: float = 3e-3,
    warmup: float = 0.3,
    balance: float = 0.5,
    validate_every: int = 500,
    baseline_events: int = 400,
    tree_rounds: int = 150,
) -> Experiment:
    """Semantic segmentation of voxels by a sparse UResNet, beside rules and boosted trees.

    Args:
        events: Number of simulated events, all sides of the split together.
        shard_size: Events that are simulated together.
        depth: Levels of the network; each halves the resolution.
        width: Features of the first level; level i has i + 1 times as many.
        steps: Optimiser steps.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        warmup: Fraction of the steps in which the learning rate rises.
        balance: Power of a class's voxels that its weight in the loss falls with: 1 for equal classes, 0 for voxels.
        validate_every: Steps between two looks at the validation side.
        baseline_events: Training events that the boosted trees are fitted on, at most.
        tree_rounds: Rounds of boosting.
    """
    from nuforge.baselines.boosted_trees import BoostedTrees
    from nuforge.baselines.rules import Rules
    from nuforge.detectors import lartpc_cube
    from nuforge.experiments.chain_stages import LOG_VALUE, moving, responding
    from nuforge.models.uresnet import UResNet
    from nuforge.samples.lartpc import particle_bomb
    from nuforge.simulation.truth import CLASSES
    from nuforge.tasks.segmentation import Segmentation
    from nuforge.training.learner import Supervised
    from nuforge.training.options import FitOptions

    detector = lartpc_cube()
    model = UResNet(depth, width, value_mean=LOG_VALUE[0], value_spread=LOG_VALUE[1])
    task = Segmentation(CLASSES, model.features, balance=balance)
    return Experiment(
        sample=particle_bomb(events, shard_size=shard_size),
        learner=Supervised(model, [task]),
        baselines={"rules": Rules(), "boosted trees": BoostedTrees(rounds=tree_rounds)},
        options=FitOptions(steps, learning_rate, "muon", warmup=warmup, validate_every=validate_every),
        batch=batch,
        respond=responding(detector),
        baseline_events=baseline_events,
        augment=moving(detector),
    )


@experiment(
    system="classifier test of two simulations",
    detector="pixel LArTPC cube, 230.4 cm, 0.3 cm voxels",
    task="which of two transport engines made an event: the built-in one or Geant4",
    reference="Lopez-Paz and Oquab, arXiv:1610.06545",
    quick={"events": 600, "width": 8, "steps": 600, "learning_rate": 4e-3, "validate_every": 100},
)
def lartpc_engines(
    events: int = 5000,
    shard_size: int = 100,
    first: Engine = "builtin",
    second: Engine = "geant4",
    depth: int = 5,
    width: int = 12,
    steps: int = 3000,
    batch: int = 16,
    learning_rate: float = 3e-3,
    validate_every: int = 250,
    tree_rounds: int = 150,
) -> Experiment:
    """Can the engines of the simulation be told apart, and by what: a network on voxels, beside trees on summaries.

    An AUC of 0.5 means that they cannot. The report also has the AUC of every summary of an event alone, and what the
    network says when the voxels of one true class are removed.

    Args:
        events: Number of simulated events, of both engines and all sides of the split together.
        shard_size: Events that are simulated together.
        first: What flies one half of the events.
        second: What flies the other; the same as the first to see what AUC there is by chance.
        depth: Levels of the network; each halves the resolution.
        width: Features of the first level; level i has i + 1 times as many.
        steps: Optimiser steps.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
        tree_rounds: Rounds of boosting.
    """
    from nuforge.baselines.event_trees import EventTrees
    from nuforge.detectors import lartpc_cube
    from nuforge.evaluation.domain import what_tells_apart
    from nuforge.experiments.chain_stages import LOG_VALUE, moving, responding
    from nuforge.models.sparse_encoder import SparseEncoder
    from nuforge.samples.lartpc import engines
    from nuforge.simulation.truth import CLASSES
    from nuforge.tasks.classification import Classification
    from nuforge.training.learner import Supervised
    from nuforge.training.options import FitOptions

    detector = lartpc_cube()
    model = SparseEncoder(depth, width, value_mean=LOG_VALUE[0], value_spread=LOG_VALUE[1])
    names = (first, second if second != first else f"{first} again")
    task = Classification(names, model.features, target="engine")
    return Experiment(
        sample=engines(events, shard_size=shard_size, first=first, second=second),
        learner=Supervised(model, [task]),
        baselines={"boosted trees": EventTrees("engine", rounds=tree_rounds)},
        options=FitOptions(steps, learning_rate, validate_every=validate_every),
        batch=batch,
        respond=responding(detector),
        augment=moving(detector),
        look=partial(what_tells_apart, task, parts=CLASSES),
    )
