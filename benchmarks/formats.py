"""Reading third-party formats on one core: each reader beside its plain library reading the same columns; its memory.

The files are those of the tests' fixtures with many events, compressed where the writers of the format compress, and
real ones where they are. The plain library (`format_peers.py`) is told where the columns are, so NuForge is not timed
while it finds out which format a file has. Times are of the processor. Memory is the most that a process of its own
grows by, for a file and for one of twice its length.

    python benchmarks/formats.py --json benchmarks/results/formats.json
"""

import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

import pyarrow
import torch
from format_peers import peer, watched
from rounds import ROOT, compared, finish, options_of, row_of, target

from nuforge.experiments.convert import batch_events_of
from nuforge.formats import format_of

FIXTURES = ROOT / "tests" / "formats"
DATA = ROOT.parent / "shared" / "data"
EVENTS = {"nova": 3000, "dune-cvn": 300, "wire-cell-frames": 1500, "wire-cell-depos": 5000, "dayabay": 600}
EVENTS |= {"pilarnet-v1": 10_000, "pilarnet-v2": 10_000, "larcv2": 1000, "next-waveforms": 10_000, "nugraph": 500}
EVENTS |= {"dune-cvn-file": 5, "km3net": 100, "nuhepmc": 5000, "kin": 5000, "hese": 1000, "wcsim": 10, "store": 50_000}
"""Events of the made file, if not as many as of most."""
MOST = 60_000

SLOWEST = 1.5
LARGEST = 3
FAIR = 1_000_000  # bytes: smaller files measure how a file is opened
AHEAD = 8_000_000  # bytes: smaller batches are less than the blocks of rows that are read, and the tables that are kept
BATCHES = 6  # of the shorter file whose memory is measured

ASIDE = "a table above 8 MB, whose rows may be in any order, is put aside as it is decoded, to be gone through again"
KEYS = "the column of events is read first where rows are many, for they may be in any order"
SPARSE = "images are stored dense and read sparse: what is not zero is sought and gets its place"
JOINED = "numbers of tracks and events become rows: parents, deposits and hits are joined"
ANGLES = "angles become directions of travel, energies momenta, and what stands for nothing NaN"
MANY = "many small datasets, each looked at before it is read"
SHORT = "some milliseconds: to open, to look at what is there and to name it takes as long as to read it"
WIDE = "columns become tensors of their own, in our units and types, of a file that is decoded in some milliseconds"
REASONS = {
    "segments": f"{JOINED}; {ASIDE}",
    "next-rows": f"{JOINED}; {ASIDE}",
    "next-extents": JOINED,
    "larpix-simulated": f"{JOINED}; {ASIDE}",
    "larpix": "packets are sorted by time and cut into bursts",
    "liquido": f"{SHORT}; {ANGLES}",
    "km3pipe": f"{JOINED}; {ASIDE}",
    "nova": SPARSE,
    "dune-cvn": SPARSE,
    "larcv3": "numbers of voxels become places, and tensors and clusters joined",
    "numl": JOINED,
    "dayabay": MANY,
    "pisa": f"{MANY}; {SHORT}",
    "nugraph": MANY,
    "charge-events": SHORT,
    "graphnet parquet": f"{WIDE}; {ANGLES}; {KEYS}",
    "graphnet nested": ANGLES,
    "icecube kaggle": f"{WIDE}; {ANGLES}",
    "prometheus": f"{WIDE}; {ANGLES}; {JOINED}",
    "watchmal": "names of files become numbers of sources, angles momenta",
    "lh5": f"samples of 16 bits become 32, which tensors can be worked with; {SHORT}",
}
"""What readers do beyond decoding, as profiles show, of those that may take longer than the goal."""


def fixtures():
    """The fixtures of the tests, by name."""
    if str(FIXTURES) not in sys.path:
        sys.path.insert(0, str(FIXTURES))
    found = import_module("format_fixture").all_fixtures()
    return {fixture.name: fixture for fixture in found}


def size_of(path):
    """Bytes of a file, or of all files of a folder."""
    return path.stat().st_size if path.is_file() else sum(file.stat().st_size for file in path.rglob("*.*"))


def measured(name, reason, path, rounds, targets):
    """The table of one file; what is compared with the goal is added to the targets."""
    batch, size, found = batch_events_of(path), size_of(path), format_of(path)

    def read():
        for _ in found.events(path, batch):
            pass

    with watched() as asked:
        read()
    library = peer(asked)
    calls = {library[0]: library[1]} if library else {}
    title = f"{name}: {found.title}, {size / 1e6:.3g} MB, {batch} events at a time"
    note = "" if library else "No plain library reads this format."
    rates = {"MB/s": size / 1e6}
    table = compared(title, {**calls, "NuForge": read}, rounds, note, amounts=rates, clock=time.process_time)
    if library and size > FAIR:
        row = row_of(table, "NuForge")
        met = row["ratio"] <= SLOWEST
        value = f"{row['ratio']:g} times [{row['low']:g}, {row['high']:g}]" + (
            f": {reason}" if reason and not met else ""
        )
        targets.append(target(f"{name}: time of {library[0]}", f"at most {SLOWEST:g} times", value, met))
    return table


def remembered(made, targets):
    """The table of memory of pairs of files, one twice as long as the other, and the events read together of each."""
    from memory_probe import MARK, grown

    from nuforge.formats.hdf5 import KEPT

    if not MARK.exists():
        return []
    found = iter(grown([(path, batch) for _, paths, batch in made for path in paths], KEPT))
    rows = []
    for name, _, batch in made:
        short, long = next(found), next(found)
        rows.append([name, batch, *(f"{n / 1e6:.3g}" for n in (short.largest, short.peak, long.peak))])
        ratio = long.peak / max(1, long.largest)
        what = f"{name}: memory, {long.batches} batches of {long.largest / 1e6:.3g} MB"
        if long.largest > AHEAD:
            targets.append(target(what, f"at most {LARGEST} batches", f"{ratio:.2g} batches", ratio <= LARGEST))
    columns = ["format", "events at a time", "MB of the largest batch", "MB grown by", "MB grown by, twice the length"]
    return [{"title": "Memory", "columns": columns, "rows": rows}]


def main(words=None):
    """Measures every format that has a fixture, and the real files of some."""
    options = options_of(__doc__, words, rounds=5, numbers=[("events", f"events of most files, {MOST} by default")])
    scale = (options.events or MOST) / MOST
    torch.set_num_threads(1)
    pyarrow.set_cpu_count(1)
    tables, targets, made = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, fixture in fixtures().items():
            variant = "compressed" if "compressed" in fixture.variants else "plain"
            events = 5 if options.quick else max(10, int(scale * EVENTS.get(name, MOST)))
            paths = {f"{name} (made)": fixture.make(Path(folder) / name, events, 0, variant)}
            if not options.quick:
                real = [DATA / path for path in fixture.real if (DATA / path).is_file()]
                paths |= {f"{name} ({path.name})": path for path in real if path.stat().st_size > FAIR}
                path = paths[f"{name} (made)"]
                twice = fixture.make(Path(folder) / f"{name} twice", 2 * events, 0, variant)
                made.append((name, (path, twice), max(1, min(batch_events_of(path), events // BATCHES))))
            for title, path in paths.items():
                tables.append(measured(title, REASONS.get(name), path, options.rounds, targets))
        if made:
            tables += remembered(made, targets)
    return finish("formats", options, tables, targets)


if __name__ == "__main__":
    main()
