"""Makes docs/results.md from the reports in benchmarks/results/."""

import sys
from pathlib import Path

from nuforge.evaluation.results import main

if __name__ == "__main__":
    root = Path(__file__).parents[1]
    sys.exit(main([str(root / "benchmarks" / "results"), str(root / "docs" / "results.md")]))
