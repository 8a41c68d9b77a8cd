"""From energy deposits to what is read out and what is true."""

import torch

from nuforge.detectors import TimeProjectionChamber
from nuforge.events import Events
from nuforge.simulation.response.lartpc import respond
from nuforge.simulation.truth import label_fragments, label_points, label_voxels


def read_out(deposited: Events, detector: TimeProjectionChamber, generator: torch.Generator) -> Events:
    """Voxels of energy deposits, with all that is known about them: labels, fragments and points.

    Args:
        deposited: Events with `segments` and `particles`, of any transport or file.
        detector: A liquid-argon chamber read out by pixels.
        generator: Source of the randomness of the response; labels have none.
    """
    labelled = label_fragments(label_voxels(respond(deposited, detector, generator), detector))
    return label_points(deposited, labelled, detector)
