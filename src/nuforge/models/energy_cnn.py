"""Energy CNN: features of slices from the pixel maps of both views, for energies."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.images import VIEWS, pixel_images
from nuforge.models.towers import Views
from nuforge.nn.standard import Standard
from nuforge.simulation.cells.maps import PER_COUNT
from nuforge.units import m

_BEGIN = 10.0
"""MeV: sums become ln(1 + sum / 10 MeV)."""


class EnergyCNN(nn.Module):
    """Features of events from a tower for each view, and from the slice's energy.

    A map has counts of 8 bits, and what lies outside of it is lost, so the
    calibrated energy of all hits of each view is read beside it, and the map's own sum, which tells what is missing;
    also the vertex, as the published network may. Logarithms of sums are among the features as they are, so that what
    reads them begins with a calorimetric energy to a power.

    Args:
        views: Looks at the maps of both views; its own maps are averaged over their places.
        hidden: Channels of the layer that joins the views.
        vertex: Whether the reconstructed vertex is read.

    Source:
        Baldi et al., Phys. Rev. D 99 (2019) 012011, whose maps are larger and whose towers read no sums.
    """

    def __init__(self, views: Views, hidden: int = 64, vertex: bool = True) -> None:
        super().__init__()
        if hidden < 1:
            raise InputError(f"hidden must be at least 1 channel, got {hidden}; 64 is usual")
        self.views, self.vertex = views, vertex
        sums = 2 * VIEWS
        read = sums + (3 if vertex else 0)
        self.standard = Standard(read)
        joined = views.features + read
        self.join = nn.Sequential(nn.Linear(joined, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.features = hidden + sums

    def forward(self, events: Events) -> Mapping[str, Table]:
        """Features of events.

        Args:
            events: `pixels`, and `event` with the energy of each view and the vertex.

        Returns:
            `event` with features (B, hidden + 4), one row an event, empty ones too.
        """
        images, event, n = pixel_images(events), events["event"], len(events)
        seen = self.views(images).mean((2, 3))
        energies = torch.stack([event["energy_x"], event["energy_y"]], 1).float().clamp(min=0)
        sums = torch.log1p(torch.cat([energies, images.sum((2, 3)) * PER_COUNT], 1) / _BEGIN)
        where = [event["vertex"].float() / m] if self.vertex else []
        joined = torch.cat([seen, self.standard(torch.cat([sums, *where], 1))], 1)
        features = torch.cat([self.join(joined), sums], 1)
        about = {"features": Column("", "features of the network", "prediction")}
        return {"event": Table({"features": features}, torch.arange(n + 1, device=features.device), about=about)}
