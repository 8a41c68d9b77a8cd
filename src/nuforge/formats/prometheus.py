"""Prometheus: photons in a neutrino telescope, and the neutrino and its products, a row an event in Parquet.

Photons are detections, not pulses: they have no charge. An event's number is its row. Files have m, ns, GeV and
radians. Angles of the neutrino are of its travel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.process import Process
from nuforge.formats.format import Format
from nuforge.formats.geant4 import masses
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.graphnet_columns import Flat, pulse_table, truth_tables
from nuforge.formats.identity import source_of
from nuforge.formats.parquet import event_batches, fields, is_list, lists, numbers, open_parquet, storage
from nuforge.formats.telescope import floats, integers, travelling, vectors

_TRUTH, _PHOTONS = "mc_truth", "photons"
_FINAL = "final_state_"
_PRODUCT = {"energy": Column("MeV", "energy at its start", "truth")}


def read_prometheus(path: str | Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a file in order, some at a time, in bounded memory.

    Args:
        path: The Parquet file.
        batch_events: Events at a time.

    Yields:
        Events with `event`, `interactions`, `truth`, `particles` (the final state) and `hits`, one a photon.

    Raises:
        InputError: If the file is not as expected.
    """
    path = Path(path)
    source, row = source_of(path), 0
    with open_parquet(path) as file:
        for batch in event_batches(file, batch_events, [_TRUTH, _PHOTONS]):
            events = np.arange(row, row + len(batch))
            yield _events(path, events, fields(batch.column(_TRUTH)), fields(batch.column(_PHOTONS)), source)
            row += len(batch)
    if not row:
        raise InputError(f"{path} has no events; give a file with events")


def _events(
    path: Path, events: NDArray[np.int64], truth: Mapping[str, pa.Array], photons: Mapping[str, pa.Array], source: int
) -> Events:
    """Events of the columns of a batch."""
    plain = {name: numbers(array) for name, array in truth.items() if not is_list(array.type)}
    tables = truth_tables(Flat(plain, np.ones(len(events), np.int64)), events, source)
    final = _same_lengths(path, {name: array for name, array in truth.items() if is_list(array.type)}, _TRUTH)
    tables["particles"] = _particles(final, len(tables["interactions"]) == len(events))
    light = _same_lengths(path, photons, _PHOTONS)
    hits = pulse_table(Flat({n: v for n, v in light.columns.items() if n != "id_idx"}, light.counts))
    if "id_idx" in light.columns:
        about = {"particle": Column("", "the particle whose light it is", "truth", "particles")}
        hits = hits.with_columns({"particle": _owners(light, final)}, about, {"particle": "particles"})
    return Events({**tables, "hits": hits})


def _same_lengths(path: Path, arrays: Mapping[str, pa.Array], name: str) -> Flat:
    """Lists of one length in each event, end to end."""
    columns: dict[str, NDArray] = {}
    counts: NDArray[np.int64] | None = None
    for field, array in arrays.items():
        if not is_list(array.type):
            raise InputError(f"'{name}.{field}' of {path} must be lists, got {array.type}; write it as Prometheus does")
        columns[field], lengths = lists(array)
        if counts is not None and (lengths != counts).any():
            event = int((lengths != counts).argmax())
            raise InputError(
                f"lists of '{name}' of {path} must be of one length in each event, '{field}' has {lengths[event]} "
                f"where others have {counts[event]}; write them again"
            )
        counts = lengths
    return Flat(columns, np.zeros(0, np.int64) if counts is None else counts)


def _particles(final: Flat, one_neutrino: bool) -> Table:
    """The products of the neutrinos as the table `particles`."""
    found, n = final.columns, int(final.counts.sum())

    def real(name: str) -> NDArray[np.float64]:
        return np.asarray(found[_FINAL + name], np.float64) if _FINAL + name in found else np.full(n, np.nan)

    pdg = integers(found.get(_FINAL + "type", np.zeros(n)))
    energy = real("energy") * units.GeV
    size = np.sqrt(np.maximum(energy**2 - masses(pdg.numpy()) ** 2, 0))
    of_event = np.repeat(np.arange(len(final.counts)), final.counts) if one_neutrino else np.full(n, -1)
    columns = {
        "pdg": pdg,
        "parent": torch.full((n,), -1),
        "process": torch.full((n,), int(Process.PRIMARY)),
        "start": vectors([real(axis) for axis in "xyz"], units.m),
        "time": torch.full((n,), torch.nan, dtype=torch.float64),
        "momentum": floats(size[:, None] * travelling(real("zenith"), real("azimuth"))),
        "interaction": integers(of_event),
        "energy": floats(energy),
    }
    refers = {"parent": "particles", "interaction": "interactions"}
    return Table.from_counts(columns, integers(final.counts), about=_PRODUCT, refers_to=refers)


def _owners(light: Flat, final: Flat) -> torch.Tensor:
    """The particle of each photon: Prometheus counts the products of its event from 1."""
    number = integers(light.columns["id_idx"]).numpy()
    known = (number > 0) & (number <= np.repeat(final.counts, light.counts))
    first = np.cumsum(final.counts) - final.counts
    row = number + np.repeat(first - 1, light.counts)
    row[~known] = -1
    return integers(row)


def _recognises(seen: Glimpse) -> bool:
    if seen.kind is not Kind.PARQUET or not seen.has(_TRUTH, _PHOTONS):
        return False
    with open_parquet(seen.path) as file:
        schema = file.schema_arrow
        kinds = [storage(schema.field(name).type) for name in (_TRUTH, _PHOTONS)]
        if not all(map(pa.types.is_struct, kinds)):
            return False
        truth, photons = ({kind.field(i).name for i in range(kind.num_fields)} for kind in kinds)
        return "initial_state_energy" in truth and {"sensor_pos_x", "sensor_pos_y", "sensor_pos_z", "t"} <= photons


PROMETHEUS = Format(
    "prometheus",
    "Prometheus Parquet (photons in a neutrino telescope)",
    "seen",
    _recognises,
    read_prometheus,
)
