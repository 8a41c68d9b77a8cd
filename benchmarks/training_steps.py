"""Training steps of a UResNet, asked for word by word on standard input: what `against.py` runs with two packages.

It uses only what both packages have.
"""

import json
import sys
import time

import torch
from inputs import line_voxels, voxel_events
from torch.nn import functional as F

from nuforge.models.uresnet import UResNet

STEPS = 10


class Training:
    """The network in training.

    Args:
        events: Events of a batch.
        voxels: Voxels of an event.
        dtype: Precision of weights and values.
    """

    def __init__(self, events, voxels, dtype):
        generator = torch.Generator().manual_seed(0)
        self.model = UResNet(value_mean=-1.8, value_spread=0.7)
        self.head = torch.nn.Linear(self.model.features, 5)
        torch.nn.init.zeros_(self.head.bias)
        parameters = [*self.model.parameters(), *self.head.parameters()]
        for p in parameters:
            if p.ndim > 1:  # by another generator than the package's own
                p.data = torch.randn(p.shape, generator=generator) * (p.shape[-1] / p.numel()) ** 0.5
        self.model.to(dtype), self.head.to(dtype)
        self.optimizer = torch.optim.AdamW(parameters, 1e-3)
        self.batches = []
        for _ in range(STEPS):
            made = voxel_events(line_voxels(events, voxels, generator), generator)
            table = made["voxels"]
            made = made.with_table("voxels", table.with_columns({"value": table["value"].to(dtype)}))
            self.batches.append(made)

    def step(self, i):
        """The loss of a batch, after which the weights have moved."""
        events = self.batches[i % STEPS]
        self.optimizer.zero_grad()
        features = self.model(events.readout())["voxels"]["features"]
        loss = F.cross_entropy(self.head(features), events["voxels"]["label"])
        loss.backward()
        self.optimizer.step()
        return loss.item()


def serve(events, voxels):
    """Answer words on standard input: `losses`, or `step i`."""
    torch.set_num_threads(1)
    single = Training(events, voxels, torch.float32)
    for word in sys.stdin:
        if word.startswith("losses"):
            double = Training(events, voxels, torch.float64)
            print(json.dumps([double.step(i) for i in range(STEPS)]), flush=True)
        else:
            start = time.perf_counter()
            single.step(int(word.split()[1]))
            print(json.dumps(time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    serve(*map(int, sys.argv[1:3]))
