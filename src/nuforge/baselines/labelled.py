"""What estimators of energy are fitted on: readout and true energies of the events that are asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from nuforge.events import Events, Selection
from nuforge.events.weights import weights_to_learn
from nuforge.tasks.flat_spectrum import FlatSpectrum


@dataclass(frozen=True)
class Labelled:
    """Events that are asked about.

    Args:
        readout: What is read of each (N, V).
        true: True energies (N,) float64 in MeV, by target.
        weight: Of each (N,) float64.
    """

    readout: Tensor
    true: dict[str, Tensor]
    weight: Tensor

    @classmethod
    def of(
        cls, batches: Iterable[Events], where: str, targets: Sequence[str], read: Callable[[Events], Tensor]
    ) -> Self:
        """Those of batches; nothing else of them is kept.

        Args:
            batches: Labelled events.
            where: Which of them (`nuforge.events.selection`); those whose true energies are not known stay out.
            targets: Columns of `event` with true energies.
            read: From readout to (B, V).
        """
        selection = Selection(where)
        parts = [_part(events, selection.mask(events), targets, read) for events in batches]
        readout, true, weight = (torch.cat(columns) for columns in zip(*parts, strict=True)) if parts else _nothing()
        counted = (weight > 0) & (true > 0).all(1)
        of_target = {target: true[counted, i] for i, target in enumerate(targets)}
        return cls(readout[counted], of_target, weight[counted])

    def flattened(self, spectrum: FlatSpectrum | None) -> Self:
        """The same events with weights that make a spectrum flat, if one is given and there are events."""
        if spectrum is None or not len(self.weight):
            return self
        return replace(self, weight=spectrum.of_events(self.true[spectrum.target], self.weight.double()))


def _part(
    events: Events, asked: Tensor, targets: Sequence[str], read: Callable[[Events], Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """What is kept of a batch: readout, true energies and weights of the events asked about."""
    true = torch.stack([events["event"][target].double() for target in targets], 1)
    return read(events.readout())[asked].cpu(), true[asked].cpu(), weights_to_learn(events)[asked].cpu()


def _nothing() -> tuple[Tensor, Tensor, Tensor]:
    return torch.zeros(0, 0), torch.zeros(0, 0), torch.zeros(0)
