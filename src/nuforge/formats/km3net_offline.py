"""KM3NeT's offline ROOT files, read with km3io (the extra `km3net`).

Units are those of KM3NeT: m, ns, GeV; for a charge a hit has the time that its pulse was over threshold. Positions of
files that are not calibrated are nought there and NaN here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.identity import event_table, source_of
from nuforge.formats.km3net import hit_table, light_table, neutrinos_of, particle_table
from nuforge.formats.telescope import doubles, floats, integers

_POSE = ("pos_x", "pos_y", "pos_z", "dir_x", "dir_y", "dir_z")
_HITS = ("dom_id", "channel_id", "tot", "trig", "t", *_POSE)
_LIGHT = ("pmt_id", "t", "a", "origin")
_PARTICLES = ("id", "pdgid", "mother_id", "E", "t", "len", *_POSE)
_TRACKS = ("E", "len", "lik", "t", "rec_type", *_POSE)
_RECONSTRUCTED = {
    "start": Column("cm", "a point of the track", "prediction"),
    "direction": Column("", "unit vector of travel", "prediction"),
    "time": Column("ns", "when it was there", "prediction"),
    "energy": Column("MeV", "energy", "prediction"),
    "length": Column("cm", "length", "prediction"),
    "likelihood": Column("", "likelihood of the fit", "prediction"),
    "kind": Column("", "KM3NeT's number of the reconstruction", "prediction"),
}


def read_km3net_offline(path: str | Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a file in order, some at a time, in bounded memory.

    Args:
        path: The ROOT file.
        batch_events: Events at a time.

    Yields:
        Events with `event`, `hits`, `reconstructed` (the tracks of KM3NeT's fits) and, of simulated files,
        `interactions`, `particles` and `photoelectrons`.

    Raises:
        InputError: If km3io is not installed, or the file is not as expected.
    """
    path = Path(path)
    try:
        import km3io
    except ModuleNotFoundError:
        raise InputError(
            f"{path} is a KM3NeT offline file, which needs the package km3io; pip install 'nuforge[km3net]'"
        ) from None
    with km3io.OfflineReader(str(path)) as reader:
        number, run = (np.asarray(getattr(reader, name), np.int64) for name in ("id", "run_id"))
        if not len(number) and "KM3NET_EVENT" in reader._fobj:
            raise InputError(f"{path} has raw data of the acquisition, expected offline events; convert it with Jpp")
        if not len(number):
            raise InputError(f"{path} has no events; give a file with events")
        source = source_of(path)
        for first in range(0, len(number), batch_events):
            cut = slice(first, min(first + batch_events, len(number)))
            yield _events(reader, cut, event_table(source, number[cut], run[cut]))


def _events(reader: Any, cut: slice, event: Table) -> Events:  # noqa: ANN401
    """Some events of a km3io reader."""
    found = {
        name: _columns(reader, name, wanted, cut)
        for name, wanted in (("hits", _HITS), ("mc_hits", _LIGHT), ("mc_trks", _PARTICLES), ("trks", _TRACKS))
    }
    return Events(
        {
            "event": event,
            "hits": hit_table(*found["hits"]),
            "reconstructed": _reconstructed(*found["trks"]),
            "interactions": neutrinos_of(*found["mc_trks"]),
            "particles": particle_table(*found["mc_trks"]),
            "photoelectrons": light_table(*found["mc_hits"], *found["mc_trks"]),
        }
    )


def _columns(
    reader: Any,  # noqa: ANN401
    name: str,
    wanted: Sequence[str],
    cut: slice,
) -> tuple[dict[str, NDArray], NDArray[np.int64]]:
    """Columns of a branch of some events end to end, and how many rows each event has; a file may lack branches."""
    import awkward as ak

    counts = np.zeros(cut.stop - cut.start, np.int64)
    if name not in set(reader.keys()):
        return {}, counts
    branch, columns = getattr(reader, name), {}
    for field in wanted:
        if field in branch.fields:
            ragged = getattr(branch[cut], field)
            counts = np.asarray(ak.num(ragged), np.int64)
            columns[field] = np.asarray(ak.flatten(ragged))
    return columns, counts


def _reconstructed(found: dict[str, NDArray], counts: NDArray[np.int64]) -> Table:
    """What KM3NeT's fits found, as the table `reconstructed`."""
    n = int(counts.sum())

    def real(name: str) -> NDArray[np.float64]:
        return found.get(name, np.full(n, np.nan)).astype(np.float64)

    def vector(prefix: str) -> torch.Tensor:
        return floats(np.stack([real(f"{prefix}_{axis}") for axis in "xyz"], axis=1))

    columns = {
        "start": vector("pos") * units.m,
        "direction": vector("dir"),
        "time": doubles(real("t") * units.ns),
        "energy": floats(real("E") * units.GeV),
        "length": floats(real("len") * units.m),
        "likelihood": floats(real("lik")),
        "kind": integers(real("rec_type")),
    }
    return Table.from_counts(columns, integers(counts), about=_RECONSTRUCTED)


def _recognises(seen: Glimpse) -> bool:
    if seen.kind is not Kind.ROOT or not seen.has("E:TTree"):
        return False
    import uproot

    with uproot.open(seen.path) as file:
        return "Evt" in file["E"]


KM3NET_OFFLINE = Format("km3net", "KM3NeT offline ROOT", "seen", _recognises, read_km3net_offline)
