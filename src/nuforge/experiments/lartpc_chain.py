"""The liquid-argon chain: points, fragments, particles and interactions, each stage alone and all of them in a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nuforge.evaluation.report import Published
from nuforge.experiments.experiment import Experiment, experiment

if TYPE_CHECKING:
    from nuforge.samples import Sample

Upstream = Literal["truth", "reco"]
"""What a stage is given: what is true, or what the stages before it in a trained chain predict."""

_DETECTOR = "pixel LArTPC cube, 230.4 cm, 0.3 cm voxels"
_SLIDES = "liquid-argon 3D chain (SPINE), as shown in lecture slides"


@experiment(
    system="PPN point proposal",
    detector=_DETECTOR,
    task="where particles start and end, beside the classes of voxels",
    reference="Domine et al., arXiv:2006.14745",
    published=(
        Published("point efficiency within 3 voxels", 0.968, _SLIDES),
        Published("point efficiency within 10 voxels", 0.978, _SLIDES),
        Published("median distance", 0.25, _SLIDES),
    ),
    quick={"events": 600, "width": 8, "steps": 800, "batch": 4, "learning_rate": 6e-3, "validate_every": 400},
)
def lartpc_points(
    events: int = 8000,
    shard_size: int = 100,
    vertices: int = 1,
    depth: int = 5,
    width: int = 16,
    steps: int = 7000,
    batch: int = 8,
    learning_rate: float = 3e-3,
    validate_every: int = 500,
) -> Experiment:
    """Start and end points of particles by a PPN on a sparse UResNet, beside end points of clusters.

    Args:
        events: Number of simulated events, all sides of the split together.
        shard_size: Events that are simulated together.
        vertices: Interaction vertices of an event, at most.
        depth: Levels of the network; each halves the resolution.
        width: Features of the first level; level i has i + 1 times as many.
        steps: Optimiser steps.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
    """
    from nuforge.baselines.end_points import EndPoints
    from nuforge.baselines.rules import Rules
    from nuforge.baselines.together import Together
    from nuforge.detectors import lartpc_cube
    from nuforge.experiments.chain_stages import interactions_of, moving_points, points_learner, responding
    from nuforge.training.options import FitOptions

    detector = lartpc_cube()
    ends = EndPoints(detector.readout.voxel, detector.origin)
    return Experiment(
        sample=_sample(events, shard_size, vertices),
        learner=points_learner(depth, width, detector),
        baselines={"rules and end points": Together((Rules(), ends))},
        options=FitOptions(steps, learning_rate, "muon", validate_every=validate_every),
        batch=batch,
        respond=responding(detector),
        by={"interactions": interactions_of},
        augment=moving_points(detector),
    )


@experiment(
    system="Graph-SPICE dense clustering",
    detector=_DETECTOR,
    task="which voxels of a class are one connected piece of one particle",
    reference="Koh et al., arXiv:2007.03083",
    published=(
        Published("fragment efficiency", 0.96, _SLIDES),
        Published("fragment purity", 0.96, _SLIDES),
        Published("share with fragment ARI above 0.92", 0.90, _SLIDES),
    ),
    quick={"events": 600, "width": 8, "steps": 800, "batch": 4, "learning_rate": 6e-3, "validate_every": 400},
)
def lartpc_fragments(
    events: int = 8000,
    shard_size: int = 100,
    vertices: int = 1,
    upstream: Upstream = "truth",
    chain: str = "lartpc-chain",
    depth: int = 5,
    width: int = 16,
    steps: int = 4000,
    batch: int = 8,
    learning_rate: float = 3e-3,
    validate_every: int = 500,
) -> Experiment:
    """Fragments by a Graph-SPICE network, beside DBSCAN of the voxels of each class.

    Args:
        events: Number of simulated events, all sides of the split together.
        shard_size: Events that are simulated together.
        vertices: Interaction vertices of an event, at most.
        upstream: Classes of voxels: true ones, or those that a chain predicts.
        chain: Checkpoint of that chain, which `reco` asks for; by default the one that comes with the package.
        depth: Levels of the network; each halves the resolution.
        width: Features of the first level; level i has i + 1 times as many.
        steps: Optimiser steps.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
    """
    from nuforge.baselines.dbscan_fragments import DBSCANFragments
    from nuforge.detectors import lartpc_cube
    from nuforge.experiments.chain_stages import fragments_learner, given_to, interactions_of, moving, responding
    from nuforge.training.options import FitOptions

    detector = lartpc_cube()
    return Experiment(
        sample=_sample(events, shard_size, vertices),
        learner=fragments_learner(depth, width),
        baselines={"DBSCAN": DBSCANFragments()},
        options=FitOptions(steps, learning_rate, "muon", validate_every=validate_every),
        batch=batch,
        respond=responding(detector),
        by={"interactions": interactions_of},
        given=given_to("fragments", upstream, chain, detector),
        augment=moving(detector),
        reads=("voxels.near_point",),
    )


@experiment(
    system="GrapPA showers and tracks",
    detector=_DETECTOR,
    task="which fragments are one particle, and where a shower begins",
    reference="Drielsma et al., arXiv:2007.01335",
    published=(
        Published("voxel ARI", 0.978, _SLIDES),
        Published("voxel purity", 0.994, _SLIDES),
        Published("voxel efficiency", 0.996, _SLIDES),
        Published("primary accuracy", 0.998, _SLIDES),
    ),
    quick={"events": 600, "steps": 400, "validate_every": 100, "tree_rounds": 40},
)
def lartpc_particles(
    events: int = 8000,
    shard_size: int = 100,
    vertices: int = 1,
    of: Literal["showers", "tracks"] = "showers",
    upstream: Upstream = "truth",
    chain: str = "lartpc-chain",
    width: int = 64,
    steps: int = 4000,
    batch: int = 16,
    learning_rate: float = 2e-3,
    validate_every: int = 250,
    tree_rounds: int = 100,
) -> Experiment:
    """Showers, or tracks, from their fragments by a GrapPA network, beside geometry and boosted trees.

    Args:
        events: Number of simulated events, all sides of the split together.
        shard_size: Events that are simulated together.
        vertices: Interaction vertices of an event, at most.
        of: Which fragments: those of showers, Michel and delta electrons, or those of tracks.
        upstream: Fragments and their ends: true ones, or those that a chain predicts.
        chain: Checkpoint of that chain, which `reco` asks for; by default the one that comes with the package.
        width: Channels of nodes and edges.
        steps: Optimiser steps.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
        tree_rounds: Rounds of boosting.
    """
    from nuforge.baselines.graph_trees import GraphTrees
    from nuforge.baselines.shower_merging import ShowerMerging
    from nuforge.baselines.track_merging import TrackMerging
    from nuforge.detectors import lartpc_cube
    from nuforge.experiments.chain_stages import (
        given_to,
        interactions_of,
        joined,
        moving_clusters,
        particles_learner,
        responding,
    )
    from nuforge.training.options import FitOptions

    detector, showers = lartpc_cube(), of == "showers"
    targets = {"primary": 2} if showers else {}
    rule = {"cones": ShowerMerging()} if showers else {"collinearity": TrackMerging()}
    return Experiment(
        sample=_sample(events, shard_size, vertices),
        learner=particles_learner(of, width, detector),
        baselines={**rule, "boosted trees": GraphTrees(joined(of, detector), targets, rounds=tree_rounds)},
        options=FitOptions(steps, learning_rate, validate_every=validate_every),
        batch=batch,
        respond=responding(detector),
        by={"interactions": interactions_of},
        given=given_to(of, upstream, chain, detector),
        augment=moving_clusters(detector),
        baseline_events=2000,
        reads=("voxels.cluster", "clusters"),
    )


@experiment(
    system="GrapPA interactions and identification",
    detector=_DETECTOR,
    task="which particles are one interaction, which it made itself, and what each is",
    reference="Drielsma et al., arXiv:2007.01335",
    published=(
        Published("voxel ARI", 0.992, _SLIDES),
        Published("pid recall of photon", 0.976, _SLIDES),
        Published("pid recall of electron", 0.898, _SLIDES),
        Published("pid recall of muon", 0.930, _SLIDES),
        Published("pid recall of pion", 0.767, _SLIDES),
        Published("pid recall of proton", 0.903, _SLIDES),
    ),
    quick={"events": 600, "steps": 400, "validate_every": 100, "tree_rounds": 40},
)
def lartpc_interactions(
    events: int = 8000,
    shard_size: int = 100,
    vertices: int = 1,
    upstream: Upstream = "truth",
    chain: str = "lartpc-chain",
    width: int = 128,
    steps: int = 5000,
    batch: int = 16,
    learning_rate: float = 2e-3,
    validate_every: int = 250,
    tree_rounds: int = 100,
) -> Experiment:
    """Interactions, primaries and identities of particles by a GrapPA network, beside vertices, cuts and boosted trees.

    Args:
        events: Number of simulated events, all sides of the split together.
        shard_size: Events that are simulated together.
        vertices: Interaction vertices of an event, at most.
        upstream: Particles and their ends: true ones, or those that a chain predicts.
        chain: Checkpoint of that chain, which `reco` asks for; by default the one that comes with the package.
        width: Channels of nodes and edges.
        steps: Optimiser steps.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
        tree_rounds: Rounds of boosting.
    """
    from nuforge.baselines.graph_trees import GraphTrees
    from nuforge.baselines.particle_cuts import ParticleCuts
    from nuforge.baselines.together import Together
    from nuforge.baselines.vertex_grouping import VertexGrouping
    from nuforge.detectors import lartpc_cube
    from nuforge.experiments.chain_stages import (
        given_to,
        interactions_learner,
        interactions_of,
        joined,
        moving_clusters,
        responding,
    )
    from nuforge.simulation.truth import IDENTITIES
    from nuforge.training.options import FitOptions

    detector = lartpc_cube()
    targets = {"primary": 2, "pid": len(IDENTITIES)}
    return Experiment(
        sample=_sample(events, shard_size, vertices),
        learner=interactions_learner(width, detector),
        baselines={
            "vertices and cuts": Together((VertexGrouping(), ParticleCuts())),
            "boosted trees": GraphTrees(joined("interactions", detector), targets, rounds=tree_rounds),
        },
        options=FitOptions(steps, learning_rate, validate_every=validate_every),
        batch=batch,
        respond=responding(detector),
        by={"interactions": interactions_of},
        given=given_to("interactions", upstream, chain, detector),
        augment=moving_clusters(detector),
        baseline_events=2000,
        reads=("voxels.cluster", "clusters"),
    )


@experiment(
    system="liquid-argon 3D chain (SPINE)",
    detector=_DETECTOR,
    task="voxels in, particles and interactions out",
    reference="Drielsma et al., arXiv:2102.01033",
    published=(
        Published("shower ARI", 0.978, _SLIDES),
        Published("interaction ARI", 0.992, _SLIDES),
        Published("pid recall of photon", 0.976, _SLIDES),
        Published("pid recall of electron", 0.898, _SLIDES),
        Published("pid recall of muon", 0.930, _SLIDES),
        Published("pid recall of pion", 0.767, _SLIDES),
        Published("pid recall of proton", 0.903, _SLIDES),
    ),
    quick={
        "events": 400,
        "width": 8,
        "point_steps": 500,
        "fragment_steps": 200,
        "shower_steps": 150,
        "track_steps": 100,
        "interaction_steps": 200,
        "baseline_events": 100,
    },
)
def lartpc_chain(
    events: int = 8000,
    shard_size: int = 100,
    vertices: int = 1,
    width: int = 16,
    fragment_width: int = 16,
    point_steps: int = 7000,
    fragment_steps: int = 8000,
    shower_steps: int = 4000,
    track_steps: int = 1500,
    interaction_steps: int = 6000,
    tune_steps: int = 0,
    baseline_events: int = 400,
) -> Experiment:
    """The whole chain from voxels to particles and interactions: its stages trained in turn, each on what it will see.

    Args:
        events: Number of simulated events, all sides of the split together.
        shard_size: Events that are simulated together.
        vertices: Interaction vertices of an event, at most.
        width: Features of the first level of the network for classes and points.
        fragment_width: Features of the first level of the network for fragments.
        point_steps: Optimiser steps of classes and points.
        fragment_steps: Optimiser steps of fragments.
        shower_steps: Optimiser steps of showers.
        track_steps: Optimiser steps of tracks.
        interaction_steps: Optimiser steps of interactions.
        tune_steps: Optimiser steps of all stages together, at the end; 0 for none.
        baseline_events: Training events that the classical chain is fitted on.
    """
    from nuforge.detectors import lartpc_cube
    from nuforge.experiments.chain_stages import chain_of, chain_stages, interactions_of, moving_points, responding
    from nuforge.reconstruction.classical import ClassicalChain
    from nuforge.training.options import FitOptions

    detector, sample = lartpc_cube(), _sample(events, shard_size, vertices)
    chain = chain_of(detector, width, fragment_width)
    steps = (point_steps, fragment_steps, shower_steps, track_steps, interaction_steps)
    return Experiment(
        sample=sample,
        learner=chain,
        baselines={"classical chain": ClassicalChain(detector)},
        options=FitOptions(tune_steps, 3e-4, validate_every=max(1, tune_steps // 4)) if tune_steps else None,
        batch=8,
        respond=responding(detector),
        by={"interactions": interactions_of},
        augment=moving_points(detector),
        baseline_events=baseline_events,
        stages=chain_stages(chain, sample, detector, steps),
    )


def _sample(events: int, shard_size: int, vertices: int) -> Sample:
    from nuforge.samples.lartpc import particle_bomb

    return particle_bomb(events, shard_size=shard_size, most_vertices=vertices)
