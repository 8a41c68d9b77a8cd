"""NOvA-like detectors: particles of prongs, from their pixels and from those of the slice around them."""

from __future__ import annotations

from typing import Literal

from nuforge.evaluation.report import Published
from nuforge.experiments.experiment import Experiment, experiment
from nuforge.samples.nova_neutrinos import Beam

_CONTEXT = "Psihas et al., Phys. Rev. D 100 (2019) 073005, arXiv:1906.00713"
_TRANSFORMER = "Shmakov et al., arXiv:2303.06201"
_INSTANCES = "Groh, APS April Meeting 2021, D18.5; arXiv:2510.09659 for a successor on point sets"
_DETECTOR = "NOvA-like {} detector, pixel maps of 100 x 80 in two views, prongs"
_RATE = 1e-3
"""Largest learning rate with Muon."""


@experiment(
    system="ProngCVN",
    detector=_DETECTOR.format("far"),
    task="particles of prongs: electron, muon, photon, charged pion, proton",
    reference=_CONTEXT,
    published=(
        Published("efficiency, of all prongs", 0.833, _CONTEXT),
        Published("purity, of all prongs", 0.835, _CONTEXT),
    ),
    quick={"events": 2000, "width": 0.125, "steps": 200, "batch": 32, "validate_every": 50},
)
def nova_prongcvn(
    events: int = 60000,
    shard_size: int = 100,
    beam: Beam = "fhc",
    squeeze_excite: bool = False,
    width: float = 0.25,
    dropout: float = 0.2,
    steps: int = 3000,
    batch: int = 64,
    learning_rate: float = _RATE,
    validate_every: int = 500,
) -> Experiment:
    """Particles of prongs by four towers: both views of the prong, and of its slice.

    The towers of the two views are one (siamese). The same network without the towers of the slice is a baseline,
    trained first on the same events for as many steps; so are likelihoods of energy loss and range.

    Args:
        events: Number of simulated events, all sides of the split together.
        shard_size: Events that are simulated together.
        beam: Horn current: "fhc", "rhc" or "both".
        squeeze_excite: Whether a gate weighs the channels of all towers before they are merged, in both networks.
        width: Channels of GoogLeNet over the published ones.
        dropout: Fraction of the merged features that is left out in training.
        steps: Optimiser steps, of each network.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
    """
    from dataclasses import replace

    from nuforge.baselines.prong_likelihood import ProngLikelihood
    from nuforge.detectors import nova_far
    from nuforge.experiments.nova_slices import mirroring, prong_learner, responding, slices_at_far_site
    from nuforge.experiments.rival import Rival
    from nuforge.simulation.cells.kinds import PIDS
    from nuforge.training.options import FitOptions

    alone = prong_learner(PIDS, "pid", width, dropout, squeeze_excite, context=False)
    sample, shifts = slices_at_far_site(events, shard_size, beam)
    network_alone = Experiment(
        sample=sample,
        learner=alone,
        baselines={},
        options=FitOptions(steps, learning_rate, "muon", validate_every=validate_every),
        batch=batch,
        respond=responding(nova_far()),
        augment=mirroring(0, 1),
        reads=("pixels", "hits", "prongs"),
    )
    return replace(
        network_alone,
        learner=prong_learner(PIDS, "pid", width, dropout, squeeze_excite, context=True),
        baselines={"prongs alone": Rival(alone), "dE/dx and range": ProngLikelihood(nova_far())},
        stages={"prongs-alone": network_alone},
        shifts=shifts,
    )


@experiment(
    system="identification of single particles, and of neutrons, without context",
    detector=_DETECTOR.format("near"),
    task="whether a neutron made a prong, or which single particle did",
    reference="NOvA's networks for single particles and neutrons, of which no figures are published",
    quick={"events": 2000, "width": 0.125, "steps": 600, "batch": 32, "validate_every": 100},
)
def nova_single_particle(
    events: int = 20000,
    shard_size: int = 100,
    ask: Literal["neutron", "species"] = "neutron",
    width: float = 0.25,
    dropout: float = 0.2,
    steps: int = 3000,
    batch: int = 64,
    learning_rate: float = _RATE,
    validate_every: int = 500,
) -> Experiment:
    """Prongs of single particles by two towers that see the prong alone, beside cuts or likelihoods.

    Args:
        events: Number of simulated events, all sides of the split together.
        shard_size: Events that are simulated together.
        ask: "neutron" for prongs of neutrons against all others, "species" for six kinds of particles.
        width: Channels of GoogLeNet over the published ones.
        dropout: Fraction of the merged features that is left out in training.
        steps: Optimiser steps.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
    """
    from nuforge.baselines.displaced_clusters import DisplacedClusters
    from nuforge.baselines.prong_likelihood import ProngLikelihood
    from nuforge.detectors import nova_near
    from nuforge.experiments.nova_slices import SHIFTS, mirroring, prong_learner, responding
    from nuforge.samples.nova_particles import SPECIES, prong_species, single_particles
    from nuforge.training.options import FitOptions

    near, of_species = nova_near(), ask == "species"
    classes = SPECIES if of_species else ("other", "neutron")
    return Experiment(
        sample=single_particles(events, shard_size=shard_size),
        learner=prong_learner(classes, ask, width, dropout, gated=False, context=False),
        baselines={"dE/dx and range": ProngLikelihood(near, ask, len(classes))}
        if of_species
        else {"displaced clusters": DisplacedClusters(target=ask, label=1)},
        options=FitOptions(steps, learning_rate, "muon", validate_every=validate_every),
        batch=batch,
        respond=responding(near, prong_species),
        augment=mirroring(0, 1),
        reads=("pixels", "hits", "prongs"),
        shifts={name: single_particles(events, shard_size=shard_size, shift=name, side="test") for name in SHIFTS},
    )


@experiment(
    system="TransformerCVN",
    detector=_DETECTOR.format("far"),
    task="classes of slices and what made each of their prongs, together",
    reference=_TRANSFORMER,
    published=(Published("accuracy", 0.90, _TRANSFORMER),),
    quick={
        "events": 2400,
        "layers": 3,
        "steps": 400,
        "prong_steps": 100,
        "batch": 32,
        "validate_every": 100,
        "baseline_events": 1500,
    },
)
def nova_transformercvn(
    events: int = 60000,
    shard_size: int = 100,
    beam: Beam = "fhc",
    front: Literal["sparse", "dense"] = "sparse",
    layers: int = 6,
    dropout: float = 0.1,
    steps: int = 7000,
    prong_steps: int = 3000,
    batch: int = 64,
    learning_rate: float = _RATE,
    validate_every: int = 1000,
    baseline_events: int = 48000,
) -> Experiment:
    """Classes of slices and prongs by attention between the maps of a slice and those of its prongs.

    Beside it stand LID and LEM for slices with ProngCVN for prongs, which is trained first on the same events, and
    boosted trees for both; EventCVN on the same sample is nova-eventcvn. The losses of slices and prongs count alike:
    with nine parts of ten for slices, as published, these were learned by heart before prongs were learned at all. The
    report also has what events and prongs look at, the saliency of pixels, and the features of events.

    Args:
        events: Number of simulated events, all sides of the split together.
        shard_size: Events that are simulated together.
        beam: Horn current: "fhc", "rhc" or "both".
        front: What reads the maps: "sparse" convolutions at filled pixels, or a "dense" DenseNet, whose steps take six
            times as long.
        layers: Layers of attention.
        dropout: Fraction of attention and of channels that is left out in training.
        steps: Optimiser steps.
        prong_steps: Those of ProngCVN; it is looked at on the validation side as often as the larger network.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
        baseline_events: Training events that the classical methods are fitted on, at most.
    """
    from dataclasses import replace

    from nuforge.baselines.named import Named
    from nuforge.baselines.prong_trees import ProngTrees
    from nuforge.baselines.slice_trees import SliceTrees
    from nuforge.baselines.together import Together
    from nuforge.detectors import nova_far
    from nuforge.evaluation.insight import Insight
    from nuforge.experiments.nova_slices import (
        identifiers,
        mirroring,
        prong_learner,
        responding,
        slices_at_far_site,
    )
    from nuforge.experiments.rival import Rival
    from nuforge.models.densenet import DenseNet
    from nuforge.models.towers import Views
    from nuforge.models.transformer_cvn import DenseFront, SparseFront, TransformerCVN
    from nuforge.samples.nova_neutrinos import FLAVOURS
    from nuforge.simulation.cells.kinds import ORIGINS
    from nuforge.tasks.classification import Classification
    from nuforge.tasks.segmentation import Segmentation
    from nuforge.training.learner import Supervised
    from nuforge.training.options import FitOptions

    of_events, of_prongs = (SparseFront() if front == "sparse" else DenseFront(Views([DenseNet()])) for _ in range(2))
    model = TransformerCVN(of_events, of_prongs, layers=layers, dropout=dropout)
    of_event = Classification(FLAVOURS, model.features, "flavour", focusing=1.0)
    of_prong = Segmentation(ORIGINS, model.features, "prongs", "origin", name="prong", focusing=1.0)
    learner = Supervised(model, [of_event, of_prong])
    prongs = prong_learner(ORIGINS, "origin", 0.25, 0.2, gated=False, context=True, name=of_prong.name)
    far = nova_far()
    trees = Together((SliceTrees(far), Named(ProngTrees(far, "origin", len(ORIGINS)), of_prong.name)))
    sample, shifts = slices_at_far_site(events, shard_size, beam)
    made = Experiment(
        sample=sample,
        learner=learner,
        baselines={"LID and LEM, ProngCVN": Together((identifiers(far), Rival(prongs))), "boosted trees": trees},
        options=FitOptions(steps, learning_rate, "muon", weight_decay=0.05, validate_every=validate_every),
        batch=batch,
        respond=responding(far),
        augment=mirroring(0, 1),
        baseline_events=baseline_events,
        reads=("pixels", "hits", "prongs"),
        shifts=shifts,
        look=Insight(learner, of_event, model.attention, of_prong),
    )
    every = min(validate_every, prong_steps)
    of_rival = FitOptions(prong_steps, _RATE, "muon", validate_every=every)
    rival = replace(made, learner=prongs, baselines={}, options=of_rival, shifts={}, look=None)
    return replace(made, stages={"prongcvn": rival})


@experiment(
    system="Mask R-CNN for particles in pixel maps",
    detector=_DETECTOR.format("far"),
    task="which pixels of a view are one particle's, and of which kind it is",
    reference=_INSTANCES,
    quick={"events": 1500, "steps": 200, "batch": 8, "validate_every": 200},
)
def nova_instances(
    events: int = 60000,
    shard_size: int = 100,
    beam: Beam = "fhc",
    width: int = 16,
    channels: int = 32,
    steps: int = 3000,
    batch: int = 16,
    learning_rate: float = _RATE,
    validate_every: int = 1500,
) -> Experiment:
    """Particles of each view by Mask R-CNN, beside the prongs of the reconstruction.

    Args:
        events: Number of simulated events, all sides of the split together.
        shard_size: Events that are simulated together.
        beam: Horn current: "fhc", "rhc" or "both".
        width: Channels of the first stage of the backbone; each of three more has twice as many.
        channels: Channels of the feature pyramid and of the mask head.
        steps: Optimiser steps.
        batch: Events in a step, of two images each.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
    """
    from nuforge.baselines.prong_pixels import ProngPixels
    from nuforge.detectors import nova_far
    from nuforge.experiments.nova_slices import mirroring, responding, slices_at_far_site
    from nuforge.models.mask_rcnn import MaskRCNN
    from nuforge.tasks.instances import KINDS, Instances
    from nuforge.training.detection import Detection
    from nuforge.training.options import FitOptions

    sample, shifts = slices_at_far_site(events, shard_size, beam)
    return Experiment(
        sample=sample,
        learner=Detection(MaskRCNN(len(KINDS), width, channels), Instances()),
        baselines={"prongs": ProngPixels()},
        options=FitOptions(steps, learning_rate, "muon", validate_every=validate_every),
        batch=batch,
        respond=responding(nova_far()),
        augment=mirroring(0, 1),
        reads=("pixels", "hits", "prongs"),
        shifts=shifts,
    )
