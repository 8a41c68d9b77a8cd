"""What a reader asks of the library below it, and that library reading just this, once and in one piece.

A reader is watched while it reads a file: which datasets, branches and columns it asks h5py, uproot, sqlite3 and
pyarrow for. Its peer then reads the same ones, each whole, and makes nothing of them: no units, no events, no indices.
Columns of structured datasets that the reader takes become arrays of their own, as torch needs them.
"""

import re
import sqlite3
from collections import defaultdict
from contextlib import closing, contextmanager
from unittest import mock

import h5py
import numpy as np
import pyarrow.parquet as pq
import uproot


class Rows(np.ndarray):
    """Rows of a structured dataset that note which of their fields are taken."""

    taken = None

    def __array_finalize__(self, other):
        self.taken = getattr(other, "taken", None)

    def __getitem__(self, item):
        if self.taken is not None and isinstance(item, str):
            self.taken.add(item)
        return super().__getitem__(item)


class Asked:
    """What a reader asked for.

    Args:
        datasets: By file and name of an HDF5 dataset, the fields that are read; none for all that it has.
        fields: By the same, the fields that are taken from the rows.
        branches: By file, paths of branches.
        queries: By file, queries that read a table.
        columns: By Parquet file, the columns; none for all.
    """

    def __init__(self):
        self.datasets, self.fields = {}, defaultdict(set)
        self.branches, self.queries, self.columns = defaultdict(dict), defaultdict(dict), {}

    def rows(self, dataset, rows, names):
        """Notes a read of a dataset; its rows, to note what is taken from them."""
        key = (dataset.file.filename, dataset.name)
        known = self.datasets.get(key, ())
        self.datasets[key] = None if names is None or known is None else tuple(dict.fromkeys([*known, *names]))
        if not isinstance(rows, np.ndarray) or rows.dtype.names is None:
            return rows
        rows = rows.view(Rows)
        rows.taken = self.fields[key]
        return rows


@contextmanager
def watched():
    """Notes what is asked while this lasts."""
    asked = Asked()
    getitem, array = h5py.Dataset.__getitem__, uproot.TBranch.array
    read_direct = h5py.Dataset.read_direct
    connect, opened = sqlite3.connect, pq.ParquetFile.__init__
    reads = {
        name: getattr(pq.ParquetFile, name) for name in ("read", "read_row_group", "read_row_groups", "iter_batches")
    }

    def from_dataset(self, args, new_dtype=None):
        rows = getitem(self, args, new_dtype)
        names = new_dtype.names if new_dtype is not None else None
        return asked.rows(self, rows, [args] if isinstance(args, str) else names)

    def direct(self, to, source=None, into=None):
        asked.rows(self, to, None)
        return read_direct(self, to, source, into)

    def from_branch(self, *args, **options):
        path = self.object_path.split(":", 1)
        asked.branches[self.file.file_path][re.sub(r";\d+$", "", path[0]), path[1]] = None
        return array(self, *args, **options)

    def from_base(path, *args, **options):
        base = connect(path, *args, **options)
        base.set_trace_callback(lambda query: asked.queries[path].setdefault(query))
        return base

    def file(self, path, *args, **options):
        self.named = str(path)
        opened(self, path, *args, **options)

    def of(name):
        def read(self, *args, columns=None, **options):
            known = asked.columns.get(self.named, ())
            both = None if columns is None or known is None else list(dict.fromkeys([*known, *columns]))
            asked.columns[self.named] = both
            return reads[name](self, *args, columns=columns, **options)

        return read

    with (
        mock.patch.object(h5py.Dataset, "__getitem__", from_dataset),
        mock.patch.object(h5py.Dataset, "read_direct", direct),
        mock.patch.object(uproot.TBranch, "array", from_branch),
        mock.patch.object(sqlite3, "connect", from_base),
        mock.patch.object(pq.ParquetFile, "__init__", file),
        mock.patch.multiple(pq.ParquetFile, **{name: of(name) for name in reads}),
    ):
        yield asked


def peer(asked):
    """The library reading what was asked, and its name; nothing if no library was asked."""
    calls = {
        "h5py": (asked.datasets, lambda: plain_hdf5(asked.datasets, asked.fields)),
        "uproot": (asked.branches, lambda: plain_root(asked.branches)),
        "sqlite3": (asked.queries, lambda: plain_sqlite(asked.queries)),
        "pyarrow": (asked.columns, lambda: plain_parquet(asked.columns)),
    }
    return next(((name, call) for name, (something, call) in calls.items() if something), None)


def plain_hdf5(datasets, fields):
    """Datasets whole, and the fields that are taken as arrays of their own."""
    for path in {path for path, _ in datasets}:
        with h5py.File(path) as file:
            for (of, name), names in datasets.items():
                if of == path:
                    dataset = file[name]
                    rows = dataset[()] if names is None else dataset.fields(list(names))[()]
                    [np.ascontiguousarray(rows[field]) for field in fields.get((of, name), ())]


def plain_root(branches):
    """Branches whole."""
    for path, paths in branches.items():
        with closing(uproot.open(path)) as file:
            for tree, branch in paths:
                file[tree][branch].array()


def plain_sqlite(queries):
    """Columns of tables, each as an array."""
    for path, statements in queries.items():
        with closing(sqlite3.connect(path, uri=True)) as base:
            tables = [re.match(r'SELECT ([^()]+) FROM ("[^"]+") WHERE .*ORDER BY', query) for query in statements]
            for match in filter(None, tables):
                rows = base.execute(f"SELECT {match[1]} FROM {match[2]}").fetchall()
                [np.array(column) for column in zip(*rows, strict=True)]


def plain_parquet(columns):
    """Columns of files."""
    for path, names in columns.items():
        with pq.ParquetFile(path) as file:
            file.read(columns=names, use_threads=False)
