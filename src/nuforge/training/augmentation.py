"""Augmentation: the same event seen another way, drawn from a generator that depends on seed and step alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.events import Events, Table


def generator_at(seed: int, step: int, rank: int = 0) -> torch.Generator:
    """The generator of one training step, whatever happened before it."""
    digest = hashlib.blake2b(f"augmentation/{seed}/{step}/{rank}".encode(), digest_size=7).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big"))


def voxel_symmetries(
    events: Events, generator: torch.Generator, side: int, axes: tuple[int, ...] = (0, 1, 2), shift: int = 16
) -> Events:
    """Events with their voxels mirrored, with axes exchanged, and shifted: each event in its own way.

    Only `voxels.index` moves; positions in truth tables stay. In a drift chamber the axes are not quite alike:
    diffusion and attachment grow along the drift, and wires or beam have directions. Name the axes that are alike; the
    others stay.

    Args:
        events: Events with `voxels`.
        generator: Where the choices come from, on the CPU.
        side: Voxels along an edge of the cube; a mirrored voxel i is side - 1 - i.
        axes: The axes that are alike.
        shift: Largest shift along these axes, in voxels, either way. Voxels may leave the cube.
    """
    moves = _Moves.drawn(len(events), generator, axes, shift)
    return events.with_table("voxels", moves.voxels(events["voxels"], side))


def cluster_symmetries(
    events: Events,
    generator: torch.Generator,
    side: int,
    voxel: float = 0.3,
    origin: tuple[float, float, float] = (-115.2, -115.2, -115.2),
    axes: tuple[int, ...] = (0, 2),
    shift: int = 4,
) -> Events:
    """Events with voxels and clusters mirrored, with axes exchanged, and shifted: `voxel_symmetries` with clusters.

    `clusters.start` and `clusters.end` move with the voxels. By default up stays up and shifts are small: muons come in
    from above, at the face of the detector.

    Args:
        events: Events with `voxels` and `clusters`.
        generator: Where the choices come from, on the CPU.
        side: Voxels along an edge of the cube.
        voxel: Side of a voxel in cm.
        origin: Where voxel 0 begins in cm, along each axis.
        axes: The axes that are alike.
        shift: Largest shift along these axes, in voxels, either way.
    """
    moves = _Moves.drawn(len(events), generator, axes, shift)
    clusters = events["clusters"]
    corner = clusters["start"].new_tensor(origin)
    moved = {
        name: moves.of((clusters[name] - corner) / voxel, clusters.batch, float(side)) * voxel + corner
        for name in ("start", "end")
    }
    return events.with_table("voxels", moves.voxels(events["voxels"], side)).with_table(
        "clusters", clusters.with_columns(moved)
    )


@dataclass(frozen=True)
class _Moves:
    """How each event is moved: order of the axes (B, A), whether each is mirrored, shift in voxels."""

    axes: tuple[int, ...]
    order: Tensor
    mirrored: Tensor
    shift: Tensor

    @classmethod
    def drawn(cls, n: int, generator: torch.Generator, axes: tuple[int, ...], shift: int) -> _Moves:
        order = torch.rand(n, len(axes), generator=generator).argsort(1)
        mirrored = torch.rand(n, len(axes), generator=generator) < 0.5
        return cls(axes, order, mirrored, torch.randint(-shift, shift + 1, (n, len(axes)), generator=generator))

    def voxels(self, voxels: Table, side: int) -> Table:
        """The table with its `index` moved."""
        return voxels.with_columns({"index": self.of(voxels["index"], voxels.batch, side - 1)})

    def of(self, place: Tensor, batch: Tensor, last: float) -> Tensor:
        """Places (N, 3) in voxels, moved with their events (N,); a mirrored place x is last - x."""
        order, mirrored, shift = (choice.to(place.device)[batch] for choice in (self.order, self.mirrored, self.shift))
        moved = place.clone()
        alike = place[:, list(self.axes)].gather(1, order)
        moved[:, list(self.axes)] = torch.where(mirrored, last - alike, alike) + shift.to(place.dtype)
        return moved
