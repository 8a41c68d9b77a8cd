"""Small events with every kind of column: numbers, vectors, booleans, and indices into other tables and their own."""

import torch

from nuforge.events import Column, Events, Table


def toy_events(hits_per_event, seed=0, run=0, source=7):
    """Events with so many hits each, and one particle for every two hits, whose parent is the one before it."""
    generator = torch.Generator().manual_seed(seed)
    hits = torch.tensor(hits_per_event, dtype=torch.int64)
    n_events, n = len(hits), int(hits.sum())
    particles = (hits + 1) // 2
    first = torch.nn.functional.pad(particles.cumsum(0), (1, 0))[:-1]
    rank = torch.arange(int(particles.sum())) - torch.repeat_interleave(first, particles)
    batch = torch.repeat_interleave(torch.arange(n_events), hits)
    of_hit = first[batch] + torch.randint(0, 1000, (n,), generator=generator) % particles[batch].clamp(min=1)
    return Events(
        {
            "event": event_table(n_events, run, source),
            "particles": Table.from_counts(
                {
                    "pdg": torch.randint(-20, 20, (len(rank),), generator=generator),
                    "parent": torch.where(rank == 0, -1, torch.arange(len(rank)) - 1),
                },
                particles,
            ),
            "hits": Table.from_counts(
                {
                    "position": torch.rand(n, 3, generator=generator) * 100,
                    "time": torch.rand(n, generator=generator, dtype=torch.float64) * 1e9,
                    "charge": torch.rand(n, generator=generator),
                    "sensor": torch.randint(0, 100, (n,), generator=generator, dtype=torch.int32),
                    "particle": of_hit,
                    "saturated": torch.rand(n, generator=generator) < 0.1,
                    "trace": torch.randint(0, 9, (n, 2, 3), generator=generator, dtype=torch.int16),
                },
                hits,
                about={
                    "particle": Column("", "who made it", "truth", "particles"),
                    "saturated": Column("", "whether the sensor saturated", "readout"),
                    "trace": Column("", "two traces of three samples", "readout"),
                },
            ),
        }
    )


def event_table(n, run=0, source=7):
    """The identity of n events."""
    return Table(
        {
            "source": torch.full((n,), source),
            "run": torch.full((n,), run),
            "subrun": torch.zeros(n, dtype=torch.int64),
            "event": torch.arange(n),
            "variation": torch.zeros(n, dtype=torch.int64),
            "weight": torch.linspace(1, 2, n, dtype=torch.float64),
        },
        torch.arange(n + 1),
    )


def assert_same(one, other):
    """Two Events have the same tables, columns, numbers, types and descriptions."""
    assert set(one.tables) == set(other.tables)
    for name, table in one.tables.items():
        twin = other[name]
        assert set(table.columns) == set(twin.columns)
        assert torch.equal(table.offsets, twin.offsets)
        assert dict(table.refers_to) == dict(twin.refers_to)
        assert dict(table.about) == dict(twin.about)
        for column in table:
            assert table[column].dtype == twin[column].dtype, f"{name}.{column}"
            assert torch.equal(table[column], twin[column]), f"{name}.{column}"
