"""Prong pixels: the prongs of the reconstruction as an answer to which pixels are one particle's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from nuforge.baselines.by_hand import ByHand
from nuforge.events import Events, Table
from nuforge.events.images import prong_of_pixels
from nuforge.tasks.instances import INSTANCE


@dataclass(frozen=True)
class ProngPixels(ByHand):
    """Each pixel belongs to the prong of its brightest hit: lines, elastic arms, fuzzy clusters about the vertex.

    Source:
        `nuforge.simulation.cells.prongs`, after Niner, thesis, Indiana 2015.
    """

    file: ClassVar[str] = "prong_pixels.json"

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`pixels.reco_instance` (N,): the row of the prong, -1 for none."""
        pixels = readout["pixels"]
        prong = prong_of_pixels(readout)
        return {"pixels": Table({"reco_instance": prong}, pixels.offsets, about={"reco_instance": INSTANCE})}
