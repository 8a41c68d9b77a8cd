"""Who events are, and what they weigh, through every written format."""

import pytest
import torch
from format_fixture import all_fixtures
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.formats import read

WRITTEN = {fixture.name: fixture for fixture in all_fixtures() if fixture.format.write is not None}
IDENTITY = ("run", "subrun", "event")
HELD = {
    "spine": (*IDENTITY, "weight"),
    "graphnet sqlite": (*IDENTITY, "weight"),
    "graphnet parquet": (*IDENTITY, "weight"),
    "graphnet nested": (*IDENTITY, "weight"),
    "larcv3": IDENTITY,
    "numl": IDENTITY,
    "nugraph": IDENTITY,
    "watchmal": ("event",),
    "wire-cell-frames": ("event",),
    "wire-cell-depos": ("event",),
    "pilarnet-v1": (),
    "pilarnet-v2": (),
}
"""What each format has a place for; in PILArNet-M an event is its row."""

numbers = st.integers(0, 2**31 - 1)  # some formats have 32 bits, Wire-Cell no sign
weights = st.floats(allow_nan=False, allow_infinity=False)
several = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(params=WRITTEN, ids=str)
def made(request, tmp_path):
    """The fixture of a written format, and its events."""
    fixture = WRITTEN[request.param]
    return fixture, read(fixture.made(tmp_path / "made"))


def named(events, rows):
    """The same events with other identities and weights: (run, subrun, event, weight) of each."""
    columns = dict(zip((*IDENTITY, "weight"), zip(*rows, strict=True), strict=True))
    kinds = dict.fromkeys(IDENTITY, torch.int64) | {"weight": torch.float64}
    table = events["event"].with_columns({n: torch.tensor(v, dtype=kinds[n]) for n, v in columns.items()})
    return events.with_table("event", table)


def told(events, held):
    """By identity and weight, how many rows each event has in every table."""
    columns = [events["event"][name].tolist() for name in held]
    counts = [events[name].counts.tolist() for name in sorted(events.tables)]
    return sorted(zip(*columns, *counts, strict=True))


def test_every_written_format_says_what_it_holds():
    assert set(HELD) == set(WRITTEN)


@several
@given(data=st.data())
def test_identity_and_weight_come_back(made, tmp_path, data):
    fixture, events = made
    n, held = len(events), HELD[fixture.name]
    event = data.draw(st.lists(numbers, min_size=n, max_size=n, unique=True))
    others = data.draw(st.lists(st.tuples(numbers, numbers, weights), min_size=n, max_size=n))
    first = named(events, [(run, subrun, e, w) for e, (run, subrun, w) in zip(event, others, strict=True)])
    cut = data.draw(st.integers(1, n - 1))
    out = tmp_path / f"written{len(list(tmp_path.iterdir()))}"
    fixture.format.write(out, iter([first[:cut], first[cut:]]), fixture.detector)
    again = read(out)
    assert told(first, held) == told(again, held)
    for name in {*IDENTITY, "weight"} - set(held):
        nothing = torch.arange(n) if name == "event" else torch.full((n,), float(name == "weight"))
        assert again["event"][name].tolist() == nothing.tolist(), f"{name} is said not to be held"


@several
@given(name=st.sampled_from(IDENTITY), number=st.sampled_from([-1, -(2**31) - 1, 2**31, 2**53 + 1, 2**63 - 1]))
def test_numbers_that_a_format_cannot_hold_are_refused_and_never_changed(made, tmp_path, name, number):
    fixture, events = made
    held = HELD[fixture.name]
    table = events["event"]
    odd = events.with_table("event", table.with_columns({name: torch.cat([torch.tensor([number]), table[name][1:]])}))
    out = tmp_path / f"written{len(list(tmp_path.iterdir()))}"
    try:
        fixture.format.write(out, iter([odd]), fixture.detector)
    except InputError:
        return
    assert told(odd, held) == told(read(out), held)


def test_events_stay_the_same_without_weights(made, tmp_path):
    fixture, events = made
    plain = events.with_table("event", events["event"].only([n for n in events["event"] if n != "weight"]))
    fixture.format.write(tmp_path / "plain", iter([plain]), fixture.detector)
    assert isinstance(again := read(tmp_path / "plain"), Events)
    assert (again["event"]["weight"] == 1).all()
