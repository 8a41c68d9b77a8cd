"""What a baseline predicts, in the form that tasks give theirs."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.events import Column, Events, Table
from nuforge.tasks.energy import energy_column, prediction_of

PROBABILITY = Column("", "probability of each class", "prediction")


def prediction_table(readout: Events, probability: Float[Tensor, "n k"]) -> Table:
    """The table `voxels` with `probability` (N, K) for the voxels of a readout."""
    offsets = readout["voxels"].offsets
    return Table({"probability": probability.to(offsets.device)}, offsets, about={"probability": PROBABILITY})


def event_prediction_table(readout: Events, probability: Float[Tensor, "b k"]) -> Table:
    """The table `event` with `probability` (B, K) for the events of a readout."""
    offsets = torch.arange(len(readout) + 1, device=readout.device)
    return Table({"probability": probability.to(offsets.device)}, offsets, about={"probability": PROBABILITY})


def energy_table(readout: Events, energies: Mapping[str, Float[Tensor, " b"]]) -> dict[str, Table]:
    """The table `event` with energies (B,) in MeV for the events of a readout, by the columns of the true ones.

    Energies below 0 become 0.
    """
    offsets = torch.arange(len(readout) + 1, device=readout.device)
    columns = {prediction_of(name): value.clamp(min=0).float().to(readout.device) for name, value in energies.items()}
    about = {prediction_of(name): energy_column(name.replace("_", " ")) for name in energies}
    return {"event": Table(columns, offsets, about=about)}
