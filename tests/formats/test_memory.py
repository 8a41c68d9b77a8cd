"""Memory of reading: a few batches, however long the file is."""

import pytest
from format_fixture import all_fixtures
from memory_probe import MARK, grown

MB = 1_000_000
FORMATS = {fixture.name: fixture for fixture in all_fixtures()}
EVENTS = {
    "watchmal": 150_000,
    "segments": 150_000,
    "liquido": 150_000,
    "km3pipe": 60_000,
    "next-rows": 100_000,
    "larpix-simulated": 60_000,
    "numl": 60_000,
    "pilarnet-v2": 3000,
    "nova": 1200,
    "graphnet parquet": 150_000,
    "graphnet nested": 100_000,
    "graphnet sqlite": 30_000,
}
"""Rows end to end, with a key in blocks, with a key in a table, in cells, dense: events of the shorter file."""

BATCHES = 5  # of the shorter file

BLOCKS = {"graphnet parquet": 120 * MB, "graphnet nested": 70 * MB}
"""Beside the batches, of formats that need more than `FEW`: Parquet's reader holds some 2 MB a column of each file."""

FEW = 36 * MB
"""Blocks of rows, where the rows of events are, and what allocators keep, which differs by some MB from run to run."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """By format what the shorter file took, and one of twice its length."""
    folder, files = tmp_path_factory.mktemp("memory"), []
    for name, n in EVENTS.items():
        paths = [FORMATS[name].make(folder / f"{name}{times}", times * n, 0, "plain") for times in (1, 2)]
        files += [(path, n // BATCHES) for path in paths]
    found = grown(files)
    return dict(zip(EVENTS, zip(found[::2], found[1::2], strict=True), strict=True))


@pytest.mark.skipif(not MARK.exists(), reason="the high-water mark of a process is reset on Linux alone")
@pytest.mark.parametrize("name", EVENTS)
def test_memory_is_that_of_some_batches_and_not_of_the_file(measured, name):
    short, long = measured[name]
    assert long.batches > 1.5 * short.batches
    assert short.peak < 3 * short.largest + BLOCKS.get(name, FEW)
    more = (long.batches - short.batches) * long.largest
    assert long.peak < short.peak + 0.6 * more + 16 * MB  # where the rows of events are, for events of three rows
