"""The vertex of a slice by lines and elastic arms, as the detector's own software has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from nuforge.events import Events, Table
from nuforge.tasks.vertex import VERTEX, VERTEX_COLUMN


class SliceVertex:
    """Robust lines in each view, where they begin or cross, then arms that bend to the hits; it has nothing to fit.

    It is `event.vertex`, made when the slice is (`nuforge.simulation.cells.find_vertex`).

    Source:
        Ohlsson and Peterson, Comput. Phys. Commun. 71 (1992) 77 (elastic arms); Baird et al., J. Phys. Conf. Ser. 664
        (2015) 072035 (NOvA).
    """

    def fit(self, batches: Iterable[Events]) -> None:
        """Nothing."""

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`event.reco_vertex` (B, 3) in cm."""
        event = readout["event"]
        return {"event": Table({VERTEX: event["vertex"]}, event.offsets, about={VERTEX: VERTEX_COLUMN})}

    def save(self, folder: Path) -> None:
        """An empty folder."""
        folder.mkdir(parents=True, exist_ok=True)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The same."""
        return cls()
