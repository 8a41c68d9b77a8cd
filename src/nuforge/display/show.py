"""One event as a page of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nuforge.display.event3d import CONFIG, event_figure
from nuforge.display.frame import Frame, Geometry
from nuforge.display.page import figure_json, plotly_script, png_source, render
from nuforge.display.picture import event_picture
from nuforge.display.scene import VOXEL_CLASSES, Scene, scene_of
from nuforge.evaluation.report import write_whole
from nuforge.events import Events


def show(
    events: Events, i: int, out: Path, detector: Geometry | None = None, classes: Sequence[str] = VOXEL_CLASSES
) -> Path:
    """Writes event i as one HTML file that works without network, and returns its path.

    Args:
        events: With voxels or segments.
        i: Which event.
        out: The file to write.
        detector: For positions in cm and its outline; without it, axes count voxels.
        classes: Names of the classes of voxels.

    Raises:
        ValueError: If there is no such event, or nothing in it that can be drawn.
    """
    scene = scene_of(events, i, Frame.of(detector), classes)
    page = render(
        "event.html",
        title=scene.title,
        summary=summary(scene),
        picture=png_source(event_picture(scene)),
        plotly=plotly_script(),
        figure=figure_json(event_figure(scene)),
        config=CONFIG,
    )
    return write_whole(Path(out), page)


def summary(scene: Scene) -> list[str]:
    """What an event holds, in a few words each."""
    what = "segments" if scene.is_segments else "voxels"
    parts = [f"{len(scene.energy):,} {what}", f"{scene.energy.sum():.4g} MeV"]
    if "right or wrong" in scene.kinds:
        code = scene.kinds["right or wrong"].code
        known = int((code != 2).sum())
        if known:
            parts.append(f"{(code == 0).sum() / known:.1%} of {what} in their true class")
    return parts
