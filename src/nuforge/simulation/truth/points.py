"""Points: where tracks start and end and where showers, Michel and delta electrons start, from the energy deposits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.detectors import TimeProjectionChamber
from nuforge.detectors.voxels import voxel_center, voxel_index
from nuforge.events import Events, Table
from nuforge.events.connected import VoxelKeys, neighbour_of
from nuforge.simulation.response.deposits import is_read, one_volume
from nuforge.simulation.truth.classes import VoxelClass
from nuforge.simulation.truth.deposits import Kind, deposits_of

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]

POINT_VOXELS = 3
"""A deposit with fewer voxels of its class has no points."""


@dataclass(frozen=True)
class _Shown:
    """Segments (M,) that lie in a fragment of their deposit or beside it, in the order of time, then of the file.

    Args:
        row: Which segments they are.
        fragment: The fragment that each lies in or beside.
        by_head: Whether the head of the deposit left it itself, not one of its descendants.
    """

    row: Integers
    fragment: Integers
    by_head: NDArray[np.bool_]


def label_points(deposited: Events, labelled: Events, detector: TimeProjectionChamber) -> Events:
    """The labelled events with `fragments` (first, last, start, end) and the table `points`.

    A segment shows in a fragment of its deposit if its middle lies in a voxel of the fragment or in one of the 26
    around it: diffusion and threshold move the edge of what is seen by about a voxel. A fragment begins where the first
    segment that shows in it, in time, begins; a piece of a track ends where the last one of the track particle itself
    ends. Of the fragments of a deposit the one with the first of these segments holds its start, the one with the last
    its end. So a point is where a deposit begins to be seen, not where its particle began if it is hidden there, and
    that of a photon is at the first deposit that made shower voxels.

    A fragment in which nothing shows (charge that diffused further) begins at the centre of its voxel nearest to the
    first segment of its deposit. Deposits of fewer than `POINT_VOXELS` voxels of their class have no points.

    Args:
        deposited: The events with `segments` and `particles`, before the response.
        labelled: The same events, the same particles, with `voxels` and `fragments` of `label_fragments`.
        detector: Its voxels, its one volume, in which points lie, and its window.

    Raises:
        ValueError: If the particles are not the same.
    """
    if len(deposited["particles"]) != len(labelled["particles"]):
        raise ValueError(
            f"particles must be the same before and after the response, got {len(deposited['particles'])} and "
            f"{len(labelled['particles'])}; prune after the labels"
        )
    segments, fragments = deposited["segments"], labelled["fragments"]
    start, end = (segments[name].cpu().numpy() for name in ("start", "end"))
    label, particle = (fragments[name].cpu().numpy() for name in ("label", "particle"))
    owner = np.append(_owners(labelled), -1)[segments["particle"].cpu().numpy()]
    owner[~is_read(deposited, detector).cpu().numpy()] = -1
    shown = _shown(deposited, labelled, owner, detector)
    began, ended = _first_and_last(shown, label)
    is_seen, is_ended = began >= 0, ended >= 0

    first = np.zeros((len(label), 3), np.float32)
    first[is_seen] = start[shown.row[began[is_seen]]]
    if not is_seen.all():
        place = _first_place(segments, owner, np.where(is_seen, -2, particle), start)
        first[~is_seen] = _nearest_center(labelled, ~is_seen, place, detector)[~is_seen]
    last = first.copy()
    last[is_ended] = end[shown.row[ended[is_ended]]]
    volume, deposit = one_volume(detector), particle * len(VoxelClass) + label
    lower, upper = (np.array(corner, np.float32) for corner in (volume.lower, volume.upper))
    columns = {
        "first": first.clip(lower, upper),
        "last": last.clip(lower, upper),
        "start": _best(deposit, np.where(is_seen, began, np.inf)),
        "end": _best(deposit, np.where(is_ended, -ended, np.inf)) & is_ended,
    }
    on_device = {name: torch.from_numpy(values).to(labelled.device) for name, values in columns.items()}
    with_ends = labelled.with_table("fragments", fragments.with_columns(on_device))
    return with_ends.with_table("points", _points(with_ends))


def _owners(labelled: Events) -> Integers:
    """The deposit (P,) that each particle counts for: for its parent's, if it is an electron that makes no delta."""
    deposits, voxels = deposits_of(labelled["particles"]), labelled["voxels"]
    is_delta = torch.zeros_like(deposits.head, dtype=torch.bool)
    is_delta[voxels["deposit"][voxels["label"] == VoxelClass.DELTA]] = True
    merged = (deposits.kind == Kind.KNOCK_ON) & ~is_delta[deposits.head]
    return torch.where(merged, deposits.outer, deposits.head).cpu().numpy()


def _shown(deposited: Events, labelled: Events, owner: Integers, detector: TimeProjectionChamber) -> _Shown:
    """The segments that show in fragments; `owner` (S,) is the deposit of each segment, -1 for none."""
    segments, voxels = deposited["segments"], labelled["voxels"]
    fragment, deposit = (voxels[name].cpu().numpy() for name in ("fragment", "deposit"))
    voxel = np.flatnonzero(fragment >= 0)
    number = np.full(len(labelled["particles"]) + 1, -1)  # the last is for owners that are -1
    heads = np.unique(deposit[voxel])
    number[heads] = np.arange(len(heads))
    row = np.flatnonzero(number[owner] >= 0)
    chosen = torch.from_numpy(row).to(segments["start"].device)
    middle = 0.5 * (segments["start"].index_select(0, chosen) + segments["end"].index_select(0, chosen))
    index = np.concatenate([voxels["index"].cpu().numpy()[voxel], voxel_index(middle, detector).cpu().numpy()])
    keys = VoxelKeys.of(np.concatenate([number[deposit[voxel]], number[owner[row]]]), index)
    own, asked = np.split(keys.keys, [len(voxel)])
    order = own.argsort()
    place = neighbour_of(own[order], asked, keys.step_x, keys.step_y)
    row, place = row[place >= 0], place[place >= 0]
    in_time = segments["time"].cpu().numpy()[row].argsort(kind="stable")
    row, place = row[in_time], place[in_time]
    return _Shown(row, fragment[voxel[order]][place], segments["particle"].cpu().numpy()[row] == owner[row])


def _first_and_last(shown: _Shown, label: Integers) -> tuple[Integers, Integers]:
    """Of each fragment (F,) the first segment that shows, and the last of a track particle itself; -1 for none."""
    order = np.arange(len(shown.row))
    began, ended = np.full(len(label), -1), np.full(len(label), -1)
    began[shown.fragment[::-1]] = order[::-1]
    ends = shown.by_head & (label[shown.fragment] == VoxelClass.TRACK)
    ended[shown.fragment[ends]] = order[ends]
    return began, ended


def _first_place(segments: Table, owner: Integers, deposit: Integers, start: Floats) -> Floats:
    """Where deposits (F,) begin, seen or not, by their first segments: (F, 3) cm, NaN where there is none."""
    row = np.flatnonzero(np.isin(owner, deposit))
    row = row[segments["time"].cpu().numpy()[row].argsort(kind="stable")][::-1]
    first = np.full(int(max(owner.max(initial=0), deposit.max(initial=0))) + 1, -1)
    first[owner[row]] = row
    found = np.where(deposit < 0, -1, first[deposit])
    place: Floats = np.append(start, [[np.nan] * 3], axis=0).astype(np.float32)[found]
    return place


def _nearest_center(
    labelled: Events, wanted: NDArray[np.bool_], place: Floats, detector: TimeProjectionChamber
) -> Floats:
    """The centre (F, 3) cm of the voxel of each wanted fragment (F,) that is nearest to its place (F, 3), else zero."""
    voxels = labelled["voxels"]
    fragment = voxels["fragment"].cpu().numpy()
    row = np.flatnonzero(np.append(wanted, False)[fragment])
    center = voxel_center(voxels["index"].cpu()[torch.from_numpy(row)], detector).numpy()
    distance = np.square(center - place[fragment[row]]).sum(axis=1)
    order = np.lexsort((distance, fragment[row]))[::-1]  # NaN comes last, so any voxel is taken
    nearest = np.zeros_like(place)
    nearest[fragment[row[order]]] = center[order]
    return nearest


def _best(group: Integers, value: NDArray) -> NDArray[np.bool_]:
    """Which row (F,) of each group has the lowest value, the first of equals."""
    order = np.lexsort((value, group))
    best = np.zeros(len(group), np.bool_)
    best[order[np.flatnonzero(np.diff(group[order], prepend=-1))]] = True
    return best


def _points(events: Events) -> Table:
    """The table `points`, deposit by deposit, a start before its end."""
    fragments, voxels = events["fragments"], events["voxels"]
    n = len(fragments)
    size = torch.bincount(voxels["fragment"][voxels["fragment"] >= 0], minlength=n)
    deposit = fragments["particle"] * len(VoxelClass) + fragments["label"]
    _, number = torch.unique(deposit, return_inverse=True)
    is_large = size.new_zeros(n).index_add(0, number, size)[number] >= POINT_VOXELS
    starts, ends = (torch.nonzero(fragments[name] & is_large).flatten() for name in ("start", "end"))
    rows = torch.cat([starts, ends])
    is_end = torch.arange(len(rows), device=events.device) >= len(starts)
    order = (2 * deposit[rows] + is_end).argsort()
    rows, is_end = rows[order], is_end[order]
    columns = {
        "position": torch.where(is_end[:, None], fragments["last"][rows], fragments["first"][rows]),
        "label": fragments["label"][rows],
        "particle": fragments["particle"][rows],
        "end": is_end,
    }
    return Table.from_counts(columns, torch.bincount(fragments.batch[rows], minlength=len(events)))
