"""What a training step of each NOvA-like experiment costs: loss and gradients, in single precision and in bfloat16.

    python benchmarks/nova_steps.py [--events 32] [--json benchmarks/results/nova_steps.json]

Networks have their default sizes; events are those of the sample that each learns from, as it reads them. Times are
those of the processor, on one thread.
"""

import sys
import time
from dataclasses import replace

import torch
from rounds import compared, finish, options_of, row_of

from nuforge.events.selection import Selection
from nuforge.experiments import catalogue
from nuforge.experiments.data import given

EVENTS, QUICK = 32, 6
ALIKE = ("nova-mre",)
"""Experiments that train the network of another one."""
SINGLE, MIXED = "single precision", "bf16-mixed"


def batch_of(experiment, n_events, made):
    """Some events as the learner reads them; samples that are asked for again are not made again."""
    sample = replace(experiment.sample, events=n_events, shard_size=n_events)
    if sample.key not in made:
        made[sample.key] = sample.made(0)
    events = given(made[sample.key], experiment)
    return Selection(experiment.only).of(events) if experiment.only else events


def steps_of(learner, events):
    """The loss of the events and its gradients, in each precision."""

    def step(low):
        learner.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            loss = learner.loss(events)
        loss.backward()

    return {SINGLE: lambda: step(False), MIXED: lambda: step(True)}


def main(words=None):
    """Build every network, and time it on its events."""
    options = options_of(__doc__, words, 5, numbers=(("events", f"events of a batch, {EVENTS} if not given"),))
    torch.set_num_threads(1)
    n_events, made, rows = options.events or (QUICK if options.quick else EVENTS), {}, []
    for name, recipe in catalogue.experiments().items():
        if not name.startswith("nova-") or name in ALIKE:
            continue
        torch.manual_seed(0)
        experiment = recipe.function()
        events = batch_of(experiment, n_events, made)
        table = compared(name, steps_of(experiment.learner, events), options.rounds, clock=time.process_time)
        single, mixed = (row_of(table, precision) for precision in (SINGLE, MIXED))
        counts = [len(events), len(events["prongs"]) if "prongs" in events else ""]
        times = [f"{row['ms'] / len(events):.2f}" for row in (single, mixed)]
        rows.append([name, *counts, *times, f"{1 / mixed['ratio']:.2f}"])
    tables = [
        {
            "title": "A training step of NOvA-like experiments, milliseconds of the processor an event",
            "columns": ["experiment", "events", "prongs", SINGLE, MIXED, f"times as fast in {MIXED}"],
            "rows": rows,
        }
    ]
    return finish("nova_steps", options, tables)


if __name__ == "__main__":
    main(sys.argv[1:])
