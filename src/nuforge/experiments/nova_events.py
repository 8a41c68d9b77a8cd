"""NOvA-like detectors: classes of whole slices, from their pixel maps."""

from __future__ import annotations

from typing import Literal

from nuforge.evaluation.report import Published
from nuforge.experiments.experiment import Experiment, experiment
from nuforge.samples.nova_neutrinos import FLAVOURS, Beam

_CVN = "Aurisano et al., JINST 11 (2016) P09001, arXiv:1604.01444"
_SIAMESE = "siamese ResNet18 that rejects cosmic muons, as shown in lecture slides"
_DETECTOR = "NOvA-like far detector, pixel maps of 100 x 80 in two views"


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
    quick={"events": 3000, "width": 0.25, "steps": 900, "batch": 32, "validate_every": 150},
)
def nova_eventcvn(
    events: int = 30000,
    shard_size: int = 100,
    beam: Beam = "fhc",
    backbone: Literal["googlenet", "mobilenetv2"] = "googlenet",
    width: float = 0.5,
    dropout: float = 0.2,
    steps: int = 6000,
    batch: int = 64,
    learning_rate: float = 2e-3,
    validate_every: int = 500,
) -> Experiment:
    """Classes of slices by a convolutional network with a tower for each view.

    Args:
        events: Number of simulated events, all sides of the split together.
        shard_size: Events that are simulated together.
        beam: Horn current: "fhc" forward (neutrinos), "rhc" reverse (antineutrinos), or "both".
        backbone: "googlenet", whose towers meet in one more inception module (2016), or "mobilenetv2".
        width: Channels of the backbone over the published ones.
        dropout: Fraction of the merged features that is left out in training.
        steps: Optimiser steps.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
    """
    from nuforge.detectors import nova_far
    from nuforge.experiments.nova_slices import mirroring, responding, slices_at_far_site
    from nuforge.models.googlenet import GoogLeNet
    from nuforge.models.mobilenetv2 import MobileNetV2
    from nuforge.models.towers import EventTowers, Merge, Views
    from nuforge.tasks.classification import Classification
    from nuforge.training.learner import Supervised
    from nuforge.training.options import FitOptions

    tower = GoogLeNet if backbone == "googlenet" else MobileNetV2
    views = Views([tower(width), tower(width)])
    model = EventTowers(views, Merge(views.features, width if backbone == "googlenet" else 0.0, dropout=dropout))
    sample, shifts = slices_at_far_site(events, shard_size, beam)
    return Experiment(
        sample=sample,
        learner=Supervised(model, [Classification(FLAVOURS, model.features, "flavour")]),
        baselines={},
        options=FitOptions(steps, learning_rate, validate_every=validate_every),
        batch=batch,
        respond=responding(nova_far()),
        augment=mirroring(0, 1),
        reads=("pixels",),
        shifts=shifts,
    )


@experiment(
    system="siamese ResNet18 against cosmic muons",
    detector=_DETECTOR,
    task="what is left of nu_mu CC, nu_e CC, NC when cosmic muons are rejected",
    reference=_SIAMESE,
    quick={"events": 3000, "width": 0.25, "steps": 900, "batch": 32, "validate_every": 150},
)
def nova_cosmic(
    events: int = 30000,
    shard_size: int = 100,
    beam: Beam = "fhc",
    width: float = 0.5,
    dropout: float = 0.2,
    steps: int = 4000,
    batch: int = 64,
    learning_rate: float = 2e-3,
    validate_every: int = 500,
) -> Experiment:
    """Scores of nu_mu CC, nu_e CC, nu_tau CC, NC and cosmic muons by one ResNet18 that looks at both views.

    Only the view from above is mirrored in training: muons come from the sky.

    Args:
        events: Number of simulated events, all sides of the split together.
        shard_size: Events that are simulated together.
        beam: Horn current: "fhc", "rhc" or "both".
        width: Channels of ResNet18 over the published ones.
        dropout: Fraction of the merged features that is left out in training.
        steps: Optimiser steps.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
    """
    from nuforge.detectors import nova_far
    from nuforge.experiments.nova_slices import mirroring, responding, slices_at_far_site
    from nuforge.models.resnet18 import ResNet18
    from nuforge.models.towers import EventTowers, Merge, Views
    from nuforge.tasks.classification import Classification
    from nuforge.training.learner import Supervised
    from nuforge.training.options import FitOptions

    views = Views([ResNet18(width)])
    model = EventTowers(views, Merge(views.features, dropout=dropout))
    sample, shifts = slices_at_far_site(events, shard_size, beam)
    return Experiment(
        sample=sample,
        learner=Supervised(model, [Classification(FLAVOURS, model.features, "flavour")]),
        baselines={},
        options=FitOptions(steps, learning_rate, validate_every=validate_every),
        batch=batch,
        respond=responding(nova_far()),
        augment=mirroring(0),
        reads=("pixels",),
        shifts=shifts,
    )
