"""Calibration: the same events as another calibration would have them, so that a network learns not to rely on it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.events import Events

ENERGIES: Mapping[str, tuple[str, ...]] = {
    "event": ("energy_x", "energy_y", "loose_energy", "track_energy"),
    "hits": ("energy",),
    "prongs": ("energy", "energy_x", "energy_y", "start_loss", "mean_loss", "end_loss"),
}
"""What is proportional to the calibration, by table."""

_LARGEST = 255


def calibrated_anew(events: Events, generator: torch.Generator, by: float) -> Events:
    """Events whose calibrated energies are all too small by a share, right, or too large by it: one of three at random.

    Each event has its own; what stays are times, places, numbers of hits and the truth. Charges of pixels are whole
    counts, so one anywhere within its count is scaled and made whole again, as a detector would. Tables and columns
    that are not there are left out.

    Args:
        events: Slices, with what was read out of them.
        generator: Where the choices come from, on the CPU.
        by: The share, 0 to 1.

    Source:
        Torbunov, thesis, University of Minnesota 2021 (values -x, 0, +x).
    """
    if not 0 <= by < 1:
        raise InputError(f"the share that a calibration is wrong by must be from 0 to below 1, got {by}; 0.1 is usual")
    scale = 1 + by * torch.randint(-1, 2, (len(events),), generator=generator).to(torch.float64).to(events.device)
    for name, columns in ENERGIES.items():
        if name in events:
            table = events[name]
            of_row = scale[table.batch]
            scaled = {c: (table[c].double() * of_row).to(table[c]) for c in columns if c in table}
            events = events.with_table(name, table.with_columns(scaled))
    if "pixels" in events:
        pixels = events["pixels"]
        charge = _counts(pixels["charge"], scale[pixels.batch], generator)
        events = events.with_table("pixels", pixels.with_columns({"charge": charge}))
    return events


def _counts(charge: Tensor, scale: Tensor, generator: torch.Generator) -> Tensor:
    """Counts (N,) of 8 bits scaled (N,); those of scale 1 stay."""
    part = torch.rand(len(charge), generator=generator, dtype=torch.float64).to(charge.device) - 0.5
    moved = ((charge.double() + part) * scale).round().clamp(0, _LARGEST).to(charge)
    return torch.where(scale == 1, charge, moved)
