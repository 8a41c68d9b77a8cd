"""NOvA-like detectors: particles of prongs, from their pixels and from those of the slice around them."""

from __future__ import annotations

from typing import Literal

from nuforge.evaluation.report import Published
from nuforge.experiments.experiment import Experiment, experiment
from nuforge.samples.nova_neutrinos import Beam

_CONTEXT = "Psihas et al., Phys. Rev. D 100 (2019) 073005, arXiv:1906.00713"
_DETECTOR = "NOvA-like {} detector, pixel maps of 100 x 80 in two views, prongs"


@experiment(
    system="ProngCVN",
    detector=_DETECTOR.format("far"),
    task="particles of prongs: electron, muon, photon, charged pion, proton",
    reference=_CONTEXT,
    published=(
        Published("efficiency, of all prongs", 0.833, _CONTEXT),
        Published("purity, of all prongs", 0.835, _CONTEXT),
    ),
    quick={"events": 3000, "width": 0.125, "steps": 500, "batch": 32, "validate_every": 100},
)
def nova_prongcvn(
    events: int = 30000,
    shard_size: int = 100,
    beam: Beam = "fhc",
    squeeze_excite: bool = False,
    width: float = 0.25,
    dropout: float = 0.2,
    steps: int = 3000,
    batch: int = 64,
    learning_rate: float = 2e-3,
    validate_every: int = 500,
) -> Experiment:
    """Particles of prongs by four towers: both views of the prong, and of its slice.

    The towers of the two views are one (siamese). The network of the prong alone is a baseline, trained first on the
    same events for as many steps.

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
        options=FitOptions(steps, learning_rate, validate_every=validate_every),
        batch=batch,
        respond=responding(nova_far()),
        augment=mirroring(0, 1),
        reads=("pixels", "hits", "prongs"),
    )
    return replace(
        network_alone,
        learner=prong_learner(PIDS, "pid", width, dropout, squeeze_excite, context=True),
        baselines={"prongs alone": Rival(alone)},
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
    learning_rate: float = 2e-3,
    validate_every: int = 500,
) -> Experiment:
    """Prongs of single particles by two towers that see the prong alone.

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
    from nuforge.detectors import nova_near
    from nuforge.experiments.nova_slices import SHIFTS, mirroring, prong_learner, responding
    from nuforge.samples.nova_particles import SPECIES, prong_species, single_particles
    from nuforge.training.options import FitOptions

    classes = SPECIES if ask == "species" else ("other", "neutron")
    return Experiment(
        sample=single_particles(events, shard_size=shard_size),
        learner=prong_learner(classes, ask, width, dropout, gated=False, context=False),
        baselines={},
        options=FitOptions(steps, learning_rate, validate_every=validate_every),
        batch=batch,
        respond=responding(nova_near(), prong_species),
        augment=mirroring(0, 1),
        reads=("pixels", "hits", "prongs"),
        shifts={name: single_particles(events, shard_size=shard_size, shift=name, side="test") for name in SHIFTS},
    )
