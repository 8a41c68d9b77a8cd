"""Samples of neutrinos in NOvA-like detectors: slices of every flavour, and how many of each a real exposure has."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from nuforge.errors import InputError
from nuforge.samples.nova import Site, slices
from nuforge.samples.sample import Sample, Side

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from nuforge.detectors import SegmentedDetector
    from nuforge.events import Events
    from nuforge.physics.beams import Polarity
    from nuforge.simulation.sources.balanced import Balance

Beam: TypeAlias = Literal["fhc", "rhc", "both"]
"""Forward horn current makes neutrinos, reverse antineutrinos."""
GeneratorName: TypeAlias = Literal["A", "B"]
Only: TypeAlias = Literal["", "nu_mu", "nu_e"]
"""All neutrinos, or the charged currents of one flavour."""

FLAVOURS = ("nu_mu CC", "nu_e CC", "nu_tau CC", "NC", "cosmic")
"""Names of `event.flavour`."""
MODES = ("quasi-elastic", "pairs", "resonance", "deep inelastic", "coherent")
"""Names of `event.mode`."""
SHARES = {14: 0.32, 12: 0.32, 16: 0.04, 0: 0.32}
"""Parts of the sample by neutrino of charged currents, and neutral currents (0)."""
ALONE = {"nu_mu": {14: 1.0}, "nu_e": {12: 1.0}}
"""Those of samples with the charged currents of one flavour and nothing else."""
TRUTH: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "flavour": ("", "what it is", FLAVOURS),
    "antineutrino": ("", "whether it is an antineutrino", ()),
    "mode": ("", "how the neutrino interacted, -1 for cosmic muons", MODES),
    "neutrino_energy": ("MeV", "energy of the neutrino", ()),
    "lepton_energy": ("MeV", "total energy of the charged lepton, NaN without one", ()),
    "hadronic_energy": ("MeV", "energy of the neutrino that the lepton does not take", ()),
    "true_vertex": ("cm", "where the neutrino interacted, or where the cosmic muon came in", ()),
}
"""What every event knows, beside `expected` and `visible`: unit, meaning, names of values."""
_NEUTRAL, _COSMIC = 3, 4
_MODES = (-1, 4, 0, 1, 2, 3, 3)  # by hundreds of NuHepMC's numbers


def neutrinos(
    events: int = 1000,
    seed: int = 0,
    shard_size: int = 100,
    site: Site = "far",
    beam: Beam = "fhc",
    generator: GeneratorName = "A",
    cosmic_share: float = 0.0,
    shift: str = "nominal",
    side: Side = "",
    only: Only = "",
) -> Sample:
    """Neutrinos of all flavours in a detector like NOvA's, in equal parts, with the number of a real exposure.

    Charged currents of nu_mu and of nu_e and neutral currents are 32 % of the neutrinos each, charged currents of
    nu_tau 4 %. All are drawn from the flux of muon neutrinos before it oscillates, those of nu_e and nu_tau with the
    flavour turned, so that there are events to learn from at every energy. `event.expected` is what counts: the events
    of 14e20 protons on target that one event of the sample stands for, oscillated on 810 km; it adds up to the
    exposure over the whole sample (of one horn current, or of both one after the other), and a part of the sample, as
    that of the test, is scaled by who uses it.

    Args:
        events: Number of events, each the slice of one interaction.
        seed: Of everything random.
        shard_size: Events drawn together.
        site: "far", at 810 km among cosmic muons, or "near", without them and without oscillation.
        beam: Horn current: "fhc" forward (neutrinos), "rhc" reverse (antineutrinos), or "both" in equal parts.
        generator: Setting of the generator, "A" or "B" (`nuforge.simulation.sources.neutrino.settings`).
        cosmic_share: Share of events whose slice is that of a cosmic muon.
        shift: "nominal", or what the calibration does not know (`nuforge.detectors.nova.SHIFT_NAMES`): the same events.
        side: "test" for the test events alone, a tenth of them.
        only: "nu_mu" or "nu_e" for the charged currents of that flavour alone; "" for all.

    Raises:
        InputError: If there is no such site, beam, generator, shift, side or flavour, or the share is none.
    """
    if only not in get_args(Only):
        raise InputError(f"only must be one of {get_args(Only)}, got '{only}'; choose one of them")
    source = partial(_born, only=only, removed=False)
    return _sample(
        "nova-neutrinos",
        source,
        events,
        seed,
        shard_size,
        site,
        beam,
        generator,
        cosmic_share,
        shift,
        side,
        {"only": only} if only else {},
    )


def muon_removed(
    events: int = 1000,
    seed: int = 0,
    shard_size: int = 100,
    site: Site = "far",
    beam: Beam = "fhc",
    generator: GeneratorName = "A",
    shift: str = "nominal",
    side: Side = "",
) -> Sample:
    """Charged currents of nu_mu whose muon is an electron of the same energy and direction (MRE), and else the same.

    What hadrons of muon neutrinos do to the selection of electron neutrinos, as NOvA asks it of its data: the muon is
    taken out of what was born, not out of hits, so nothing of it is left behind. `event.flavour` is that of nu_e,
    `event.expected` that of the nu_mu which was there.

    Args:
        events: As in `neutrinos`, like all that follow.
        seed: Of everything random.
        shard_size: Events drawn together.
        site: "far" or "near".
        beam: Horn current.
        generator: Setting of the generator.
        shift: What the calibration does not know.
        side: Of the split.

    Raises:
        InputError: If there is no such site, beam, generator, shift or side.
    """
    source = partial(_born, only="nu_mu", removed=True)
    return _sample("nova-mre", source, events, seed, shard_size, site, beam, generator, 0.0, shift, side, {})


def _sample(
    name: str,
    born: Callable[..., Events],
    events: int,
    seed: int,
    shard_size: int,
    site: Site,
    beam: Beam,
    generator: GeneratorName,
    cosmic_share: float,
    shift: str,
    side: Side,
    further: dict[str, str],
) -> Sample:
    """Either sample; `born` makes primaries, `further` arguments are those it has beside the common ones."""
    for what, value, choices in (("beam", beam, get_args(Beam)), ("generator", generator, get_args(GeneratorName))):
        if value not in choices:
            raise InputError(f"{what} must be one of {choices}, got '{value}'; choose one of them")
    of_beam = (1 - cosmic_share) * events or 1.0  # nothing is drawn of the beam where all are cosmic
    source = partial(born, beam=beam, setting=generator, far=site == "far", events=of_beam)
    label = partial(_known, beam=beam, n_cosmic=cosmic_share * events)
    arguments: dict[str, int | float | str] = {"beam": beam, "generator": generator, **further}
    return slices(name, source, arguments, events, seed, shard_size, site, cosmic_share, shift, side=side, label=label)


def _polarities(beam: Beam) -> tuple[Polarity, ...]:
    """Horn currents of a sample; events take turns between two."""
    both: tuple[Polarity, ...] = ("forward", "reverse")
    return {"fhc": both[:1], "rhc": both[1:], "both": both}[beam]


@cache
def _plan(polarity: Polarity, setting: GeneratorName, far: bool, only: Only) -> Balance:
    """What is drawn of a beam, made once in a process: its cross sections take seconds."""
    from nuforge.detectors import nova_far
    from nuforge.physics.nova_exposure import exposure
    from nuforge.simulation.sources.balanced import balance
    from nuforge.simulation.sources.neutrino.settings import generator_settings

    before, after = exposure(polarity, far)
    return balance(before, after, nova_far().material, generator_settings(setting), ALONE.get(only, SHARES))


def _born(
    n_events: int,
    detector: SegmentedDetector,
    generator: torch.Generator,
    only: Only,
    removed: bool,
    beam: Beam,
    setting: GeneratorName,
    far: bool,
    events: float,
) -> Events:
    """Primaries of neutrinos of one or both beams, with `event.expected` and `event.reverse`."""
    import torch

    from nuforge.events import Column, Events
    from nuforge.physics.nova_exposure import MASS
    from nuforge.simulation.sources.balanced import balanced_neutrinos, electrons_for_muons
    from nuforge.simulation.sources.neutrino.settings import generator_settings

    extent = torch.tensor(detector.volumes[0].extent, dtype=torch.float64)
    volume = MASS / detector.material.density if far else float(extent.prod())
    polarities, settings = _polarities(beam), generator_settings(setting)
    turn = torch.arange(n_events) % len(polarities)
    parts = []
    for i, polarity in enumerate(polarities):
        plan, stands_for = _plan(polarity, setting, far, only), volume * len(polarities) / events
        made = balanced_neutrinos(int((turn == i).sum()), detector, generator, plan, settings, stands_for)
        reverse = {"reverse": torch.full((len(made),), polarity == "reverse")}
        about = {"reverse": Column("", "whether the horn current is reversed, which makes antineutrinos", "readout")}
        parts.append(made.with_table("event", made["event"].with_columns(reverse, about=about)))
    born = Events.concat(parts)[turn.argsort(stable=True).argsort()]
    return electrons_for_muons(born) if removed else born


def _known(events: Events, beam: Beam, n_cosmic: float) -> Events:
    """Events that know what they are (`TRUTH`)."""
    import torch

    from nuforge.events import Column

    event, facts = events["event"], events["interactions"]
    first = facts.offsets[:-1]
    neutrino, mode, current, energy, y = (facts[name][first] for name in ("neutrino", "mode", "current", "energy", "y"))
    cosmic = event["cosmic"]
    charged = (current == 1) & ~cosmic
    flavour = torch.where(charged, torch.tensor([1, 0, 2])[(neutrino.abs() - 12).clamp(0, 4) // 2], _NEUTRAL)
    lepton = torch.where(charged, energy * (1 - y), torch.nan)
    reverse, expected = _cosmic_exposure(events, beam, n_cosmic) if bool(cosmic.any()) else (None, None)
    columns = {
        "flavour": torch.where(cosmic, _COSMIC, flavour),
        "antineutrino": ~cosmic & (neutrino < 0),
        "mode": torch.where(cosmic, -1, torch.tensor(_MODES)[mode.clamp(min=0) // 100]),
        "neutrino_energy": torch.where(cosmic, torch.nan, energy),
        "lepton_energy": lepton,
        "hadronic_energy": torch.where(cosmic, torch.nan, energy * y),
        "true_vertex": facts["vertex"][first],
    }
    if reverse is not None and expected is not None:
        columns["reverse"] = torch.where(cosmic, reverse, event["reverse"])
        columns["expected"] = torch.where(cosmic, expected, event["expected"])
    about = {name: Column(unit, meaning, "truth", names=names) for name, (unit, meaning, names) in TRUTH.items()}
    return events.with_table("event", event.with_columns(columns, about=about))


def _cosmic_exposure(events: Events, beam: Beam, n_cosmic: float) -> tuple[torch.Tensor, torch.Tensor]:
    """For each event (B,), were it cosmic: under which horn current, and how many of the exposure it stands for.

    Currents take turns; what a muon stands for follows from its rate and the time in which the beam was on.
    """
    import torch

    from nuforge.detectors import nova_far
    from nuforge.physics.nova_exposure import LIVE_TIME
    from nuforge.simulation.sources import cosmic_rate

    polarities = _polarities(beam)
    turn = events["event"]["event"] % len(polarities)
    times = torch.tensor([LIVE_TIME[polarity] for polarity in polarities], dtype=torch.float64)
    reverse = torch.tensor([polarity == "reverse" for polarity in polarities])
    return reverse[turn], cosmic_rate(nova_far()) * times[turn] * len(polarities) / n_cosmic
