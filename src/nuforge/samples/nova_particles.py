"""Single particles in NOvA-like detectors, neutrons among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nuforge.samples.nova import Site, slices
from nuforge.samples.sample import Sample, Side

if TYPE_CHECKING:
    import torch

    from nuforge.detectors import SegmentedDetector
    from nuforge.events import Events

SPECIES = ("electron", "muon", "photon", "pion", "proton", "neutron")
"""Names of `prongs.species`; pions are charged."""
_MENU = (
    (11, 300.0, 3000.0),
    (13, 300.0, 3000.0),
    (22, 200.0, 2000.0),
    (211, 200.0, 2000.0),
    (-211, 200.0, 2000.0),
    (2212, 100.0, 1500.0),
    (2112, 50.0, 1000.0),
    (2112, 50.0, 1000.0),
)
"""PDG number, lowest and highest kinetic energy in MeV; neutrons twice, for many leave nothing."""
_NUMBERS = (11, 13, 22, 211, 2212, 2112)  # PDG numbers in the order of SPECIES


def single_particles(
    events: int = 1000,
    seed: int = 0,
    shard_size: int = 100,
    site: Site = "near",
    shift: str = "nominal",
    side: Side = "",
) -> Sample:
    """Single particles along the beam in a detector like NOvA's, whose prongs know what it was that flew in.

    Args:
        events: Number of events, each the slice of one particle.
        seed: Of everything random.
        shard_size: Events made and written together.
        site: "near", where nothing else is seen, or "far", among cosmic muons.
        shift: "nominal", or what the calibration does not know (`nuforge.detectors.nova.SHIFT_NAMES`).
        side: "test" for the test events alone.

    Raises:
        InputError: If there is no such site, shift or side.
    """
    name = "nova-single-particles"
    return slices(name, _flying, {}, events, seed, shard_size, site, 0.0, shift, side=side, label=prong_species)


def _flying(n_events: int, detector: SegmentedDetector, generator: torch.Generator) -> Events:
    """One particle an event."""
    from nuforge.simulation.sources import particle_spray

    return particle_spray(n_events, detector, generator, beam=detector.beam, menu=_MENU)


def prong_species(events: Events) -> Events:
    """Events with `prongs.species` (`SPECIES`), the particle that flew in, and `prongs.neutron`, whether it is one.

    A prong is of what flew in if its particle is of the first interaction; of others both are -1.

    Args:
        events: Whose first particle is what flew in; `prongs` with a `particle`, `particles`, `interactions`.
    """
    import torch

    from nuforge.events import Column
    from nuforge.events.rows import looked_up

    prongs, particles = events["prongs"], events["particles"]
    first = looked_up(particles["pdg"], particles.offsets[:-1].clamp(max=len(particles) - 1))
    same = first.abs()[:, None] == torch.tensor(_NUMBERS)
    flown = torch.where(same.any(1) & (particles.counts > 0), same.int().argmax(1), -1)
    interaction = looked_up(particles["interaction"], prongs["particle"])
    own = (prongs["particle"] >= 0) & (interaction == events["interactions"].offsets[:-1][prongs.batch])
    species = torch.where(own, flown[prongs.batch], -1)
    neutron = torch.where(species >= 0, (species == SPECIES.index("neutron")).long(), -1)
    about = {
        "species": Column("", "the particle that flew in, -1 for others", "truth", names=SPECIES),
        "neutron": Column(
            "", "whether a neutron flew in, -1 if it is not of that", "truth", names=("other", "neutron")
        ),
    }
    return events.with_table("prongs", prongs.with_columns({"species": species, "neutron": neutron}, about=about))
