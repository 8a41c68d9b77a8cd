"""Puts the tables of benchmarks/results/reconstruction.json into docs/reconstruction.md.

python benchmarks/make_reconstruction.py
"""

import json
import sys
from pathlib import Path

from rounds import ROOT, as_markdown

RESULT, PAGE = ROOT / "benchmarks" / "results" / "reconstruction.json", ROOT / "docs" / "reconstruction.md"
BEGIN, END = "<!-- measured: from benchmarks/results/reconstruction.json -->\n", "<!-- end of measured -->\n"


def page(text, result):
    """The page with the tables of a result between its marks."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    tables = "\n".join(as_markdown(table) for table in result["tables"])
    return f"{before}{BEGIN}\n```\n{result['command']}\n```\n\n{tables}\n{END}{after}"


def main(result=RESULT, to=PAGE):
    to = Path(to)
    to.write_text(page(to.read_text(), json.loads(Path(result).read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
