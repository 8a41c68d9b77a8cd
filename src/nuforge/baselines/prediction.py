"""What a baseline predicts, in the form that tasks give theirs."""

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.events import Column, Events, Table

PROBABILITY = Column("", "probability of each class", "prediction")


def prediction_table(readout: Events, probability: Float[Tensor, "n k"]) -> Table:
    """The table `voxels` with `probability` (N, K) for the voxels of a readout."""
    offsets = readout["voxels"].offsets
    return Table({"probability": probability.to(offsets.device)}, offsets, about={"probability": PROBABILITY})


def event_prediction_table(readout: Events, probability: Float[Tensor, "b k"]) -> Table:
    """The table `event` with `probability` (B, K) for the events of a readout."""
    offsets = torch.arange(len(readout) + 1, device=readout.device)
    return Table({"probability": probability.to(offsets.device)}, offsets, about={"probability": PROBABILITY})
