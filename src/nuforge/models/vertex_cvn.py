"""VertexCVN: features of slices from where maps of both views point, for the vertex."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from nuforge.detectors import SegmentedDetector
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.images import VIEWS, pixel_images
from nuforge.nn.counts import log_counts
from nuforge.nn.spatial_softmax import expected_place
from nuforge.units import m

_ABOUT = {
    "features": Column("", "features of the network", "prediction"),
    "place": Column("cm", "the corner of the pixel maps: where row 0 of view X and columns 0 begin", "prediction"),
}


class VertexCVN(nn.Module):
    """Features of events from a tower for each view, whose last maps are places in the detector.

    A tower goes down to coarse maps and up again to those of the image, with what was seen on the way down beside it.
    Of each of its maps the mean place is taken, weighted with the softmax of the map: a position finer than a cell,
    that moves with the event. Places are in metres from the corner of the maps; a dense layer mixes those of both
    views with the means of the coarsest maps.

    Args:
        detector: Says how large cells are, and where they begin.
        depth: Levels of a tower; each halves the resolution.
        width: Channels of the finest level; level i has i + 1 times as many.
        places: Maps that become places, of each view.
        hidden: Channels of the dense layer.

    Source:
        Elkarghli, arXiv:2112.01494 (two views to x, y, z); the places, Finn et al., arXiv:1509.06113.
    """

    def __init__(
        self, detector: SegmentedDetector, depth: int = 4, width: int = 8, places: int = 8, hidden: int = 64
    ) -> None:
        super().__init__()
        if min(depth, width, places, hidden) < 1:
            raise InputError(
                f"depth, width, places and hidden must be at least 1, got {depth}, {width}, {places} and {hidden}"
            )
        self.towers = nn.ModuleList(_Tower(depth, width, places) for _ in range(VIEWS))
        self.towers.to(memory_format=torch.channels_last)  # faster by a third on CPUs
        self._origin = tuple(float(o) for o in detector.origin)
        self._cell, self._plane = float(detector.readout.width), float(detector.readout.depth)
        joined = VIEWS * (2 * places + depth * width)
        self.join = nn.Sequential(nn.Linear(joined, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.features = VIEWS * 2 * places + hidden

    def forward(self, events: Events) -> Mapping[str, Table]:
        """Features and corners of events.

        Args:
            events: `pixels`, and `event` with the plane and the cells at which the maps begin.

        Returns:
            `event` with features (B, F) and place (B, 3) in cm, one row an event, empty ones too.
        """
        n, views = len(events), torch.split(log_counts(pixel_images(events)), 1, 1)
        seen = [tower(view) for tower, view in zip(self.towers, views, strict=True)]
        places = [self._metres(place, view).flatten(1) for view, (place, _) in enumerate(seen)]
        joined = self.join(torch.cat([*places, *(coarse for _, coarse in seen)], 1))
        columns = {"features": torch.cat([*places, joined], 1), "place": self.corner(events)}
        return {"event": Table(columns, torch.arange(n + 1, device=joined.device), about=_ABOUT)}

    def corner(self, events: Events) -> Float[Tensor, "b 3"]:
        """Where the maps begin (B, 3), cm: columns 0 of view X and Y, and the first plane."""
        event = events["event"]
        x, y = (event["first_cell"][:, view].float() * self._cell + self._origin[view] for view in range(VIEWS))
        return torch.stack([x, y, event["first_plane"].float() * self._plane + self._origin[2]], 1)

    def _metres(self, place: Tensor, view: int) -> Tensor:
        """Rows and columns (B, K, 2) of a view as metres along the beam and across from the corner.

        A row is two planes, of which that of view Y is the second.
        """
        along = (2 * (place[..., 0] - 0.5) + 0.5 + view) * self._plane
        return torch.stack([along, place[..., 1] * self._cell], 2) / m


class _Tower(nn.Module):
    """Down to coarse maps and up again: places (B, K, 2) in rows and columns, and means (B, depth x width)."""

    def __init__(self, depth: int, width: int, places: int) -> None:
        super().__init__()
        channels = [width * (i + 1) for i in range(depth)]
        self.downs = nn.ModuleList(_Block(a, b) for a, b in itertools.pairwise([1, *channels]))
        self.ups = nn.ModuleList(_Block(a + b, b) for a, b in itertools.pairwise(channels[::-1]))
        self.places = nn.Conv2d(width, places, 1, bias=False)  # a softmax does not see an offset

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x, passed = image, []
        for level, down in enumerate(self.downs):
            x = down(F.max_pool2d(x, 2, ceil_mode=True) if level else x)
            passed.append(x)
        coarse = x.mean((2, 3))
        for up, fine in zip(self.ups, passed[-2::-1], strict=True):
            x = up(torch.cat([F.interpolate(x, size=fine.shape[2:], mode="nearest"), fine], 1))
        return expected_place(self.places(x)), coarse


class _Block(nn.Module):
    """Two convolutions of 3 x 3 with batch norm, beside a way around them."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, out, 3, padding=1, bias=False)
        self.second = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(out) for _ in range(2))
        self.around = nn.Conv2d(channels, out, 1, bias=False) if channels != out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norms[0](self.first(x)))
        return F.relu(self.norms[1](self.second(y)) + self.around(x))
