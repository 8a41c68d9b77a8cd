"""Augmentation: the same event seen another way, drawn from a generator that depends on seed and step alone."""

from __future__ import annotations

import hashlib

import torch

from nuforge.events import Events


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
    voxels = events["voxels"]
    n, device = voxels.n_events, events.device
    order = torch.rand(n, len(axes), generator=generator).argsort(1)
    mirrored = torch.rand(n, len(axes), generator=generator) < 0.5
    moved = torch.randint(-shift, shift + 1, (n, len(axes)), generator=generator)
    order, mirrored, moved = (choice.to(device)[voxels.batch] for choice in (order, mirrored, moved))
    index = voxels["index"].clone()
    alike = index[:, list(axes)].gather(1, order)
    index[:, list(axes)] = torch.where(mirrored, side - 1 - alike, alike) + moved.to(index.dtype)
    return events.with_table("voxels", voxels.with_columns({"index": index}))
