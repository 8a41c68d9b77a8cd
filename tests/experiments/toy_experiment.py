"""A small experiment in a file of one's own: straight lines and clouds of voxels, made in a moment."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import torch

from nuforge.detectors import lartpc_cube
from nuforge.events import Column, Events, Table, offsets_of
from nuforge.events.store import finish, write_shard
from nuforge.experiments import Experiment, experiment
from nuforge.models.uresnet import UResNet
from nuforge.samples import Sample
from nuforge.tasks.segmentation import Segmentation
from nuforge.training.learner import Supervised
from nuforge.training.options import FitOptions


def toy_events(n_events: int, shard: int, generator: torch.Generator) -> Events:
    """Events with a line (track) of 20 voxels and a cloud (shower) of 20 voxels each, in disjoint halves."""
    n = 20
    start = torch.randint(0, 4, (n_events, 1, 3), generator=generator)
    step = torch.tensor([1, 0, 0])
    line = start + torch.arange(n).view(1, n, 1) * step
    cells = torch.rand(n_events, 343, generator=generator).argsort(1)[:, :n]
    cloud = torch.stack([cells // 49, cells // 7 % 7, cells % 7], 2) * torch.tensor([2, 2, 1]) + torch.tensor(
        [0, 4, 12]
    )
    index = torch.cat([line, cloud], 1).reshape(-1, 3).to(torch.int32)
    value = torch.empty(len(index)).exponential_(generator=generator) + 0.1
    label = torch.tensor([1, 0]).repeat_interleave(n).repeat(n_events)
    counts = torch.full((n_events,), 2 * n)
    return Events({"voxels": Table({"index": index, "value": value, "label": label}, offsets_of(counts))})


def respond(events: Events, generator: torch.Generator) -> Events:
    """The start of each segment becomes a voxel; every event is shifted at random, so that the seed shows."""
    segments = events["segments"]
    shift = torch.randint(0, 100, (len(events), 3), generator=generator)
    index = (segments["start"].floor().long() + shift[segments.batch]).to(torch.int32)
    columns = {"index": index, "value": segments["energy"].float(), "label": torch.ones(len(segments)).long()}
    return events.with_table("voxels", Table(columns, segments.offsets)).without("segments")


def write_store(folder: Path, events: Events) -> None:
    """Events as a store of one shard."""
    folder.mkdir()
    write_shard(folder, 0, events)
    finish(folder, events, detector=None, provenance={}, shards=1)


class Prior:
    """The frequency of the classes, for every voxel alike."""

    def __init__(self, classes: int) -> None:
        self.frequency = torch.ones(classes) / classes

    def fit(self, batches: Iterable[Events]) -> None:
        """Counts labels."""
        labels = torch.cat([events["voxels"]["label"] for events in batches])
        self.frequency = torch.bincount(labels, minlength=len(self.frequency)) / len(labels)

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """The same for each voxel."""
        offsets = readout["voxels"].offsets
        about = {"probability": Column("", "frequency in training", "prediction")}
        probability = self.frequency.expand(int(offsets[-1]), -1)
        return {"voxels": Table({"probability": probability}, offsets, about=about)}

    def save(self, folder: Path) -> None:
        """As JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prior.json").write_text(json.dumps(self.frequency.tolist()))

    @classmethod
    def load(cls, folder: Path) -> "Prior":
        """From JSON."""
        frequency = json.loads((folder / "prior.json").read_text())
        prior = cls(len(frequency))
        prior.frequency = torch.tensor(frequency)
        return prior


@experiment(system="toy", detector="toy", task="line or cloud", reference="none", quick={"events": 60, "steps": 2})
def toy(
    events: int = 120, depth: int = 2, width: int = 4, steps: int = 60, batch: int = 8, learning_rate: float = 1e-2
) -> Experiment:
    """Lines against clouds.

    Args:
        events: Number of events.
        depth: Levels.
        width: Features.
        steps: Steps.
        batch: Events in a step.
        learning_rate: Learning rate.
    """
    model = UResNet(depth, width, blocks=1)
    task = Segmentation(("shower", "track"), model.features)
    return Experiment(
        sample=Sample("toy", {}, toy_events, events, lartpc_cube(), shard_size=40),
        learner=Supervised(model, [task]),
        baselines={"prior": Prior(2)},
        options=FitOptions(steps, learning_rate, validate_every=10),
        batch=batch,
        respond=respond,
    )


@experiment(system="toy", detector="toy", task="line or cloud in every other event", reference="none")
def toy_of_some(steps: int = 60) -> Experiment:
    """The toy, of events of even number.

    Args:
        steps: Steps.
    """
    return replace(toy(steps=steps), only="event % 2 == 0")
