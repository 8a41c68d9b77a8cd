"""Formats of telescopes and water detectors: what the contract of all formats does not say."""

import bz2
import gzip
import shutil
import sys
from types import SimpleNamespace

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pytest
import torch
import uproot
from fixtures_scintillators import make_liquido
from fixtures_tanks import make_watchmal
from fixtures_telescopes import make_hese, make_kaggle, make_km3pipe, make_prometheus
from format_fixture import DATA
from pyarrow import parquet

from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.formats import format_of, read
from nuforge.formats.identity import event_table
from nuforge.formats.km3net_offline import read_km3net_offline
from nuforge.formats.watchmal import read_watchmal, write_watchmal


def rewritten(path, change):
    """A flat Parquet file with its columns changed."""
    table = parquet.read_table(path)
    columns = {name: table.column(name).to_numpy() for name in table.column_names}
    change(columns)
    parquet.write_table(pa.table(columns), path)


# IceCube's competition


def test_kaggle_pulses_are_where_their_sensors_are_and_unknown_sensors_nowhere(tmp_path):
    path = make_kaggle(tmp_path / "kaggle", 5, 0, "plain")
    rewritten(path / "train" / "batch_2.parquet", lambda columns: columns.update(sensor_id=np.full(6, 99)))
    hits = read(path)["hits"]
    assert hits["position"][0].tolist() == [-250, 400, 500]
    assert hits["position"][-1].isnan().all()
    assert hits["sensor"][-1] == 99


def test_a_kaggle_batch_alone_is_read_with_what_lies_beside_it(tmp_path):
    path = make_kaggle(tmp_path / "kaggle", 5, 0, "plain")
    events = read(path / "train" / "batch_1.parquet")
    assert events["event"]["run"].tolist() == [1, 1, 1]
    assert events["event"]["event"].tolist() == [2, 5, 8]
    assert events["hits"].counts.tolist() == [3, 0, 3]
    shutil.copy(path / "train" / "batch_1.parquet", tmp_path / "elsewhere")
    alone = read(tmp_path / "elsewhere")
    assert alone["event"]["event"].tolist() == [2, 8]
    assert "interactions" not in alone
    assert alone["hits"]["position"].isnan().all()


def test_a_kaggle_test_set_has_no_directions(tmp_path):
    path = make_kaggle(tmp_path / "kaggle", 5, 0, "plain")
    (path / "train").rename(path / "test")
    rewritten(path / "train_meta.parquet", lambda columns: [columns.pop(n) for n in ("zenith", "azimuth")])
    (path / "train_meta.parquet").rename(path / "test_meta.parquet")
    events = read(path)
    assert len(events) == 5
    assert "interactions" not in events


def test_a_kaggle_geometry_that_is_none_is_refused(tmp_path):
    path = make_kaggle(tmp_path / "kaggle", 5, 0, "plain")
    (path / "sensor_geometry.csv").write_text("nonsense\n")
    with pytest.raises(InputError, match="must have the columns sensor_id, x, y, z"):
        read(path)


# Prometheus


def test_a_photon_knows_its_particle(tmp_path):
    events = read(make_prometheus(tmp_path / "file", 3, 0, "plain"))
    assert events["hits"]["particle"].tolist() == [0, 1, -1, 4, 5, -1]
    assert events["particles"]["interaction"].tolist() == [0, 0, 1, 1, 2, 2]
    assert events.event(2)["hits"]["particle"].tolist() == [0, 1, -1]


def test_lists_of_two_lengths_are_refused(tmp_path):
    table = parquet.read_table(make_prometheus(tmp_path / "file", 3, 0, "plain"))
    rows = table.to_pylist()
    rows[2]["photons"]["t"].pop()
    parquet.write_table(pa.Table.from_pylist(rows, table.schema), tmp_path / "uneven")
    with pytest.raises(InputError, match="'t' has 2 where others have 3"):
        read(tmp_path / "uneven")


def test_more_values_than_bytes_are_refused(tmp_path):
    n = 5_000_000
    columns = {"event_no": np.zeros(n, int)} | {f"dom_{c}": np.zeros(n) for c in ("x", "y", "z", "time")}
    parquet.write_table(pa.table(columns), tmp_path / "bomb.parquet", compression="zstd")
    assert (tmp_path / "bomb.parquet").stat().st_size < 200_000
    with pytest.raises(InputError, match=r"declares 5000000 values of one column in .* bytes"):
        read(tmp_path / "bomb.parquet")


# LiquidO


def test_numbers_of_events_that_float32_cannot_hold_are_refused(tmp_path):
    path = make_liquido(tmp_path / "file.h5", 3, 0, "plain")
    with h5py.File(path, "a") as file:
        file["HitData"][0, 0] = 2.0**25
    with pytest.raises(InputError, match="must be whole numbers up to 16777216"):
        read(path)


@pytest.mark.skipif(not (DATA / "graphnet" / "liquido_electrons.h5").exists(), reason="no liquido_electrons.h5")
def test_liquido_hits_are_near_the_vertex():
    events = read(DATA / "graphnet" / "liquido_electrons.h5")
    hits = events["hits"]
    vertex = events["particles"]["start"][hits.batch]
    distance = (hits["position"] - vertex)[:, :2].norm(dim=1)  # fibres run along z
    assert distance.median() < 20  # cm; the detector is 180 cm wide
    side = torch.sign(hits["position"][:, 2] * vertex[:, 2])
    early = hits["time"] < 12  # ns; less than light needs to the other end
    assert (side[early] > 0).double().mean() > 0.9
    assert events["particles"]["momentum"].norm(dim=1).max() < 10  # MeV


# WatChMaL


def one_particle(momentum, pdg=11):
    columns = {"pdg": torch.tensor([pdg]), "parent": torch.tensor([-1]), "start": torch.ones(1, 3)}
    columns["momentum"] = torch.tensor([momentum])
    hits = {"sensor": torch.arange(2), "time": torch.ones(2).double(), "charge": torch.ones(2)}
    return Events(
        {
            "event": event_table(1, np.array([7])),
            "particles": Table(columns, torch.tensor([0, 1])),
            "hits": Table(hits, torch.tensor([0, 2])),
        }
    )


@pytest.mark.parametrize("axis", ["y", "z"])
def test_angles_are_about_the_vertical_axis(tmp_path, axis):
    momentum = [300.0, -400.0, 500.0]
    write_watchmal(tmp_path / "file.h5", [one_particle(momentum)], axis)
    with h5py.File(tmp_path / "file.h5", "a") as file:
        polar, _ = file["angles"][0]
        assert np.cos(polar) == pytest.approx(momentum["xyz".index(axis)] / np.linalg.norm(momentum))
        assert all(file[name].chunks is None for name in ("hit_pmt", "hit_time", "hit_charge"))
        del file["nuforge_momentum"]
    back = Events.concat(list(read_watchmal(tmp_path / "file.h5", 1, axis)))
    torch.testing.assert_close(back["particles"]["momentum"], torch.tensor([momentum]), rtol=1e-5, atol=1e-3)


def test_a_particle_without_a_label_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match="got 2212; leave it out"):
        write_watchmal(tmp_path / "file.h5", [one_particle([1.0, 0, 0], 2212)])
    assert not list(tmp_path.iterdir())


def test_hits_that_do_not_follow_each_other_are_refused(tmp_path):
    path = make_watchmal(tmp_path / "file.h5", 5, 0, "plain")
    with h5py.File(path, "a") as file:
        file["event_hits_index"][2] = 100
    with pytest.raises(InputError, match=r"'event_hits_index' of .* must rise from 0 to 12 at most"):
        read(path)


def test_the_same_number_from_two_files_is_two_events(tmp_path):
    path = make_watchmal(tmp_path / "file.h5", 5, 0, "plain")
    with h5py.File(path, "a") as file:
        file["event_ids"][:] = 3
        file["root_files"][:3] = b"other.root"
    assert len(set(read(path)["event"]["source"].tolist())) == 2


# KM3NeT


def test_an_event_without_an_entry_in_event_info_has_the_number_of_its_group(tmp_path):
    path = make_km3pipe(tmp_path / "file.h5", 5, 0, "plain")
    with h5py.File(path, "a") as file:
        info = file["event_info"][:]
        del file["event_info"]
        file["event_info"] = info[:3]
    event = read(path)["event"]
    assert event["event"].tolist() == [2, 5, 8, 3, 4]
    assert event["run"].tolist() == [7, 7, 7, 0, 0]


def test_positions_that_are_not_calibrated_are_not_known(tmp_path):
    events = read(make_km3pipe(tmp_path / "file.h5", 5, 0, "plain"))
    assert events["hits"]["position"].isnan().all()
    assert events["hits"].about["charge"].unit == "ns"
    assert events["particles"]["pdg"][:2].tolist() == [-14, -13]
    assert events["interactions"]["neutrino"].tolist() == [-14] * 5


def test_an_offline_file_without_km3io_names_the_extra(tmp_path, monkeypatch):
    with uproot.recreate(tmp_path / "file.root") as file:
        file.mktree("E", {"Evt": "int32"}).extend({"Evt": np.arange(3)})
    assert format_of(tmp_path / "file.root").name == "km3net"
    monkeypatch.setitem(sys.modules, "km3io", None)
    with pytest.raises(InputError, match=r"needs the package km3io; pip install 'nuforge\[km3net\]'"):
        read(tmp_path / "file.root")


class FakeBranch:
    """A branch as km3io gives it: cut by a slice, fields as attributes."""

    def __init__(self, columns, cut=slice(None)):
        self.columns, self.cut, self.fields = columns, cut, list(columns)

    def __getitem__(self, cut):
        return FakeBranch(self.columns, cut)

    def __getattr__(self, name):
        return ak.Array(self.columns[name][self.cut])


class FakeReader:
    """Two simulated events as km3io's OfflineReader has them, the second without hits and without fits."""

    def __init__(self, path):
        self.id, self.run_id = ak.Array([3, 9]), ak.Array([7, 7])
        pose = {f"{v}_{axis}": [[1.0, 2.0], []] for v in ("pos", "dir") for axis in "xyz"}
        self.hits = FakeBranch({"dom_id": [[8, 9], []], "channel_id": [[1, 2], []], "t": [[9.5, 8.0], []]} | pose)
        mc = {"id": [[1, 2], [1]], "pdgid": [[14, 13], [211]], "E": [[5.0, 4.0], [3.0]], "mother_id": [[-1, 1], [-1]]}
        self.mc_trks = FakeBranch(mc)
        self.mc_hits = FakeBranch({"origin": [[2], []], "t": [[9.0], []], "pmt_id": [[4], []], "a": [[1.0], []]})

    def keys(self):
        return {"id", "run_id", "hits", "mc_trks", "mc_hits"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def test_an_offline_file_is_what_km3io_says(tmp_path, monkeypatch):
    (tmp_path / "file.root").write_bytes(b"root")
    monkeypatch.setitem(sys.modules, "km3io", SimpleNamespace(OfflineReader=FakeReader))
    parts = list(read_km3net_offline(tmp_path / "file.root", 1))
    assert [len(part["hits"]) for part in parts] == [2, 0]
    events = Events.concat(parts)
    assert events["event"]["event"].tolist() == [3, 9]
    assert events["hits"]["position"].tolist() == [[100.0] * 3, [200.0] * 3]
    assert events["hits"]["sensor"].tolist() == [8 * 32 + 1, 9 * 32 + 2]
    assert events["particles"]["parent"].tolist() == [-1, 0, -1]
    assert events["photoelectrons"]["particle"].tolist() == [1]
    assert events["interactions"]["neutrino"].tolist() == [14]
    assert events["interactions"]["energy"].tolist() == [5000]
    assert events["reconstructed"].counts.tolist() == [0, 0]


# IceCube's data release, and files that only icetray reads


def test_lists_of_different_lengths_and_other_objects_are_refused(tmp_path):
    text = make_hese(tmp_path / "file.json", 3, 0, "plain").read_text()
    for broken, message in (
        (text.replace("1.5, ", "", 1), "lists of .* must be of one length"),
        (text.replace("1.5", '"up"', 1), "must be a JSON object with lists of numbers"),
        (text[:-1], "must be a JSON object with lists of numbers"),
        ('{"recoZenith": ' + "[" * 100_000, "must be a JSON object with lists of numbers"),
    ):
        (tmp_path / "file.json").write_text(broken)
        with pytest.raises(InputError, match=message):
            read(tmp_path / "file.json")


@pytest.mark.parametrize("packed", [bytes, gzip.compress, bz2.compress, lambda b: pa.compress(b, "zstd", asbytes=True)])
def test_an_i3_file_names_the_converter(tmp_path, packed):
    (tmp_path / "file").write_bytes(packed(b"[i3]" + bytes(10_000)))
    with pytest.raises(InputError, match="is an IceCube I3 file, which needs IceCube's icetray; convert it"):
        read(tmp_path / "file")
