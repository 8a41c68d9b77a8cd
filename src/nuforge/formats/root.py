"""ROOT files whose trees have an entry an event, with plain and jagged branches: read in blocks of entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from nuforge.errors import InputError

_BLOCK = 1 << 24  # bytes of decoded branches read together
_MOST = 1 << 28  # bytes that the branches of one entry may have


@dataclass(frozen=True)
class Entries:
    """Some consecutive entries of a tree.

    Args:
        first: Number of the first in the tree.
        columns: Branches, as Awkward arrays.
    """

    first: int
    columns: dict[str, Any]
    n: int

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __len__(self) -> int:
        return self.n

    def plain(self, name: str) -> NDArray[Any]:
        """A branch with a number or vector an entry, (B, ...)."""
        return np.asarray(ak.to_numpy(self.columns[name]))

    def flat(self, name: str) -> NDArray[Any]:
        """All values of a jagged branch end to end, (N, ...)."""
        return np.asarray(ak.to_numpy(ak.flatten(self.columns[name], axis=1)))

    def counts(self, name: str) -> NDArray[np.int64]:
        """Values of each entry of a jagged branch, (B,)."""
        return np.asarray(ak.to_numpy(ak.num(self.columns[name], axis=1)), dtype=np.int64)

    def text(self, name: str) -> list[str]:
        """A branch with a string an entry."""
        return [str(each) for each in self.columns[name].tolist()]


def entries_of(path: Path, tree: str, branches: Sequence[str], batch: int, needed: Sequence[str]) -> Iterator[Entries]:
    """The entries of a tree in order, `batch` at a time, in bounded memory; baskets are decoded once.

    Args:
        path: The file.
        tree: Name of the tree.
        branches: Branches that are read if they are there; a name may hold a path such as `EvtCode/fString`.
        batch: Entries at a time.
        needed: Branches that must be there.

    Raises:
        InputError: If the tree or a needed branch is not there.
    """
    with closing(uproot.open(path)) as file:
        found = file[tree]
        known = set(found.keys())
        missing = [name for name in needed if name not in known]
        if missing:
            raise InputError(
                f"tree '{tree}' of {path} lacks the branches {missing}, it has {sorted(known)[:20]}; write them too"
            )
        chosen = [name for name in branches if name in known]
        sizes = sum(int(found[name].uncompressed_bytes) for name in chosen)
        n = int(found.num_entries)
        if n and sizes / n > _MOST:
            raise InputError(f"an entry of '{tree}' of {path} has {sizes // n} bytes, expected {_MOST} at most")
        if n != max((int(found[name].num_entries) for name in chosen), default=n) or n > max(sizes, 0):
            raise InputError(f"'{tree}' of {path} declares {n} entries, its branches have {sizes} bytes; copy it again")
        step = max(batch, batch * max(1, int(_BLOCK * n / max(1, sizes)) // batch))
        for first in range(0, n, step):
            block = {name: found[name].array(entry_start=first, entry_stop=min(n, first + step)) for name in chosen}
            for begin in range(0, min(step, n - first), batch):
                part = {name: values[begin : begin + batch] for name, values in block.items()}
                yield Entries(first + begin, part, min(batch, n - first - begin))
