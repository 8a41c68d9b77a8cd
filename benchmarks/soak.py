"""Random batches for some minutes: training steps and kernels for points, and whether memory stays flat.

Memory is compared between the second quarter of the time and the last, at its largest in each. If it grew by more than
the bound, the exit code is 1.

    python benchmarks/soak.py --minutes 10 --json benchmarks/results/soak.json
"""

import argparse
import sys
import time
from pathlib import Path

import torch
from inputs import line_voxels, voxel_events
from rounds import finish, target
from train_step import STATUS, resident

from nuforge.models.uresnet import UResNet
from nuforge.nn.points import Voxels, dbscan, farthest_points, nearest_graph, radius_graph, ragged_attention
from nuforge.simulation.truth import CLASSES
from nuforge.tasks.segmentation import Segmentation


class Work:
    """Training of a small UResNet on batches of random sizes, and the kernels for points on the same voxels.

    Args:
        most: Largest number of voxels of an event.
    """

    def __init__(self, most):
        self.most, self.generator = most, torch.Generator().manual_seed(0)
        self.model = UResNet(width=8)
        self.task = Segmentation(CLASSES, self.model.features)
        self.optimizer = torch.optim.AdamW(self.model.parameters())

    def batch(self):
        """One batch: what is random is its number of events and of voxels."""
        n_events, voxels = (int(torch.randint(1, n, (1,), generator=self.generator)) for n in (9, self.most))
        where = line_voxels(n_events, voxels, self.generator)
        events = voxel_events(where, self.generator)
        self.optimizer.zero_grad()
        self.task.loss(self.task(self.model(events.readout())), events).backward()
        self.optimizer.step()
        table, position = events["voxels"], where[:, 1:].float()
        radius_graph(position, table.batch, 1.99)
        nearest_graph(position, table.batch, 8)
        dbscan(position, table.batch, 1.99, 3)
        farthest_points(position, table.offsets, 16)
        rows = torch.randn(len(table), 2, 8, generator=self.generator)
        ragged_attention(rows, rows, rows, table.offsets)
        Voxels.of(position, table.batch, 4.0).sum(rows)


def soak(seconds, most):
    """Resident memory in MB after each batch, and when it was, in fractions of the time."""
    work, samples = Work(most), []
    start = time.perf_counter()
    while (gone := time.perf_counter() - start) < seconds:
        work.batch()
        samples.append((gone / seconds, resident("VmRSS")))
    return samples


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--bound", type=float, default=50, help="MB that memory may grow by")
    parser.add_argument("--quick", action="store_true", help="three seconds, small batches")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result is written as JSON")
    options = parser.parse_args(words)
    if not STATUS.exists():
        parser.error(f"memory is read from {STATUS}, which this system does not have")
    options.minutes = 0.05 if options.quick else options.minutes
    torch.set_num_threads(1)
    torch.manual_seed(0)
    samples = soak(60 * options.minutes, 60 if options.quick else 2000)
    quarters = [[mb for when, mb in samples if i <= 4 * when < i + 1] for i in range(4)]
    most = [round(max(quarter), 1) if quarter else None for quarter in quarters]
    grown = None if None in most else round(most[3] - most[1], 1)
    flat = grown is not None and grown <= options.bound
    table = {
        "title": f"{len(samples):,} random batches of up to 8 events in {options.minutes:g} minutes",
        "columns": ["quarter of the time", "largest resident memory, MB"],
        "rows": [[i + 1, value] for i, value in enumerate(most)],
    }
    what = "memory of random batches"
    entry = target(what, f"grows by at most {options.bound:g} MB", f"{grown} MB from second to last quarter", flat)
    finish("soak", options, [table], [entry])
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
