"""Variables of prongs and slices: what estimators of energy read where they look at no image."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.events import Events, Table
from nuforge.units import m

_LOGARITHMIC = {
    "energy": 10.0,
    "energy_x": 10.0,
    "energy_y": 10.0,
    "length": 10.0,
    "gap": 10.0,
    "longest_gap": 10.0,
    "width": 1.0,
    "start_loss": 1.0,
    "mean_loss": 1.0,
    "end_loss": 1.0,
    "hits_x": 1.0,
    "hits_y": 1.0,
    "planes": 1.0,
}
"""Columns of `prongs` that span decades, and where their logarithm begins: ln(1 + value / scale); MeV, cm, MeV/cm."""

MUON_LOSS = (0.9, 2.1)
"""MeV/cm of calibrated energy between which a prong may be a muon's. One alone has 1.3 (walls take the rest of 1.9)."""
_GAP = 60.0  # cm: nine planes without a hit

_ENERGIES = ("energy_x", "energy_y", "loose_energy")
_AXES = ("x", "y", "z")

PRONG_VARIABLES: tuple[str, ...] = (
    *(f"ln {name}" for name in _LOGARITHMIC),
    *(f"direction {axis}" for axis in _AXES),
    *(f"start {axis}" for axis in _AXES),
)
"""Names of what `prong_variables` gives; starts in m."""

SLICE_VARIABLES: tuple[str, ...] = (
    *(f"ln {name}" for name in _ENERGIES),
    "ln energy of prongs in both views",
    "ln energy of prongs in one view",
    "ln length of the muon's track",
    "ln energy of the muon's track",
    "ln energy beside the muon's track",
    "prongs in both views",
    "prongs in one view",
    *(f"direction {axis} of the muon's track" for axis in _AXES),
    *(f"vertex {axis}" for axis in _AXES),
)
"""Names of what `slice_variables` gives; the vertex in m."""


def prong_variables(events: Events) -> Float[Tensor, "p v"]:
    """The variables (P, len(PRONG_VARIABLES)) of prongs, numbers of about 1."""
    prongs = events["prongs"]
    columns = [torch.log1p(prongs[name].float().clamp(min=0) / scale) for name, scale in _LOGARITHMIC.items()]
    return torch.cat([torch.stack(columns, 1), prongs["direction"].float(), prongs["start"].float() / m], 1)


def slice_variables(events: Events) -> Float[Tensor, "b v"]:
    """The variables (B, len(SLICE_VARIABLES)) of slices, numbers of about 1.

    Args:
        events: `prongs`, and `event` with sums of energy, the vertex and the muon's track (`track_length` and so on).
    """
    event, prongs, n = events["event"], events["prongs"], len(events)
    both = in_both_views(prongs)
    energy = prongs["energy"].float().clamp(min=0)
    sums = [energy.new_zeros(n).index_add(0, prongs.batch[mask], energy[mask]) for mask in (both, ~both)]
    counts = [torch.bincount(prongs.batch[mask], minlength=n).float() for mask in (both, ~both)]
    energies = [event[name].float().clamp(min=0) for name in _ENERGIES]
    length, muon = (event[name].float() for name in ("track_length", "track_energy"))
    beside = (event["energy_x"].float() + event["energy_y"].float() - muon).clamp(min=0)
    logarithms = torch.log1p(torch.stack([*energies, *sums, length, muon, beside], 1) / 10.0)
    where = [event["track_direction"].float(), event["vertex"].float() / m]
    return torch.cat([logarithms, torch.stack(counts, 1), *where], 1)


def in_both_views(prongs: Table) -> Tensor:
    """Which prongs (P,) are seen in both views: prongs in space, the others have a length in one plane alone."""
    return (prongs["hits_x"] > 0) & (prongs["hits_y"] > 0)


def muon_prong(prongs: Table) -> Int[Tensor, " b"]:
    """The row (B,) of the longest prong of each event that looks like a muon's; -1 without any.

    It is seen in both views, has the energy loss of a minimum-ionising particle (`MUON_LOSS`, wide enough for a short
    proton beside it) and no long gap.
    """
    loss = prongs["mean_loss"]
    like = in_both_views(prongs) & (loss > MUON_LOSS[0]) & (loss < MUON_LOSS[1]) & (prongs["longest_gap"] < _GAP)
    row = prong_of_most(prongs, torch.where(like, prongs["length"].double(), -torch.inf))
    return torch.where(of_prong(like.double(), row) > 0, row, -1)


def prong_of_most(prongs: Table, value: Float[Tensor, " p"]) -> Int[Tensor, " b"]:
    """The row (B,) of the prong of each event with the largest value (P,), the first of equals; -1 without any."""
    n, nobody = prongs.n_events, len(prongs)
    most = value.new_full((n,), -torch.inf).scatter_reduce(0, prongs.batch, value, "amax")
    best = value >= most[prongs.batch]
    rows = torch.arange(len(prongs), device=value.device)
    row = torch.where(best, rows, nobody)
    first = torch.full((n,), nobody, device=value.device).scatter_reduce(0, prongs.batch, row, "amin")
    return torch.where(first < nobody, first, -1)


def of_prong(value: Float[Tensor, " p"], row: Int[Tensor, " b"]) -> Float[Tensor, " b"]:
    """The value (B,) of the named prongs (B,), 0 for row -1."""
    return torch.cat([value, value.new_zeros(1)])[row]
