"""Rival: another network, trained beside an experiment's own, as one of its baselines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from nuforge.events import Events, Table
from nuforge.training.checkpoint import load_weights, write_weights
from nuforge.training.learner import Learner


@dataclass(frozen=True)
class Rival:
    """A network as a baseline, trained as one of the experiment's `stages`: by the same code, on the same events.

    Args:
        learner: That of the stage, the very same object.
    """

    learner: Learner

    def fit(self, batches: Iterable[Events]) -> None:
        """Nothing: the stage was trained before."""

    @torch.inference_mode()
    def predict(self, readout: Events) -> Mapping[str, Table]:
        """What the network predicts."""
        return self.learner.eval().predict(readout)

    def save(self, folder: Path) -> None:
        """Writes the weights into a folder."""
        write_weights(self.learner, folder, {})

    def load(self, folder: Path) -> Rival:
        """The network with the weights that `save` wrote.

        Raises:
            InputError: If they are not those of this network.
        """
        load_weights(self.learner, folder)
        return self
