"""What is written as GraphNeT's tables, by the names of IceCube."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nuforge import units
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.events.columns import STANDARD
from nuforge.formats.graphnet_columns import DIRECTION, KEY, POSITIONS, XYZ, scale_of
from nuforge.formats.telescope import angles_of_arrival


def columns_of(events: Events) -> dict[str, dict[str, NDArray]]:
    """Columns of GraphNeT's tables `truth` and `pulses`, by IceCube's names, of events with hits.

    Left out are tables other than `event`, `hits`, `interactions` and `truth`, vectors and indices beside the
    standard ones, and who the source is.

    Raises:
        InputError: If there are no hits, or an event has several interactions.
    """
    missing = [name for name in ("event", "hits") if name not in events]
    if missing:
        raise InputError(f"GraphNeT's files need the tables {missing}, got {sorted(events.tables)}; make hits first")
    event = events["event"]
    number = event["event"].numpy()
    truth = {KEY: number, "RunID": event["run"].numpy(), "SubrunID": event["subrun"].numpy()}
    truth["weight"] = event["weight"].double().numpy() if "weight" in event else np.ones(len(events))
    if "interactions" in events:
        truth |= {name: _spread(values, events["interactions"]) for name, values in _written(events).items()}
    if "truth" in events:
        table = events["truth"]
        truth |= {name: _spread(values, table) for name, values in _unscaled(table, skip=()).items()}
    hits = events["hits"]
    position = hits["position"].double().numpy() / units.m
    pulses = {KEY: number[hits.batch.numpy()]}
    pulses |= {name: position[:, i] for i, name in enumerate(POSITIONS[0])}
    pulses |= {"dom_time": hits["time"].double().numpy() / units.ns}
    pulses |= {"charge": hits["charge"].double().numpy()} if "charge" in hits else {}
    pulses |= {"sensor_id": hits["sensor"].numpy()} if "sensor" in hits else {}
    return {"truth": truth, "pulses": pulses | _unscaled(hits, skip=tuple(STANDARD["hits"]))}


def _written(events: Events) -> dict[str, NDArray]:
    """The neutrinos by IceCube's names, as many as there are interactions."""
    table = events["interactions"]
    vertex = table["vertex"].double().numpy() / units.m
    columns = {f"position_{axis}": vertex[:, i] for i, axis in enumerate(XYZ)}
    pid = table["primary" if "primary" in table else "neutrino"].numpy()
    columns |= {"pid": pid, "interaction_mode": table["mode"].numpy()}
    columns["interaction_time"] = table["time"].double().numpy() / units.ns
    if "energy" in table:
        columns["energy"] = table["energy"].double().numpy() / units.GeV
    if "direction" in table:
        direction = table["direction"].double().numpy()
        columns["zenith"], columns["azimuth"] = angles_of_arrival(direction)
        columns |= {name: direction[:, i] for i, name in enumerate(DIRECTION)}
    if "current" in table:
        columns["interaction_type"] = table["current"].numpy()
    if "inelasticity" in table:
        columns["inelasticity"] = table["inelasticity"].double().numpy()
    return columns


def _spread(values: NDArray, table: Table) -> NDArray:
    """One value an event (B,) of rows (N,), -1 or NaN where an event has none."""
    counts = table.counts.numpy()
    if (counts > 1).any():
        event = int(counts.argmax())
        raise InputError(
            f"GraphNeT's truth has one row an event, event {event} of these has {counts[event]}; keep one of them"
        )
    if (counts == 1).all():
        return values
    out = np.full(len(counts), -1 if values.dtype.kind == "i" else np.nan, values.dtype)
    out[counts == 1] = values
    return out


def _unscaled(table: Table, skip: tuple[str, ...]) -> dict[str, NDArray]:
    """Plain columns in units of the file."""
    kept = [n for n in table if n not in skip and table[n].ndim == 1 and n not in table.refers_to]
    values = {name: table[name].numpy() for name in kept}
    scales = {name: scale_of(name)[0] for name in kept}
    return {
        name: column.astype(np.int64) if column.dtype.kind in "iub" else column.astype(np.float64) / scales[name]
        for name, column in values.items()
    }
