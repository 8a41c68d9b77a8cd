"""The deposits that a readout sees, checked and in flat arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nuforge.detectors.detector import Detector
from nuforge.detectors.lartpc import TimeProjectionChamber
from nuforge.detectors.volume import Volume
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.shapes import Mask, Points, Rows, Scalars
from nuforge.simulation.response.drift import drift_length, drift_time

_ELECTRONS = (11, -11, 22)  # photons too: what they deposit are electrons


@dataclass(frozen=True)
class Deposits:
    """Deposits of many events, in their order.

    Args:
        start: cm.
        end: cm.
        energy: MeV.
        length: Path length in cm.
        time: ns.
        is_electron: Made by an electron, positron or photon, or by nobody that is known.
        event: The event of each.
        particle: Who made it, numbered in its event, -1 for nobody.
    """

    start: Points
    end: Points
    energy: Scalars
    length: Float[Tensor, " n"]
    time: Float[Tensor, " n"]
    is_electron: Bool[Tensor, " n"]
    event: Rows
    particle: Int[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.energy)

    def __getitem__(self, rows: slice | Mask) -> Deposits:
        """Some of them, in their order."""
        return Deposits(
            self.start[rows],
            self.end[rows],
            self.energy[rows],
            self.length[rows],
            self.time[rows],
            self.is_electron[rows],
            self.event[rows],
            self.particle[rows],
        )

    def blocks(self, longest: int) -> Iterator[Deposits]:
        """Whole events in blocks of about `longest` deposits, at least one block."""
        if not len(self):
            yield self
            return
        first_of_event = torch.searchsorted(self.event, torch.unique_consecutive(self.event))
        first_of_block = torch.unique_consecutive(first_of_event // longest, return_counts=True)[1]
        begins = first_of_event[first_of_block.cumsum(0) - first_of_block].tolist()
        for begin, end in zip(begins, [*begins[1:], len(self)], strict=True):
            yield self[begin:end]


def one_volume(detector: Detector) -> Volume:
    """The only volume of a detector.

    Raises:
        ValueError: If it has more.
    """
    if len(detector.volumes) != 1:
        raise ValueError(f"this response reads one volume, got {len(detector.volumes)}; respond to each by itself")
    return detector.volumes[0]


def deposits_of(events: Events) -> Deposits:
    """The deposits of `segments`, with numbers that are all finite and energies that are not negative.

    Raises:
        InputError: If they are not: how many, and the first.
    """
    segments, particles = events["segments"], events["particles"]
    _check(segments)
    owner = segments["particle"]
    makes_electrons = torch.isin(particles["pdg"], particles["pdg"].new_tensor(_ELECTRONS))
    makes_electrons = torch.cat([makes_electrons.new_ones(1), makes_electrons])  # nobody comes first
    dtype = segments["energy"].dtype
    return Deposits(
        start=segments["start"].to(dtype),
        end=segments["end"].to(dtype),
        energy=segments["energy"],
        length=segments["length"].to(dtype),
        time=segments["time"],
        is_electron=makes_electrons.index_select(0, owner + 1),
        event=segments.batch,
        particle=torch.where(owner < 0, owner, owner - particles.offsets.index_select(0, segments.batch)),
    )


def is_read(events: Events, detector: TimeProjectionChamber) -> Mask:
    """Which segments (N,) are read: their middle is in the volume and they come before the end of the window.

    The window begins with the event's time zero; if the readout sets none it is as long as the longest drift.
    """
    segments, volume = events["segments"], one_volume(detector)
    middle = (segments["start"] + segments["end"]) / 2
    lower, upper = middle.new_tensor(volume.lower), middle.new_tensor(volume.upper)
    window = detector.readout.window
    if window is None:
        longest = torch.tensor([drift_length(detector)], dtype=torch.float64)
        window = float(drift_time(longest, detector.readout.field, detector.medium.temperature).detach())
    return ((middle >= lower) & (middle < upper)).all(1) & (segments["time"] <= window)


def _check(segments: Table) -> None:
    energy = segments["energy"]
    _refuse(~energy.isfinite() | (energy < 0), energy, "energies that are negative or not finite (MeV)", segments)
    for name, unit in (("start", "cm"), ("end", "cm"), ("length", "cm"), ("time", "ns")):
        column = segments[name]
        finite = column.isfinite()
        _refuse(~(finite.all(1) if finite.ndim > 1 else finite), column, f"{name} not finite ({unit})", segments)


def _refuse(is_bad: Mask, column: Tensor, what: str, segments: Table) -> None:
    if not bool(is_bad.any()):
        return
    row = int(is_bad.nonzero()[0])
    raise InputError(
        f"{int(is_bad.sum())} of {len(is_bad)} segments have {what}, first in row {row} of event "
        f"{int(segments.batch[row])}: {column[row].tolist()}; drop them or repair the file"
    )
