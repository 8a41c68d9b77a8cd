"""Augmentation: the same event seen another way, drawn from a generator that depends on seed and step alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.events.images import MAP, VIEWS


def generator_at(seed: int, step: int, rank: int = 0) -> torch.Generator:
    """The generator of one training step, whatever happened before it."""
    digest = hashlib.blake2b(f"augmentation/{seed}/{step}/{rank}".encode(), digest_size=7).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big"))


def voxel_symmetries(
    events: Events,
    generator: torch.Generator,
    side: int,
    axes: tuple[int, ...] = (0, 1, 2),
    shift: int = 16,
    positions: Sequence[str] = (),
    voxel: float = 1.0,
    origin: Sequence[float] = (0.0, 0.0, 0.0),
) -> Events:
    """Events with their voxels mirrored, with axes exchanged, and shifted: each event in its own way.

    `voxels.index` moves, and the positions that are named; other positions in truth tables stay. In a drift chamber the
    axes are not quite alike: diffusion and attachment grow along the drift, and wires or beam have directions. Name the
    axes that are alike; the others stay.

    Args:
        events: Events with `voxels`.
        generator: Where the choices come from, on the CPU.
        side: Voxels along an edge of the cube; a mirrored voxel i is side - 1 - i.
        axes: The axes that are alike.
        shift: Largest shift along these axes, in voxels, either way. Voxels may leave the cube.
        positions: Columns (N, 3) in cm that move with the voxels, as table.column; those that are not there are left
            out.
        voxel: Side of a voxel in cm, for the positions.
        origin: Corner of voxel (0, 0, 0) in cm, for the positions.
    """
    moved = _Moves.drawn(events, generator, axes, shift)
    voxels = events["voxels"]
    out = events.with_table("voxels", voxels.with_columns({"index": moved(voxels["index"], voxels.batch, side - 1)}))
    for name in positions:
        table, _, column = name.partition(".")
        if table in events and column in events[table]:
            rows = out[table]
            corner = rows[column].new_tensor(origin, dtype=torch.float64)
            place = (rows[column].double() - corner) / voxel
            position = (moved(place, rows.batch, side) * voxel + corner).to(rows[column])
            out = out.with_table(table, rows.with_columns({column: position}))
    return out


def map_symmetries(
    events: Events,
    generator: torch.Generator,
    views: Sequence[int] = tuple(range(VIEWS)),
    noise: float = 0.0,
    shift: int = 0,
) -> Events:
    """Events with their pixel maps mirrored in the direction of the cells, each view in its own way, and with noise.

    `pixels.column` is mirrored and moved, `pixels.row` moved by as much in both views, and `pixels.charge` multiplied,
    which suits a network that looks at pixels alone; hits, vertices and prongs stay. A mirrored view of height has what
    falls rise: leave it out where cosmic muons are asked about.

    Args:
        events: With `pixels`.
        generator: Where the choices come from, on the CPU.
        views: Those that may be mirrored, 0 for X and 1 for Y.
        noise: Standard deviation of what each charge is multiplied with, about 1; charges become float32 and stay
            positive.
        shift: Largest shift of an event along each axis of its maps, in pixels, as far as nothing leaves a map.

    Raises:
        InputError: If there is no such view, or the noise or the shift is negative.
    """
    if not set(views) <= set(range(VIEWS)) or min(noise, shift) < 0:
        raise InputError(
            f"views must be of {list(range(VIEWS))}, noise and shift 0 or more, got {list(views)}, {noise} and {shift}"
        )
    pixels = events["pixels"]
    allowed = torch.tensor([view in views for view in range(VIEWS)])
    mirrored = (torch.rand(len(events), VIEWS, generator=generator) < 0.5) & allowed
    turned = mirrored.to(pixels.batch.device)[pixels.batch, pixels["view"].to(torch.int64)]
    columns = {"column": torch.where(turned, MAP[1] - 1 - pixels["column"], pixels["column"])}
    if shift:
        steps = torch.randint(-shift, shift + 1, (len(events), VIEWS + 1), generator=generator).to(events.device)
        view = pixels.batch * VIEWS + pixels["view"].to(torch.int64)
        columns["column"] = _moved(columns["column"], view, steps[:, :VIEWS].flatten(), MAP[1])
        columns["row"] = _moved(pixels["row"], pixels.batch, steps[:, VIEWS], MAP[0])
    if noise:
        factor = 1 + noise * torch.randn(len(pixels), generator=generator)
        columns["charge"] = pixels["charge"].to(torch.float32) * factor.clamp(min=0).to(pixels.batch.device)
    return events.with_table("pixels", pixels.with_columns(columns))


def _moved(place: Tensor, group: Tensor, steps: Tensor, side: int) -> Tensor:
    """Places (N,) moved by the steps (G,) of their group (N,), fewer where one would leave 0 to side - 1."""
    where = place.to(steps)
    first = torch.zeros_like(steps).scatter_reduce(0, group, where, "amin", include_self=False)
    last = torch.zeros_like(steps).scatter_reduce(0, group, where, "amax", include_self=False)
    steps = steps.maximum(-first).minimum(side - 1 - last)
    return (where + steps[group]).to(place)


@dataclass(frozen=True)
class _Moves:
    """A symmetry for each event.

    Args:
        axes: The axes that are alike.
        order: Which of them each becomes (B, A).
        mirrored: (B, A).
        shift: Voxels (B, A).
    """

    axes: list[int]
    order: Tensor
    mirrored: Tensor
    shift: Tensor

    @classmethod
    def drawn(cls, events: Events, generator: torch.Generator, axes: Sequence[int], shift: int) -> _Moves:
        """Symmetries drawn for the events."""
        n, k, device = len(events), len(axes), events.device
        order = torch.rand(n, k, generator=generator).argsort(1)
        mirrored = torch.rand(n, k, generator=generator) < 0.5
        moved = torch.randint(-shift, shift + 1, (n, k), generator=generator)
        return cls(list(axes), order.to(device), mirrored.to(device), moved.to(device))

    def __call__(self, place: Tensor, batch: Tensor, last: int) -> Tensor:
        """Places (N, 3) in voxels of rows of events (N,), where they are then; `last` is the mirror image of 0."""
        place = place.clone()
        alike = place[:, self.axes].gather(1, self.order[batch])
        alike = torch.where(self.mirrored[batch], last - alike, alike)
        place[:, self.axes] = alike + self.shift[batch].to(place.dtype)
        return place
