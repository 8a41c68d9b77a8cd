"""From a store on disk to batches, on one core: events and decoded megabytes a second, beside plain pyarrow.

Two samples: 100,000 events of 40 hits, and 1,000 events of 5,000 hits. `python benchmarks/loader.py [OUT.json]`
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from nuforge.events import Events, Table
from nuforge.events.loader import Loader
from nuforge.events.store import Store, finish, write_shard


def hits(n_events, mean, generator, run):
    """Events of so many hits in the mean, random in every column."""
    counts = torch.poisson(torch.full((n_events,), float(mean)), generator=generator).long()
    n = int(counts.sum())
    identity = {"source": 7, "run": run, "subrun": 0, "event": 0, "variation": 0}
    event = {name: torch.full((n_events,), value) for name, value in identity.items()}
    event["event"] = torch.arange(n_events)
    columns = {
        "position": torch.rand(n, 3, generator=generator),
        "time": torch.rand(n, generator=generator, dtype=torch.float64),
        "charge": torch.rand(n, generator=generator),
        "sensor": torch.randint(0, 1000, (n,), generator=generator),
    }
    return Events({"event": Table(event, torch.arange(n_events + 1)), "hits": Table.from_counts(columns, counts)})


def rate(n_events, size, run):
    """The best of three runs, in seconds of one core: events/s and MB/s."""
    best = min(_seconds(run) for _ in range(3))
    return {"events_per_s": round(n_events / best), "MB_per_s": round(size / best / 1e6)}


def _seconds(run):
    start = time.process_time()
    run()
    return time.process_time() - start


def plain_pyarrow(folder):
    for path in sorted(folder.glob("shard-*")):
        with pq.ParquetFile(path, memory_map=True) as file:
            for group in range(file.num_row_groups):
                file.read_row_group(group, use_threads=False)


def one_pass(loader):
    for n, batch in enumerate(loader):  # noqa: B007
        if loader.endless and (n + 1) * loader.batch >= loader.n_events:
            break


def measure(folder, batch):
    """Rates of one store."""
    store = Store(folder)
    n, size = len(store), store.bytes_per_event() * len(store)
    resident = Loader(store, batch, endless=True)
    resident.step(0)
    run = {
        "plain pyarrow, not made tensors": lambda: plain_pyarrow(folder),
        "in order": lambda: list(map(len, store.batches(batch))),
        "shuffled, first pass, decoded and kept": lambda: one_pass(Loader(store, batch)),
        "shuffled, later passes": lambda: one_pass(resident),
        "shuffled in windows of half the store": lambda: one_pass(Loader(store, batch, memory=int(size))),
    }
    return {name: rate(n, size, function) for name, function in run.items()}


def main():
    torch.set_num_threads(1)
    pa.set_cpu_count(1)
    results = {"torch": torch.__version__, "pyarrow": pa.__version__}
    for name, n_events, mean, batch in (("40 hits", 20_000, 40, 512), ("5000 hits", 200, 5000, 16)):
        with tempfile.TemporaryDirectory() as folder:
            generator = torch.Generator().manual_seed(0)
            for shard in range(5):
                events = hits(n_events, mean, generator, shard)
                write_shard(Path(folder), shard, events)
            finish(Path(folder), events, detector=None, provenance={}, shards=5)
            results[name] = measure(Path(folder), batch)
    text = json.dumps(results, indent=1)
    print(text)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text + "\n")


if __name__ == "__main__":
    main()
