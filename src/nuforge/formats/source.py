"""Who the events of a file are: the identity of the file, and the table `event`."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.events import Table
from nuforge.events.identity import stable_hash

_ENDS = 1_000_000  # bytes


def source_of(*paths: Path) -> int:
    """The identity of a file, or of files that belong together, 63 bits, whatever their names.

    It is a hash of the size and the first and last million bytes of each.
    """
    parts = [_of_one(path) for path in paths]
    return stable_hash(*parts[0]) if len(parts) == 1 else stable_hash(*(list(part) for part in parts))


def _of_one(path: Path) -> tuple[int, str]:
    size, ends = path.stat().st_size, blake2b()
    with path.open("rb") as file:
        ends.update(file.read(_ENDS))
        file.seek(max(0, size - _ENDS))
        ends.update(file.read(_ENDS))
    return size, ends.hexdigest()


def event_table(
    source: int,
    number: NDArray[np.integer],
    run: NDArray[np.integer] | int = 0,
    subrun: NDArray[np.integer] | int = 0,
    weight: NDArray[np.floating] | float = 1.0,
) -> Table:
    """The table `event` of events with these numbers (B,): one row each.

    Args:
        source: The identity of the file.
        number: (B,) event numbers.
        run: (B,) or one for all.
        subrun: (B,) or one for all.
        weight: (B,) or one for all.
    """
    n = len(number)

    def whole(values: NDArray[np.integer] | int) -> torch.Tensor:
        return torch.from_numpy(np.broadcast_to(np.asarray(values, np.int64), (n,)).copy())

    columns = {
        "source": torch.full((n,), source),
        "run": whole(run),
        "subrun": whole(subrun),
        "event": whole(number),
        "variation": torch.zeros(n, dtype=torch.int64),
        "weight": torch.from_numpy(np.broadcast_to(np.asarray(weight, np.float64), (n,)).copy()),
    }
    return Table(columns, torch.arange(n + 1))
