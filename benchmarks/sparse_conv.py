"""Speed of sparse convolution beside an index_add loop and dense convolution, and of sparse UResNets by their width.

All are measured in the same run, in turn, and given as medians over rounds: compare ratios, not times of other runs.
`peak` is torch.mm on 1024^3. `ideal` is the time of the products of active pairs at that peak.

    python benchmarks/sparse_conv.py [--threads 1] [--rounds 15] [--widths 8 16 32] [--json]
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from nuforge.events import Column, Events, Table
from nuforge.models.uresnet import UResNet
from nuforge.nn.kernels.library import backend
from nuforge.nn.sparse import Level, SparseTensor, SubmanifoldConvolution
from nuforge.nn.sparse.maps import Pairing
from nuforge.tasks.segmentation import Segmentation

CLASSES = ("shower", "track", "michel", "delta", "low-energy")


def toy_voxels(n_events: int, voxels: int, generator: torch.Generator, lines: int = 12) -> Tensor:
    """Bent lines with some thickness, (N, 4) int64: 6.5 of 27 places around a voxel are occupied, its own counted."""
    steps = int(voxels / lines * 1.3)
    direction = torch.randn(n_events, lines, 1, 3, generator=generator)
    direction = direction / direction.norm(dim=-1, keepdim=True)
    direction = direction + 0.03 * torch.randn(n_events, lines, steps, 3, generator=generator).cumsum(2)
    step = 0.9 * direction / direction.norm(dim=-1, keepdim=True)
    path = step.cumsum(2) + 400 * torch.rand(n_events, lines, 1, 3, generator=generator)
    spread = 0.57 * torch.randn(n_events, lines, steps, 3, 3, generator=generator)
    index = (path.unsqueeze(-2) + spread).floor().long().flatten(1, 3)
    event = torch.arange(n_events).view(-1, 1, 1).expand(-1, index.shape[1], 1)
    where = torch.cat([event, index], 2).flatten(0, 1).unique(dim=0)
    place = torch.arange(len(where)) - torch.searchsorted(where[:, 0].contiguous(), where[:, 0].contiguous())
    return where[place < voxels]


def toy_events(where: Tensor, generator: torch.Generator) -> Events:
    """Events of these voxels, with random values and labels."""
    counts = torch.bincount(where[:, 0])
    columns = {
        "index": where[:, 1:].int(),
        "value": torch.rand(len(where), generator=generator) * 2,
        "label": torch.randint(0, len(CLASSES), (len(where),), generator=generator),
    }
    about = {"label": Column("", "class", "truth")}
    return Events({"voxels": Table.from_counts(columns, counts, about=about)})


def index_add_loop(features: Tensor, weight: Tensor, pairs: list[tuple[Tensor, Tensor]]) -> Tensor:
    """The usual plain loop: gather, multiply, index_add, offset by offset."""
    out = features.new_zeros(len(features), weight.shape[2])
    for k, (target, source) in enumerate(pairs):
        out = out.index_add(0, target, features[source] @ weight[k])
    return out


def medians(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median wall time in ms of each call, called in turn."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for i in range(rounds + 2):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if i >= 2:
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(t) for name, t in times.items()}


def layer_times(where: Tensor, channels: int, rounds: int) -> dict[str, float]:
    """One submanifold layer: forward, and forward with both gradients."""
    x = torch.randn(len(where), channels, requires_grad=True)
    layer = SubmanifoldConvolution(channels, channels)
    level = Level.of(where)
    table = level.neighbours.forward.table
    pairs = [((row >= 0).nonzero()[:, 0], row[row >= 0]) for row in table]
    n_pairs = int((table >= 0).sum())
    a, b = torch.randn(2, 1024, 1024)
    pull = torch.randn(len(where), channels)

    def sparse() -> Tensor:
        return layer(SparseTensor(level, x)).features

    def loop() -> Tensor:
        return index_add_loop(x, layer.weight, pairs)

    times = medians(
        {
            "peak": lambda: a @ b,
            "forward": sparse,
            "forward+backward": lambda: sparse().backward(pull),
            "index_add forward": loop,
            "index_add forward+backward": lambda: loop().backward(pull),
        },
        rounds,
    )
    times["ideal forward"] = times["peak"] * n_pairs * channels**2 / 1024**3
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--voxels", type=int, default=20_000, help="voxels in the batch of 8 events")
    parser.add_argument("--widths", type=int, nargs="+", default=[8, 16, 32], help="widths of the networks")
    parser.add_argument("--dense", action="store_true", help="also a dense 192^3 convolution, 16 channels (3 GB)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    where = toy_voxels(8, options.voxels // 8, generator)
    neighbours = float((Level.of(where).neighbours.forward.table >= 0).sum() / len(where))
    out: dict = {"threads": options.threads, "voxels": len(where), "neighbours": neighbours, "layer": {}, "network": {}}
    for channels in (16, 32, 64):
        out["layer"][channels] = layer_times(where, channels, options.rounds)
    events = toy_events(where, generator)
    for width in options.widths:
        out["network"][width] = network_times(events, width, max(options.rounds // 3, 3))
    if options.dense:
        x, dense = torch.randn(1, 16, 192, 192, 192), torch.nn.Conv3d(16, 16, 3, padding=1, bias=False)
        with torch.no_grad():
            out["dense 192^3 forward"] = medians({"dense": lambda: dense(x)}, 1)["dense"]
    print(json.dumps(out, indent=2) if options.json else as_text(out))


def network_times(events: Events, width: int, rounds: int) -> dict[str, float]:
    """A UResNet with its task: maps, forward, a training step."""
    model, task = UResNet(width=width), Segmentation(CLASSES, width)
    parameters = [*model.parameters(), *task.parameters()]
    optimizer = torch.optim.AdamW(parameters, fused=True)
    readout = events.readout()
    voxels = events["voxels"]
    where = torch.cat([voxels.batch[:, None], voxels["index"].long()], 1)
    a, b = torch.randn(2, 1024, 1024)

    def lay_out(pairing: Pairing) -> object:
        return pairing.pairs if backend() == "compiled" else pairing.blocks(64 * 4)

    def maps() -> None:
        level = Level.of(where)
        for _ in range(4):
            for pairing in (level.neighbours.forward, level.downward.forward, level.downward.backward):
                lay_out(pairing)
            level = level.coarser
        lay_out(level.neighbours.forward)

    def evaluate() -> None:
        with torch.no_grad():
            task(model(readout))

    def backward() -> None:
        task.loss(task(model(readout)), events).backward()

    def step() -> None:
        optimizer.zero_grad()
        backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        optimizer.step()

    calls = {
        "peak": lambda: a @ b,
        "maps": maps,
        "forward": evaluate,
        "forward+backward": backward,
        "training step": step,
    }
    return medians(calls, rounds)


def as_text(out: dict) -> str:
    """The result as lines for people, times in ms and ratios to the ideal."""
    lines = [
        f"{out['voxels']} voxels, {out['neighbours']:.2f} neighbours of 27, {out['threads']} threads; ms (x ideal)"
    ]
    for channels, times in out["layer"].items():
        ideal = times["ideal forward"]
        for name in ("forward", "index_add forward"):
            both = f"{name}+backward"
            lines.append(
                f"{channels:3d} channels  {name:18s} {times[name]:7.2f} ({times[name] / ideal:.1f})   "
                f"with gradients {times[both]:7.2f} ({times[both] / (3 * ideal):.1f})"
            )
    for width, times in out["network"].items():
        parts = ", ".join(f"{name} {value:.1f}" for name, value in times.items())
        rate = out["voxels"] / times["training step"]
        lines.append(f"UResNet of width {width:2d}: {parts}; {rate:.0f} thousand voxels/s")
    if "dense 192^3 forward" in out:
        lines.append(f"dense 192^3, 16 channels, forward {out['dense 192^3 forward']:.0f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
