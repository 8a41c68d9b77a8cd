import sqlite3

import numpy as np
import pyarrow as pa
import pytest
import torch
from fixtures_telescopes import make_folder, make_nested, make_sqlite, telescope
from pyarrow import parquet

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.formats import read, stream
from nuforge.formats.graphnet_parquet import GRAPHNET_NESTED, GRAPHNET_PARQUET
from nuforge.formats.graphnet_sqlite import GRAPHNET_SQLITE, write_graphnet_sqlite
from nuforge.formats.telescope import angles_of_arrival, arriving, travelling

MAKE = [make_sqlite, make_folder, make_nested]
FORMATS = [GRAPHNET_SQLITE, GRAPHNET_PARQUET, GRAPHNET_NESTED]


def assert_same(one, other):
    assert set(one.tables) == set(other.tables)
    for name, table in one.tables.items():
        assert torch.equal(table.offsets, other[name].offsets)
        for column in set(table) - {"source"}:
            torch.testing.assert_close(table[column], other[name][column], rtol=0, atol=0, equal_nan=True, msg=column)


@pytest.mark.parametrize("make", MAKE)
def test_the_three_layouts_hold_the_same(make, tmp_path):
    number = np.array([2, 5, 8])
    events = read(make(tmp_path / "file", 3, 0, "plain"))
    assert events["event"]["event"].tolist() == number.tolist()
    truth, pulses = telescope(3, 0, "plain")
    for i, n in enumerate(number):
        mine = events.event(i)["hits"]
        charge = np.float32(pulses["charge"][pulses["event_no"] == n])
        assert sorted(mine["charge"].tolist()) == sorted(charge.tolist())
    torch.testing.assert_close(events["truth"]["energy_track"], torch.from_numpy(1000 * truth["energy_track"]))
    assert events["interactions"]["neutrino"].tolist() == [-14, 0, -14]  # 13 is a muon of the atmosphere
    assert events["interactions"]["primary"].tolist() == [-14, 13, -14]
    assert events["event"]["run"].tolist() == [7, 7, 7]
    assert events["event"]["subrun"].tolist() == [8, 8, 8]


@pytest.mark.parametrize("made", MAKE)
@pytest.mark.parametrize("written", FORMATS, ids=lambda f: f.name)
def test_one_layout_becomes_another(made, written, tmp_path):
    events = read(made(tmp_path / "in", 5, 3, "plain"))
    written.write(tmp_path / "out", iter([events[:2], events[2:]]), None)
    assert_same(events, read(tmp_path / "out"))


def test_an_event_without_truth_is_an_event(tmp_path):
    path = make_sqlite(tmp_path / "file.db", 3, 0, "plain")
    base = sqlite3.connect(path)
    base.execute("DELETE FROM truth WHERE event_no = 8")
    base.commit()
    base.close()
    events = read(path)
    assert events["interactions"].counts.tolist() == [1, 1, 0]
    assert events["truth"].counts.tolist() == [1, 1, 0]
    assert events["hits"].counts.tolist() == [3, 0, 3]
    assert events["event"]["run"].tolist() == [7, 7, 0]


def test_words_and_missing_values_do_not_stop_a_file(tmp_path):
    path = make_sqlite(tmp_path / "file.db", 3, 0, "plain")
    base = sqlite3.connect(path)
    base.execute("ALTER TABLE truth ADD COLUMN sim_type TEXT")
    base.execute("UPDATE truth SET sim_type = 'genie', energy = NULL")
    base.commit()
    base.close()
    events = read(path)
    assert "sim_type" not in events["truth"]
    assert events["interactions"]["energy"].isnan().all()


def test_a_word_among_numbers_is_refused(tmp_path):
    path = make_sqlite(tmp_path / "file.db", 1500, 0, "plain")
    base = sqlite3.connect(path)
    base.execute("UPDATE truth SET energy = 'much' WHERE event_no = 4400")
    base.commit()
    base.close()
    with pytest.raises(InputError, match=r"table 'truth' of .* must hold numbers"):
        read(path)


def test_the_longest_table_of_pulses_is_the_hits_and_others_stay(tmp_path):
    path = make_sqlite(tmp_path / "file.db", 3, 0, "plain")
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE cleaned AS SELECT * FROM SRTInIcePulses LIMIT 2")
    base.execute("CREATE TABLE fit AS SELECT event_no, 1.5 AS energy_fit FROM truth")
    base.commit()
    base.close()
    events = read(path)
    assert len(events["hits"]) == 6
    assert len(events["cleaned"]) == 2
    assert events["cleaned"].about["charge"].role == "readout"
    assert events["fit"]["energy_fit"].tolist() == [1500.0] * 3
    assert events["fit"].about["energy_fit"] == Column("MeV", "energy_fit as the file has it", "prediction")


def test_a_fit_with_energies_is_not_the_truth(tmp_path):
    path = make_sqlite(tmp_path / "file.db", 3, 0, "plain")
    base = sqlite3.connect(path)
    base.execute("ALTER TABLE truth RENAME TO later")
    base.execute("CREATE TABLE fit AS SELECT event_no, 1.5 AS energy FROM later")
    base.execute("CREATE TABLE truth AS SELECT * FROM later")
    base.execute("DROP TABLE later")
    base.commit()
    base.close()
    events = read(path)
    assert events["interactions"]["energy"][0] == 12_000
    assert events["fit"].about["energy"].role == "prediction"


def test_nothing_that_is_true_is_readout(tmp_path):
    readout = read(make_sqlite(tmp_path / "file.db", 3, 0, "plain")).readout()
    assert set(readout.tables) == {"event", "hits"}
    assert "weight" not in readout["event"]


def test_a_number_twice_is_refused_and_nothing_is_left(tmp_path):
    events = read(make_sqlite(tmp_path / "file.db", 3, 0, "plain"))
    (tmp_path / "out").mkdir()
    for i, form in enumerate(FORMATS[:2]):
        with pytest.raises(InputError, match="two events have one number"):
            form.write(tmp_path / "out" / str(i), iter([events, events]), None)
    with pytest.raises(InputError, match="there are no events to write"):
        write_graphnet_sqlite(tmp_path / "out" / "none.db", [])
    assert not list((tmp_path / "out").iterdir())


def test_an_event_of_two_interactions_cannot_be_written(tmp_path):
    events = read(make_sqlite(tmp_path / "file.db", 2, 0, "plain")).event(0)
    table = events["interactions"]
    twice = Table({n: torch.cat([table[n]] * 2) for n in table}, 2 * table.offsets, about=table.about)
    with pytest.raises(InputError, match="has one row an event, event 0 of these has 2"):
        write_graphnet_sqlite(tmp_path / "out.db", [events.with_table("interactions", twice)])
    with pytest.raises(InputError, match=r"need the tables \['hits'\]"):
        write_graphnet_sqlite(tmp_path / "out.db", [Events({"event": events["event"]})])


def test_a_missing_file_of_a_folder_is_named(tmp_path):
    path = make_folder(tmp_path / "folder", 5, 0, "plain")
    (path / "pulses" / "pulses_1.parquet").unlink()
    with pytest.raises(InputError, match=r"lacks the files \['pulses_1.parquet'\]"):
        read(path)


def test_one_flat_file_is_read_alone(tmp_path):
    path = make_folder(tmp_path / "folder", 5, 0, "plain")
    assert len(read(path / "pulses" / "pulses_1.parquet")["hits"]) == 9
    assert len(read(path / "truth" / "truth_1.parquet")["interactions"]) == 3


def test_arrival_is_opposite_to_travel():
    zenith, azimuth = np.array([0.3, 2.0]), np.array([1.0, 5.0])
    np.testing.assert_allclose(arriving(zenith, azimuth), -travelling(zenith, azimuth))
    np.testing.assert_allclose(angles_of_arrival(arriving(zenith, azimuth)), [zenith, azimuth])
    assert arriving(np.zeros(1), np.zeros(1))[0].tolist() == [0, 0, -1]  # from above it goes down


def test_a_batch_is_as_large_as_asked(tmp_path):
    assert [len(part) for part in stream(make_sqlite(tmp_path / "file.db", 5, 0, "plain"), 2)] == [2, 2, 1]


@pytest.mark.parametrize("prefix", ["injection", "initial_state"])
def test_angles_of_prometheus_and_nubench_are_of_travel(tmp_path, prefix):
    position = "injection_position" if prefix == "injection" else "initial_state"
    columns = {f"{prefix}_{name}": [value] for name, value in (("energy", 2.0), ("zenith", 0.0), ("azimuth", 0.0))}
    columns |= {f"{position}_{axis}": [1.0] for axis in "xyz"} | {f"{prefix}_type": [14], "event_no": [4]}
    parquet.write_table(pa.table(columns), tmp_path / "truth.parquet")
    found = read(tmp_path / "truth.parquet")["interactions"]
    assert found["direction"].tolist() == [[0, 0, 1]]
    assert found["energy"].tolist() == [2000]
    assert found["vertex"].tolist() == [[100, 100, 100]]
    assert found["neutrino"].tolist() == [14]
