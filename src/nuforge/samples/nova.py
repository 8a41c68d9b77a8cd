"""Samples of segmented liquid scintillator, like NOvA's detectors: an event is one slice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

from nuforge.errors import InputError
from nuforge.samples.sample import Sample, Side, numbers_of, source_of

if TYPE_CHECKING:
    import torch

    from nuforge.detectors import SegmentedDetector
    from nuforge.events import Events

Site = Literal["far", "near"]
Source: TypeAlias = "Callable[[int, SegmentedDetector, torch.Generator], Events]"
"""What makes the primaries of signal events: a number of events, the detector and a generator to events."""
Label: TypeAlias = "Callable[[Events], Events]"
"""What is said of slices in the end."""

_STEP = 1.0  # cm: cells are 3.9 x 6.6
_KNOCK_ON, _PHOTON = 0.5, 0.1  # MeV: electrons of 0.5 MeV run 0.2 cm


@dataclass(frozen=True)
class Copy:
    """Which copy of the nominal events is made.

    Args:
        source: Identity of the sample.
        side: Of the split, "" for all events.
        variation: 0 nominal, else 1 more than the number of its shift.
    """

    source: int
    side: Side
    variation: int


def particle_spray(
    events: int = 1000,
    seed: int = 0,
    shard_size: int = 100,
    site: Site = "far",
    fewest: int = 1,
    most: int = 1,
    cosmic_share: float = 0.0,
    shift: str = "nominal",
) -> Sample:
    """Particles along the beam in a detector like NOvA's, among cosmic muons at the far site: slices with prongs.

    Args:
        events: Number of events, each the slice of one interaction.
        seed: Of everything random.
        shard_size: Events made and written together.
        site: "far", on the surface among cosmic muons, or "near", underground and without any.
        fewest: Fewest particles of an event.
        most: Most of them; 1 and 1 are single particles.
        cosmic_share: Share of events whose slice is that of a cosmic muon (`event.cosmic`).
        shift: "nominal", or what the calibration does not know (`nuforge.detectors.nova.SHIFT_NAMES`). The particles
            of a shifted sample are those of the nominal one.

    Raises:
        InputError: If a range is empty, or there is no such site or shift.
    """
    if not 1 <= fewest <= most:
        raise InputError(f"fewest must be between 1 and most, got {fewest} and {most}; give 1 and 1 for single ones")
    arguments: dict[str, int | float | str] = {"fewest": fewest, "most": most}
    source = partial(_sprayed, fewest=fewest, most=most)
    return slices("nova-particle-spray", source, arguments, events, seed, shard_size, site, cosmic_share, shift)


def slices(
    name: str,
    source: Source,
    arguments: dict[str, int | float | str],
    events: int,
    seed: int,
    shard_size: int,
    site: Site,
    cosmic_share: float,
    shift: str,
    side: Side = "",
    label: Label | None = None,
) -> Sample:
    """A sample of slices of what any source makes.

    Events for the test are flown and read by themselves, before the others: a sample of that side alone has the same
    events, shower by shower, and a shifted one the same deposits.

    Args:
        name: Of the sample.
        source: Makes the primaries; it stands at the top of a module, or is a `functools.partial` of one that does.
        arguments: What of the source changes the events.
        events: As in `particle_spray`, like all that follow.
        seed: Of everything random.
        shard_size: Events made and written together.
        site: "far" or "near".
        cosmic_share: Share of events that are cosmic muons.
        shift: What the calibration does not know. Shifted events are the nominal ones with another `event.variation`.
        side: "test" for the events of that side of the split alone.
        label: Adds columns to the slices; found by worker processes like the source.

    Raises:
        InputError: If there is no such site, shift or side, or the share is none.
    """
    from nuforge.detectors.nova import SHIFT_NAMES, nova_far, nova_near, shifted
    from nuforge.simulation.transport.kernel.library import LIBRARY

    if site not in ("far", "near"):
        raise InputError(f"site must be 'far' or 'near', got '{site}'; choose one of them")
    if not 0 <= cosmic_share <= 1 or (cosmic_share > 0 and site == "near"):
        raise InputError(
            f"cosmic_share must be from 0 to 1 at the far site and 0 at the near one, got {cosmic_share} at the "
            f"{site} one; there are no cosmic muons underground"
        )
    if shift != "nominal" and shift not in SHIFT_NAMES:
        raise InputError(f"shift must be 'nominal' or one of {SHIFT_NAMES}, got '{shift}'; choose one of them")
    detector = nova_far() if site == "far" else nova_near()
    if shift != "nominal":
        detector = shifted(detector, shift)
    said = {**arguments, "site": site, "cosmic_share": cosmic_share, "path": LIBRARY.backend()}
    copy = Copy(source_of(name, said, seed, shard_size), side, ("nominal", *SHIFT_NAMES).index(shift))
    make = partial(_slices, source=source, detector=detector, cosmic_share=cosmic_share, copy=copy, label=label)
    return Sample(name, said, make, events, detector, shard_size, seed, side)


def _sprayed(n_events: int, detector: SegmentedDetector, generator: torch.Generator, fewest: int, most: int) -> Events:
    """Primaries along the beam."""
    from nuforge.simulation.sources import particle_spray

    return particle_spray(n_events, detector, generator, beam=detector.beam, fewest=fewest, most=most)


def _slices(
    n_events: int,
    shard: int,
    generator: torch.Generator,
    source: Source,
    detector: SegmentedDetector,
    cosmic_share: float,
    copy: Copy,
    label: Label | None,
) -> Events:
    """One shard: signal or a cosmic muon first, cosmic muons around it at the far site, and the slice of the first."""
    import torch

    from nuforge.events import Events
    from nuforge.simulation.sources import cosmic_background, overlay

    flying, is_cosmic = _first(n_events, generator, source, detector, cosmic_share)
    flying = _marked(flying, is_cosmic, copy.variation)
    if detector.name == "nova-far":
        around = cosmic_background(n_events, detector, generator, window=detector.readout.sensor.window)
        flying = overlay(flying, around)
    test = numbers_of(copy.source, shard, n_events, "test")
    others = torch.ones(n_events, dtype=torch.bool)
    others[test] = False
    groups = [test] if copy.side else [test, others.nonzero().squeeze(1)]
    seen = Events.concat([_seen(flying[group], detector, generator) for group in groups])
    slices = seen[torch.cat(groups).argsort()]
    return slices if label is None else label(slices)


def _seen(flying: Events, detector: SegmentedDetector, generator: torch.Generator) -> Events:
    """The slices of the first interactions of events, with what these deposit."""
    from nuforge.simulation.cells import known_slices
    from nuforge.simulation.cells.truth import visible_energy
    from nuforge.simulation.transport import transport

    deposited = transport(flying, detector, generator, step=_STEP, threshold=_KNOCK_ON, photon_threshold=_PHOTON)
    return known_slices(visible_energy(deposited), detector, generator)


def _first(
    n_events: int, generator: torch.Generator, source: Source, detector: SegmentedDetector, cosmic_share: float
) -> tuple[Events, torch.Tensor]:
    """Events of the source and of single cosmic muons in a random order, and which are which (B,)."""
    import torch

    from nuforge.events import Events
    from nuforge.simulation.sources import alike, cosmic_muons

    is_cosmic = torch.rand(n_events, generator=generator, dtype=torch.float64) < cosmic_share
    n_cosmic = int(is_cosmic.sum())
    parts = [source(n_events - n_cosmic, detector, generator)]
    if n_cosmic:
        muons = cosmic_muons(torch.ones(n_cosmic, dtype=torch.int64), detector, generator)
        parts.append(alike(muons, parts[0]))
    order = torch.cat([(~is_cosmic).nonzero().squeeze(1), is_cosmic.nonzero().squeeze(1)])
    return Events.concat(parts)[order.argsort()], is_cosmic


def _marked(events: Events, is_cosmic: torch.Tensor, variation: int) -> Events:
    """Events that say whether their slice is that of a cosmic muon, and which copy of the nominal ones they are."""
    import torch

    from nuforge.events import Column

    about = {"cosmic": Column("", "whether the slice is that of a cosmic muon, not of the source", "truth")}
    columns = {"cosmic": is_cosmic, "variation": torch.full((len(events),), variation)}
    return events.with_table("event", events["event"].with_columns(columns, about=about))
