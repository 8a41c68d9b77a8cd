"""The stages of the liquid-argon chain: what learns in each, what each is given, and the chain of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from nuforge.detectors import TimeProjectionChamber
from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.experiments.experiment import Experiment
from nuforge.experiments.lartpc_chain import Upstream
from nuforge.experiments.predictor import load
from nuforge.models.graph_spice import GraphSPICE
from nuforge.models.grappa import GrapPA
from nuforge.models.ppn import PPN
from nuforge.nn.cluster_graph import Joining
from nuforge.reconstruction.hand_over import (
    finished,
    fragments_as_clusters,
    near_points,
    particles_as_clusters,
    showers_aside,
    with_kinds,
)
from nuforge.samples import Sample
from nuforge.simulation.readout import read_out
from nuforge.simulation.truth import CLASSES, IDENTITIES, cluster_truth, given_truth
from nuforge.simulation.truth.clusters import Of
from nuforge.tasks.fragments import Fragments
from nuforge.tasks.grouping import Grouping
from nuforge.tasks.kinematics import Kinematics
from nuforge.tasks.particles import Particles
from nuforge.tasks.points import Points
from nuforge.tasks.segmentation import Segmentation
from nuforge.training.augmentation import voxel_symmetries
from nuforge.training.chain import Chain, Link
from nuforge.training.learner import Supervised
from nuforge.training.options import FitOptions

Stage = Literal["points", "fragments", "showers", "tracks", "interactions"]
SIDE = 768
"""Voxels along an edge of the cube."""

LOG_VALUE = (-1.8, 0.7)
"""Mean and standard deviation of ln(value / MeV) of the voxels of particle bombs."""

LEVEL = (0, 2)
"""The axes across `up`."""

SHOWERS, TRACKS = (0, 2, 3), (1,)
"""Classes of the fragments of which showers (and Michel and delta electrons) and tracks are made."""

LONGEST = (150.0, 30.0, 30.0, 30.0)
"""cm; fragments of a shower lie up to some radiation lengths apart, those of other classes close together."""

EVERYWHERE = (500.0,) * 4
"""cm; all particles of an event are joined."""


def responding(detector: TimeProjectionChamber) -> Callable[[Events, torch.Generator], Events]:
    """The response of a detector, with labels."""

    def respond(events: Events, generator: torch.Generator) -> Events:
        return read_out(events, detector, generator)

    return respond


def moving(
    detector: TimeProjectionChamber, *positions: str, axes: tuple[int, ...] = (0, 1, 2), shift: int = 16
) -> Callable[[Events, torch.Generator], Events]:
    """Symmetries of the cube, by which voxels and the named positions move.

    Args:
        detector: Its voxels.
        positions: Columns in cm, as table.column.
        axes: The axes that are alike: all for what has no up, `LEVEL` for what knows that muons come from above.
        shift: Largest shift in voxels.
    """
    return partial(
        voxel_symmetries,
        side=SIDE,
        axes=axes,
        shift=shift,
        positions=positions,
        voxel=detector.readout.voxel,
        origin=detector.origin,
    )


def moving_points(detector: TimeProjectionChamber) -> Callable[[Events, torch.Generator], Events]:
    """Symmetries for points: a track that crosses the detector starts at its upper end, if anything tells."""
    return moving(detector, "points.position", axes=LEVEL)


def moving_clusters(detector: TimeProjectionChamber) -> Callable[[Events, torch.Generator], Events]:
    """Symmetries for clusters: shifts are small, for a muon comes in at a wall."""
    return moving(detector, "clusters.start", "clusters.end", axes=LEVEL, shift=4)


def interactions_of(events: Events) -> Tensor:
    """Number of true interactions of each event (B,), cosmic muons among them; 6 stands for more too."""
    return events["interactions"].counts.clamp(max=6)


def points_learner(depth: int, width: int, detector: TimeProjectionChamber) -> Supervised:
    """Classes of voxels, and points."""
    model = PPN(depth, width, value_mean=LOG_VALUE[0], value_spread=LOG_VALUE[1])
    return Supervised(model, [Segmentation(CLASSES, model.features), Points(detector.readout.voxel, detector.origin)])


def fragments_learner(depth: int, width: int) -> Supervised:
    """Fragments of voxels of one class."""
    model = GraphSPICE(depth, width, value_mean=LOG_VALUE[0], value_spread=LOG_VALUE[1])
    return Supervised(model, [Fragments()])


def joined(stage: Literal["showers", "tracks", "interactions"], detector: TimeProjectionChamber) -> Joining:
    """Which clusters a stage looks at, and which of them it joins."""
    of_detector = partial(Joining, voxel=detector.readout.voxel, origin=detector.origin)
    if stage == "interactions":
        return of_detector(longest=EVERYWHERE)
    return of_detector(SHOWERS if stage == "showers" else TRACKS, LONGEST)


def particles_learner(of: Literal["showers", "tracks"], width: int, detector: TimeProjectionChamber) -> Supervised:
    """Showers and their primary fragments, or tracks."""
    model = GrapPA(width, joining=joined(of, detector))
    grouping = Grouping(model.features, model.joining.kinds)
    if of == "tracks":
        return Supervised(model, [grouping])
    return Supervised(model, [grouping, _of_clusters(model, ("secondary", "primary"), "primary")])


def interactions_learner(width: int, detector: TimeProjectionChamber) -> Supervised:
    """Interactions, primaries and identities of particles."""
    model = GrapPA(width, joining=joined("interactions", detector))
    tasks = [
        Grouping(model.features, by_number=5),
        _of_clusters(model, ("secondary", "primary"), "primary"),
        _of_clusters(model, IDENTITIES, "pid"),
    ]
    return Supervised(model, tasks)


def _of_clusters(model: GrapPA, classes: tuple[str, ...], target: str) -> Segmentation:
    return Segmentation(classes, model.features, "clusters", target, name=target)


def given_to(
    stage: Stage, upstream: Upstream, checkpoint: str, detector: TimeProjectionChamber
) -> Callable[[Events], Events]:
    """From readout to what a stage is given, with the truth that its tasks need where there is truth.

    Args:
        stage: Which stage.
        upstream: What is true, or what the stages before it predict.
        checkpoint: The chain that predicts it, a folder or the name of one that comes with the package.
        detector: Its voxels.

    Raises:
        InputError: If it is no chain.
    """
    if upstream == "truth":
        return partial(_true, stage=stage, detector=detector)
    chain = load(Path(checkpoint)).built.learner
    if not isinstance(chain, Chain):
        raise InputError(f"'{checkpoint}' is no chain; give a checkpoint of lartpc-chain")
    return partial(handed, chain=chain.eval(), stage=stage)


def handed(events: Events, chain: Chain, stage: str) -> Events:
    """What a chain hands to one of its stages, with labels where there is truth."""
    return chain.links[stage].labelled(chain.handed(events, stage))


def _true(events: Events, stage: Stage, detector: TimeProjectionChamber) -> Events:
    """What a stage is given by perfect earlier ones, with its labels.

    Raises:
        InputError: If the events have no truth.
    """
    if not _has_truth(events):
        raise InputError(
            f"stage '{stage}' is given what is true, and the events have no labels, only {sorted(events.tables)}; "
            "give events with labels, or a stage of --upstream reco"
        )
    if stage == "interactions":
        return labelled(given_truth(events, "particles"), of="particles")
    if stage == "fragments":
        return near_points(given_truth(events, "fragments"), events["points"], detector)
    return labelled(given_truth(events, "fragments"), of="fragments", kinds=_KINDS.get(stage, ()))


_KINDS = {"showers": SHOWERS, "tracks": TRACKS}


def labelled(events: Events, of: Of, kinds: Sequence[int] = ()) -> Events:
    """Events with the truth of their clusters, if they have any truth; unknown for clusters of other kinds."""
    if not _has_truth(events):
        return events
    events = cluster_truth(events, of)
    if not kinds:
        return events
    clusters = events["clusters"]
    asked = torch.isin(clusters["kind"], clusters["kind"].new_tensor(kinds))
    known = {name: torch.where(asked, clusters[name], -1) for name in ("group", "primary", "pid")}
    return events.with_table("clusters", clusters.with_columns(known))


def _has_truth(events: Events) -> bool:
    """Whether the labels are there that clusters and their truth are made from."""
    return "particles" in events and "fragments" in events and "deposit" in events["voxels"]


def chain_of(detector: TimeProjectionChamber, width: int, fragment_width: int) -> Chain:
    """All stages in a row, not trained yet.

    Args:
        detector: Its voxels and what the reconstruction asks of it.
        width: Features of the first level of the network for classes and points.
        fragment_width: The same of the network for fragments.
    """
    points, fragments = points_learner(5, width, detector), fragments_learner(5, fragment_width)
    showers, tracks = particles_learner("showers", 64, detector), particles_learner("tracks", 64, detector)
    showered, tracked = (partial(labelled, of="fragments", kinds=kinds) for kinds in (SHOWERS, TRACKS))
    links = {
        "points": Link(points, _same, _same),
        "fragments": Link(fragments, partial(_to_fragments, detector=detector), _same),
        "showers": Link(showers, partial(fragments_as_clusters, detector=detector), showered),
        "tracks": Link(tracks, showers_aside, tracked),
        "interactions": Link(
            interactions_learner(128, detector), particles_as_clusters, partial(labelled, of="particles")
        ),
    }
    whole = [*points.asked, *fragments.asked, Particles(IDENTITIES), Kinematics(IDENTITIES)]
    return Chain(links, whole, partial(finished, detector=detector))


def chain_stages(
    chain: Chain, sample: Sample, detector: TimeProjectionChamber, steps: Sequence[int]
) -> dict[str, Experiment]:
    """The training of each stage of a chain, on what the stages before it predict; each is given what that one was.

    Args:
        chain: The chain, whose parts are trained.
        sample: The events.
        detector: Whose response they have.
        steps: Optimiser steps of each stage.
    """
    voxels = partial(FitOptions, learning_rate=3e-3, optimizer="muon", validate_every=1000)
    graphs = partial(FitOptions, learning_rate=2e-3, validate_every=500)
    stages, before = {}, None
    for (name, link), n in zip(chain.links.items(), steps, strict=True):
        first, of_voxels = before is None, name in ("points", "fragments")
        stages[name] = Experiment(
            sample=sample,
            learner=link.learner,
            baselines={},
            options=voxels(n) if of_voxels else graphs(n),
            batch=8 if of_voxels else 16,
            respond=responding(detector),
            given=None if before is None else partial(_passed_on, before=before, to=link),
            augment=_moves(name)(detector),
            reads=("voxels",) if first else ("voxels.near_point",) if of_voxels else ("voxels.cluster", "clusters"),
        )
        before = link
    return stages


def _moves(stage: str) -> Callable[[TimeProjectionChamber], Callable[[Events, torch.Generator], Events]]:
    """The symmetries of a stage."""
    return {"points": moving_points, "fragments": moving}.get(stage, moving_clusters)


def _passed_on(events: Events, before: Link, to: Link) -> Events:
    """What a stage is given, from what the one before it was given."""
    before.learner.eval()
    return to.labelled(to.given(before.answered(events.without("truth_links"))))


def _to_fragments(events: Events, detector: TimeProjectionChamber) -> Events:
    """What fragments are made of: classes of voxels, and the points near them."""
    return near_points(with_kinds(events), events["reco_points"], detector)


def _same(events: Events) -> Events:
    return events
