"""The checkpoint of a finished run as it comes with the package: weights in half precision, and a card with figures.

Run it twice: once for the weights, then, when they were evaluated as users will have them, for the figures.

    python benchmarks/make_shipped.py RUN
    nuforge evaluate lartpc-chain RUN/predictions --out BUILTIN
    python benchmarks/make_shipped.py RUN --figures "built-in particle bombs, test side=BUILTIN/report.json"
"""

import argparse
import math
import shutil
from pathlib import Path

import torch

from nuforge.evaluation.report import read_report
from nuforge.experiments.folder import read_json
from nuforge.experiments.predictor import load, read_card
from nuforge.experiments.shipped import FOLDER
from nuforge.training.checkpoint import write_weights

FEW = 256
"""Numbers; tensors of fewer, such as thresholds and temperatures, keep their precision."""


def main(words=None):
    """Writes the folder of a network among those of the package; what was written."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--figures", action="append", default=[], metavar="EVENTS=REPORT", help="report.json on events")
    parser.add_argument("--to", type=Path, default=FOLDER, help="folder of the shipped networks")
    given = parser.parse_args(words)

    checkpoint = given.run / "checkpoint"
    predictor, card, record = load(checkpoint), read_card(checkpoint), read_json(given.run / "run.json")
    out = given.to / predictor.experiment
    kept = {name: card[name] for name in ("experiment", "arguments", "columns", "classes", "detector")}
    split = record["done"]["events"]["split"]
    trained = {**{f"{side} events": n for side, n in split.items()}, "seed": record["command"]["seed"]}
    figures = dict(figures_of(*each.rsplit("=", 1)) for each in given.figures)
    write_weights(halved(predictor.built.learner), out, {**kept, "trained_on": trained, "figures": figures})
    shutil.copytree(checkpoint / "baselines", out / "baselines", dirs_exist_ok=True)
    for file in out.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)  # whoever installs it, others read it
    return f"{out}: {sum(file.stat().st_size for file in out.rglob('*')) / 1e6:.1f} MB"


def halved(learner):
    """The learner with its large tensors in half precision."""
    for tensor in (*learner.parameters(), *learner.buffers()):
        if tensor.is_floating_point() and tensor.numel() >= FEW:
            tensor.data = tensor.data.to(torch.float16)
    return learner


def figures_of(events, report):
    """What is measured on some events, and the figures that are known and not of one class."""
    measured = read_report(Path(report).parent).metrics.items()
    general = {name: each for name, each in measured if " of " not in name and math.isfinite(each.low + each.high)}
    count = max(interval.n for interval in general.values())
    keys = ("value", "low", "high", "unit")
    return f"{events}, {count} events", {
        name: {key: getattr(interval, key) for key in keys} for name, interval in general.items()
    }


if __name__ == "__main__":
    print(main())
