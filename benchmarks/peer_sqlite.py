"""Events in SQLite, read and made graphs one by one: what GraphNeT does for each event, in plain torch.

Its SQLiteDataset opens the database for every query and asks for pulses and truth of one event; its graph definition
scales each column, finds the nearest neighbours, and sets every truth label and every feature as a tensor of its own; a
batch is put together of single graphs. Left out are its checks, logging, and classes of graphs.
"""

import sqlite3

import numpy as np
import torch

FEATURES = ("x", "y", "z", "time", "charge")
TRUTH = tuple(f"label_{i}" for i in range(14))
"""As many labels as an event of its examples has, more or less."""


def write(store, path):
    """The events of a store in a database of pulses and truth, each with an index on the number of its event."""
    database = sqlite3.connect(path)
    database.execute(f"create table pulses (event_no integer, {', '.join(f'{name} real' for name in FEATURES)})")
    database.execute(f"create table truth (event_no integer primary key, {', '.join(f'{n} real' for n in TRUTH)})")
    first = 0
    for events in store.batches(1000):
        hits, n = events["hits"], len(events)
        number = (hits.batch + first).tolist()
        columns = [number, *hits["position"].T.tolist(), hits["time"].tolist(), hits["charge"].tolist()]
        database.executemany(f"insert into pulses values ({marks(columns)})", zip(*columns, strict=True))
        truth = [[first + i, *range(len(TRUTH))] for i in range(n)]
        database.executemany(f"insert into truth values ({marks(truth[0])})", truth)
        first += n
    database.execute("create index of_event on pulses (event_no)")
    database.commit()
    database.close()


def marks(columns):
    """A question mark for each column."""
    return ",".join("?" * len(columns))


def query(path, table, columns, number):
    """Rows of one event."""
    database = sqlite3.connect(path)
    found = database.execute(f"select {', '.join(columns)} from {table} where event_no = {number}").fetchall()
    database.close()
    return np.asarray(found)


def graph(path, number, k):
    """One event: its features, edges, labels, and columns by name."""
    pulses, truth = query(path, "pulses", FEATURES, number), query(path, "truth", TRUTH, number)
    x = torch.tensor(pulses.reshape(-1, len(FEATURES)), dtype=torch.float32)
    for column in range(len(FEATURES)):
        x[:, column] = (x[:, column] - 0.5) / 0.5
    n = min(k, max(len(x) - 1, 0))
    source = torch.cdist(x[:, :3], x[:, :3]).fill_diagonal_(torch.inf).topk(n, largest=False)[1]
    edges = torch.stack([source.flatten(), torch.arange(len(x)).repeat_interleave(n)])
    labels = {name: torch.tensor(value) for name, value in zip(TRUTH, truth[0].tolist(), strict=True)}
    columns = {name: x[:, i].detach() for i, name in enumerate(FEATURES)}
    return {"features of nodes": x, "edges": edges, "n_pulses": torch.tensor(len(x))} | labels | columns


def batch(graphs):
    """Graphs put together: rows after rows, edges shifted, labels stacked."""
    counts = [len(g["features of nodes"]) for g in graphs]
    shifts = np.cumsum([0, *counts[:-1]])
    together = {}
    for name, value in graphs[0].items():
        values = [g[name] for g in graphs]
        if name == "edges":
            together[name] = torch.cat([v + int(s) for v, s in zip(values, shifts, strict=True)], 1)
        else:
            together[name] = torch.stack(values) if value.ndim == 0 else torch.cat(values)
    together["batch"] = torch.arange(len(graphs)).repeat_interleave(torch.tensor(counts))
    return together
