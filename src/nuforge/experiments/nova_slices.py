"""What the experiments of NOvA-like detectors have in common: samples, shifted copies, response, augmentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch

from nuforge.baselines.lem import LEM
from nuforge.baselines.lid import LID
from nuforge.baselines.muon_neighbours import MuonNeighbours
from nuforge.baselines.stacked import Stacked
from nuforge.detectors import SegmentedDetector
from nuforge.events import Events
from nuforge.models.googlenet import GoogLeNet
from nuforge.models.towers import Merge, ProngTowers, Views
from nuforge.samples import Sample
from nuforge.samples.nova_neutrinos import Beam, Only, neutrinos
from nuforge.simulation.cells import known_slices
from nuforge.tasks.segmentation import Segmentation
from nuforge.training.augmentation import map_symmetries
from nuforge.training.learner import Supervised

Changing = Callable[[Events, torch.Generator], Events]

COSMIC_SHARE = 0.2
"""Share of cosmic muons: as many as events of each larger flavour, so that networks learn from equal classes."""
SHIFTS = ("calibration-up", "calibration-down", "attenuation-up", "attenuation-down", "noise-up")
"""What every report of these experiments looks at (`nuforge.detectors.nova.shifted`), beside the other generator."""
SHARD_SIZE = 100
"""Events that are simulated together, where an experiment does not ask."""
NOISE = 0.1
"""Of training pixels: what a charge is multiplied with has this standard deviation."""
ROOM = 3
"""Of training maps: pixels by which an event may be moved along each axis. Where a map begins is a convention."""


def slices_at_far_site(
    events: int, shard_size: int, beam: Beam, only: Only = ""
) -> tuple[Sample, Mapping[str, Sample]]:
    """The sample that experiments share, and the same test events with another calibration or by another generator.

    With `only` it has the charged currents of one flavour and no cosmic muons.
    """
    share = 0.0 if only else COSMIC_SHARE
    sample = partial(neutrinos, events, shard_size=shard_size, beam=beam, cosmic_share=share, only=only)
    shifts = {name: sample(shift=name, side="test") for name in SHIFTS}
    return sample(), {**shifts, "generator B": sample(generator="B", side="test")}


def responding(detector: SegmentedDetector, label: Callable[[Events], Events] | None = None) -> Changing:
    """The response of a detector, with slices, prongs, what is known of them, and what a function adds to that."""
    return partial(_known, detector=detector, label=label)


def _known(
    events: Events,
    generator: torch.Generator,
    detector: SegmentedDetector,
    label: Callable[[Events], Events] | None,
) -> Events:
    slices = known_slices(events, detector, generator)
    return slices if label is None else label(slices)


def mirroring(*views: int) -> Changing:
    """Pixel maps moved and with noise, and views mirrored in the direction of their cells: 0 for X, 1 for Y."""
    return partial(map_symmetries, views=views, noise=NOISE, shift=ROOM)


def identifiers(detector: SegmentedDetector) -> Stacked:
    """What NOvA selected flavours by before: LID, LEM and nearest neighbours of tracks, weighed together."""
    return Stacked({"LID": LID(detector), "LEM": LEM(detector), "muons": MuonNeighbours(detector)})


def prong_learner(
    classes: Sequence[str], target: str, width: float, dropout: float, gated: bool, context: bool, name: str = ""
) -> Supervised:
    """Classes of prongs by siamese towers of GoogLeNet.

    Args:
        classes: Their names.
        target: Column of `prongs` with the labels.
        width: Channels over the published ones.
        dropout: Of the merged features.
        gated: Whether a squeeze-and-excitation gate weighs the channels of all towers.
        context: Whether two more towers look at the slice.
        name: Of the question (`Segmentation`).
    """
    own, around = Views([GoogLeNet(width)]), Views([GoogLeNet(width)]) if context else None
    channels = own.features + (around.features if around else 0)
    model = ProngTowers(own, Merge(channels, width, gated, dropout), around)
    return Supervised(model, [Segmentation(classes, model.features, "prongs", target, name=name)])
