import pickle

import pytest
import torch

from nuforge.events import Column, Table, offsets_of


def table(counts=(2, 0, 3)):
    n = sum(counts)
    return Table.from_counts({"x": torch.arange(n), "position": torch.rand(n, 3)}, torch.tensor(counts))


def test_offsets_are_the_sum_of_the_counts_before():
    assert offsets_of(torch.tensor([2, 0, 3])).tolist() == [0, 2, 2, 5]
    assert offsets_of(torch.tensor([], dtype=torch.int64)).tolist() == [0]


def test_every_row_knows_its_event():
    assert table().batch.tolist() == [0, 0, 2, 2, 2]
    assert table().counts.tolist() == [2, 0, 3]
    assert table().n_events == 3
    assert len(table()) == 5


def test_a_column_has_one_entry_per_row():
    with pytest.raises(ValueError, match="column 'x' has 3 rows but the offsets end at 4"):
        Table({"x": torch.zeros(3)}, torch.tensor([0, 4]))


@pytest.mark.parametrize("offsets", [[1, 3], [0, 3, 2]])
def test_offsets_start_at_zero_and_never_fall(offsets):
    with pytest.raises(ValueError, match="offsets must start at 0 and never fall"):
        Table({}, torch.tensor(offsets))


def test_offsets_are_int64():
    with pytest.raises(ValueError, match="offsets must be int64"):
        Table({}, torch.tensor([0, 1], dtype=torch.int32))


def test_an_index_column_is_int64():
    with pytest.raises(ValueError, match=r"index column 'x' must be int64, got torch.float32"):
        Table({"x": torch.zeros(2)}, torch.tensor([0, 2]), {"x": "hits"})


def test_a_description_says_which_column_is_an_index():
    t = Table({"x": torch.arange(2)}, torch.tensor([0, 2]), about={"x": Column("", "an index", "truth", "hits")})
    assert dict(t.refers_to) == {"x": "hits"}
    assert dict(t.with_columns({"x": torch.arange(2)}).refers_to) == {"x": "hits"}


def test_an_unknown_column_is_refused_with_those_there_are():
    with pytest.raises(KeyError, match=r"no column 'y'; this table has \['position', 'x'\]"):
        table()["y"]


def test_a_table_cannot_be_changed_through_its_mappings():
    with pytest.raises(TypeError):
        table().columns["x"] = torch.zeros(5)


def test_a_table_survives_the_way_to_another_process():
    t = Table(
        {"x": torch.arange(2)}, torch.tensor([0, 2]), {"x": "hits"}, {"x": Column("", "an index", "truth", "hits")}
    )
    t.batch  # noqa: B018  cached values stay behind
    twin = pickle.loads(pickle.dumps(t))
    assert torch.equal(twin["x"], t["x"])
    assert dict(twin.about) == dict(t.about)
    assert dict(twin.refers_to) == dict(t.refers_to)


def test_only_and_with_role_keep_what_they_say():
    about = {"a": Column("cm", "a", "readout"), "b": Column("", "b", "truth", "hits")}
    t = Table({"a": torch.zeros(2), "b": torch.arange(2)}, torch.tensor([0, 2]), about=about)
    assert list(t.with_role("readout")) == ["a"]
    assert dict(t.with_role("readout").refers_to) == {}
    assert dict(t.only(["b"]).refers_to) == {"b": "hits"}
