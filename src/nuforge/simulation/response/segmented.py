"""A segmented detector of liquid scintillator: deposits to hits of cells."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from nuforge.detectors.nova import SegmentedDetector
from nuforge.events import Column, Events, Table
from nuforge.events.rows import rows_where
from nuforge.shapes import Mask, Scalars
from nuforge.simulation.response.cell_hits import CellHits, gathered
from nuforge.simulation.response.cell_pattern import brightness, is_alive
from nuforge.simulation.response.cells import InCells, in_cells
from nuforge.simulation.response.dark_hits import DarkHits, dark_hits
from nuforge.simulation.response.deposits import Deposits, deposits_of, one_volume
from nuforge.simulation.response.electronics import soft_threshold
from nuforge.simulation.response.fibre import delay, transmitted
from nuforge.simulation.response.path_length import path_length
from nuforge.simulation.response.photoelectrons import digitised, sampled_charge, time_resolution
from nuforge.simulation.response.scintillation import light_of, loss_in_scintillator

_BLOCK = 50_000
"""Deposits worked on at once: bounds the memory and keeps it in the caches."""

HIT_COLUMNS = {
    "view": Column("", "what its plane tells: 0 x, 1 y", "readout"),
    "plane": Column("", "number of its plane along the beam", "readout"),
    "cell": Column("", "number of its cell in the plane", "readout"),
    "charge": Column("pe", "photo-electrons", "readout"),
    "time": Column("ns", "when its light reached the sensor", "readout"),
}
_LINK = {"row": Column("", "the hit", "truth", "hits")}
_SEEN = {
    "seen": Column("MeV", "energy deposited in the scintillator of cells that are read, in time", "truth"),
    "unread": Column(
        "MeV", "energy deposited elsewhere: in walls, dead cells, outside the volume or the window", "truth"
    ),
}


@dataclass(frozen=True)
class _Glow:
    """What deposits leave in cells: parts of deposits with their energy (MeV) and mean light at the sensor (pe)."""

    parts: InCells
    channel: Tensor
    energy: Float[Tensor, " m"]
    light: Float[Tensor, " m"]
    time: Float[Tensor, " m"]


def respond(events: Events, detector: SegmentedDetector, generator: Generator) -> Events:
    """Events as the detector reads them: `hits` and `truth_links` instead of `segments`.

    The part of each deposit inside of a cell's walls, Birks' quenching, the light along the fibre, photo-electrons with
    the excess noise of the gain, the converter, threshold, hits of noise.

    `hits`: view, plane, cell (int32), charge (float32, pe), time (float64, ns), by event, plane, cell, time.
    `truth_links`: the share of a hit's light before noise that each particle gave; shares add up to 1, and hits of
    noise have none. A table `event` gets `seen` and `unread`, which add up to what was deposited.

    Args:
        events: With `segments` and `particles`.
        detector: Of one volume, read by cells.
        generator: Random numbers.

    Raises:
        InputError: If deposits have energies that are negative or not finite, or positions that are not finite.
    """
    sensor = detector.readout.sensor
    with torch.no_grad():
        hits, seen = _lit(events, detector)
        charge = digitised(sampled_charge(hits.light, sensor, generator), sensor)
        time = hits.time + time_resolution(charge, sensor) * _normal(charge, generator)
        dark = dark_hits(len(events), detector.readout, generator)
        dark_charge = digitised(dark.charge, sensor)
        is_kept = (charge >= sensor.threshold) & (hits.light > 0)
        read = _Read(hits, charge.float(), time, is_kept)
        return _with_hits(events, detector, read, seen, dark, dark_charge)


def expected_hits(events: Events, detector: SegmentedDetector, *, soft: float | None = None) -> Events:
    """The expectation of `respond`, without noise: differentiable in energies and every constant of light.

    All cells with light are there, for there is no threshold unless `soft` is given. Charges have float64.

    Args:
        events: With `segments` and `particles`.
        detector: Its constants may be tensors that need gradients.
        soft: Width in pe of the logistic function that stands for the threshold.

    Raises:
        InputError: If deposits have energies that are negative or not finite, or positions that are not finite.
    """
    hits, seen = _lit(events, detector)
    charge = hits.light
    if soft is not None:
        charge = soft_threshold(charge, detector.readout.sensor.threshold, soft)
    nothing = charge.detach().new_zeros(0)
    dark = DarkHits(nothing.long(), nothing.long(), nothing, nothing)
    read = _Read(hits, charge, hits.time, torch.ones_like(charge, dtype=torch.bool))
    return _with_hits(events, detector, read, seen, dark, nothing)


def _lit(events: Events, detector: SegmentedDetector) -> tuple[CellHits, Scalars]:
    """Hits of all light, and the energy (B,) MeV that scintillator had which is read."""
    readout, everything = detector.readout, deposits_of(events)
    inside = _is_inside(everything, detector)
    glows, blocks = [], []
    for block in everything[inside].blocks(_BLOCK):
        glows.append(_glow(block, detector))
        blocks.append(block)
    event, particle = (
        torch.cat([getattr(b, name).index_select(0, g.parts.deposit) for b, g in zip(blocks, glows, strict=True)])
        for name in ("event", "particle")
    )
    channel, energy, light, time = (
        torch.cat([getattr(glow, name) for glow in glows]) for name in ("channel", "energy", "light", "time")
    )
    channels = readout.planes * readout.cells
    hits = gathered(event, channel, light, time, particle, channels, readout.sensor.integration)
    return hits, energy.new_zeros(len(events)).index_add(0, event, energy).detach()


def _is_inside(deposits: Deposits, detector: SegmentedDetector) -> Mask:
    """Which deposits are in the volume and in time."""
    volume, (begin, end) = one_volume(detector), detector.readout.sensor.window
    middle = (deposits.start + deposits.end) / 2
    lower, upper = middle.new_tensor(volume.lower), middle.new_tensor(volume.upper)
    in_volume = ((middle >= lower) & (middle < upper)).all(1)
    return in_volume & (deposits.time >= begin) & (deposits.time < end)


def _glow(deposits: Deposits, detector: SegmentedDetector) -> _Glow:
    """What deposits leave in cells that are read."""
    readout, medium = detector.readout, detector.medium
    everywhere = in_cells(deposits, detector)
    channel = everywhere.channel(readout.cells)
    alive = rows_where(is_alive(channel, readout))
    parts, channel = everywhere[alive], channel[alive]

    ratio = loss_in_scintillator(medium)
    path = path_length(deposits.energy, deposits.length, deposits.is_electron, medium.active).double()
    loss = deposits.energy.double() * ratio / path.clamp(min=1e-30)
    energy = (deposits.energy.double() * ratio).index_select(0, parts.deposit) * parts.share
    bright = readout.sensor.light_yield * brightness(channel, readout)
    light = light_of(energy, loss.index_select(0, parts.deposit), medium) * bright
    light = light * transmitted(parts.distance, readout.length, readout.fibre)
    time = deposits.time.index_select(0, parts.deposit) + delay(parts.distance.detach(), readout.fibre)
    return _Glow(parts, channel, energy, light, time)


@dataclass(frozen=True)
class _Read:
    """Hits as they are read: charge in pe, time in ns, and which are kept, (H,) each."""

    hits: CellHits
    charge: Scalars
    time: Scalars
    is_kept: Mask


def _with_hits(
    events: Events, detector: SegmentedDetector, read: _Read, seen: Tensor, dark: DarkHits, dark_charge: Tensor
) -> Events:
    """Events with hits that are kept and those of noise, and their links, without segments."""
    n, cells, hits = len(events), detector.readout.cells, read.hits
    lit = rows_where(read.is_kept)
    shown = rows_where(is_alive(dark.channel, detector.readout))
    event = torch.cat([hits.event[lit], dark.event[shown]])
    channel = torch.cat([hits.channel[lit], dark.channel[shown]])
    time = torch.cat([read.time[lit], dark.time[shown]])
    charge = torch.cat([read.charge[lit], dark_charge[shown].to(read.charge)])
    order = _order(event, channel, time)
    plane = torch.div(channel, cells, rounding_mode="floor")
    columns = {
        "view": (plane % 2).to(torch.int32),
        "plane": plane.to(torch.int32),
        "cell": (channel % cells).to(torch.int32),
        "charge": charge,
        "time": time.double(),
    }
    columns = {name: values.index_select(0, order) for name, values in columns.items()}
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    row = torch.full((len(hits.event),), -1)
    row[lit] = place[: len(lit)]

    linked = rows_where(row.index_select(0, hits.link_hit) >= 0)
    hit, particle = hits.link_hit[linked], hits.link_particle[linked]
    link_event = hits.event.index_select(0, hit)
    first = events["particles"].offsets.index_select(0, link_event)
    links = {
        "row": row.index_select(0, hit),
        "particle": torch.where(particle < 0, particle, particle + first),
        "fraction": (hits.link_light[linked] / hits.light.index_select(0, hit)).detach().float(),
    }
    by_row = torch.argsort(links["row"], stable=True)
    links = {name: values.index_select(0, by_row) for name, values in links.items()}
    new = {
        "hits": Table.from_counts(columns, torch.bincount(event, minlength=n), about=HIT_COLUMNS),
        "truth_links": Table.from_counts(links, torch.bincount(link_event, minlength=n), about=_LINK),
    }
    tables = {**events.without("segments").tables, **new}
    if "event" in events:
        segments = events["segments"]
        energy = segments["energy"].detach().double()
        deposited = energy.new_zeros(n).index_add(0, segments.batch, energy)
        books = {"seen": seen, "unread": deposited - seen}
        tables["event"] = events["event"].with_columns(books, about=_SEEN)
    return Events(tables)


def _order(event: Tensor, channel: Tensor, time: Tensor) -> Tensor:
    """The order of event, channel, time."""
    by_time = torch.argsort(time, stable=True)
    by_channel = by_time[torch.argsort(channel[by_time], stable=True)]
    return by_channel[torch.argsort(event[by_channel], stable=True)]


def _normal(like: Scalars, generator: Generator) -> Scalars:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)
