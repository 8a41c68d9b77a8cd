"""NOvA-like detectors: classes of whole slices, from their pixel maps."""

from __future__ import annotations

from typing import Literal

from nuforge.evaluation.report import Published
from nuforge.experiments.experiment import Experiment, experiment
from nuforge.samples.nova_neutrinos import FLAVOURS, Beam

_CVN = "Aurisano et al., JINST 11 (2016) P09001, arXiv:1604.01444"
_SIAMESE = "siamese ResNet18 that rejects cosmic muons, as shown in lecture slides"
_REMOVED = "NOvA document 36849, doi:10.5281/zenodo.4253005, as shown in lecture slides"
_BEFORE = "LID, LEM and muon neighbours"
_DETECTOR = "NOvA-like far detector, pixel maps of 100 x 80 in two views"
_UNSEEN = 1
"""Seed of neutrinos that no training has seen."""


@experiment(
    system="EventCVN, and its successor on MobileNetV2",
    detector=_DETECTOR,
    task="classes of slices: nu_mu CC, nu_e CC, nu_tau CC, NC, cosmic",
    reference=_CVN,
    published=(
        Published("efficiency of nu_e CC", 0.49, _CVN),
        Published("efficiency of nu_mu CC", 0.58, _CVN),
        Published("efficiency of nu_e CC, selection before it", 0.35, _CVN),
        Published("efficiency of nu_mu CC, selection before it", 0.57, _CVN),
    ),
    quick={
        "events": 3000,
        "width": 0.25,
        "steps": 600,
        "batch": 32,
        "validate_every": 150,
        "baseline_events": 1500,
    },
)
def nova_eventcvn(
    events: int = 60000,
    shard_size: int = 100,
    beam: Beam = "fhc",
    backbone: Literal["googlenet", "mobilenetv2"] = "googlenet",
    norm: Literal["batch", "local"] = "batch",
    width: float = 0.5,
    dropout: float = 0.2,
    steps: int = 6000,
    batch: int = 64,
    learning_rate: float = 1e-3,
    validate_every: int = 500,
    baseline_events: int = 48000,
) -> Experiment:
    """Classes of slices by a convolutional network with a tower for each view, beside NOvA's earlier selections.

    Slices are selected as nu_mu CC and nu_e CC where S / sqrt(S + B) of the exposure is largest; cosmic muons, which
    other cuts remove, are no background here.

    Args:
        events: Number of simulated events, all sides of the split together.
        shard_size: Events that are simulated together.
        beam: Horn current: "fhc" forward (neutrinos), "rhc" reverse (antineutrinos), or "both".
        backbone: "googlenet", whose towers meet in one more inception module (2016), or "mobilenetv2".
        norm: Of GoogLeNet's layers: "batch", or "local" as published, which needs far longer trainings.
        width: Channels of the backbone over the published ones.
        dropout: Fraction of the merged features that is left out in training.
        steps: Optimiser steps.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
        baseline_events: Training events that the classical methods are fitted on, at most.
    """
    from nuforge.baselines.lem import LEM
    from nuforge.baselines.lid import LID
    from nuforge.baselines.selecting import Selecting
    from nuforge.baselines.slice_trees import SliceTrees
    from nuforge.baselines.stacked import Classifier
    from nuforge.detectors import nova_far
    from nuforge.evaluation.insight import Insight
    from nuforge.experiments.nova_slices import identifiers, mirroring, responding, slices_at_far_site
    from nuforge.models.googlenet import GoogLeNet
    from nuforge.models.mobilenetv2 import MobileNetV2
    from nuforge.models.towers import EventTowers, Merge, Views
    from nuforge.tasks.classification import Classification
    from nuforge.tasks.selection import Selection
    from nuforge.training.learner import Supervised
    from nuforge.training.options import FitOptions

    if backbone == "googlenet":
        views = Views([GoogLeNet(width, norm=norm), GoogLeNet(width, norm=norm)])
        merge = Merge(views.features, width, dropout=dropout, norm=norm)
    else:
        views = Views([MobileNetV2(width), MobileNetV2(width)])
        merge = Merge(views.features, dropout=dropout)
    model = EventTowers(views, merge)

    def selection() -> Selection:
        return Selection(Classification(FLAVOURS, model.features, "flavour"), ("nu_mu CC", "nu_e CC"), ("cosmic",))

    far = nova_far()
    classical: dict[str, Classifier] = {
        _BEFORE: identifiers(far),
        "LID": LID(far),
        "LEM": LEM(far),
        "boosted trees": SliceTrees(far),
    }
    asked = selection()
    learner = Supervised(model, [asked])
    sample, shifts = slices_at_far_site(events, shard_size, beam)
    return Experiment(
        sample=sample,
        learner=learner,
        baselines={name: Selecting(baseline, selection()) for name, baseline in classical.items()},
        options=FitOptions(steps, learning_rate, "muon", validate_every=validate_every),
        batch=batch,
        respond=responding(far),
        augment=mirroring(0, 1),
        baseline_events=baseline_events,
        reads=("pixels", "hits", "prongs"),
        shifts=shifts,
        look=Insight(learner, asked.classification),
    )


@experiment(
    system="siamese ResNet18 against cosmic muons",
    detector=_DETECTOR,
    task="what is left of nu_mu CC, nu_e CC, NC when cosmic muons are rejected",
    reference=_SIAMESE,
    quick={
        "events": 3000,
        "width": 0.25,
        "steps": 600,
        "batch": 32,
        "validate_every": 150,
        "baseline_events": 1500,
    },
)
def nova_cosmic(
    events: int = 60000,
    shard_size: int = 100,
    beam: Beam = "fhc",
    width: float = 0.5,
    dropout: float = 0.2,
    walls: bool = True,
    steps: int = 4000,
    batch: int = 64,
    learning_rate: float = 1e-3,
    validate_every: int = 500,
    baseline_events: int = 48000,
) -> Experiment:
    """Scores of nu_mu CC, nu_e CC, nu_tau CC, NC and cosmic muons by one ResNet18 that looks at both views.

    What is kept of each where 5 % of cosmic muons are left, beside cuts on containment, angle and size with trees. Only
    the view from above is mirrored in training: muons come from the sky.

    Args:
        events: Number of simulated events, all sides of the split together.
        shard_size: Events that are simulated together.
        beam: Horn current: "fhc", "rhc" or "both".
        width: Channels of ResNet18 over the published ones.
        dropout: Fraction of the merged features that is left out in training.
        walls: Whether the network reads how near a slice comes to each wall of the detector, as cuts do.
        steps: Optimiser steps.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
        baseline_events: Training events that the classical methods are fitted on, at most.
    """
    from nuforge.baselines.cosmic_cuts import CosmicCuts
    from nuforge.baselines.slice_trees import SliceTrees
    from nuforge.detectors import nova_far
    from nuforge.experiments.nova_slices import mirroring, responding, slices_at_far_site
    from nuforge.models.resnet18 import ResNet18
    from nuforge.models.towers import EventTowers, Merge, Views
    from nuforge.models.walls import Walls
    from nuforge.tasks.classification import Classification
    from nuforge.tasks.rejection import Rejection
    from nuforge.training.learner import Supervised
    from nuforge.training.options import FitOptions

    views = Views([ResNet18(width)])
    model = EventTowers(views, Merge(views.features, dropout=dropout), Walls(nova_far()) if walls else None)
    classes = Classification(FLAVOURS, model.features, "flavour")
    sample, shifts = slices_at_far_site(events, shard_size, beam)
    return Experiment(
        sample=sample,
        learner=Supervised(model, [classes, Rejection(classes, "cosmic", left=0.05)]),
        baselines={"cuts and boosted trees": CosmicCuts(nova_far()), "boosted trees": SliceTrees(nova_far())},
        options=FitOptions(steps, learning_rate, "muon", validate_every=validate_every),
        batch=batch,
        respond=responding(nova_far()),
        augment=mirroring(0),
        baseline_events=baseline_events,
        reads=("pixels", "hits", "prongs"),
        shifts=shifts,
    )


@experiment(
    system="muon-removed electrons (MRE)",
    detector=_DETECTOR,
    task="whether muon-removed electrons tell how the efficiency of a nu_e CC selection differs between generators",
    reference=_REMOVED,
    published=(Published("difference of stand-ins, EventCVN of NOvA on its data", -0.0036, _REMOVED),),
    quick={
        "events": 2500,
        "removed": 500,
        "signal": 1000,
        "width": 0.25,
        "steps": 600,
        "batch": 32,
        "validate_every": 150,
        "baseline_events": 1500,
    },
)
def nova_mre(
    events: int = 60000,
    removed: int = 5000,
    signal: int = 10000,
    beam: Beam = "fhc",
    backbone: Literal["googlenet", "mobilenetv2"] = "googlenet",
    norm: Literal["batch", "local"] = "batch",
    width: float = 0.5,
    steps: int = 6000,
    batch: int = 64,
    learning_rate: float = 1e-3,
    validate_every: int = 500,
    baseline_events: int = 48000,
) -> Experiment:
    """EventCVN's selection of nu_e CC on muon-removed electrons of two generators, and on their true nu_e CC.

    Generator A, which training knows, is the simulation and generator B plays the data. With `--init` and the folder of
    a finished nova-eventcvn, `--steps 0` takes its network and its cuts as they are.

    Args:
        events: Number of simulated events that the selection is learned on, all sides of the split together.
        removed: Muon-removed events by each generator.
        signal: Neutrinos by each generator, of which 32 % are nu_e CC.
        beam: Horn current: "fhc", "rhc" or "both".
        backbone: As in nova-eventcvn.
        norm: As in nova-eventcvn.
        width: Channels of the backbone over the published ones.
        steps: Optimiser steps; 0 trains nothing.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
        baseline_events: Training events that the classical method is fitted on, at most.
    """
    from dataclasses import replace

    from nuforge.evaluation.tracking import Tracking
    from nuforge.experiments.nova_slices import SHARD_SIZE
    from nuforge.samples.nova_neutrinos import muon_removed, neutrinos

    selector = nova_eventcvn(
        events=events,
        shard_size=SHARD_SIZE,
        beam=beam,
        backbone=backbone,
        norm=norm,
        width=width,
        steps=max(steps, 1),
        batch=batch,
        learning_rate=learning_rate,
        validate_every=validate_every,
        baseline_events=baseline_events,
    )
    simulation, data = (
        (
            muon_removed(removed, shard_size=SHARD_SIZE, beam=beam, generator=generator),
            neutrinos(signal, _UNSEEN, SHARD_SIZE, beam=beam, generator=generator),
        )
        for generator in ("A", "B")
    )
    return replace(
        selector,
        baselines={_BEFORE: selector.baselines[_BEFORE]},
        options=selector.options if steps else None,
        shifts={},
        tracking=Tracking("nu_e CC", (simulation[0], data[0]), (simulation[1], data[1])),
    )
