"""Several classifiers of events as one: a small network on what each of them says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.baselines.arrays import read_arrays, write_arrays
from nuforge.baselines.baseline import Baseline
from nuforge.baselines.gathering import Gathered, gathered, halves
from nuforge.baselines.prediction import event_prediction_table
from nuforge.baselines.small_network import SmallNetwork, train_small_network
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.tasks.categorical import log_odds

_FILE = "stacked"


class Classifier(Baseline, Protocol):
    """A baseline that gives `event.probability`."""

    def probability(self, readout: Events) -> Float[Tensor, "b k"]:
        """Probability of each class (B, K)."""
        ...


@dataclass
class Stacked:
    """What an analysis of several selections does: an electron identifier and a muon identifier, say, side by side.

    A network of one small layer weighs what the parts say. It learns from what they say of events that they were not
    fitted on: of either half of the training events when fitted on the other. Then they are fitted again on all.

    Args:
        parts: The classifiers, by name.
        target: Column of `event` with the labels.
        classes: Number of classes.
        hidden: Neurons of the hidden layer.
        seed: Of the network.
        network: None until it has learned.
    """

    parts: Mapping[str, Classifier]
    target: str = "flavour"
    classes: int = 5
    hidden: int = 8
    seed: int = 0
    network: SmallNetwork | None = field(default=None, repr=False)

    def fit(self, batches: Iterable[Events]) -> None:
        """Fits parts and network; the events are kept in memory meanwhile."""
        kept = list(batches)
        sides = [_some(kept, half) for half in (False, True)]
        said: list[Gathered] = []
        for own, other in (sides, sides[::-1]):
            for part in self.parts.values():
                part.fit(own)
            said.append(gathered(other, lambda readout: {"x": self._said(readout)}, self.target, self.classes))
        self.network = train_small_network(
            torch.cat([rows.features["x"] for rows in said]),
            torch.cat([rows.label for rows in said]),
            torch.cat([rows.weight for rows in said]),
            self.classes,
            hidden=self.hidden,
            seed=self.seed,
        )
        for part in self.parts.values():
            part.fit(kept)

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`event.probability` (B, classes)."""
        return {"event": event_prediction_table(readout, self.probability(readout))}

    def probability(self, readout: Events) -> Float[Tensor, "b k"]:
        """Probability of each class (B, K)."""
        if self.network is None:
            raise InputError("stacked baselines are not weighed yet; call fit(batches), or load(folder), first")
        return self.network.probability(self._said(readout))

    def save(self, folder: Path) -> None:
        """Writes each part into a folder of its own, and the network."""
        if self.network is None:
            raise InputError("stacked baselines have nothing to save; call fit(batches) first")
        for name, part in self.parts.items():
            part.save(folder / name.replace(" ", "-"))
        write_arrays(folder / _FILE, vars(self.network), self._about())

    def load(self, folder: Path) -> Stacked:
        """What `save` wrote."""
        network = SmallNetwork(**read_arrays(folder / _FILE, self._about()))
        parts = {name: part.load(folder / name.replace(" ", "-")) for name, part in self.parts.items()}
        return replace(self, parts=parts, network=network)

    def _about(self) -> dict[str, object]:
        return {"classes": self.classes, "parts": list(self.parts), "hidden": self.hidden}

    def _said(self, readout: Events) -> Float[Tensor, "b f"]:
        """Log-odds of every class by every part."""
        return torch.cat([log_odds(part.probability(readout)).float() for part in self.parts.values()], 1)


def _some(batches: Iterable[Events], half: bool) -> list[Events]:
    """The events of one half, batch by batch; batches that have none are left out."""
    parts = [(events, halves(events) == half) for events in batches]
    return [events.select(mask) for events, mask in parts if bool(mask.any())]
