"""The muon's track of a slice: whatever two prongs begin it, followed to its end through hadrons, kinks and gaps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.baselines.track_following import follow
from nuforge.detectors.nova import SegmentedDetector
from nuforge.events import Column, Events, Table
from nuforge.models.prong_variables import prong_of_most
from nuforge.simulation.cells.places import places_of

TRACK = {
    "track_length": Column(
        "cm", "length of the muon's track from the vertex to its last hit, 0 without one", "readout"
    ),
    "track_energy": Column("MeV", "calibrated energy of it that is the muon's own", "readout"),
    "track_direction": Column("", "unit vector in which it begins, 0 without one", "readout"),
}
"""Columns of `event` that `with_muon_track` adds."""


@dataclass(frozen=True)
class MuonTracks:
    """The muon's track of B events; zeros where there is none.

    Args:
        length: From the vertex along the track to its last hit, cm (B,) float64.
        energy: Calibrated energy that is the muon's own, MeV (B,) float64.
        direction: Unit vector where it begins (B, 3) float64.
    """

    length: Float[Tensor, " b"]
    energy: Float[Tensor, " b"]
    direction: Float[Tensor, "b 3"]


def muon_tracks(readout: Events, detector: SegmentedDetector) -> MuonTracks:
    """The track of each event that looks most like a muon's.

    Prongs only say where tracks may begin: each of view X with each of view Y, whichever were paired, is followed from
    the vertex. Of these tracks the muon's is the longest, where only steps with the energy loss of one muon count, less
    the more steps have another and the fewer of its cells have hits.

    Args:
        readout: Events with `hits` (energy), `prongs` and `event.vertex`.
        detector: Says where cells are.
    """
    event, direction = _beginnings(readout["prongs"])
    point = readout["event"]["vertex"].double()[event]
    found = follow(places_of(readout, detector), detector, event, point, direction)
    score = found.calm.square() / found.length.clamp(min=1.0) * found.seen.sqrt()
    offsets = torch.nn.functional.pad(torch.bincount(event, minlength=len(readout)).cumsum(0), (1, 0))
    row = prong_of_most(Table({"score": score}, offsets), score)
    none = len(event)
    row = torch.where(row >= 0, row, none)
    values = (torch.cat([v, v.new_zeros(1, *v.shape[1:])])[row] for v in (found.length, found.energy, found.direction))
    return MuonTracks(*values)


def with_muon_track(events: Events, detector: SegmentedDetector) -> Events:
    """The events with the muon's track of each (`TRACK`), which all estimators of energy read.

    Args:
        events: As `muon_tracks` takes them.
        detector: Says where cells are.
    """
    muon = muon_tracks(events, detector)
    values = (muon.length, muon.energy, muon.direction)
    columns = {name: value.float() for name, value in zip(TRACK, values, strict=True)}
    return events.with_table("event", events["event"].with_columns(columns, about=TRACK))


def _beginnings(prongs: Table) -> tuple[Tensor, Tensor]:
    """Event (T,) and direction (T, 3) of every prong of view X with every one of view Y that runs the same way."""
    slope = prongs["direction"].double()
    x, y = ((prongs[name] > 0).nonzero().squeeze(1) for name in ("hits_x", "hits_y"))
    partners = torch.bincount(prongs.batch[y], minlength=prongs.n_events)
    many = partners[prongs.batch[x]]
    first, begin = torch.repeat_interleave(x, many), (partners.cumsum(0) - partners)[prongs.batch[x]]
    place = torch.arange(len(first)) - torch.repeat_interleave(many.cumsum(0) - many, many)
    second = y[torch.repeat_interleave(begin, many) + place]
    same = (slope[first, 2] < 0) == (slope[second, 2] < 0)
    first, second = first[same], second[same]
    across = [slope[row, axis] / slope[row, 2].abs().clamp(min=0.02) for axis, row in ((0, first), (1, second))]
    forward = torch.where(slope[first, 2] < 0, -1.0, 1.0).double()
    return prongs.batch[first], torch.nn.functional.normalize(torch.stack([*across, forward], 1), dim=1)
