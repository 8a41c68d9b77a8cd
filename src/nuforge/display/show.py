"""Events as a page of their own: in each kind of picture that fits them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nuforge.display.event3d import CONFIG
from nuforge.display.frame import Frame, Geometry
from nuforge.display.page import figure_json, plotly_script, png_source, render
from nuforge.display.pictures import Drawn, Picture, fitting
from nuforge.display.plots import to_png
from nuforge.display.scene import title_of
from nuforge.display.seen import Seen
from nuforge.evaluation.report import write_whole
from nuforge.events import Events
from nuforge.simulation.truth import CLASSES

PAGE_BYTES = 8_000_000
"""Bytes of figures after which a page takes no further event."""


@dataclass(frozen=True)
class Choice:
    """What of a file is shown.

    Args:
        first: The number of the first of the events in their file, for their titles.
        n: How many events a page has at most, from the one that is asked for on.
        picture: The kind of picture that comes first, "" for the first that fits.
        sensors: Positions in cm of all sensors (S, 3), if they are known.
    """

    first: int = 0
    n: int = 1
    picture: str = ""
    sensors: np.ndarray | None = None


def show(
    events: Events,
    i: int,
    out: Path,
    detector: Geometry | None = None,
    classes: Sequence[str] = CLASSES,
    choice: Choice | None = None,
) -> Path:
    """Writes events from i on as one HTML file that works without network, or i as a PNG picture; returns its path.

    An event that the liquid-argon chain has been asked about is shown stage by stage, the truth beside the prediction.

    Args:
        events: All that were read; those that are not shown still say where sensors are, and fill histograms.
        i: Which event.
        out: The file to write; a name that ends in .png asks for the picture.
        detector: For positions in cm and its outline; without it, axes count voxels.
        classes: Names of the classes of voxels.
        choice: How many events, and how.

    Raises:
        ValueError: If there is no such event, nothing in it that can be drawn, or the picture asked for does not fit.
    """
    if not 0 <= i < len(events):
        raise ValueError(f"event {i} does not exist, expected 0 to {len(events) - 1}; these are {len(events)} events")
    choice = choice or Choice()
    pictures = _ordered(fitting(events), events, choice.picture)
    seen = Seen(events, i, Frame.of(detector), classes, choice.sensors)
    title = title_of(seen.event, choice.first + i)
    first = pictures[0].draw(seen)
    if Path(out).suffix.lower() == ".png":
        return write_whole(Path(out), to_png(first.still(title)))
    shown = _page_events(seen, pictures, choice)
    page = render(
        "event.html",
        title=title,
        note=first.note,
        summary=first.facts,
        picture=png_source(first.still(title)),
        plotly=plotly_script(),
        events=shown,
        sample=_json("all events", [(p, p.draw(seen)) for p in pictures if p.of_sample]),
        config=CONFIG,
    )
    return write_whole(Path(out), page)


def _ordered(pictures: tuple[Picture, ...], events: Events, wanted: str) -> list[Picture]:
    """The kinds of pictures, the one that is asked for first."""
    names = [picture.name for picture in pictures]
    if not pictures:
        raise ValueError(
            f"no kind of picture fits tables {sorted(events.tables)}; "
            "expected voxels, segments, hits, pixels, waveforms, particles, or a row an event"
        )
    if wanted and wanted not in names:
        raise ValueError(f"these events have no picture '{wanted}', they have {names}; choose one of those")
    return sorted(pictures, key=lambda picture: picture.name != wanted) if wanted else list(pictures)


def _page_events(seen: Seen, pictures: Sequence[Picture], choice: Choice) -> list[str]:
    """JSON of each event of a page, until it is large."""
    shown: list[str] = []
    own = [picture for picture in pictures if not picture.of_sample]
    if not own:
        return []
    for i in range(seen.i, min(seen.i + choice.n, len(seen.events))):
        each = seen.at(i)
        text = _json(title_of(each.event, choice.first + i), [(picture, picture.draw(each)) for picture in own])
        if shown and sum(map(len, shown)) + len(text) > PAGE_BYTES:
            break
        shown.append(text)
    return shown


def _json(title: str, drawn: Sequence[tuple[Picture, Drawn]]) -> str:
    """An event in its pictures, safe inside HTML."""
    pictures = ",".join(
        f'{{"figure":{figure_json(each.interactive())},{_escaped(_words(picture, each))[1:]}' for picture, each in drawn
    )
    return f'{{"title":{_escaped(title)},"pictures":[{pictures}]}}'


def _words(picture: Picture, drawn: Drawn) -> dict[str, Any]:
    listing = drawn.listing
    table = None if listing is None else {"header": listing.header, "rows": listing.rows, "caption": listing.caption}
    return {"name": picture.name, "note": drawn.note, "facts": drawn.facts, "listing": table}


def _escaped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
