import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import assert_same, event_table, toy_events

from nuforge.events import STANDARD, Column, Events, Table

counts = st.lists(st.integers(0, 6), min_size=1, max_size=6)
few = settings(max_examples=30, deadline=None)


@few
@given(counts, counts)
def test_concat_shifts_indices_to_the_same_rows(a, b):
    one, other = toy_events(a, seed=1), toy_events(b, seed=2)
    both = Events.concat([one, other])
    for events, whole in ((one, both[: len(one)]), (other, both[len(one) :])):
        assert_same(events, whole)
    own_pdg = torch.cat([e["particles"]["pdg"][e["hits"]["particle"]] for e in (one, other)])
    assert torch.equal(both["particles"]["pdg"][both["hits"]["particle"]], own_pdg)


@few
@given(counts)
def test_events_one_by_one_put_together_are_the_events(a):
    events = toy_events(a)
    assert_same(Events.concat(list(events)), events)


@few
@given(counts)
def test_a_batch_of_one_is_its_event(a):
    events = toy_events(a)
    for i, n in enumerate(a):
        alone = events.event(i)
        assert len(alone) == 1
        assert len(alone["hits"]) == n
        assert_same(alone.event(0), alone)
        parent = alone["particles"]["parent"]
        assert parent.tolist() == list(range(-1, len(parent) - 1))


@few
@given(counts, st.integers(0, 100))
def test_a_permutation_and_its_inverse_change_nothing(a, seed):
    events = toy_events(a)
    order = torch.randperm(len(a), generator=torch.Generator().manual_seed(seed))
    assert_same(events.select(order).select(order.argsort()), events)


@few
@given(counts, st.integers(0, 6), st.integers(0, 6))
def test_a_slice_that_shares_memory_equals_a_choice_that_copies(a, i, j):
    events = toy_events(a)
    assert_same(events[i:j], events.select(torch.arange(len(a))[i:j]))


def test_a_slice_shares_memory():
    events = toy_events([2, 3, 4])
    assert events[1:]["hits"]["charge"].data_ptr() == events["hits"]["charge"][2:].data_ptr()


def test_events_can_be_chosen_twice_and_by_a_mask():
    events = toy_events([2, 0, 3])
    assert_same(events.select(torch.tensor([2, 2])), Events.concat([events.event(2)] * 2))
    assert_same(events[torch.tensor([True, False, True])], Events.concat([events.event(0), events.event(2)]))


def test_a_choice_of_no_events_has_no_rows():
    none = toy_events([2, 3])[torch.tensor([False, False])]
    assert len(none) == 0
    assert len(none["hits"]) == 0


@few
@given(counts, st.integers(0, 100))
def test_keep_leaves_every_index_on_its_row_or_on_none(a, seed):
    events = toy_events(a)
    mask = torch.rand(len(events["particles"]), generator=torch.Generator().manual_seed(seed)) < 0.5
    named = events["particles"].with_columns(
        {"name": torch.arange(len(mask))}, {"name": Column("", "who it was", "truth")}
    )
    kept = events.with_table("particles", named).keep("particles", mask)
    old, new = events["hits"]["particle"], kept["hits"]["particle"]
    assert torch.equal(new >= 0, mask[old])
    assert torch.equal(kept["particles"]["name"][new[new >= 0]], old[mask[old]])
    assert torch.equal(kept["particles"].batch, events["particles"].batch[mask])
    parent = kept["particles"]["parent"]
    has = parent >= 0
    assert torch.equal(kept["particles"]["name"][parent[has]], kept["particles"]["name"][has] - 1)


def test_readout_drops_truth_and_indices_into_it():
    readout = toy_events([2, 3]).readout()
    assert set(readout.tables) == {"event", "hits"}
    assert "weight" not in readout["event"]
    assert "particle" not in readout["hits"]
    assert all(about.role == "readout" for table in readout.tables.values() for about in table.about.values())


def test_no_standard_truth_passes_as_readout():
    for name, columns in STANDARD.items():
        n = torch.zeros(1, dtype=torch.int64)
        events = Events({name: Table(dict.fromkeys(columns, n), torch.tensor([0, 1])), "event": event_table(1)})
        seen = events.readout()
        assert name not in seen or all(columns[column].role == "readout" for column in seen[name])


def test_a_column_without_description_is_refused():
    with pytest.raises(ValueError, match="column 'mystery' of table 'hits' has no unit, meaning and role"):
        Events({"hits": Table({"mystery": torch.zeros(1)}, torch.tensor([0, 1]))})


def test_standard_descriptions_are_filled_in():
    assert toy_events([1])["hits"].about["position"].unit == "cm"


def test_without_a_table_its_indices_go_too():
    assert "particle" not in toy_events([2]).without("particles")["hits"]


def test_tables_share_their_events():
    with pytest.raises(ValueError, match="tables must share their events"):
        Events({"event": event_table(2), "hits": Table({"charge": torch.zeros(1)}, torch.tensor([0, 1]))})


def test_parts_have_the_same_tables_and_columns():
    with pytest.raises(ValueError, match="parts must have the same tables"):
        Events.concat([toy_events([1]), toy_events([1]).without("particles")])
    other = toy_events([1])
    other = other.with_table("hits", other["hits"].only(["charge"]))
    with pytest.raises(ValueError, match="parts of 'hits' must have the same columns"):
        Events.concat([toy_events([1]), other])


def test_nothing_put_together_is_refused():
    with pytest.raises(ValueError, match="concat needs at least one part"):
        Events.concat([])


def test_an_event_that_does_not_exist_is_refused():
    with pytest.raises(IndexError, match="event 2 does not exist, expected 0 to 1"):
        toy_events([1, 1]).event(2)


def test_events_survive_the_way_to_another_process():
    events = toy_events([2, 0, 3])
    assert_same(pickle.loads(pickle.dumps(events)), events)
