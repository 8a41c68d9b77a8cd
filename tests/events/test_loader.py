import itertools
import pickle

import pytest
import torch
from torch.utils.data import DataLoader
from toys import assert_same, toy_events

from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.events import store as store_module
from nuforge.events.loader import Loader
from nuforge.events.plan import Plan
from nuforge.events.split import SIDES, side_of
from nuforge.events.store import Store, finish, write_shard

RESIDENT = {"memory": 1 << 30}
WINDOWS = {"memory": 40_000}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """100 events in 5 shards of several row groups."""
    folder = tmp_path_factory.mktemp("store")
    before, store_module._GROUP_BYTES = store_module._GROUP_BYTES, 4000
    for run in range(5):
        events = toy_events([(7 * i + run) % 11 for i in range(20)], seed=run, run=run)
        write_shard(folder, run, events)
    store_module._GROUP_BYTES = before
    finish(folder, events, detector=None, provenance={}, shards=5)
    return Store(folder)


def names(batches):
    """Who the events of batches are."""
    return [
        tuple(pair)
        for b in batches
        for pair in zip(b["event"]["run"].tolist(), b["event"]["event"].tolist(), strict=True)
    ]


def take(loader, n):
    return [batch for batch, _ in zip(loader, range(n), strict=False)]


@pytest.mark.parametrize("memory", [RESIDENT, WINDOWS], ids=["resident", "windows"])
def test_a_pass_has_every_event_once_whole(store, memory):
    loader = Loader(store, 8, **memory)
    assert loader._resident == (memory is RESIDENT)
    batches = list(loader)
    assert len(batches) == len(loader) == 13
    assert [len(b) for b in batches] == [8] * 12 + [4]
    assert sorted(names(batches)) == sorted(names([store.read()]))
    assert names(batches) != names([store.read()])
    whole = store.read()
    number = [20 * run + event for run, event in names(batches)]
    assert_same(Events.concat(batches), whole.select(torch.tensor(number)))


@pytest.mark.parametrize("memory", [RESIDENT, WINDOWS], ids=["resident", "windows"])
def test_without_shuffle_events_come_in_order(store, memory):
    assert_same(Events.concat(list(Loader(store, 7, shuffle=False, **memory))), store.read())


def test_sides_share_no_event_and_have_all(store):
    found = {side: names(Loader(store, 16, side=side, validation=0.2, test=0.2)) for side in SIDES}
    assert sorted(itertools.chain(*found.values())) == sorted(names([store.read()]))
    for i, side in enumerate(SIDES):
        for batch in Loader(store, 16, side=side, validation=0.2, test=0.2):
            assert (side_of(batch["event"], 0.2, 0.2) == i).all()


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # more workers than cores are no matter here
@pytest.mark.parametrize("endless", [False, True])
@pytest.mark.parametrize(
    ("memory", "workers"),
    [(RESIDENT, 2), (WINDOWS, 1), (WINDOWS, 2), (WINDOWS, 3)],
    ids=["resident-2", "windows-1", "windows-2", "windows-3"],
)
def test_batches_are_the_same_with_any_number_of_workers(store, endless, memory, workers):
    alone = Loader(store, 8, endless=endless, seed=3, **memory)
    together = DataLoader(Loader(store, 8, endless=endless, seed=3, **memory), batch_size=None, num_workers=workers)
    n = 20 if endless else 13
    for one, other in zip(take(alone, n), take(together, n), strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("memory", [RESIDENT, WINDOWS], ids=["resident", "windows"])
def test_an_endless_run_resumes_at_any_step(store, memory):
    whole = take(Loader(store, 8, endless=True, seed=1, **memory), 40)
    for k in (0, 1, 13, 37):
        assert_same(take(Loader(store, 8, endless=True, seed=1, start=k, **memory), 1)[0], whole[k])
        assert_same(Loader(store, 8, endless=True, seed=1, **memory).step(k), whole[k])


@pytest.mark.parametrize("memory", [RESIDENT, WINDOWS], ids=["resident", "windows"])
def test_endless_batches_are_full_and_see_every_event_about_equally_often(store, memory):
    batches = take(Loader(store, 8, endless=True, **memory), 125)  # 1000 events: 10 epochs of 100
    assert {len(b) for b in batches} == {8}
    seen = names(batches)
    counts = [seen.count(name) for name in set(seen)]
    assert len(counts) == 100
    assert min(counts) >= 8
    assert max(counts) <= 12


def test_ranks_divide_an_epoch(store):
    ranks = [names(Loader(store, 8, rank=r, world=3)) for r in range(3)]
    assert sorted(itertools.chain(*ranks)) == sorted(names([store.read()]))
    lanes = [names(take(Loader(store, 5, rank=r, world=2, endless=True), 10)) for r in range(2)]
    assert not set(lanes[0]) & set(lanes[1])


def test_epochs_and_seeds_differ(store):
    loader = Loader(store, 100)
    first = names(loader)
    loader.set_epoch(1)
    second = names(loader)
    assert sorted(first) == sorted(second)
    assert first != second
    assert names(Loader(store, 100, seed=1)) != first
    assert names(Loader(store, 100)) == first


def test_batches_larger_than_the_side_repeat_events_of_later_epochs(store):
    batch = take(Loader(store, 250, endless=True), 1)[0]
    assert len(batch) == 250
    assert len(set(names([batch])[:100])) == 100


def test_a_loader_goes_to_another_process_without_what_it_decoded(store):
    loader = Loader(store, 8)
    loader.step(0)
    assert len(pickle.dumps(loader)) < 200_000
    assert_same(pickle.loads(pickle.dumps(loader)).step(0), loader.step(0))


def test_tables_are_chosen(store):
    assert set(Loader(store, 8, tables=["hits"]).step(0).tables) == {"event", "hits"}


def test_an_endless_loader_has_no_length(store):
    with pytest.raises(TypeError, match="an endless loader has no length"):
        len(Loader(store, 8, endless=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch": 0}, "batch must be 1 event at least"),
        ({"side": "training"}, "side must be one of"),
        ({"rank": 2, "world": 2}, "rank must be 0 to 1"),
        ({"start": -1}, "start must be a step from 0 on"),
        ({"memory": 0}, "memory must be a positive number of bytes"),
    ],
)
def test_arguments_out_of_range_are_refused(store, arguments, message):
    with pytest.raises(ValueError, match=message):
        Loader(store, **{"batch": 8, **arguments})


def test_a_side_without_events_is_refused(store):
    with pytest.raises(InputError, match="has 0 of its 100 events on side 'test'"):
        Loader(store, 8, side="test", test=0.0)


def test_a_plan_holds_each_lane_apart_and_forgets_few():
    plan = Plan(torch.tensor([13, 0, 40, 7, 41]), lanes=4, window=6, seed=0, shuffle=True)
    spans = [span for k in range(4 * 5) for span in plan.step(k, 5)]  # 25 events of each lane: one epoch
    seen = torch.cat([plan.events_of(plan.line(span.epoch), span)[span.first : span.end] for span in spans])
    assert len(seen) == len(seen.unique()) == 100


def test_a_selection_chooses_among_the_events_of_a_side(store):
    whole = store.read()["event"]
    wanted = (side_of(whole) == SIDES.index("train")) & (whole["event"] >= 10) & (whole["run"] != 3)
    chosen = Loader(store, 8, side="train", select="event >= 10 & run != 3")
    assert chosen.n_events == int(wanted.sum())
    assert sorted(names(chosen)) == sorted(zip(*(whole[c][wanted].tolist() for c in ("run", "event")), strict=True))
    endless = Loader(store, 8, side="train", select="event >= 10 & run != 3", endless=True)
    assert set(names(take(endless, 20))) == set(names(chosen))


def test_a_selection_of_nothing_is_refused(store):
    with pytest.raises(InputError, match="on side 'test' with event > 99, expected 1 at least"):
        Loader(store, 8, side="test", select="event > 99")
