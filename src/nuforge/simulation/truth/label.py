"""Labels: the class, the main particle and the deposit of each voxel."""

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge.events import Events
from nuforge.events.connected import VoxelKeys, components, joining_pairs
from nuforge.events.rows import rows_where
from nuforge.simulation.truth.classes import (
    DEFINITION_VOXEL,
    DELTA_VOXELS,
    DEPOSIT_VOXELS,
    PRIORITY,
    VISIBLE,
    VoxelClass,
)
from nuforge.simulation.truth.deposits import Kind, deposits_of

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_SEEN = VISIBLE - 1e-6  # fractions are float32


@runtime_checkable
class VoxelReadout(Protocol):
    """A readout in cubic voxels."""

    @property
    def voxel(self) -> float:
        """Side of a voxel in cm."""


@runtime_checkable
class VoxelDetector(Protocol):
    """A detector that is read out in voxels."""

    @property
    def readout(self) -> VoxelReadout:
        """Its readout."""


def label_voxels(events: Events, detector: VoxelDetector) -> Events:
    """These events with `voxels.label` (`VoxelClass`), `voxels.particle` and `voxels.deposit`.

    A deposit (`deposits_of`) is seen in a voxel if it gave at least a tenth of its energy. The class of a voxel is the
    first of track, Michel, shower, delta, low-energy that gave at least a tenth; its particle is the one that gave
    most, and its deposit the one of that class that gave most, by the particle that heads it. An electron that a track
    knocked out and that is no delta counts for the track. A voxel that no link names has -1 in all three.

    Args:
        events: Events with `voxels` (index), `truth_links` (row, particle, fraction) and `particles` (pdg, parent,
            process, momentum).
        detector: Its voxel size. The definition counts voxels of 0.3 cm; for another size the counts change with its
            inverse, as the number of voxels along a line does.
    """
    voxels, links = events["voxels"], events["truth_links"]
    known = rows_where((links["row"] >= 0) & (links["particle"] >= 0))
    row, particle, fraction = (links[name].index_select(0, known) for name in ("row", "particle", "fraction"))
    deposits = deposits_of(events["particles"])
    fine = DEFINITION_VOXEL / detector.readout.voxel
    index, voxel, share = voxels["index"].cpu().numpy(), row.cpu().numpy(), fraction.double().cpu().numpy()
    head, kind, outer = (
        of.index_select(0, particle).cpu().numpy() for of in (deposits.head, deposits.kind, deposits.outer)
    )
    of_link = _classes(
        index,
        voxel,
        head,
        kind,
        outer,
        share,
        deposit_voxels=max(1, round(DEPOSIT_VOXELS * fine)),
        delta_voxels=max(1, round(DELTA_VOXELS * fine)),
    )
    label = _by_priority(voxel, of_link, share, len(index))
    owner = np.where((kind == Kind.KNOCK_ON) & (of_link == VoxelClass.TRACK), outer, head)
    named = of_link == label[voxel]
    deposit = _main_deposit(voxel[named], owner[named], share[named], len(index))
    columns = {
        "label": torch.from_numpy(label).to(events.device),
        "particle": _main_particle(row, particle, fraction, len(voxels)),
        "deposit": torch.from_numpy(deposit).to(events.device),
    }
    return events.with_table("voxels", voxels.with_columns(columns))


def _classes(
    index: NDArray[np.integer],
    row: Integers,
    head: Integers,
    kind: Integers,
    outer: Integers,
    fraction: Floats,
    *,
    deposit_voxels: int,
    delta_voxels: int,
) -> Integers:
    """The class (L,) that each link speaks for, from its voxel, deposit, kind, deposit around it, and fraction."""
    of_link = np.full(len(row), int(VoxelClass.TRACK))
    of_link[kind == Kind.MICHEL] = VoxelClass.MICHEL
    of_link[kind == Kind.NUCLEAR] = VoxelClass.LOW_ENERGY
    delta = kind == Kind.KNOCK_ON
    of_link[delta] = np.where(
        _outside(row, head, outer, fraction, delta) >= delta_voxels, VoxelClass.DELTA, VoxelClass.TRACK
    )
    sized = (kind == Kind.SHOWER) | (kind == Kind.RECOIL)
    large = _connected_size(index, row[sized], head[sized], fraction[sized]) >= deposit_voxels
    whole = np.where(kind[sized] == Kind.SHOWER, VoxelClass.SHOWER, VoxelClass.TRACK)
    of_link[sized] = np.where(large, whole, VoxelClass.LOW_ENERGY)
    return of_link


def _by_priority(row: Integers, of_link: Integers, fraction: Floats, n_voxels: int) -> Integers:
    """The first class of `PRIORITY` seen in each voxel (N,); the largest where none is, -1 where there is no link."""
    n = len(VoxelClass)
    share = np.bincount(row * n + of_link, weights=fraction, minlength=n_voxels * n).reshape(n_voxels, n)
    order = np.array(PRIORITY)
    share = share[:, order]
    seen = share >= _SEEN
    label: Integers = order[np.where(seen.any(axis=1), seen.argmax(axis=1), share.argmax(axis=1))]
    label[np.bincount(row, minlength=n_voxels) == 0] = -1
    return label


def _connected_size(index: NDArray[np.integer], row: Integers, head: Integers, fraction: Floats) -> Integers:
    """For each link (L,), the number of voxels in which the connected deposit that it belongs to is seen."""
    deposit = np.unique(head, return_inverse=True)[1]
    voxels = VoxelKeys.of(deposit, index[row])
    keys, node = np.unique(voxels.keys, return_inverse=True)
    part = components(*joining_pairs(keys, voxels.step_x, voxels.step_y), len(keys))
    seen = np.bincount(node, weights=fraction, minlength=len(keys)) >= _SEEN
    return np.bincount(part, weights=seen)[part[node]].astype(np.int64) if len(keys) else np.zeros(0, np.int64)


def _outside(row: Integers, head: Integers, outer: Integers, fraction: Floats, delta: NDArray[np.bool_]) -> Integers:
    """For each link of a knock-on electron, the number of voxels in which it is seen and its parent is not."""
    if not delta.any():
        return np.zeros(0, np.int64)
    n_voxels = int(row.max()) + 1
    keys, node = np.unique(head[delta] * n_voxels + row[delta], return_inverse=True)
    share = np.bincount(node, weights=fraction[delta])
    around = np.zeros(len(keys), np.int64)
    around[node] = outer[delta] * n_voxels + row[delta]
    parents = np.isin(head, outer[delta]) & ~delta
    parent_keys, parent_node = np.unique(head[parents] * n_voxels + row[parents], return_inverse=True)
    parent_share = np.zeros(len(keys))
    if len(parent_keys):
        place = np.searchsorted(parent_keys, around).clip(max=len(parent_keys) - 1)
        given = np.bincount(parent_node, weights=fraction[parents])
        parent_share = np.where(parent_keys[place] == around, given[place], 0.0)
    counted = (share >= _SEEN) & (parent_share < _SEEN)
    heads, which = np.unique(keys // n_voxels, return_inverse=True)
    outside = np.bincount(which, weights=counted, minlength=len(heads)).astype(np.int64)
    return outside[which[node]]


def _main_deposit(row: Integers, owner: Integers, fraction: Floats, n_voxels: int) -> Integers:
    """The deposit (N,) that gave most to each voxel, the first of equals, -1 for none."""
    main = np.full(n_voxels, -1)
    main[row] = owner
    several = np.zeros(n_voxels, np.bool_)
    several[row[owner != main[row]]] = True
    open_links = several[row]  # few: most voxels are of one deposit
    step = int(owner.max(initial=0)) + 1
    keys, node = np.unique(row[open_links] * step + owner[open_links], return_inverse=True)
    voxel, candidate = keys // step, keys % step
    order = np.lexsort((candidate, -np.bincount(node, weights=fraction[open_links]), voxel))
    best = order[np.flatnonzero(np.diff(voxel[order], prepend=-1))]
    main[voxel[best]] = candidate[best]
    return main


def _main_particle(row: Tensor, particle: Tensor, fraction: Tensor, n_voxels: int) -> Tensor:
    """The particle (N,) that gave most to each voxel, the first of equals, -1 for none."""
    most = torch.zeros(n_voxels, dtype=fraction.dtype, device=row.device).scatter_reduce(0, row, fraction, "amax")
    best = fraction >= most[row]
    none = torch.iinfo(torch.int64).max
    main = torch.full((n_voxels,), none, device=row.device).scatter_reduce(0, row[best], particle[best], "amin")
    return torch.where(main == none, -1, main)
