"""IceCube's high-energy starting events as the data release of 7.5 years has them: one JSON object of lists.

All of it is reconstructed: energy deposited in GeV, zenith from where the event comes in radians, length of double
cascades in m, and the morphology. What is not defined is NaN.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.telescope import doubles, floats, integers

_ENERGY, _KIND, _ZENITH, _LENGTH = "recoDepositedEnergy", "recoMorphology", "recoZenith", "recoLength"
_MOST = 100_000_000  # bytes
_ABOUT = {
    "energy": Column("MeV", "energy deposited", "prediction"),
    "zenith": Column("rad", "zenith from where it comes", "prediction"),
    "kind": Column("", "0 cascade, 1 track, 2 double cascade", "prediction"),
    "length": Column("cm", "distance of two cascades, NaN for others", "prediction"),
}


def read_hese(path: str | Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of the release, some at a time; JSON is read whole, so files above 100 MB are refused.

    Args:
        path: The JSON file.
        batch_events: Events at a time.

    Yields:
        Events with `event` and `reconstructed`.

    Raises:
        InputError: If the file is not as expected.
    """
    path = Path(path)
    if path.stat().st_size > _MOST:
        raise InputError(f"{path} has {path.stat().st_size} bytes, expected {_MOST} at most; cut it in pieces")
    try:
        found = json.loads(path.read_bytes())
        energy, kind, zenith, length = (np.array(found[n], np.float64) for n in (_ENERGY, _KIND, _ZENITH, _LENGTH))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path} must be a JSON object with lists of numbers {[_ENERGY, _KIND, _ZENITH, _LENGTH]} "
            f"({type(error).__name__}: {str(error)[:80]}); copy it again"
        ) from None
    shapes = {values.shape for values in (energy, kind, zenith, length)}
    if len(shapes) != 1 or energy.ndim != 1 or not len(energy):
        raise InputError(f"lists of {path} must be of one length, one at least, got {sorted(shapes)}; copy it again")
    source = source_of(path)
    for first in range(0, len(energy), batch_events):
        cut = slice(first, min(first + batch_events, len(energy)))
        n = cut.stop - first
        columns = {
            "energy": floats(energy[cut] * units.GeV),
            "zenith": doubles(zenith[cut]),
            "kind": integers(kind[cut]),
            "length": floats(length[cut] * units.m),
        }
        table = Table(columns, torch.arange(n + 1), about=_ABOUT)
        yield Events({"event": event_table(source, np.arange(first, cut.stop)), "reconstructed": table})


def _recognises(seen: Glimpse) -> bool:
    names = (_ENERGY, _KIND, _ZENITH, _LENGTH)
    is_object = seen.kind is Kind.BYTES and seen.head.lstrip().startswith(b"{")
    return is_object and any(f'"{name}"'.encode() in seen.head for name in names)


HESE = Format("hese", "IceCube HESE data release (JSON)", "seen", _recognises, read_hese)
