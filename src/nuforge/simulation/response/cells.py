"""Cells: which part of each deposit lies inside of the walls of which cell."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.detectors.nova import SegmentedDetector
from nuforge.events.rows import rows_where
from nuforge.shapes import Rows, Scalars
from nuforge.simulation.response.cutting import cut_at_slabs
from nuforge.simulation.response.deposits import Deposits


@dataclass(frozen=True)
class InCells:
    """Parts of deposits that are inside of a cell's walls, M in all, in the order of their deposits.

    Args:
        deposit: The deposit that each is a part of.
        plane: Number of the plane.
        cell: Number of the cell in its plane.
        share: Share of the deposit's path that is inside.
        distance: From its middle to the end of the cell that is read, cm.
    """

    deposit: Int[Tensor, " m"]
    plane: Int[Tensor, " m"]
    cell: Int[Tensor, " m"]
    share: Float[Tensor, " m"]
    distance: Float[Tensor, " m"]

    def __getitem__(self, rows: Rows) -> "InCells":
        """Some of them, in their order."""
        return InCells(self.deposit[rows], self.plane[rows], self.cell[rows], self.share[rows], self.distance[rows])

    def channel(self, cells: int) -> Int[Tensor, " m"]:
        """Number of each cell in the detector, of planes with `cells` cells."""
        return self.plane * cells + self.cell


def in_cells(deposits: Deposits, detector: SegmentedDetector) -> InCells:
    """Deposits, which lie in the detector's volume, cut at the walls of its cells; what is in a wall is left out."""
    readout, origin = detector.readout, deposits.start.new_tensor(detector.origin).double()
    start, end = deposits.start.double() - origin, deposits.end.double() - origin
    planes = cut_at_slabs(start[:, 2] / readout.depth, end[:, 2] / readout.depth)
    begin, stop = (_between(start, end, planes.deposit, share) for share in (planes.begin, planes.end))
    across = planes.slab % 2  # what a plane tells: x of even planes, y of odd ones
    low, high = _pick(begin, across), _pick(stop, across)
    cells = cut_at_slabs(low / readout.width, high / readout.width)

    part, plane = cells.deposit, planes.slab.index_select(0, cells.deposit)
    z, way_z = (
        begin[:, 2].index_select(0, part) - plane.double() * readout.depth,
        (stop - begin)[:, 2].index_select(0, part),
    )
    u, way_u = low.index_select(0, part) - cells.slab.double() * readout.width, (high - low).index_select(0, part)
    between_faces = _inside(z, way_z, readout.depth, readout.face_wall)
    between_sides = _inside(u, way_u, readout.width, readout.side_wall / 2)
    first = torch.stack([cells.begin, between_faces[0], between_sides[0]]).amax(0)
    last = torch.stack([cells.end, between_faces[1], between_sides[1]]).amin(0)
    share = (last - first).clamp(min=0) * (planes.end - planes.begin).index_select(0, part)
    middle = _between(begin, stop, part, (first + last) / 2)
    along = _pick(middle, 1 - across.index_select(0, part))

    is_real = (plane >= 0) & (plane < readout.planes) & (cells.slab >= 0) & (cells.slab < readout.cells)
    kept = rows_where((share.detach() > 0) & is_real)
    deposit = planes.deposit.index_select(0, part)
    return InCells(deposit[kept], plane[kept], cells.slab[kept], share[kept], readout.length - along[kept])


def _between(start: Tensor, end: Tensor, rows: Tensor, share: Tensor) -> Tensor:
    """Places (M, 3) on lines from `start` to `end` (N, 3), of which each is on one of the `rows` at a share (M,)."""
    begin = start.index_select(0, rows)
    return begin + share[:, None] * (end.index_select(0, rows) - begin)


def _pick(position: Tensor, axis: Tensor) -> Tensor:
    """The x (axis 0) or the y (axis 1) of positions (N, 3), (N,)."""
    return torch.where(axis == 0, position[:, 0], position[:, 1])


def _inside(start: Scalars, way: Scalars, size: float, wall: float) -> tuple[Scalars, Scalars]:
    """From where to where, in shares of its way (cm), a line from `start` is between walls of a room of a size (cm)."""
    safe = torch.where(way == 0, torch.ones_like(way), way)
    a, b = (wall - start) / safe, (size - wall - start) / safe
    within = (start >= wall) & (start <= size - wall)
    first = torch.where(way == 0, torch.where(within, 0.0, 2.0), torch.minimum(a, b))
    last = torch.where(way == 0, torch.where(within, 1.0, -2.0), torch.maximum(a, b))
    return first.clamp(min=0), last.clamp(max=1)
