"""Seconds of the liquid-argon chain by stage and part, on one and two threads, its memory, and its training steps.

Networks of the default size, on simulated events; see chain_inputs.py for what they are told to say.

    python benchmarks/chain.py --json benchmarks/results/chain.json
"""

import os
import sys
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # before torch loads, as the command line of nuforge has it

import time

import torch
from chain_inputs import MISTAKEN, ToldChain, large_event, simulated
from rounds import compared, finish, options_of, row_of, table_of, target
from train_step import STATUS, resident

from nuforge.experiments.lartpc_chain import lartpc_chain
from nuforge.training.optimizer import optimizer_of

VOXELS, BATCH, LARGE = 5000, 16, 200_000
WHOLE, CLASSICAL = "whole chain", "classical chain"
LEAST, ALLOWED = 4, 2000  # events/s and MB
NOTE = (
    f"Every network runs and is then told what to say, of which {MISTAKEN:.0%} is wrong. ms are of one event. The hand-"
    "over makes what a stage reads of what the stages before it say; predictions are what tasks make of the outputs of "
    "a network: points, connected components, partitions."
)


def parts(told, rounds, title):
    """The whole chain, and its parts by stage."""
    found, n = {}, len(told.events)
    for i in range(rounds + 1):
        start = time.perf_counter()
        told.predict()
        seconds = {(WHOLE, ""): time.perf_counter() - start, **told.clock.read()}
        if i:
            for part, value in seconds.items():
                found.setdefault(part, []).append(value / n)
    sums = {}
    for (_, part), values in list(found.items())[1:]:
        name = f"all: {part}"
        sums[name] = [a + b for a, b in zip(sums.get(name, [0.0] * rounds), values, strict=True)]
    named = {f"{stage}: {part}" if part else stage: values for (stage, part), values in found.items()}
    named.pop("reconstruction: reconstruction")
    return table_of(title, {WHOLE: named.pop(WHOLE), **sums, **named}, NOTE)


def by_threads(chains, classical, rounds):
    """The whole chain by batch and threads, and the classical one."""
    calls, scale = {}, {}
    for n, told in sorted(chains.items(), reverse=True):
        for threads in (1, 2):
            name = f"{WHOLE}, {_threads(threads)}, batches of {n}"
            calls[name], scale[name] = on_threads(threads, told.predict), 1 / n
    most = max(chains)
    name = f"{CLASSICAL}, one thread, batches of {most}"
    calls[name], scale[name] = on_threads(1, lambda: classical.predict(chains[most].readout)), 1 / most
    voxels = len(chains[most].readout["voxels"]) / most
    return compared(f"One event of {voxels:,.0f} voxels", calls, rounds, amounts={"events/s": 1}, scale=scale)


def _threads(n):
    return "one thread" if n == 1 else "two threads"


def on_threads(n, call):
    """The call on so many threads."""

    def run():
        torch.set_num_threads(n)
        result = call()
        torch.set_num_threads(1)
        return result

    return run


class Step:
    """A training step of a stage.

    Args:
        learner: What is trained.
        events: Those that the stage is given, with its truth.
        options: Of the training.
    """

    def __init__(self, learner, events, options):
        self.learner, self.events = learner.train(), events
        self.optimizer = optimizer_of(
            learner, options.optimizer, options.learning_rate, options.weight_decay, fused=True
        )
        self.parameters, self.clip = list(learner.parameters()), options.clip

    def __call__(self):
        self.optimizer.zero_grad()
        self.learner.loss(self.events).backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.clip, foreach=True)
        self.optimizer.step()


def training(built, told, rounds):
    """Training steps of the stages, each on what the stages before it hand to it."""
    calls, scale, most = {}, {}, len(told.events)
    for name, stage in built.stages.items():
        n = min(stage.batch, most)
        calls[name], scale[name] = Step(stage.learner, told.at[name][:n], stage.options), 1 / n
    voxels = len(told.readout["voxels"]) / most
    title = f"Training steps of the stages, of one event of {voxels:,.0f} voxels, one thread"
    note = "Forward, backward and optimizer, in batches of 8 (points, fragments) and 16 events."
    return compared(title, calls, rounds, note, amounts={"voxels/s": voxels}, scale=scale)


def memory(events_of):
    """Memory of a process of its own that predicts, for each of the events by name; nothing where none is told."""
    if not STATUS.exists():
        return None
    with get_context("spawn").Pool(1) as alone:
        rows = [[name, *alone.apply(most_memory, (events,))] for name, events in events_of.items()]
    return {
        "title": "Memory of a process that predicts, one thread, MB",
        "note": "Before: with the package and the networks loaded. What the networks are told is counted.",
        "columns": ["", "before", "the most beyond", "the most"],
        "rows": rows,
    }


def most_memory(events):
    """MB resident before a chain answers, the most beyond while it does, and the sum."""
    torch.set_num_threads(1)
    chain = lartpc_chain().learner
    Path("/proc/self/clear_refs").write_text("5")  # forget the most so far
    before = resident("VmRSS")
    ToldChain(chain, events, torch.Generator().manual_seed(0)).predict()
    most = resident("VmHWM")
    return round(before), round(most - before), round(most)


def main(words=None):
    options = options_of(__doc__, words, rounds=7)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    n, voxels, large = (2, 400, 3000) if options.quick else (BATCH, VOXELS, LARGE)
    events, spill = simulated(n, voxels, generator), large_event(large, generator)
    size = len(spill["voxels"])
    used = memory({f"{n} events of {voxels:,} voxels": events, f"one event of {size:,} voxels": spill})
    built = lartpc_chain()
    typical = int((events["voxels"].offsets.diff() - voxels).abs().argmin())
    parted = {n: events, 1: events[typical : typical + 1]}
    chains = {i: ToldChain(built.learner, part, generator) for i, part in parted.items()}
    spill = ToldChain(built.learner, spill, generator)
    classical = built.baselines[CLASSICAL]
    classical.fit([events])
    many = f"{len(chains[n].readout['voxels']):,} voxels in {n} events, one thread"
    threads = by_threads(chains, classical, options.rounds)
    tables = [
        threads,
        parts(chains[n], options.rounds, f"The chain by stage: {many}"),
        parts(chains[1], options.rounds, f"The chain by stage: {len(chains[1].readout['voxels']):,} voxels, one event"),
        parts(spill, max(2, options.rounds // 3), f"The chain by stage: {size:,} voxels, one event"),
        *([used] if used else []),
        training(built, chains[n], options.rounds),
    ]
    return finish("chain", options, tables, _targets(threads, used, chains))


def _targets(threads, used, chains):
    """Events per second on two threads, and memory."""
    found = []
    for n in sorted(chains, reverse=True):
        rate = row_of(threads, f"{WHOLE}, two threads, batches of {n}")["events/s"]
        what = f"the chain on two threads, events of {VOXELS:,} voxels in batches of {n}"
        found.append(target(what, f"at least {LEAST} events/s", f"{rate:g} events/s", rate >= LEAST))
    for name, *_, most in used["rows"][:1] if used else ():
        found.append(target(f"memory of the chain, {name}", f"below {ALLOWED} MB", f"{most:g} MB", most < ALLOWED))
    return found


if __name__ == "__main__":
    main()
    sys.exit(0)
