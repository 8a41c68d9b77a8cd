"""The experiments on energies and vertices, on slices made by hand in place of the simulation."""

from dataclasses import replace

import torch

from nuforge.events import Events
from nuforge.experiments import Experiment, experiment
from nuforge.experiments.nova_energies import nova_energy, nova_energy_lstm, nova_vertexcvn
from nuforge.samples import Sample
from nuforge.training.calibration import ENERGIES
from toy_slices import FAR, toy_slices

SHIFT = 1.05


def slices(n_events: int, shard: int, generator: torch.Generator) -> Events:
    """Slices whose visible energy is known to 3 %."""
    return toy_slices(n_events, seed=int(torch.randint(1 << 30, (), generator=generator)), blur=0.03)


def calibrated_up(n_events: int, shard: int, generator: torch.Generator) -> Events:
    """The same with all energies 5 % too large."""
    events = slices(n_events, shard, generator)
    for name in ("event", "prongs"):
        table = events[name]
        events = events.with_table(name, table.with_columns({c: table[c] * SHIFT for c in ENERGIES[name]}))
    return events


def on_toys(made: Experiment, events: int) -> Experiment:
    """An experiment with the toys as its events."""
    sample = Sample("toy-slices", {}, slices, events, FAR)
    up = Sample("toy-slices", {}, calibrated_up, events, replace(FAR, name="calibrated-up"))
    return replace(made, sample=sample, shifts={"calibration-up": up})


@experiment(system="toy", detector="toy", task="energy", reference="none")
def energy(events: int = 300, steps: int = 4) -> Experiment:
    """The CNN.

    Args:
        events: Number of events.
        steps: Steps.
    """
    made = nova_energy(width=0.125, steps=steps, batch=8, validate_every=steps, calibration=0.1)
    return on_toys(made, events)


@experiment(system="toy", detector="toy", task="energies", reference="none")
def lists(events: int = 1500, steps: int = 150, calibration: float = 0.0) -> Experiment:
    """The LSTM.

    Args:
        events: Number of events.
        steps: Steps.
        calibration: Of the augmentation.
    """
    made = nova_energy_lstm(
        width=32,
        steps=steps,
        batch=32,
        validate_every=steps,
        calibration=calibration,
        learning_rate=5e-3,
    )
    return on_toys(made, events)


@experiment(system="toy", detector="toy", task="vertex", reference="none")
def vertex(events: int = 300, steps: int = 4) -> Experiment:
    """The VertexCVN.

    Args:
        events: Number of events.
        steps: Steps.
    """
    return on_toys(nova_vertexcvn(depth=2, width=4, steps=steps, batch=8, validate_every=steps), events)
