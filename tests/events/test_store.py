import json

import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toys import assert_same, event_table, toy_events

from nuforge.errors import InputError, MissingFileError
from nuforge.events import Column, Events, Table
from nuforge.events import store as store_module
from nuforge.events.arrow import describe, from_arrow, to_arrow
from nuforge.events.store import (
    SCHEMA,
    Store,
    finish,
    read_shard,
    shard_path,
    write_json,
    write_shard,
    write_shard_of_parts,
)
from nuforge.events.write_store import bytes_of, write_store


def write(folder, shards, detector=None):
    for number, events in enumerate(shards):
        write_shard(folder, number, events)
    finish(folder, shards[0], detector=detector, provenance={"sample": "toy"}, shards=len(shards))
    return Store(folder)


@pytest.fixture
def small_groups(monkeypatch):
    """A few events in a row group."""
    monkeypatch.setattr(store_module, "_GROUP_BYTES", 1500)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=5), min_size=1, max_size=3))
def test_what_is_written_is_read(tmp_path_factory, counts):
    parts = [toy_events(c, seed=i, run=i) for i, c in enumerate(counts)]
    store = write(tmp_path_factory.mktemp("store"), parts)
    assert len(store) == sum(map(len, counts))
    assert_same(store.read(), Events.concat(parts))


@pytest.mark.parametrize("name", ["uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "bool"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
def test_every_type_and_shape_survives(name, shape):
    values = (torch.arange(60).reshape(15, 2, 2)[:, : (shape or (1,))[0], : (shape[1:] or (1,))[0]]).reshape(-1)
    values = values[: 5 * torch.Size(shape).numel()].reshape(5, *shape).to(getattr(torch, name))
    about = {"x": Column("", "anything", "readout")}
    events = Events(
        {"event": event_table(3), "t": Table.from_counts({"x": values}, torch.tensor([2, 0, 3]), about=about)}
    )
    assert_same(from_arrow(to_arrow(events), describe(events)), events)


def test_rows_are_events_and_columns_are_plain_lists(tmp_path):
    events = toy_events([2, 0, 3])
    write(tmp_path, [events])
    rows = pq.read_table(shard_path(tmp_path, 0)).to_pylist()
    assert [len(row["hits.charge"]) for row in rows] == [2, 0, 3]
    assert rows[2]["event.event"] == 2
    assert rows[2]["hits.position"] == events.event(2)["hits"]["position"].tolist()
    assert str(pq.read_schema(shard_path(tmp_path, 0)).field("hits.position").type) == (
        "list<element: fixed_size_list<element: float not null>[3] not null>"
    )


def test_index_columns_number_rows_of_their_event_on_disk(tmp_path):
    write(tmp_path, [toy_events([4, 4])])
    rows = pq.read_table(shard_path(tmp_path, 0)).to_pylist()
    assert [row["particles.parent"] for row in rows] == [[-1, 0], [-1, 0]]


def test_the_json_says_unit_meaning_role_type_and_target_of_every_column(tmp_path):
    write(tmp_path, [toy_events([1])], detector={"name": "toy"})
    content = json.loads((tmp_path / "store.json").read_text())
    assert content["schema"] == SCHEMA
    assert content["detector"] == {"name": "toy"}
    assert content["provenance"] == {"sample": "toy"}
    assert content["shards"] == 1
    assert content["tables"]["hits"]["position"] == {
        "unit": "cm",
        "meaning": "where",
        "role": "readout",
        "dtype": "float32",
        "shape": [3],
        "refers_to": None,
    }
    assert content["tables"]["hits"]["particle"]["refers_to"] == "particles"


def test_the_same_events_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, [toy_events([2, 3])])
    for file in ("shard-000000.parquet", "store.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_some_tables_are_read_without_the_others(tmp_path):
    store = write(tmp_path, [toy_events([2, 3])])
    hits = store.read(["hits"])
    assert set(hits.tables) == {"event", "hits"}
    assert "particle" not in hits["hits"]
    assert_same(store.read(["hits", "particles"]), store.read())


def test_an_unknown_table_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(InputError, match=r"no table 'voxels'; this store has \['event', 'hits', 'particles'\]"):
        write(tmp_path, [toy_events([1])]).read(["voxels"])


@pytest.mark.usefixtures("small_groups")
@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_batches_in_order_are_the_events(tmp_path, size):
    store = write(tmp_path, [toy_events([3, 0, 2, 9, 4, 1, 5], seed=i, run=i) for i in range(3)])
    assert len(store.group_offsets) > 6
    batches = list(store.batches(size))
    assert [len(batch) for batch in batches] == [min(size, 21 - i) for i in range(0, 21, size)]
    assert_same(Events.concat(batches), store.read())


def test_identity_is_the_event_table(tmp_path):
    store = write(tmp_path, [toy_events([3, 0], run=0), toy_events([1], run=1)])
    assert store.identity()["run"].tolist() == [0, 0, 1]


def test_the_size_of_an_event_is_known_without_reading_it(tmp_path):
    events = toy_events([100, 300])
    size = sum(c.nbytes for table in events.tables.values() for c in table.columns.values())
    assert write(tmp_path, [events]).bytes_per_event() == pytest.approx(size / 2, rel=0.01)


def test_a_shard_describes_itself(tmp_path):
    events = toy_events([2, 3])
    assert_same(read_shard(write_shard(tmp_path, 0, events)), events)


def test_a_link_into_another_event_is_refused(tmp_path):
    events = toy_events([2, 2])
    hits = events["hits"].with_columns({"particle": torch.tensor([0, 0, 0, 1])})
    with pytest.raises(ValueError, match=r"column 'hits.particle' row 2 is 0, a row of 'particles' in another event"):
        write_shard(tmp_path, 0, events.with_table("hits", hits))


def test_an_index_without_its_table_is_refused(tmp_path):
    events = Events({name: table for name, table in toy_events([2]).tables.items() if name != "particles"})
    with pytest.raises(ValueError, match=r"'hits.particle' numbers rows of 'particles', which is not there"):
        write_shard(tmp_path, 0, events)


def test_a_shard_without_events_is_refused(tmp_path):
    with pytest.raises(ValueError, match="shard 0 has no events"):
        write_shard(tmp_path, 0, toy_events([1])[0:0])


def test_an_event_has_one_row_in_event(tmp_path):
    with pytest.raises(ValueError, match="table 'event' must have one row an event"):
        write_shard(tmp_path, 0, Events({"event": Table({"run": torch.zeros(2)}, torch.tensor([0, 2]))}))


def test_nothing_half_written_has_the_name_of_a_shard(tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(store_module.os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path, 0, toy_events([1]))
    assert not list(tmp_path.glob("shard-*"))


def test_a_shard_of_parts_has_their_events_in_order(tmp_path):
    parts = [toy_events([2, 3]), toy_events([4])[0:0], toy_events([1])]
    assert_same(read_shard(write_shard_of_parts(tmp_path, 0, iter(parts))), Events.concat(parts))


def test_a_shard_does_not_depend_on_how_small_its_parts_are(tmp_path):
    events = toy_events([2, 3, 0, 1])
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    write_shard(whole, 0, events)
    write_shard_of_parts(parts, 0, (events.event(i) for i in range(4)))
    assert_same(read_shard(shard_path(whole, 0)), read_shard(shard_path(parts, 0)))
    assert [pq.read_metadata(shard_path(folder, 0)).num_row_groups for folder in (whole, parts)] == [1, 1]


def test_parts_of_a_shard_have_the_same_columns_and_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="the parts of a shard differ"):
        write_shard_of_parts(tmp_path, 0, [toy_events([2]), toy_events([2]).without("hits")])
    assert not list(tmp_path.iterdir())


def test_a_store_of_a_stream_has_shards_of_bounded_size(tmp_path, monkeypatch):
    events = toy_events([2, 2, 2, 2])
    monkeypatch.setattr("nuforge.events.write_store.SHARD_BYTES", bytes_of(events.event(0)) + 1)
    write_store(tmp_path / "new", (events.event(i) for i in range(4)), detector=None, provenance={})
    store = Store(tmp_path / "new")
    assert store.description["shards"] == 2
    assert_same(store.read(), events)


def test_a_store_needs_events(tmp_path):
    with pytest.raises(InputError, match="no events for the store"):
        write_store(tmp_path, [], detector=None, provenance={})


def test_a_store_is_finished_when_all_its_shards_are_there(tmp_path):
    write_shard(tmp_path, 0, toy_events([1]))
    with pytest.raises(InputError, match=r"has 1 of 2 shards"):
        finish(tmp_path, toy_events([1]), detector=None, provenance={}, shards=2)
    with pytest.raises(InputError, match=r"is unfinished: 1 shards but no store.json"):
        Store(tmp_path)


def test_a_missing_store_is_a_missing_file(tmp_path):
    with pytest.raises(MissingFileError, match="there is no such folder"):
        Store(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError):
        Store(tmp_path / "nothing")
    with pytest.raises(InputError, match="is no store"):
        Store(tmp_path)


def test_a_newer_store_is_refused(tmp_path):
    write(tmp_path, [toy_events([1])])
    content = json.loads((tmp_path / "store.json").read_text())
    write_json(tmp_path / "store.json", {**content, "schema": SCHEMA + 1})
    with pytest.raises(InputError, match=f"has schema version {SCHEMA + 1}, expected {SCHEMA} at most; update nuforge"):
        Store(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "\xff", '{"schema": 1}', '{"schema": 1, "shards": "x", "tables": {}}'])
def test_a_damaged_description_is_refused_in_one_line(tmp_path, text):
    write(tmp_path, [toy_events([1])])
    (tmp_path / "store.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"store.json") as error:
        Store(tmp_path)
    assert "\n" not in str(error.value)


def test_a_lost_shard_is_named(tmp_path):
    write(tmp_path, [toy_events([1]), toy_events([1])])
    shard_path(tmp_path, 1).unlink()
    with pytest.raises(InputError, match=r"lacks shard-000001.parquet of its 2 shards"):
        Store(tmp_path)


def test_a_shard_cut_short_is_refused_in_one_line(tmp_path):
    write(tmp_path, [toy_events([50])])
    path = shard_path(tmp_path, 0)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"shard .*shard-000000.parquet is damaged") as error:
        Store(tmp_path)
    assert "\n" not in str(error.value)


def test_a_changed_byte_anywhere_in_the_data_is_found(tmp_path):
    write(tmp_path, [toy_events([500])])
    path = shard_path(tmp_path, 0)
    whole = path.read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for place in range(40, footer, footer // 40):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            read = Store(tmp_path).read()
        except InputError as error:
            assert "is damaged" in str(error)  # noqa: PT017
        else:
            assert_same(read, toy_events([500]))  # a byte of a page's header that means nothing


def test_a_shard_of_another_sample_is_refused(tmp_path):
    write(tmp_path, [toy_events([1])])
    write_shard(tmp_path, 0, toy_events([1]).without("hits"))
    with pytest.raises(InputError, match=r"column 'hits.charge' of .* must be list.*got no such column"):
        Store(tmp_path)
