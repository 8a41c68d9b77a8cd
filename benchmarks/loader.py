"""From a store on disk to batches, on one core: beside plain pyarrow, and beside SQLite with one query per event.

The peer of the graphs does what GraphNeT does for each event (`peer_sqlite.py`), in plain torch.

    python benchmarks/loader.py --json benchmarks/results/loader.json
"""

import sys
import tempfile
from pathlib import Path

import peer_sqlite
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from inputs import hit_events
from rounds import compared, finish, options_of, ratio_target, row_of, target

from nuforge.events.loader import Loader
from nuforge.events.store import Store, write_shard
from nuforge.events.store import finish as finish_store
from nuforge.events.views import point_view
from nuforge.nn.points import nearest_graph

SHARDS = 5
NEIGHBOURS = 8
ORDER = "NuForge, in order"
FIRST, LATER = "NuForge, shuffled, first pass: decoded and kept", "NuForge, shuffled, later passes"
GRAPHS, PEER = "NuForge, from the store in order", "SQLite, event by event"


def written(folder, n_events, mean):
    """A store of events of so many hits in the mean."""
    generator = torch.Generator().manual_seed(0)
    for shard in range(SHARDS):
        events = hit_events(n_events // SHARDS, mean, generator, shard)
        write_shard(folder, shard, events)
    finish_store(folder, events, detector=None, provenance={}, shards=SHARDS)
    return Store(folder)


def plain_pyarrow(folder):
    """Every row group decoded, and nothing made of it."""
    for path in sorted(folder.glob("shard-*")):
        with pq.ParquetFile(path, memory_map=True) as file:
            for group in range(file.num_row_groups):
                file.read_row_group(group, use_threads=False)


def one_pass(loader):
    """Batches with all events once."""
    for n, _ in enumerate(loader):
        if loader.endless and (n + 1) * loader.batch >= loader.n_events:
            break


def reading(store, folder, mean, batch, rounds):
    """The table of reading one store."""
    n, size = len(store), store.bytes_per_event() * len(store)
    resident = Loader(store, batch, endless=True)
    calls = {
        ORDER: lambda: list(map(len, store.batches(batch))),
        FIRST: lambda: one_pass(Loader(store, batch)),
        LATER: lambda: one_pass(resident),
        "NuForge, shuffled in windows of half the store": lambda: one_pass(Loader(store, batch, memory=int(size))),
        "plain pyarrow, not made tensors": lambda: plain_pyarrow(folder),
    }
    title = f"{n:,} events of {mean} hits in the mean, batches of {batch}"
    amounts = {"events/s": n, "MB/s": size / 1e6}
    return compared(title, calls, rounds, "MB of decoded columns.", amounts=amounts)


def graphs(store, folder, batch, part, rounds):
    """The table of reading and building graphs of nearest neighbours."""
    n = len(store)
    path = folder / "events.db"
    peer_sqlite.write(store, path)
    resident = Loader(store, batch, endless=True)

    def ours(events):
        position, _, of_event = point_view(events)
        return nearest_graph(position, of_event, NEIGHBOURS)

    def from_memory():
        for i, events in enumerate(resident):
            ours(events)
            if (i + 1) * batch >= n:
                return

    calls = {
        GRAPHS: lambda: [ours(events) for events in store.batches(batch)],
        "NuForge, shuffled, later passes": from_memory,
        PEER: lambda: peer_sqlite.batch([peer_sqlite.graph(path, i, NEIGHBOURS) for i in range(part)]),
    }
    title = f"Reading and graphs of {NEIGHBOURS} nearest neighbours: {n:,} events of 40 hits in the mean"
    note = f"The time of SQLite is that of {part} events, times {n / part:g}."
    return compared(title, calls, rounds, note, amounts={"events/s": n}, scale={PEER: n / part})


def rate_target(what, table, name, unit, least):
    """That a row of a table does at least so many a second."""
    value = row_of(table, name)[unit]
    return target(what, f"at least {least:,} {unit}", f"{value:,} {unit}", value >= least)


def main(words=None):
    options = options_of(__doc__, words, rounds=7)
    torch.set_num_threads(1)
    pa.set_cpu_count(1)
    tables = []
    with tempfile.TemporaryDirectory() as short, tempfile.TemporaryDirectory() as long:
        folder = Path(short)
        store = written(folder, 50 if options.quick else 20_000, 40)
        tables.append(reading(store, folder, 40, 10 if options.quick else 512, options.rounds))
        part = 5 if options.quick else 400
        tables.append(graphs(store, folder, 10 if options.quick else 512, part, max(2, options.rounds // 2)))
        folder = Path(long)
        store = written(folder, 10 if options.quick else 200, 50 if options.quick else 5000)
        tables.insert(1, reading(store, folder, 5000, 2 if options.quick else 16, options.rounds))
    targets = [
        rate_target("store to batches in order", tables[0], ORDER, "events/s", 200_000),
        rate_target("store to batches in order, long events", tables[1], ORDER, "MB/s", 300),
        rate_target("store to batches, shuffled, first pass", tables[0], FIRST, "events/s", 200_000),
        rate_target("store to batches, shuffled, later passes", tables[0], LATER, "events/s", 200_000),
        ratio_target("reading and graphs beside SQLite", tables[2], PEER, 20),
    ]
    return finish("loader", options, tables, targets)


if __name__ == "__main__":
    main()
    sys.exit(0)
