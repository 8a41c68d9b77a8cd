"""Towers: networks that look at each view of a slice or a prong, and merge what they see late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.images import VIEWS, pixel_images, prong_images
from nuforge.models.backbone import Backbone
from nuforge.models.googlenet import Inception, Norm, inception
from nuforge.models.walls import Walls
from nuforge.nn.counts import log_counts
from nuforge.nn.squeeze_excite import SqueezeExcite


class Views(nn.Module):
    """A backbone for each view, or the same for all (siamese); their maps side by side.

    Args:
        towers: For images of one channel: one for each view in their order, or a single one for all.
        views: Number of views.

    Raises:
        InputError: If there are neither as many towers as views nor one.
    """

    def __init__(self, towers: Sequence[Backbone], views: int = VIEWS) -> None:
        super().__init__()
        if len(towers) not in (1, views):
            raise InputError(f"there must be 1 tower or one for each of {views} views, got {len(towers)}")
        self.towers, self.views = nn.ModuleList(towers), views
        self.features = views if len(towers) == 1 else 1
        self.features *= sum(tower.features for tower in towers)
        self.to(memory_format=torch.channels_last)  # a third faster on a CPU

    def forward(self, images: Float[Tensor, "n v h w"]) -> Float[Tensor, "n d y x"]:
        """Maps (N, D, Y, X) of images (N, V, H, W) of counts."""
        scaled, towers = log_counts(images), self._backbones
        if len(towers) == 1:
            maps = towers[0].maps(scaled.flatten(0, 1)[:, None])
            return maps.reshape(len(images), self.features, *maps.shape[2:])
        return torch.cat([tower.maps(scaled[:, i : i + 1]) for i, tower in enumerate(towers)], 1)

    @property
    def _backbones(self) -> list[Backbone]:
        return list(self.towers)  # type: ignore[arg-type]


class Merge(nn.Module):
    """What becomes of the maps of all towers: gated, mixed by an inception module, averaged over their places.

    Args:
        channels: Of all towers together.
        mixed: Width of the inception module, over that of "4a" in GoogLeNet; 0 for none.
        gated: Whether a squeeze-and-excitation gate weighs the channels.
        dropout: Fraction of features that is left out in training.
        norm: Of the inception module.
    """

    def __init__(
        self, channels: int, mixed: float = 0.0, gated: bool = False, dropout: float = 0.0, norm: Norm = "batch"
    ) -> None:
        super().__init__()
        self.gate = SqueezeExcite(channels) if gated else nn.Identity()
        mix = inception(channels, "4a", mixed, norm) if mixed else nn.Identity()
        self.mix = mix.to(memory_format=torch.channels_last)
        self.dropout = nn.Dropout(dropout)
        self.features = mix.channels if isinstance(mix, Inception) else channels

    def forward(self, maps: Float[Tensor, "n c y x"]) -> Float[Tensor, "n d"]:
        """Features (N, D) of maps (N, C, Y, X)."""
        out: Tensor = self.dropout(self.mix(self.gate(maps)).mean((2, 3)))
        return out


class EventTowers(nn.Module):
    """Features of slices from their pixel maps and, if it is asked for, from where in the detector they are.

    Args:
        views: Looks at the maps.
        merge: Merges what it sees.
        walls: Says how near a slice comes to the walls of the detector, which its maps do not; none for maps alone.
        hidden: Channels of the layer that reads the walls with the maps.
    """

    def __init__(self, views: Views, merge: Merge, walls: Walls | None = None, hidden: int = 128) -> None:
        super().__init__()
        self.views, self.merge, self.walls = views, merge, walls
        self.features = merge.features
        if walls is not None:
            self.join = nn.Sequential(nn.Linear(merge.features + walls.features, hidden), nn.ReLU())
            self.features = hidden

    def forward(self, events: Events) -> Mapping[str, Table]:
        """Features of events.

        Args:
            events: `pixels` with view, row, column, charge; with walls, `hits` with view, plane, cell.

        Returns:
            `event` with features (B, D), one row an event, empty ones too.
        """
        n, device = len(events), events.device
        offsets = torch.arange(n + 1, device=device)
        if not n:
            return {"event": _table(torch.zeros(0, self.features, device=device), offsets)}
        features = self.merge(self.views(pixel_images(events)))
        if self.walls is not None:
            features = self.join(torch.cat([features, self.walls(events)], 1))
        return {"event": _table(features, offsets)}


class ProngTowers(nn.Module):
    """Features of prongs from their own pixels and, if there are towers for it, from the whole slice around them.

    The maps of a slice are made once, whatever its number of prongs. Places of maps are the same places of the detector
    in all towers, which is how a merge sees what lies around a prong.

    Args:
        views: Looks at the maps of prongs.
        merge: Merges what all towers see.
        context: Looks at the maps of slices; none for prongs alone.
    """

    def __init__(self, views: Views, merge: Merge, context: Views | None = None) -> None:
        super().__init__()
        self.views, self.context, self.merge = views, context, merge
        self.features = merge.features

    def forward(self, events: Events) -> Mapping[str, Table]:
        """Features of prongs.

        Args:
            events: `pixels` with view, row, column, charge, hit; `hits` with prong; `prongs`.

        Returns:
            `prongs` with features (P, D).
        """
        prongs = events["prongs"]
        if not len(prongs):
            return {"prongs": _table(torch.zeros(0, self.features, device=events.device), prongs.offsets)}
        maps = self.views(prong_images(events))
        if self.context is not None:
            around = self.context(pixel_images(events))
            maps = torch.cat([maps, around.index_select(0, prongs.batch)], 1)
        return {"prongs": _table(self.merge(maps), prongs.offsets)}


def _table(features: Tensor, offsets: Tensor) -> Table:
    return Table(
        {"features": features}, offsets, about={"features": Column("", "features of the network", "prediction")}
    )
