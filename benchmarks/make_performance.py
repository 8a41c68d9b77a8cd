"""Makes docs/performance.md from the results of the benchmarks in benchmarks/results/.

python benchmarks/make_performance.py
"""

import json
import sys
from pathlib import Path

from rounds import ROOT, as_markdown, line

RESULTS, PAGE = ROOT / "benchmarks" / "results", ROOT / "docs" / "performance.md"
SECTIONS = {
    "sparse_conv": "Sparse convolution",
    "train_step": "A training step",
    "nova_steps": "Training steps of NOvA-like experiments",
    "against": "A training step before the engine",
    "point_kernels": "Points",
    "chain": "The liquid-argon chain",
    "chain_kernels": "Clusters and their graphs",
    "loader": "From the store to batches",
    "soak": "Memory over time",
    "formats": "Other people's files",
}
HEAD = """# Performance

This page is made from `benchmarks/results/*.json` by `python benchmarks/make_performance.py`; do not edit it.

Every benchmark runs NuForge and what it is compared with in turn, in one process, for several rounds. A table has the
median wall time, and the median over rounds of the ratio to the first row with the range that holds 80 % of the rounds.
Compare ratios: times depend on the processor and on what else runs. Other work kept both cores busy beside these, which
two threads suffer from more than one. "The products alone" are at the speed of `torch.mm`, which the compiled kernels
can exceed. The peers are installed by `pip install 'nuforge[bench]'`; one that is missing is said to be missing.
"""


def page(results):
    """The page (Markdown) of results, by the name of the benchmark.

    Args:
        results: What each benchmark wrote.
    """
    targets = [(name, entry) for name in SECTIONS if name in results for entry in results[name]["targets"]]
    parts = [HEAD, "## Targets\n", *line(["", "target", "measured", "met", "benchmark"], head=True)]
    said = {True: "yes", False: "**no**", None: "-"}
    for name, entry in targets:
        parts += line([entry["what"], entry["target"], entry["measured"], said[entry["met"]], f"`{name}.py`"])
    for name, title in SECTIONS.items():
        parts.append(f"\n## {title}\n")
        if name not in results:
            parts.append("Not measured yet.")
            continue
        result = results[name]
        versions = ", ".join(f"{library} {version}" for library, version in result["versions"].items())
        parts.append(f"```\n{result['command']}\n```\n")
        parts.append(f"{result['processor']}; {versions}; kernels: {result['kernels']}.\n")
        parts.append("\n".join(as_markdown(table) for table in result["tables"]).rstrip())
    return "\n".join(parts) + "\n"


def read(folder):
    """What the benchmarks wrote into a folder, by name."""
    paths = {name: folder / f"{name}.json" for name in SECTIONS}
    return {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}


def main(folder=RESULTS, to=PAGE):
    Path(to).write_text(page(read(Path(folder))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
