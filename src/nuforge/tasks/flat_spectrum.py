"""Weights that make the spectrum of training events flat, so that an answer leans on no spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.errors import InputError


@dataclass(frozen=True)
class FlatSpectrum:
    """Weights of bins of a true energy, each at most `clip` times the smallest.

    Without them what learns from energies near a peak answers with that of the peak wherever it is unsure, and is
    wrong for another spectrum, such as an oscillated one.

    Args:
        target: Column of `event` with the true energy.
        low: Where the bins begin, MeV.
        high: Where they end, MeV.
        bins: How many there are.
        clip: Largest weight over the smallest.
    """

    target: str
    low: float
    high: float
    bins: int
    clip: float

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high or self.bins < 1 or self.clip < 1:
            raise InputError(
                "a flat spectrum needs 0 < low < high (MeV), a bin at least and clip 1 at least, got "
                f"{self.low} to {self.high}, {self.bins} and {self.clip}"
            )

    def bin_of(self, true: Float[Tensor, " n"]) -> Int[Tensor, " n"]:
        """The bin (N,) of energies (N,), the nearest of one outside."""
        place = (true - self.low) / (self.high - self.low) * self.bins
        return place.floor().clamp(0, self.bins - 1).long()

    def of_bin(self, spectrum: Float[Tensor, " k"]) -> Float[Tensor, " k"]:
        """Weights of bins (K,) with so many events (K,), of mean 1 over the events.

        Raises:
            InputError: If there are no events.
        """
        total = spectrum.sum()
        if not float(total) > 0:
            raise InputError(f"a spectrum of {self.target} without events cannot be made flat; give more events")
        weight = torch.where(spectrum > 0, 1 / spectrum.clamp(min=torch.finfo(spectrum.dtype).tiny), torch.inf)
        weight = weight.clamp(max=self.clip * weight.min())
        return weight * total / (weight * spectrum).sum()

    def of_events(self, true: Float[Tensor, " n"], weight: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Weights (N,) of events with energies (N,) and weights (N,) of their own, times these."""
        place = self.bin_of(true)
        return weight * self.of_bin(torch.zeros(self.bins).to(weight).index_add_(0, place, weight))[place]
