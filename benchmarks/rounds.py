"""What the benchmarks share: calls measured in turn for several rounds, and tables of what was found.

Times are wall times. Calls alternate, so that whatever else the machine does meets all of them alike; a ratio is taken
in every round, and its median stands beside the range that holds 80 % of the rounds. Compare ratios, not times of
different runs.
"""

import argparse
import json
import platform
import statistics
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path

import numpy
import scipy
import torch

from nuforge.nn.kernels.library import backend

ROOT = Path(__file__).parents[1]


def options_of(doc, words, rounds, numbers=()):
    """The command-line options that every benchmark has, and whole numbers, each a name and what it is."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=rounds, help="rounds in which the calls alternate")
    parser.add_argument("--quick", action="store_true", help="tiny sizes and two rounds: that it runs, not how fast")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result is written as JSON")
    for name, meaning in numbers:
        parser.add_argument(f"--{name}", type=int, metavar="N", help=meaning)
    options = parser.parse_args(words)
    if options.quick:
        options.rounds = 2
    return options


def peer(module):
    """A package to compare with, or None if it is not installed or does not load; its warnings are its own affair."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module(module)
    except (ImportError, OSError):
        return None


def seconds(calls, rounds, clock=time.perf_counter):
    """Seconds of each call in each round by a clock; the calls alternate, after one round that does not count."""
    found = {name: [] for name in calls}
    for i in range(rounds + 1):
        for name, call in calls.items():
            start = clock()
            call()
            if i:
                found[name].append(clock() - start)
    return found


def compared(title, calls, rounds, note="", missing=(), amounts=None, scale=None, clock=time.perf_counter):
    """A table of calls; the first is what the others are compared with.

    Args:
        title: What they do.
        calls: Each by its name.
        rounds: How often.
        note: What else a reader must know.
        missing: Names of peers that are not installed.
        amounts: What is done in one call, by unit: rates are given of it.
        scale: Factors of the times of calls that do a part, or a multiple, of the work.
        clock: What tells the time: `time.process_time` counts what this process worked, whatever else runs.
    """
    times = seconds(calls, rounds, clock)
    for name, factor in (scale or {}).items():
        times[name] = [factor * t for t in times[name]]
    return table_of(title, times, note, missing, amounts)


def table_of(title, times, note="", missing=(), amounts=None):
    """A table of the seconds of calls in each round, as `compared` makes it."""
    first = next(iter(times.values()))
    rows = []
    for name, own in times.items():
        ratios = sorted(t / f for t, f in zip(own, first, strict=True))
        median = statistics.median(own)
        row = {"name": name, "ms": rounded(1e3 * median)}
        row |= {unit: rounded(amount / median) for unit, amount in (amounts or {}).items()}
        row["ratio"] = rounded(statistics.median(ratios))
        row["low"], row["high"] = (rounded(ratios[round(q * (len(ratios) - 1))]) for q in (0.1, 0.9))
        rows.append(row)
    rows += [{"name": name, "missing": "not installed here"} for name in missing]
    return {"title": title, "note": note, "rounds": len(first), "rows": rows}


def row_of(table, name):
    """The row of a table, or nothing if that peer is missing."""
    return next((row for row in table["rows"] if row["name"] == name and "missing" not in row), None)


def target(what, wanted, value, met):
    """One line of the table of targets; `met` is None if it could not be measured."""
    return {"what": what, "target": wanted, "measured": value, "met": met}


def ratio_target(what, table, name, least, unless="the peer is not installed"):
    """That a row of a table takes at least so many times as long as the first."""
    row = row_of(table, name)
    if row is None:
        return target(what, f"at least {least:g} times", unless, None)
    value = f"{row['ratio']:g} times [{row['low']:g}, {row['high']:g}]"
    return target(what, f"at least {least:g} times", value, row["ratio"] >= least)


def rounded(value, digits=3):
    """A number of a few digits, whole if it is large."""
    value = float(f"{value:.{digits}g}")
    return int(value) if value >= 1000 else value


def shown(interval):
    """A number with its interval."""
    return f"{interval.value:.3g} [{interval.low:.3g}, {interval.high:.3g}]"


def finish(script, options, tables, targets=()):
    """Print the tables, and write them as JSON if that was asked for."""
    result = {
        "command": " ".join(["python", f"benchmarks/{script}.py", *_words(options)]),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": numpy.__version__,
            "scipy": scipy.__version__,
        },
        "processor": _processor(),
        "kernels": backend(),
        "tables": tables,
        "targets": list(targets),
    }
    print("\n".join(as_markdown(table) for table in tables))
    for entry in targets:
        print(f"{entry['what']}: {entry['measured']}, target {entry['target']}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    return result


def _words(options):
    """The options as they are typed."""
    words = []
    for name, value in vars(options).items():
        if name == "json" and value:
            words += ["--json", f"benchmarks/results/{value.name}"]
        elif isinstance(value, Path):
            words += [f"--{name}", f"../{value.name}"]
        elif value is True:
            words.append(f"--{name}")
        elif value is not None and value is not False:
            words += [f"--{name}", f"{value:g}"]
    return words


def _processor():
    """What the processor calls itself, and how many are there."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor() or platform.machine()


def as_markdown(table):
    """A table as Markdown."""
    lines = [f"### {table['title']}", ""]
    if table.get("note"):
        lines += [table["note"], ""]
    if "columns" in table:
        lines += line(table["columns"], head=True) + [x for row in table["rows"] for x in line(row)]
        return "\n".join([*lines, ""])
    first = table["rows"][0]
    units = [key for key in first if key not in ("name", "ratio", "low", "high")]
    lines += line(["", *units, f"times {first['name']} [80 % of {table['rounds']} rounds]"], head=True)
    for row in table["rows"]:
        if "missing" in row:
            lines += line([row["name"], row["missing"], *[""] * len(units)])
        elif row is first:
            lines += line([f"**{row['name']}**", *(f"{row[unit]:,}" for unit in units), "1"])
        else:
            ratio = f"{row['ratio']:g} [{row['low']:g}, {row['high']:g}]"
            lines += line([row["name"], *(f"{row[unit]:,}" for unit in units), ratio])
    return "\n".join([*lines, ""])


def line(cells, head=False):
    """A row of a Markdown table; the head has the rule below."""
    text = "| " + " | ".join(str(cell) for cell in cells) + " |"
    return [text, "|---" * len(cells) + "|"] if head else [text]


if __name__ == "__main__":
    sys.exit("this file measures nothing by itself; run one of the benchmarks beside it")
