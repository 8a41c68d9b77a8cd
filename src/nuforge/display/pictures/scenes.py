"""Voxels and energy deposits in space, with the stages of the liquid-argon chain where they are known."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go
from matplotlib.figure import Figure

from nuforge.display.chain3d import chain_figure
from nuforge.display.chain_picture import chain_note, chain_picture
from nuforge.display.event3d import event_figure
from nuforge.display.picture import event_picture
from nuforge.display.pictures.picture import Picture
from nuforge.display.scene import DRAWN, Scene, scene_of
from nuforge.display.seen import Seen
from nuforge.events import Events


@dataclass(frozen=True)
class DrawnScene:
    """A drawn scene."""

    scene: Scene

    listing = None

    @property
    def note(self) -> str:
        """What colours and marks of the chain mean."""
        return chain_note(self.scene) if self.scene.is_chain else ""

    @property
    def facts(self) -> tuple[str, ...]:
        """What the event holds, in a few words each."""
        return tuple(summary(self.scene))

    def interactive(self) -> go.Figure:
        """For a page."""
        return chain_figure(self.scene) if self.scene.is_chain else event_figure(self.scene)

    def still(self, title: str) -> Figure:
        """For paper."""
        return chain_picture(self.scene) if self.scene.is_chain else event_picture(self.scene)


def summary(scene: Scene) -> list[str]:
    """What an event holds, in a few words each."""
    what = "segments" if scene.is_segments else "voxels"
    parts = [f"{len(scene.energy):,} {what}", f"{scene.energy.sum():.4g} MeV"]
    if len(scene.energy) > DRAWN:
        parts[0] += f", {DRAWN:,} of them drawn"
    if "right or wrong" in scene.kinds:
        code = scene.kinds["right or wrong"].code
        known = int((code != 2).sum())
        if known:
            parts.append(f"{(code == 0).sum() / known:.1%} of {what} in their true class")
    found = {name: stage.prediction for name, stage in scene.stages.items() if stage.prediction and name != "classes"}
    parts += [f"{len(side.kinds.names) - 1} {name} found" for name, side in found.items()]
    return parts


def _has_voxels(events: Events) -> bool:
    return "voxels" in events and {"index", "value"} <= set(events["voxels"])


def _has_segments(events: Events) -> bool:
    return "segments" in events and {"start", "end", "energy"} <= set(events["segments"])


def _voxels(seen: Seen) -> DrawnScene:
    return DrawnScene(scene_of(seen.events, seen.i, seen.frame, seen.classes))


def _segments(seen: Seen) -> DrawnScene:
    return DrawnScene(scene_of(seen.events.without("voxels"), seen.i, seen.frame, seen.classes))


VOXELS = Picture("voxels", _has_voxels, _voxels)
SEGMENTS = Picture("energy deposits", _has_segments, _segments)
