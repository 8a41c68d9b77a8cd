"""MiniBooNE's released Monte Carlo: text with four numbers a line, an event a line.

The columns are the reconstructed neutrino energy of quasi-elastic kinematics (MeV), the true energy (MeV), the distance
from the neutrino's birth to the detector (cm), and the weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from nuforge.errors import InputError
from nuforge.events import Column, Events
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.identity import event_table, source_of

_BASELINES = (40_000.0, 60_000.0)  # cm: the detector is 541 m behind the target, the decay pipe is 50 m long
_LONGEST = 1000  # characters of a line
_LINES = 4096  # decoded together

_ABOUT = {
    "energy": Column("MeV", "energy of the neutrino", "truth"),
    "energy_qe": Column("MeV", "reconstructed neutrino energy of quasi-elastic kinematics", "readout"),
    "baseline": Column("cm", "distance from the neutrino's birth to the detector", "truth"),
}


def _recognises(seen: Glimpse) -> bool:
    """Whether all whole lines at the beginning are four numbers, of which the third is a distance from the beam."""
    if seen.kind is not Kind.BYTES or b"\n" not in seen.head:
        return False
    lines = [line.split() for line in seen.head.splitlines()[: seen.head.count(b"\n")]]
    try:
        return all(len(words) == 4 and _BASELINES[0] < float(words[2]) < _BASELINES[1] for words in lines)
    except ValueError:
        return False


def read_miniboone(path: Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a file, some at a time: `event` with the true energy, `energy_qe`, `baseline` and `weight`.

    Raises:
        InputError: If a line is no four numbers.
    """
    source, first = source_of(path), 0
    step = batch_events * max(1, _LINES // batch_events)
    with path.open("rb") as file:
        lines = iter(lambda: file.readline(_LONGEST), b"")
        while block := list(islice(lines, step)):
            try:
                values = np.loadtxt(block, ndmin=2, comments=None)
                whole = values.shape == (len(block), 4) and block[-1].endswith(b"\n")
            except ValueError:
                whole = False
            if not whole:
                raise InputError(
                    f"lines {first + 1} to {first + len(block)} of {path} must be four numbers each, and are not; "
                    "copy it again"
                )
            event = event_table(source, first + np.arange(len(values)), weight=values[:, 3])
            columns = {"energy_qe": values[:, 0], "energy": values[:, 1], "baseline": values[:, 2]}
            floats = {name: torch.from_numpy(np.ascontiguousarray(each, np.float32)) for name, each in columns.items()}
            events = Events({"event": event.with_columns(floats, _ABOUT)})
            yield from (events[i : i + batch_events] for i in range(0, len(events), batch_events))
            first += len(block)


MINIBOONE = Format("miniboone", "MiniBooNE's released Monte Carlo (text)", "seen", _recognises, read_miniboone)
