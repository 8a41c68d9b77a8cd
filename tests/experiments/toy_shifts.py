"""The toy experiment with systematic shifts: nothing changes, labels change, other events."""

from dataclasses import replace
from functools import partial

import torch
from toy_experiment import toy, toy_events

from nuforge.detectors import lartpc_cube
from nuforge.events import Events
from nuforge.experiments import Experiment, experiment
from nuforge.samples import Sample


def crossed(n_events: int, shard: int, generator: torch.Generator) -> Events:
    """The same voxels with the classes exchanged."""
    events = toy_events(n_events, shard, generator)
    voxels = events["voxels"]
    return events.with_table("voxels", voxels.with_columns({"label": 1 - voxels["label"]}))


@experiment(system="toy", detector="toy", task="line or cloud", reference="none")
def toy_shifted(events: int = 120, steps: int = 40) -> Experiment:
    """Lines against clouds, also where things are not as they were.

    Args:
        events: Number of events.
        steps: Steps.
    """
    sample = partial(Sample, arguments={}, events=events, shard_size=40)
    again, cross = (replace(lartpc_cube(), name=name) for name in ("again", "crossed"))
    return replace(
        toy(events=events, steps=steps),
        shifts={
            "again": sample("toy", generate=toy_events, detector=again),
            "crossed": sample("toy", generate=crossed, detector=cross),
            "elsewhere": sample("toy", generate=toy_events, detector=lartpc_cube(), seed=9),
        },
    )
