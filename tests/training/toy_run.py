"""A tiny training in a process of its own, to be killed: python toy_run.py OUT STEPS PAUSE [resume]."""

import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import IterableDataset

from nuforge.events import Column, Events, Table
from nuforge.tasks.segmentation import Segmentation
from nuforge.training.augmentation import voxel_symmetries
from nuforge.training.fit import fit
from nuforge.training.interrupt import Interrupted
from nuforge.training.learner import Supervised
from nuforge.training.options import FitOptions

CLASSES = ("near", "far")
SIDE = 16


class Perceptron(nn.Module):
    """Features of a voxel from its place alone, with dropout so that the random state matters and a kernel for Muon."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, width))
        self.mix = nn.Conv1d(width, width, 1)
        self.features = width

    def forward(self, events):
        voxels = events["voxels"]
        about = {"features": Column("", "features", "prediction")}
        features = self.layers(voxels["index"].float() / SIDE - 0.5)
        features = self.mix(features.T).T
        return {"voxels": Table({"features": features}, voxels.offsets, about=about)}


def batch_of(seed, n_events=4, n=30):
    """Events whose voxels are labelled by their distance from the centre."""
    generator = torch.Generator().manual_seed(seed)
    index = torch.randint(0, SIDE, (n_events * n, 3), generator=generator, dtype=torch.int32)
    label = ((index - (SIDE - 1) / 2).norm(dim=1) > 7).long()
    return Events({"voxels": Table.from_counts({"index": index, "label": label}, torch.full((n_events,), n))})


def training_batches(start, pause=0.0):
    while True:
        time.sleep(pause)
        yield batch_of(start)
        start += 1


class Stream(IterableDataset):
    """Steps dealt out to workers in turn."""

    def __init__(self, start):
        self.start = start

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        first, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        step = self.start + first
        while True:
            yield batch_of(step)
            step += stride


def validation_batches():
    return [batch_of(10**6 + i) for i in range(3)]


def symmetric(events, generator):
    return voxel_symmetries(events, generator, side=SIDE, shift=0)


def run(out, steps=40, pause=0.0, resume=False, width=8, **more):
    """Train from the same beginning each time."""
    torch.manual_seed(1)
    model = Perceptron(width)
    learner = Supervised(model, [Segmentation(CLASSES, model.features)])
    options = FitOptions(
        steps=steps,
        validate_every=more.pop("validate_every", 10),
        learning_rate=0.02,
        optimizer="muon",
        **more.pop("options", {}),
    )
    keywords = {"about": {"experiment": "toy", "arguments": {"width": width}}, "augment": symmetric, "resume": resume}
    best = fit(
        learner,
        more.pop("training_batches", lambda k: training_batches(k, pause)),
        more.pop("validation_batches", validation_batches),
        options,
        Path(out),
        **keywords | more,
    )
    return learner, best


if __name__ == "__main__":
    torch.set_num_threads(1)
    try:
        run(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), resume=len(sys.argv) > 4)
    except Interrupted as error:
        print(error, file=sys.stderr)
        sys.exit(130)
