"""Neutrinos of every flavour in chosen parts, each with the number of a real exposure that it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from nuforge.detectors import Block, Detector
from nuforge.events import Column, Events
from nuforge.physics.constants import ELECTRON_MASS, MUON_MASS
from nuforge.physics.material import Material
from nuforge.physics.neutrino_flux import Flux
from nuforge.simulation.sources.neutrino.settings import GeneratorSettings
from nuforge.simulation.sources.neutrinos import interaction_rate, neutrinos

NEUTRAL = 0
"""The class of all neutral currents, beside 12, 14 and 16 of charged ones."""
_OWN = 10.0
_ABOUT = {"expected": Column("", "events of the exposure that it stands for", "truth")}


@dataclass(frozen=True, eq=False)
class Balance:
    """What is drawn, and what arrives.

    Args:
        charged: Flux whose charged currents are drawn, scaled so that they are `share` in a cm^3.
        neutral: Flux whose neutral currents are the rest, in the kind 14 alone: all flavours do the same.
        arriving: Neutrinos per cm^2 and MeV of the exposure, and as many of kind 14 as of all for neutral currents.
        arriving_neutral: The same for neutral currents.
        share: Of charged currents.
    """

    charged: Flux
    neutral: Flux
    arriving: Flux
    arriving_neutral: Flux
    share: float

    def expected(self, pdg: Tensor, energy: Tensor, charged: Tensor) -> Tensor:
        """Interactions (N,) per cm^3 of the exposure that an interaction stands for, were it the only one drawn.

        Args:
            pdg: PDG numbers (N,) of neutrinos.
            energy: MeV (N,).
            charged: By which current (N,).
        """
        found = torch.zeros(len(pdg), dtype=torch.float64)
        for current, drawn, real in (
            (True, self.charged, self.arriving),
            (False, self.neutral, self.arriving_neutral),
        ):
            for kind in drawn.spectra:
                mine = (charged == current) & (pdg == kind)
                at = energy[mine].double()
                found[mine] = real.at(kind, at) / drawn.at(kind, at).clamp(min=1e-300)
        return found


def balance(
    before: Flux, after: Flux, material: Material, settings: GeneratorSettings, shares: Mapping[int, float]
) -> Balance:
    """The flux that makes classes in given parts.

    Each class of charged currents is drawn from the muon neutrinos before they oscillate, with the flavour turned;
    to electron neutrinos the beam's own are added tenfold, lest few events stand for all of them.

    Args:
        before: Neutrinos per cm^2 and MeV of the exposure, before they oscillate.
        after: As they arrive.
        material: What they interact in.
        settings: Of the generator.
        shares: By class: 12, 14, 16 for charged currents, `NEUTRAL`; they add up to 1.
    """
    drawn: dict[int, Tensor] = {}
    for pdg, share in shares.items():
        if pdg != NEUTRAL:
            own = _OWN if pdg == 12 else 0.0
            turned = {sign * pdg: before.spectra[sign * 14] + own * before.spectra[sign * 12] for sign in (1, -1)}
            rate = interaction_rate(Flux(before.energy, turned), material, settings, "charged")
            drawn |= {kind: spectrum * share / rate for kind, spectrum in turned.items()}
    everything = {sign * 14: before.spectra[sign * 14] + before.spectra[sign * 12] for sign in (1, -1)}
    arriving = Flux(before.energy, everything)
    neutral, share = arriving, shares.get(NEUTRAL, 0.0)
    if share:
        rate = interaction_rate(arriving, material, settings, "neutral")
        neutral = Flux(before.energy, {kind: spectrum * share / rate for kind, spectrum in everything.items()})
    return Balance(Flux(before.energy, drawn), neutral, after, arriving, 1 - share)


def balanced_neutrinos(
    n_events: int,
    detector: Detector | Block,
    generator: torch.Generator,
    plan: Balance,
    settings: GeneratorSettings,
    stands_for: float,
) -> Events:
    """Events of one neutrino each in the parts of a plan, in random order, with `event.expected`.

    Args:
        n_events: Number of events.
        detector: Where they interact.
        generator: Source of randomness.
        plan: What is drawn.
        settings: Of the generator.
        stands_for: cm^3 of the exposure over the number of events of the whole sample.
    """
    is_charged = torch.rand(n_events, generator=generator, dtype=torch.float64) < plan.share
    parts = []
    for current, flux, count in (
        ("charged", plan.charged, int(is_charged.sum())),
        ("neutral", plan.neutral, int((~is_charged).sum())),
    ):
        if count or (current == "charged" and not n_events):
            parts.append(neutrinos(count, detector, generator, flux, settings, current=current))  # type: ignore[arg-type]
    order = torch.cat([is_charged.nonzero().squeeze(1), (~is_charged).nonzero().squeeze(1)])
    events = Events.concat(parts)[order.argsort()]
    facts = events["interactions"]
    expected = stands_for * plan.expected(facts["neutrino"], facts["energy"], facts["current"] == 1)
    return events.with_table("event", events["event"].with_columns({"expected": expected}, about=_ABOUT))


def electrons_for_muons(events: Events) -> Events:
    """Charged currents of nu_mu with an electron of the muon's energy and direction in its place, as if of nu_e.

    Args:
        events: Of one charged current of a nu_mu each, with the lepton first.
    """
    particles, interactions = events["particles"], events["interactions"]
    lepton = particles.offsets[:-1]
    pdg, momentum = particles["pdg"].clone(), particles["momentum"].clone()
    pdg[lepton] -= 2 * pdg[lepton].sign()
    size = momentum[lepton].double().norm(dim=1, keepdim=True)
    energy_squared = size**2 + MUON_MASS**2
    scale = (energy_squared - ELECTRON_MASS**2).sqrt() / size.clamp(min=1e-30)
    momentum[lepton] = (momentum[lepton].double() * scale).float()
    neutrino = interactions["neutrino"] - 2 * interactions["neutrino"].sign()
    return events.with_table("particles", particles.with_columns({"pdg": pdg, "momentum": momentum})).with_table(
        "interactions", interactions.with_columns({"neutrino": neutrino})
    )
