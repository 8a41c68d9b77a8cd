"""Wire-Cell frames and depositions written as .npz."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuforge import units
from nuforge.detectors import Detector
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.formats.whole import written_whole

_MOST = 1 << 29  # bytes of a frame
DEPOS = {
    "time": Column("ns", "when", "truth"),
    "charge": Column("", "electrons, negative as Wire-Cell has them", "truth"),
    "position": Column("cm", "where", "truth"),
    "sigma": Column("cm", "width along the drift, and across", "truth"),
    "number": Column("", "number of the track or deposition", "truth"),
    "pdg": Column("", "PDG Monte Carlo number", "truth"),
    "generation": Column("", "0 as it drifts now; larger ones are what it came from", "truth"),
    "child": Column("", "place of the deposition that came from it", "truth"),
}
"""Columns of the table `depos`."""


def write_frames(path: Path, parts: Iterable[Events], detector: Detector | None) -> None:
    """Writes `pixels` as the frame `data`, `pixels_<tag>` as that of a tag; the event's number names the arrays.

    Raises:
        InputError: If there are no pixels, event numbers are negative or repeat, or a frame has more than 512 MB.
    """
    written: set[str] = set()
    with written_whole(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for events in parts:
            if "pixels" not in events:
                raise InputError(f"frames need the table 'pixels', these events have {sorted(events.tables)}")
            tags = {
                name: name.partition("_")[2] or "data" for name in events.tables if name.partition("_")[0] == "pixels"
            }
            for i, event in enumerate(events["event"]["event"].tolist()):
                for name, tag in tags.items():
                    _frame(archive, written, events.event(i), name, tag, event)
                masks = events.event(i)["masks"] if "masks" in events else None
                if masks is not None and len(masks):
                    rows = np.stack([masks[name].numpy() for name in ("channel", "begin", "end")], axis=1)
                    _write(archive, written, f"chanmask_bad_{event}", rows.astype(np.int32))


def _frame(archive: zipfile.ZipFile, written: set[str], event: Events, name: str, tag: str, number: int) -> None:
    """Adds the arrays of one frame of one event."""
    pixels, head = event[name], event["event"]
    row, column = pixels["row"].numpy(), pixels["column"].numpy()
    channels = event.tables.get(name.replace("pixels", "channels"))
    n_rows = len(channels) if channels is not None else int(row.max(initial=-1)) + 1
    n_ticks = max(int(column.max(initial=-1)) + 1, int(head["ticks"][0]) if "ticks" in head else 0)
    if n_rows * n_ticks * 4 > _MOST or int(row.max(initial=-1)) >= n_rows:
        raise InputError(
            f"frame of event {number} has {n_rows} rows and {n_ticks} ticks, expected at most {_MOST} bytes"
        )
    dense = np.zeros((n_rows, n_ticks), np.float32)
    dense[row, column] = pixels["charge"].numpy()
    end = f"{tag}_{number}"
    _write(archive, written, f"frame_{end}", dense)
    numbers = channels["channel"].numpy() if channels is not None else np.arange(n_rows)
    _write(archive, written, f"channels_{end}", numbers.astype(np.int32))
    info = [float(head[n][0]) if n in head else 0.0 for n in ("start", "tick", "first_tick")]
    _write(archive, written, f"tickinfo_{end}", np.array(info))
    if channels is not None and not bool(channels["summary"].isnan().all()):
        _write(archive, written, f"summary_{end}", channels["summary"].numpy())


def write_depos(path: Path, parts: Iterable[Events], detector: Detector | None) -> None:
    """Writes the table `depos`, an array of rows for each event.

    Raises:
        InputError: If there are no depositions, or event numbers are negative or repeat.
    """
    written: set[str] = set()
    with written_whole(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for events in parts:
            if "depos" not in events:
                raise InputError(f"depositions need the table 'depos', these events have {sorted(events.tables)}")
            for i, event in enumerate(events["event"]["event"].tolist()):
                data, info = _depos(events.event(i)["depos"])
                _write(archive, written, f"depo_data_{event}", data)
                _write(archive, written, f"depo_info_{event}", info)


def _depos(table: Table) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Rows (7, D) of numbers, float64 since times need it, and (4, D) of integers."""
    columns = [table["time"].numpy(), table["charge"].numpy()]
    columns += [*(table["position"].double().numpy() / units.mm).T, *(table["sigma"].double().numpy() / units.mm).T]
    numbers = [table[name].numpy() for name in ("number", "pdg", "generation", "child")]
    return np.stack(columns).astype(np.float64), np.stack(numbers).astype(np.int32)


def _write(archive: zipfile.ZipFile, written: set[str], name: str, values: NDArray[Any]) -> None:
    """Adds an array."""
    if name in written or not re.fullmatch(r"\d{1,18}", name.rsplit("_", 1)[-1]):
        raise InputError(
            f"'{name}' is there already, or its number is negative or above 18 digits; Wire-Cell tells events by it"
        )
    written.add(name)
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        np.lib.format.write_array(file, np.ascontiguousarray(values), allow_pickle=False)
