"""Where the time of a training step of `lartpc-segmentation` goes, on one and two threads, and its memory.

Its network, task, optimizer and size of batch, on voxels along random lines.

    python benchmarks/train_step.py --json benchmarks/results/train_step.json
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch loads, as the command line of nuforge has it

import torch
from inputs import line_voxels, voxel_events
from rounds import compared, finish, options_of, row_of, target
from sparse_conv import OURS, PLAIN, on, paths
from torch.profiler import ProfilerActivity, profile

from nuforge.experiments.lartpc import lartpc_segmentation
from nuforge.models.uresnet import UResNet
from nuforge.nn.kernels.library import LIBRARY, backend
from nuforge.nn.sparse import Level
from nuforge.nn.sparse.maps import Pairing
from nuforge.training.optimizer import optimizer_of

VOXELS = 2170
"""Voxels of an event, the mean of particle bombs in liquid argon."""
STATUS = Path("/proc/self/status")
MAPS, WHOLE = "maps alone", "whole step"
ALLOWED = 400  # MB


class Step:
    """A training step of the experiment, in its parts.

    Args:
        n_events: Events of the batch.
        voxels: Voxels of an event.
    """

    def __init__(self, n_events, voxels):
        experiment = lartpc_segmentation()
        options = experiment.options
        generator = torch.Generator().manual_seed(0)
        self.where = line_voxels(n_events, voxels, generator)
        self.events = voxel_events(self.where, generator)
        self.learner, self.depth, self.clip = experiment.learner, len(experiment.learner.model.encoders), options.clip
        self.optimizer = optimizer_of(
            self.learner, options.optimizer, options.learning_rate, options.weight_decay, fused=True
        )
        self.parameters = list(self.learner.parameters())
        self.backward()

    def maps(self):
        """Neighbours on all levels, and their pairs laid out."""
        level = Level.of(self.where)
        for i in range(self.depth):
            pairings = [level.neighbours.forward]
            if i < self.depth - 1:
                pairings += [level.downward.forward, level.downward.backward]
            for pairing in pairings:
                laid_out(pairing)
            level = level.coarser if i < self.depth - 1 else level

    def forward(self):
        """The loss."""
        return self.learner.loss(self.events)

    def backward(self):
        """The loss and its gradients."""
        self.optimizer.zero_grad()
        self.forward().backward()

    def whole(self):
        """Everything."""
        self.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.clip, foreach=True)
        self.optimizer.step()


def laid_out(pairing: Pairing):
    """The pairs as the path that runs takes them."""
    return pairing.pairs if backend() == "compiled" else pairing.blocks(64 * 4)


def parts(step, rounds):
    """The step, and what comes before its end."""
    calls = {
        WHOLE: step.whole,
        MAPS: step.maps,
        "forward, its maps included": step.forward,
        "forward and backward": step.backward,
    }
    title = f"A training step, {len(step.where):,} voxels in {len(step.events)} events, one thread"
    note = "What the last step takes beyond forward and backward is the optimizer (Muon) with the norm of the gradient."
    return compared(title, calls, rounds, note)


def threads(step, rounds):
    """The step on one and two threads, on both paths."""

    def on_threads(n, call):
        def run():
            torch.set_num_threads(n)
            call()
            torch.set_num_threads(1)

        return run

    ours = paths(step.whole)
    first = next(iter(ours))
    calls = {f"{name}, one thread": call for name, call in ours.items()}
    calls[f"{first}, two threads"] = on_threads(2, ours[first])
    title = f"A training step by path and threads, {len(step.where):,} voxels in {len(step.events)} events"
    return compared(title, calls, rounds, amounts={"voxels/s": len(step.where)})


def profiled(step, path, n, rows=12):
    """What torch.profiler says of some steps."""

    def several():
        for _ in range(n):
            step.whole()

    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        on(path, several)()
    averages = profiler.key_averages()
    total = sum(entry.self_cpu_time_total for entry in averages)
    largest = sorted(averages, key=lambda entry: -entry.self_cpu_time_total)[:rows]
    found = []
    for entry in largest:
        ms, share = entry.self_cpu_time_total / n / 1e3, entry.self_cpu_time_total / total
        found.append([entry.key, entry.count // n, f"{ms:.2f}", f"{share:.1%}"])
    name = {"compiled": OURS, "torch": PLAIN}[path]
    return {
        "title": f"torch.profiler over a training step, one thread: {name}",
        "note": "Compiled kernels stand under the function of autograd that calls them: _Convolution, NormActivation "
        "and their Backward. Recording takes time of its own.",
        "columns": ["operation", "calls", "ms of its own", "share"],
        "rows": found,
    }


def resident(name):
    """A figure of memory of this process in MB: VmRSS now, VmHWM the most so far."""
    words = next(line for line in STATUS.read_text().splitlines() if line.startswith(name)).split()
    return int(words[1]) / 1024


def memory(n_voxels):
    """The most memory that steps of a UResNet take beyond what the process has before, with voxels and weights."""
    generator = torch.Generator().manual_seed(0)
    events = voxel_events(line_voxels(8, n_voxels // 8, generator), generator)
    model = UResNet()
    optimizer = torch.optim.AdamW(model.parameters())
    if not STATUS.exists():
        return None
    Path("/proc/self/clear_refs").write_text("5")  # forget the most so far
    before = resident("VmRSS")
    for _ in range(3):
        optimizer.zero_grad()
        model(events.readout())["voxels"]["features"].sum().backward()
        optimizer.step()
    return {
        "title": f"Memory of a UResNet step of width 16, {len(events['voxels']):,} voxels",
        "columns": ["", "MB"],
        "rows": [["resident before", round(before)], ["the most beyond", round(resident("VmHWM") - before)]],
    }


def main(words=None):
    options = options_of(__doc__, words, rounds=9)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    first = memory(400 if options.quick else 50_000)  # before anything else takes memory
    step = Step(2 if options.quick else 8, 50 if options.quick else VOXELS)
    steps = 1 if options.quick else 5
    whole = parts(step, options.rounds)
    built = ["torch"] if LIBRARY.loaded is None else ["compiled", "torch"]
    tables = [
        whole,
        threads(step, options.rounds),
        *(profiled(step, path, steps) for path in built),
        *([first] if first else []),
    ]
    share = row_of(whole, MAPS)["ratio"]
    targets = [target("maps", "at most 20 % of a step", f"{share:.0%} of a step", share <= 0.2)]
    if first:
        most = first["rows"][1][1]
        targets.append(target(first["title"], f"below {ALLOWED} MB", f"{most} MB", most < ALLOWED))
    return finish("train_step", options, tables, targets)


if __name__ == "__main__":
    main()
    sys.exit(0)
