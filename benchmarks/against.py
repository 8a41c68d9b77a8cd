"""A training step of the network of `lartpc-segmentation` as another commit has it, and as this one has it.

Both are trained by AdamW from the same weights on the same batches, each in a process of its own, in turn: whether the
losses are the same in double precision, and how long a step takes in single precision.

    git worktree add --detach ../before COMMIT
    python benchmarks/against.py --before ../before --json benchmarks/results/against.json
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from rounds import ROOT, finish, table_of, target
from training_steps import STEPS

NOW, BEFORE = "now", "before"


class Side:
    """A process that trains with the package of one working tree."""

    def __init__(self, tree, size):
        words = [sys.executable, str(ROOT / "benchmarks" / "training_steps.py"), *map(str, size)]
        path = os.pathsep.join([str(tree / "src"), str(ROOT / "benchmarks")])
        self.process = subprocess.Popen(
            words, env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"the process of {self.process.args} ended; see above")
        return json.loads(answer)

    def end(self):
        self.process.communicate()


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, required=True, help="a working tree of the other commit")
    parser.add_argument("--rounds", type=int, default=15, help="rounds in which the two alternate")
    parser.add_argument("--quick", action="store_true", help="tiny sizes and two rounds: that it runs, not how fast")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result is written as JSON")
    options = parser.parse_args(words)
    size = (2, 50) if options.quick else (8, 2170)
    rounds = 2 if options.quick else options.rounds
    sides = {NOW: Side(ROOT, size), BEFORE: Side(options.before.resolve(), size)}
    losses = {name: side.ask("losses") for name, side in sides.items()}
    times = {name: [] for name in sides}
    for i in range(rounds + 1):
        for name, side in sides.items():
            time = side.ask(f"step {i}")
            if i:
                times[name].append(time)
    for side in sides.values():
        side.end()
    asked = ["git", "-C", str(options.before), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    note = f"Before is commit {commit}. AdamW on both sides; voxels along random lines."
    steps = table_of(f"A training step, {size[0]} events of {size[1]:,} voxels, one thread", times, note)
    apart = max(abs(a / b - 1) for a, b in zip(losses[NOW], losses[BEFORE], strict=True))
    rows = [[i + 1, *(f"{losses[name][i]:.12f}" for name in sides)] for i in range(STEPS)]
    same = {"title": "Losses of the first steps in double precision", "columns": ["step", *sides], "rows": rows}
    ratio = steps["rows"][1]["ratio"]
    targets = [
        target("a training step beside that before the engine", "at least 2 times", f"{ratio:g} times", ratio >= 2),
        target(f"losses over {STEPS} steps in double precision", "same to 1e-8", f"{apart:.1e} apart", apart <= 1e-8),
    ]
    return finish("against", options, [steps, same], targets)


if __name__ == "__main__":
    main()
    sys.exit(0)
