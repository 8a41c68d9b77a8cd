"""Identity of what is read: a file's hash, and the table `event` of its events."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.events import Table
from nuforge.events.identity import stable_hash

_END = 1 << 17  # bytes at each end of a file: headers, first and last events, and where they are


def source_of(*paths: Path) -> int:
    """The identity of a file, or of files that belong together, 63 bits, whatever their names.

    It is a hash of the size and the first and last 128 kB of each.
    """
    parts = [_of_one(path) for path in paths]
    return stable_hash(*parts[0]) if len(parts) == 1 else stable_hash(*parts)


def _of_one(path: Path) -> tuple[int, str]:
    size, ends = path.stat().st_size, blake2b()
    with path.open("rb") as file:
        ends.update(file.read(_END))
        file.seek(max(0, size - _END))
        ends.update(file.read(_END))
    return size, ends.hexdigest()


def event_table(
    source: int,
    event: NDArray[np.integer],
    run: NDArray[np.integer] | None = None,
    subrun: NDArray[np.integer] | None = None,
    weight: NDArray[np.floating] | None = None,
) -> Table:
    """The table `event` of B events, one row each, nominal ones.

    Args:
        source: Identity of the file (see `source_of`).
        event: (B,) event numbers.
        run: (B,) run numbers; 0 if the file has none.
        subrun: (B,) subrun numbers; 0 if the file has none.
        weight: (B,) weights; 1 if the file has none.
    """
    n = len(event)
    columns = {
        "source": torch.full((n,), source),
        "run": torch.zeros(n, dtype=torch.int64) if run is None else _integers(run),
        "subrun": torch.zeros(n, dtype=torch.int64) if subrun is None else _integers(subrun),
        "event": _integers(event),
        "variation": torch.zeros(n, dtype=torch.int64),
        "weight": torch.ones(n, dtype=torch.float64) if weight is None else torch.from_numpy(weight.astype(np.float64)),
    }
    return Table(columns, torch.arange(n + 1))


def _integers(values: NDArray[np.integer]) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.int64))
