"""Where the sensors of a detector are, as files beside the events say: for displays, and for events without positions.

Three kinds of files are read: the .npz of WatChMaL (`tube_no` from 1 on, `position` in cm), a Parquet table of GraphNeT
(`sensor_id`, and `dom_x` or `sensor_pos_x` ... in m), and the CSV of IceCube's competition (`sensor_id`, x, y, z in m).
"""

from __future__ import annotations

import csv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.formats.arrays import members_of_zip
from nuforge.formats.format import one_line
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.parquet import ParquetRows

_PLACES = (("dom_x", "dom_y", "dom_z"), ("sensor_pos_x", "sensor_pos_y", "sensor_pos_z"), ("x", "y", "z"))
_CSV = ("sensor_id", "x", "y", "z")
_MOST = 50_000_000  # bytes of a CSV
_EXPECTED = "expected WatChMaL's .npz (tube_no, position), GraphNeT's Parquet (sensor_id, dom_x ...) or Kaggle's CSV"


@dataclass(frozen=True)
class Sensors:
    """The sensors of a detector.

    Args:
        number: As `hits.sensor` has it, (S,) int64; -1 where the file does not say.
        position: Where they are, (S, 3) cm.
    """

    number: NDArray[np.int64]
    position: NDArray[np.float64]

    def placed(self, events: Events) -> Events:
        """The events with the positions of those hits that have none, by their sensors' numbers."""
        if "hits" not in events or not {"position", "sensor"} <= set(events["hits"]) or not (self.number >= 0).any():
            return events
        table = events["hits"]
        sensor = table["sensor"].numpy()
        of_number = np.full((int(self.number.max()) + 1, 3), np.nan)
        of_number[self.number[self.number >= 0]] = self.position[self.number >= 0]
        known = (sensor >= 0) & (sensor < len(of_number))
        found = np.full((len(table), 3), np.nan)
        found[known] = of_number[sensor[known]]
        lacking = ~table["position"].isfinite().all(1, keepdim=True)
        position = torch.where(lacking, torch.from_numpy(found).to(table["position"].dtype), table["position"])
        return events.with_table("hits", table.with_columns({"position": position}))


def read_sensors(path: str | Path) -> Sensors:
    """The sensors that a file of a detector's geometry lists.

    Raises:
        InputError: If it is none of the known kinds, or damaged.
    """
    path = Path(path)
    with one_line(path, "a table of sensors"):
        seen = Glimpse.of(path)
        sensors = _of_zip(path) if seen.kind is Kind.ZIP else _of_parquet(path) if seen.kind is Kind.PARQUET else None
        if sensors is None and seen.kind is Kind.BYTES:
            sensors = _of_csv(path)
    if sensors is None or not len(sensors.position):
        raise InputError(f"{path} has no table of sensors; {_EXPECTED}")
    return sensors


def _of_zip(path: Path) -> Sensors | None:
    with zipfile.ZipFile(path) as archive:
        names = {name.removesuffix(".npy") for name in archive.namelist()}
    if not {"tube_no", "position"} <= names:
        return None
    number, position = (member.read() for member in members_of_zip(path, ["tube_no", "position"]))
    if position.shape != (number.size, 3):
        raise InputError(
            f"'position' of {path} has shape {position.shape}, expected ({number.size}, 3); write it again"
        )
    return Sensors(number.reshape(-1).astype(np.int64) - 1, position.astype(np.float64) * units.cm)


def _of_parquet(path: Path) -> Sensors | None:
    with ParquetRows.opened(path) as rows:
        places = next((names for names in _PLACES if set(names) <= set(rows.names)), None)
        if places is None:
            return None
        wanted = [*places, *(["sensor_id"] if "sensor_id" in rows.names else [])]
        found: dict[str, list[NDArray]] = {name: [] for name in wanted}
        for _, block in rows.blocks(wanted, 0, len(rows)):
            for name in wanted:
                found[name].append(np.asarray(block[name]))
    column = {name: np.concatenate(parts) for name, parts in found.items()}
    position = np.stack([column[name].astype(np.float64) for name in places], axis=1) * units.m
    number = column["sensor_id"].astype(np.int64) if "sensor_id" in column else np.full(len(position), -1)
    return Sensors(number, position)


def _of_csv(path: Path) -> Sensors | None:
    if path.stat().st_size > _MOST:
        raise InputError(f"{path} has {path.stat().st_size} bytes, expected a table of sensors of at most {_MOST}")
    with path.open(newline="") as file:
        lines = csv.DictReader(file)
        if not set(_CSV) <= set(lines.fieldnames or ()):
            return None
        rows = np.array([[float(line[name]) for name in _CSV] for line in lines]).reshape(-1, 4)
    return Sensors(rows[:, 0].astype(np.int64), rows[:, 1:] * units.m)
