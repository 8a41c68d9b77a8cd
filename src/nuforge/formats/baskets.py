"""The bytes of a branch of a ROOT tree, entry by entry, as its baskets have them: for what uproot cannot read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuforge.errors import InputError

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]

_ROOM = 1100  # bytes of a basket to those it is packed in: deflate reaches 1032 to 1


def basket_of(path: Path, branch: Any, i: int) -> tuple[Bytes, Places]:  # noqa: ANN401
    """The bytes of a basket of an uproot branch, and where its entries begin, and the end.

    Raises:
        InputError: If it declares more bytes than its file can hold, or its entries do not follow each other.
    """
    size = path.stat().st_size
    if branch.basket_uncompressed_bytes(i) > _ROOM * size:
        raise InputError(f"{path} declares {branch.basket_uncompressed_bytes(i)} bytes in {size}; copy it again")
    basket = branch.basket(i)
    data: Bytes = np.asarray(basket.data).view(np.uint8)
    if basket.byte_offsets is not None:
        places = basket.byte_offsets.astype(np.int64)
    else:  # entries of one size
        n = max(1, int(basket.num_entries))
        places = np.arange(n + 1) * (len(data) // n)
    if places[0] < 0 or places[-1] > len(data) or (np.diff(places) < 0).any():
        raise InputError(f"entries of {path} must follow each other, got places {places[:8].tolist()}; copy it again")
    return data, places


@dataclass
class Leaf:
    """A branch that holds data, read in order; it keeps the basket that it read last.

    Args:
        path: Its file.
        branch: Of uproot.
    """

    path: Path
    branch: Any
    _kept: tuple[int, Bytes, Places] | None = field(default=None, init=False)

    def entries(self, begin: int, end: int) -> tuple[Bytes, Places]:
        """The bytes of consecutive entries (B,), and where each begins in them, and the end (B + 1,)."""
        first = np.asarray(self.branch.entry_offsets, np.int64)
        parts, places, size = [], [np.zeros(1, np.int64)], 0
        last = min(int(np.searchsorted(first, end, side="left")), self.branch.num_baskets)
        for i in range(max(0, int(np.searchsorted(first, begin, side="right")) - 1), last):
            data, starts = self._basket(i)
            own = starts[max(begin - int(first[i]), 0) : end - int(first[i]) + 1]
            parts.append(data[own[0] : own[-1]] if len(own) else data[:0])
            places.append(own[1:] - own[:1] + size)
            size += len(parts[-1])
        where = np.concatenate(places)
        if len(where) != end - begin + 1:
            raise InputError(
                f"'{self.branch.name}' of {self.path} has {len(where) - 1} of the entries {begin} to {end - 1}; "
                "copy or write the file again"
            )
        return parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, np.uint8), *parts]), where

    def _basket(self, i: int) -> tuple[Bytes, Places]:
        if self._kept is None or self._kept[0] != i:
            self._kept = (i, *basket_of(self.path, self.branch, i))
        return self._kept[1:]
