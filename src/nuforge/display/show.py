"""One event as a page of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nuforge.display.chain3d import chain_figure
from nuforge.display.chain_picture import chain_note, chain_picture
from nuforge.display.event3d import CONFIG, event_figure
from nuforge.display.frame import Frame, Geometry
from nuforge.display.page import figure_json, plotly_script, png_source, render
from nuforge.display.picture import event_picture
from nuforge.display.plots import to_png
from nuforge.display.scene import DRAWN, Scene, scene_of
from nuforge.evaluation.report import write_whole
from nuforge.events import Events
from nuforge.simulation.truth import CLASSES


def show(events: Events, i: int, out: Path, detector: Geometry | None = None, classes: Sequence[str] = CLASSES) -> Path:
    """Writes event i as one HTML file that works without network, or as a PNG picture, and returns its path.

    An event that the liquid-argon chain has been asked about is shown stage by stage, the truth beside the prediction.

    Args:
        events: With voxels or segments.
        i: Which event.
        out: The file to write; a name that ends in .png asks for the picture.
        detector: For positions in cm and its outline; without it, axes count voxels.
        classes: Names of the classes of voxels.

    Raises:
        ValueError: If there is no such event, or nothing in it that can be drawn.
    """
    scene = scene_of(events, i, Frame.of(detector), classes)
    picture = chain_picture(scene) if scene.is_chain else event_picture(scene)
    if Path(out).suffix.lower() == ".png":
        return write_whole(Path(out), to_png(picture))
    page = render(
        "event.html",
        title=scene.title,
        summary=summary(scene),
        note=chain_note(scene) if scene.is_chain else "",
        picture=png_source(picture),
        plotly=plotly_script(),
        figure=figure_json(chain_figure(scene) if scene.is_chain else event_figure(scene)),
        config=CONFIG,
    )
    return write_whole(Path(out), page)


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
