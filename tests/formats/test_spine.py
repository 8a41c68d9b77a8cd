"""SPINE's HDF5 output: what is written is read back, by NuForge and by SPINE."""

import h5py
import numpy as np
import pytest
import torch

from nuforge.detectors import lartpc_cube
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.formats import read
from nuforge.formats.spine import SpineWriter, read_spine, write_spine

DETECTOR = lartpc_cube()
TABLES = ("reco_particles", "reco_interactions", "reco_fragments")


def prediction(columns, counts, **refers):
    about = {name: Column("MeV", f"the {name}", "prediction", refers.get(name)) for name in columns}
    return Table.from_counts(columns, torch.tensor(counts), about=about)


def toy(start=0):
    """Three events: two particles of one interaction, nothing, and a particle of no interaction."""
    generator = torch.Generator().manual_seed(start)
    voxels = {
        "index": torch.arange(21, dtype=torch.int32).reshape(7, 3) + start,
        "value": torch.rand(7, generator=generator),
        "reco_particle": torch.tensor([1, 0, 1, -1, 2, 2, -1]),
        "reco_fragment": torch.tensor([0, 1, 0, -1, -1, 2, -1]),
    }
    about = {name: Column("", name, "prediction", f"{name}s") for name in ("reco_particle", "reco_fragment")}
    zero = torch.zeros(3, dtype=torch.int64)
    event = {"source": zero + 9, "run": zero + 1, "subrun": zero, "event": torch.arange(3) + start, "variation": zero}
    particles = {
        "kind": torch.tensor([1, 0, 1]),
        "pid": torch.tensor([2, 0, -1]),
        "primary": torch.tensor([1, 1, 0]),
        "interaction": torch.tensor([0, 0, -1]),
        "contained": torch.tensor([True, False, True]),
        "start": torch.rand(3, 3, generator=generator),
        "range_momentum": torch.tensor([[200.0, 220.0, 400.0, 600.0], [torch.nan] * 4, [torch.nan] * 4]),
        "kinetic_energy": torch.tensor([120.0, torch.nan, torch.nan]),
        "kinetic_energy_error": torch.tensor([3.0, torch.nan, torch.nan]),
        "momentum": torch.rand(3, 3, generator=generator),
    }
    interactions = {"vertex": torch.rand(1, 3, generator=generator), "contained": torch.tensor([False])}
    fragments = {"kind": torch.tensor([0, 1, 1]), "particle": torch.tensor([1, 0, 2])}
    return Events(
        {
            "event": Table(event, torch.arange(4)),
            "voxels": Table.from_counts(voxels, torch.tensor([4, 0, 3]), about=about),
            "reco_particles": prediction(particles, [2, 0, 1], interaction="reco_interactions"),
            "reco_interactions": prediction(interactions, [1, 0, 0]),
            "reco_fragments": prediction(fragments, [2, 0, 1], particle="reco_particles"),
        }
    )


def empty(events):
    return events[torch.zeros(len(events), dtype=torch.bool)]


def same(one, other):
    assert torch.equal(one.offsets, other.offsets)
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("batch_events", [1, 2, 64])
def test_what_is_written_part_by_part_is_read_back(tmp_path, batch_events):
    parts = [toy(), empty(toy()), toy(30)]
    write_spine(tmp_path / "out.h5", parts, DETECTOR)
    whole, found = Events.concat(parts), Events.concat(list(read_spine(tmp_path / "out.h5", batch_events)))
    for name in TABLES:
        same(whole[name], found[name])
        assert dict(whole[name].about) == dict(found[name].about)
    for name in whole["voxels"]:
        assert torch.equal(whole["voxels"][name], found["voxels"][name])
    for name in ("source", "run", "event"):
        assert torch.equal(whole["event"][name], found["event"][name])


def test_the_format_is_found_by_its_content(tmp_path):
    write_spine(tmp_path / "out", [toy()], DETECTOR)
    assert len(read(tmp_path / "out")) == 3


def test_spine_reads_the_same_particles(tmp_path):
    reader = pytest.importorskip("spine.io.read", reason="SPINE is not installed (pip install nuforge[bench])")
    write_spine(tmp_path / "out.h5", [toy(), toy(30)], DETECTOR)
    events, found = toy(30), reader.HDF5Reader(str(tmp_path / "out.h5"))
    assert len(found) == 6
    first = found[3]
    muon, photon = first["reco_particles"]
    assert (int(muon.pid), int(muon.shape), bool(muon.is_primary)) == (2, 1, True)
    assert int(photon.interaction_id) == 0
    assert photon.index.tolist() == [0, 2]
    np.testing.assert_allclose(muon.start_point, events["reco_particles"]["start"][0])
    assert float(muon.csda_ke) == pytest.approx((200.0**2 + 105.6584**2) ** 0.5 - 105.6584, rel=1e-5)
    assert float(muon.ke) == pytest.approx(float(muon.csda_ke))  # SPINE's choice for a contained track
    (interaction,) = first["reco_interactions"]
    assert interaction.particle_ids.tolist() == [0, 1]
    assert [f.particle_id for f in first["reco_fragments"]] == [1, 0]
    assert int(first["run_info"].event) == 30
    assert found[4]["reco_particles"] == []


def test_an_output_of_spine_is_read(tmp_path):
    write = pytest.importorskip("spine.io.write", reason="SPINE is not installed (pip install nuforge[bench])")
    from spine.data import ObjectList, RecoInteraction, RecoParticle, RunInfo

    particle = RecoParticle(id=0, interaction_id=0, shape=1, pid=4, is_primary=True, length=12.5)
    particle.index = np.array([2, 0], dtype=np.int32)
    data = {
        "index": [0, 1],
        "run_info": [RunInfo(run=1, subrun=0, event=5), RunInfo(run=1, subrun=0, event=6)],
        "points": [np.ones((3, 3), np.float32), np.zeros((1, 3), np.float32)],
        "depositions": [np.ones(3, np.float32), np.ones(1, np.float32)],
        "reco_particles": [ObjectList([particle], RecoParticle()), ObjectList([], RecoParticle())],
        "reco_interactions": [
            ObjectList([RecoInteraction(id=0)], RecoInteraction()),
            ObjectList([], RecoInteraction()),
        ],
    }
    with write.HDF5Writer(str(tmp_path / "spine.h5"), format_version=2) as writer:
        writer(data, cfg={})
    events = read(tmp_path / "spine.h5")
    assert events["event"]["event"].tolist() == [5, 6]
    assert events["voxels"]["reco_particle"].tolist() == [0, -1, 0, -1]
    assert events["reco_particles"]["pid"].tolist() == [4]
    assert float(events["reco_particles"]["length"][0]) == 12.5
    assert events["reco_particles"]["interaction"].tolist() == [0]


def test_a_file_that_was_not_finished_is_refused(tmp_path):
    def break_off():
        with SpineWriter(tmp_path / "out.h5", DETECTOR) as writer:
            writer.append(toy())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    with pytest.raises(InputError, match="is incomplete"):
        next(read_spine(tmp_path / "out.h5"))


def test_layout_version_one_is_refused_with_what_to_do(tmp_path):
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.create_dataset("events", data=np.zeros(0))
        file.create_group("info").attrs.update({"format": "spine_hdf5"})
    with pytest.raises(InputError, match="layout version 1, expected 2; write it with format_version=2"):
        next(read_spine(tmp_path / "old.h5"))


def test_events_without_particles_are_refused(tmp_path):
    with (
        SpineWriter(tmp_path / "out.h5", DETECTOR) as writer,
        pytest.raises(InputError, match=r"needs the tables \['reco_interactions'\]"),
    ):
        writer.append(toy().without("reco_interactions"))
