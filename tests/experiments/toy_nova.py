"""The experiments on slices and prongs with narrow networks, on single particles that stand for neutrinos."""

from dataclasses import replace
from functools import partial

import torch

from nuforge.events import Column, Events
from nuforge.experiments import Experiment, experiment
from nuforge.experiments.nova_events import nova_cosmic, nova_eventcvn, nova_mre
from nuforge.experiments.nova_prongs import nova_prongcvn, nova_single_particle, nova_transformercvn
from nuforge.samples import Sample
from nuforge.samples.nova import particle_spray
from nuforge.samples.nova_particles import prong_species

EVENTS = 160
_FLAVOURS = {13: 0, 11: 1, 211: 2, -211: 2}  # of the first particle; others are neutral currents
_ABOUT = {name: Column("", name, "truth") for name in ("flavour", "expected")}


def slices(n_events: int, shard: int, generator: torch.Generator, made: Sample) -> Events:
    """Sprays whose first particle says what they are."""
    events = prong_species(made.generate(n_events, shard, generator))
    first = events["particles"]["pdg"][events["particles"].offsets[:-1]].tolist()
    flavour = torch.tensor([_FLAVOURS.get(pdg, 3) for pdg in first])
    columns = {"flavour": torch.where(events["event"]["cosmic"], 4, flavour)}
    columns["expected"] = torch.ones(n_events, dtype=torch.float64)
    return events.with_table("event", events["event"].with_columns(columns, about=_ABOUT))


def electrons(n_events: int, shard: int, generator: torch.Generator, made: Sample) -> Events:
    """Sprays that all pass for charged currents of nu_e, of which the second counts twice what the first does."""
    events = slices(n_events, shard, generator, made)
    columns = {"flavour": torch.ones(n_events, dtype=torch.int64)}
    columns["expected"] = 1.0 + torch.arange(n_events, dtype=torch.float64) % 2
    return events.with_table("event", events["event"].with_columns(columns, about=_ABOUT))


def on_sprays(made: Experiment) -> Experiment:
    """An experiment on sprays, with and without a shift."""
    spray = partial(particle_spray, EVENTS, shard_size=40, cosmic_share=0.25)
    nominal, shifted = (
        replace(spray(shift=shift), name="toy-sprays", generate=partial(slices, made=spray(shift=shift)))
        for shift in ("nominal", "calibration-up")
    )
    return replace(made, sample=nominal, shifts={"calibration-up": shifted})


@experiment(system="toy", detector="toy", task="classes", reference="none")
def eventcvn(backbone: str = "googlenet", steps: int = 4) -> Experiment:
    """The EventCVN.

    Args:
        backbone: Which.
        steps: Steps.
    """
    return on_sprays(nova_eventcvn(backbone=backbone, width=0.125, steps=steps, batch=8, validate_every=steps))


@experiment(system="toy", detector="toy", task="classes", reference="none")
def cosmic(steps: int = 4) -> Experiment:
    """The rejection of cosmic muons.

    Args:
        steps: Steps.
    """
    return on_sprays(nova_cosmic(width=0.125, steps=steps, batch=8, validate_every=steps))


@experiment(system="toy", detector="toy", task="a check", reference="none")
def mre(steps: int = 4) -> Experiment:
    """Electrons of any kind of spray in place of muon-removed ones, with energies 5 % too large in the data.

    Args:
        steps: Steps; 0 trains nothing.
    """
    made = nova_mre(width=0.125, steps=steps, batch=8, validate_every=max(steps, 1))
    toys = on_sprays(made)
    pairs = [(toys.sample, toys.shifts["calibration-up"])]
    pairs += [tuple(replace(s, name="toy-electrons", generate=partial(electrons, made=s)) for s in pairs[0])]
    tracking = replace(made.tracking, signal=pairs[0], stand_ins=pairs[1])
    return replace(toys, shifts={}, tracking=tracking)


@experiment(system="toy", detector="toy", task="classes of slices and prongs", reference="none")
def transformer(steps: int = 4) -> Experiment:
    """The TransformerCVN.

    Args:
        steps: Steps.
    """
    made = nova_transformercvn(layers=1, steps=steps, prong_steps=2, batch=8, validate_every=steps)
    toys = on_sprays(made)
    return replace(toys, stages={name: replace(part, sample=toys.sample) for name, part in made.stages.items()})


@experiment(system="toy", detector="toy", task="classes of prongs", reference="none")
def prongcvn(squeeze_excite: bool = True, steps: int = 4) -> Experiment:
    """The ProngCVN.

    Args:
        squeeze_excite: Whether there is a gate.
        steps: Steps.
    """
    made = nova_prongcvn(squeeze_excite=squeeze_excite, width=0.125, steps=steps, batch=8, validate_every=steps)
    toys = on_sprays(made)
    return replace(toys, stages={name: replace(part, sample=toys.sample) for name, part in made.stages.items()})


@experiment(system="toy", detector="toy", task="classes of prongs", reference="none")
def single(steps: int = 4) -> Experiment:
    """Neutrons among single particles, in the near detector.

    Args:
        steps: Steps.
    """
    made = nova_single_particle(EVENTS, shard_size=40, width=0.125, steps=steps, batch=8, validate_every=steps)
    return replace(made, shifts={"calibration-up": made.shifts["calibration-up"]})
