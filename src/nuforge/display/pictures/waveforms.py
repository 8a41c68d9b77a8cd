"""Waveforms: samples against time, few channels as lines, many as a map of channels against time."""

from __future__ import annotations

import numpy as np

from nuforge.display import style
from nuforge.display.drawing import Bins, Curve, Drawing, Image, Panel, Scale
from nuforge.display.pictures.picture import DrawnParts, Picture
from nuforge.display.quantity import Unit
from nuforge.display.seen import Seen, array, number_of
from nuforge.events import Events, Table

LINES = 16
"""Channels that are drawn as lines at most; more become a map."""

CELLS = 300_000
"""Entries of a map at most: those of largest size."""


def waveform_tables(events: Events) -> list[str]:
    """Tables of samples."""
    return [name for name, table in events.tables.items() if "adc" in table and table["adc"].ndim == 2]


def _draw(seen: Seen) -> DrawnParts:
    names = waveform_tables(seen.event)
    drawn = [_panel(seen.event[name], name) for name in names]
    facts = [
        f"{len(seen.event[name]):,} {name.replace('_', ' ')} of {seen.event[name]['adc'].shape[1]:,} samples"
        for name in names
    ]
    note = " ".join(dict.fromkeys(text for _, text in drawn if text))
    return DrawnParts(Drawing(tuple(panel for panel, _ in drawn), 1, note=note, facts=tuple(facts)))


def _panel(table: Table, name: str) -> tuple[Panel, str]:
    """One table of samples, and what to say of it."""
    start, period = array(table, "start"), array(table, "period")
    period = np.where(np.isfinite(period) & (period > 0), period, np.nan)
    if len(table) and not np.isfinite(period).all():
        unit, start, period = Unit(1.0, ""), np.zeros(len(table)), np.ones(len(table))
        x = "sample"
    else:
        start = np.nan_to_num(start)
        end = start + period * table["adc"].shape[1]
        unit = Unit.of("ns", end)
        x = unit.titled("time")
    title = name.replace("_", " ")
    if len(table) <= LINES:
        note = (
            "Where samples are more than pixels, the smallest and the largest of each pixel are drawn; zoom in for all."
        )
        return Panel(_curves(table, start, period, unit), x, "ADC counts", title=title), note
    image, note = _map(table, start, period, unit)
    return Panel((image,), x, "channel, in the order of the file", title=title), note


def _curves(table: Table, start: np.ndarray, period: np.ndarray, unit: Unit) -> tuple[Curve, ...]:
    """A line for each channel."""
    channel, samples = number_of(table, "channel"), table["adc"].numpy()
    return tuple(
        Curve(samples[k], start[k] / unit.size, period[k] / unit.size, f"channel {channel[k]}", style.cluster_color(k))
        for k in range(len(table))
    )


def _map(table: Table, start: np.ndarray, period: np.ndarray, unit: Unit) -> tuple[Image, str]:
    """Channels against time, without their medians."""
    samples = table["adc"].numpy().astype(np.float32)
    samples -= np.median(samples, axis=1, keepdims=True)
    row, column = np.nonzero(samples)
    value = samples[row, column]
    note = "The map shows samples without the median of their channel"
    if len(value) > CELLS:
        kept = np.sort(np.argpartition(np.abs(value), -CELLS)[-CELLS:])
        row, column, value = row[kept], column[kept], value[kept]
        note += f", the {CELLS:,} of largest size, from {np.abs(value).min():.4g} ADC counts on"
    x = Bins(start[0] / unit.size, period[0] / unit.size, samples.shape[1])
    scale = Scale.of("ADC counts above the median", value)
    return Image(column, row, value, x, Bins(-0.5, 1.0, len(samples)), scale), note + "."


WAVEFORMS = Picture("waveforms", lambda events: bool(waveform_tables(events)), _draw)
