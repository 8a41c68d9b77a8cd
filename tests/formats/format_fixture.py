"""What the contract of all formats needs to know of one: how to make small files of it, and what is in real ones."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import h5py
import numpy as np

from nuforge.detectors import Detector
from nuforge.formats.format import Format

DATA = Path(__file__).parents[2].parent / "shared" / "data"

Variant = Literal["plain", "compressed", "float ids", "not finite", "pickle"]

IDS: tuple[Variant, ...] = ("float ids", "not finite")


@dataclass(frozen=True)
class Fixture:
    """One format as the contract sees it.

    Args:
        name: Of the test.
        format: The format.
        make: `make(path, events, seed, variant)` writes a small file and returns its path. Event numbers have gaps,
            and with another seed other contents; event 1 of `events` has no rows in the tables `empty`.
        empty: Tables without rows in event 1: no hits, or an event that is missing from one table of the file.
        expected: By "table.column", the values of the first row (a number or a list) in cm, ns, MeV of
            the plain file of seed 0: what units became.
        variants: Other files that `make` knows: compressed ones and ones with floating event numbers hold
            the same; NaN, infinite and sentinel labels are read or refused; pickles are refused.
        real: By path under the folder of data, the counts: "events", and rows by table.
        detector: What writing needs.
        events: Events of the made file.
    """

    name: str
    format: Format
    make: Callable[[Path, int, int, Variant], Path]
    empty: Iterable[str] = ()
    expected: Mapping[str, float | list[float]] = field(default_factory=dict)
    variants: Iterable[Variant] = ()
    real: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    detector: Detector | None = None
    events: int = 5

    def made(self, path: Path, seed: int = 0, variant: Variant = "plain") -> Path:
        """A small file."""
        return self.make(path, self.events, seed, variant)


def all_fixtures() -> list[Fixture]:
    """The fixtures of every format: those of all modules beside this one whose names begin with `fixtures_`."""
    modules = sorted(path.stem for path in Path(__file__).parent.glob("fixtures_*.py"))
    return [fixture for module in modules for fixture in importlib.import_module(module).FIXTURES]


def ids_of(events):
    """Event numbers with gaps."""
    return 3 * np.arange(events) + 2


def written(path, datasets, variant):
    """An HDF5 file of some datasets."""
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file.create_dataset(name, data=values, compression="gzip" if variant == "compressed" else None)
    return path


class Payload:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)
