"""Reading third-party formats, on one core: each reader beside its plain library reading the same file, and its memory.

The files are those of the tests' fixtures with many events, and real ones where they are. The plain library decodes all
columns, those that a reader leaves out too, and makes nothing of them: no units, no events, no indices.

    python benchmarks/formats.py --json benchmarks/results/formats.json
"""

import multiprocessing
import resource
import sqlite3
import sys
import tempfile
from contextlib import closing, suppress
from importlib import import_module
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet as pq
import torch
import uproot
from rounds import ROOT, compared, finish, options_of, row_of, target

from nuforge.experiments.convert import batch_events_of, bytes_of
from nuforge.formats import format_of, stream
from nuforge.formats.glimpse import Glimpse, Kind

FIXTURES = ROOT / "tests" / "formats"
DATA = ROOT.parent / "shared" / "data"
EVENTS = {"segments": 50_000, "miniboone": 100_000, "dayabay": 1000}
"""Events of the made file; 20,000 if it is not here."""

SLOWEST = 1.5
LARGEST = 3
FAIR = 1_000_000  # bytes: smaller files measure how a file is opened


def fixtures():
    """The fixtures of the tests, by name."""
    if str(FIXTURES) not in sys.path:
        sys.path.insert(0, str(FIXTURES))
    modules = [import_module(path.stem) for path in sorted(FIXTURES.glob("fixtures_*.py"))]
    return {fixture.name: fixture for module in modules for fixture in module.FIXTURES}


def plain(path):
    """Decodes all columns of a file with the library that its format is made for; None if there is no such library."""
    seen = Glimpse.of(path)
    calls = {Kind.HDF5: plain_hdf5, Kind.ROOT: plain_root, Kind.SQLITE: plain_sqlite, Kind.PARQUET: plain_parquet}
    return calls.get(seen.kind)


def plain_hdf5(path):
    """Every dataset, with h5py."""
    with h5py.File(path, "r") as file:
        datasets = []
        file.visititems(lambda _, item: datasets.append(item) if isinstance(item, h5py.Dataset) else None)
        for dataset in datasets:
            dataset[()]


def plain_root(path):
    """Every branch of every tree that uproot can read, with uproot."""
    with closing(uproot.open(path)) as file:
        for name in file.keys(filter_classname="TTree", cycle=False):
            for branch in file[name].branches:
                if "Unknown" not in type(getattr(branch, "interpretation", None)).__name__ and not branch.branches:
                    with suppress(uproot.deserialization.DeserializationError, NotImplementedError, ValueError):
                        branch.array()


def plain_sqlite(path):
    """Every table as columns, with sqlite3."""
    with closing(sqlite3.connect(path)) as base:
        for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = base.execute(f'SELECT * FROM "{name}"').fetchall()
            [np.array(column) for column in zip(*rows, strict=True)]


def plain_parquet(path):
    """Every column, with pyarrow."""
    pq.read_table(path, use_threads=False)


def read_all(path, batch):
    """Every event, so many at a time."""
    for _ in stream(path, batch):
        pass


def _growth(path, batch, queue):
    """In a process of its own: by how many bytes reading grows its memory, and the largest batch."""
    torch.set_num_threads(1)
    next(stream(path, 1))  # what is loaded but once
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    largest = max(bytes_of(events) for events in stream(path, batch))
    queue.put(((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024, largest))


def memory(path, batch):
    """By how many bytes reading grows the memory of a process, and the bytes of the largest batch."""
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    child = context.Process(target=_growth, args=(path, batch, queue))
    child.start()
    found = queue.get()
    child.join()
    return found


def measured(name, path, rounds, targets):
    """The tables of one file; what is compared with the goal is added to the targets."""
    batch, size, call = batch_events_of(path), path.stat().st_size, plain(path)
    title = f"{name}: {format_of(path).title}, {size / 1e6:.3g} MB, {batch} events at a time"
    calls = {"plain library": lambda: call(path)} if call else {}
    table = compared(title, {**calls, "NuForge": lambda: read_all(path, batch)}, rounds, amounts={"MB/s": size / 1e6})
    if call and size > FAIR:
        row = row_of(table, "NuForge")
        value = f"{row['ratio']:g} times [{row['low']:g}, {row['high']:g}]"
        met = row["ratio"] <= SLOWEST
        targets.append(target(f"{name}: time of the plain library", f"at most {SLOWEST:g} times", value, met))
    return table


def remembered(name, path, targets):
    """A row of the table of memory."""
    batch = batch_events_of(path)
    grown, largest = memory(path, batch)
    if path.stat().st_size > FAIR:
        ratio = grown / max(1, largest)
        targets.append(
            target(f"{name}: memory", f"at most {LARGEST} batches", f"{ratio:.2g} batches", ratio <= LARGEST)
        )
    return [name, batch, f"{largest / 1e6:.3g}", f"{grown / 1e6:.3g}"]


def main(words=None):
    """Measures every format that has a fixture, and the real files of some."""
    options = options_of(__doc__, words, rounds=7)
    torch.set_num_threads(1)
    tables, targets, rows = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, fixture in fixtures().items():
            events = 5 if options.quick else EVENTS.get(name, 5000)
            made = fixture.make(Path(folder) / name, events, 0, "plain")
            paths = {f"{name} (made)": made}
            if not options.quick:
                real = [DATA / path for path in fixture.real if (DATA / path).exists()]
                paths |= {f"{name} ({path.name})": path for path in real if path.stat().st_size > FAIR}
            for title, path in paths.items():
                if path.is_file():
                    tables.append(measured(title, path, options.rounds, targets))
                    if not options.quick:
                        rows.append(remembered(title, path, targets))
    if rows:
        columns = ["file", "events at a time", "MB of the largest batch", "MB that the process grew"]
        tables.append({"title": "Memory", "columns": columns, "rows": rows})
    return finish("formats", options, tables, targets)


if __name__ == "__main__":
    main()
