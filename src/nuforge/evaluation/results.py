"""The results page: all committed reports as one Markdown document, made again whenever a report changes.

python -m nuforge.evaluation.results benchmarks/results docs/results.md
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from nuforge.evaluation.report import FILE, Report, ReportError, read_report, write_whole
from nuforge.evaluation.wording import bracketed, command_of, decimals, number_of_events, shortfalls, spelled

_HEAD = """# Results

This page is made from the reports in `benchmarks/results/` by `python benchmarks/make_results.py`; do not edit it.
Square brackets hold 95 % intervals; where nothing else is said they are from resampling whole events. *Difference* is
the model minus the better baseline, on the same events. A published figure is from other events, and often from
another simulation: it is a landmark, not a competitor.
"""


def results_page(reports: Mapping[str, Report]) -> str:
    """The Markdown page of some reports, each under its name, in the order of the names."""
    return "\n".join([_HEAD, *(_section(name, report) for name, report in sorted(reports.items()))])


def _section(name: str, report: Report) -> str:
    baselines = list(report.baselines)
    head = ["figure", "model", *baselines, "difference", "published"]
    rows = [_row(report, name) for name in report.metrics]
    table = [_line(head), _line(["---"] * len(head)), *(_line(row) for row in rows)]
    short = shortfalls(report)
    question = report.provenance.get("question")
    sources = sorted({published.source for published in report.published})
    files = report.split.get("files")
    elsewhere = f" on {', '.join(map(str, files))}" if isinstance(files, list) else ""
    parts = [
        f"## {name}\n",
        f"`{report.experiment}`{elsewhere}\n" if elsewhere or name != report.experiment else "",
        f"{question}\n" if isinstance(question, str) else "",
        f"```\n{command_of(report)}\n```\n",
        f"{number_of_events(report)}; training seeds: {', '.join(map(str, report.seeds)) or 'none'}.\n",
        "\n".join(table) + "\n",
        f"**Where we fall short:** {'; '.join(short) if short else 'in none of these figures'}.\n",
        f"Published: {'; '.join(sources)}.\n" if sources else "",
    ]
    return "\n".join(part for part in parts if part)


def _row(report: Report, name: str) -> list[str]:
    published = [decimals(p.value) for p in report.published if p.name == name]
    difference = report.difference.get(name)
    unit = report.metrics[name].unit
    return [
        spelled(name) + (f" ({unit})" if unit else ""),
        f"**{bracketed(report.metrics[name])}**",
        *(bracketed(figures[name]) for figures in report.baselines.values()),
        f"{bracketed(difference.interval, signed=True)} to {difference.against}" if difference else "-",
        ", ".join(published) or "-",
    ]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main(arguments: Sequence[str]) -> int:
    """Writes the page of all `report.json` under a folder; the exit code."""
    if len(arguments) != 2:
        print(
            "expected a folder of reports and the page to write, as: benchmarks/results docs/results.md",
            file=sys.stderr,
        )
        return 2
    folder, page = Path(arguments[0]), Path(arguments[1])
    paths = sorted(folder.rglob(FILE))
    try:
        reports = {path.parent.relative_to(folder).as_posix(): read_report(path) for path in paths}
    except ReportError as error:
        print(error, file=sys.stderr)
        return 2
    write_whole(page, results_page(reports))
    print(f"{page}: {len(reports)} reports")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
