"""LArCV2: checked on files made here from the classes of larcv2 and from how ROOT streams objects.

The bytes of objects are as ROOT writes them, in baskets by uproot; the branches are TBranch, not TBranchElement.
"""

from contextlib import suppress

import numpy as np
import pytest
import torch
import uproot
from fixtures_larcv2 import CLASSES, STREAMER, make_larcv2, objects
from hypothesis import given
from hypothesis import strategies as st
from root_objects import PLAIN

from nuforge.errors import InputError
from nuforge.events import Events, Process
from nuforge.formats import read, stream
from nuforge.formats.clones import Member
from nuforge.formats.larcv3 import LARCV3
from nuforge.formats.lockstep import read_split, read_whole

KINDS = {"BASE": 0, "string": 365} | {name: number for name, (number, _) in PLAIN.items()}
LAYOUTS = {
    (name, 1): [Member(m, KINDS.get(kind, 500 if "vector" in kind else 62), 0, kind) for kind, m in members]
    for name, members in CLASSES.items()
}


@pytest.fixture
def made(tmp_path):
    return make_larcv2(tmp_path / "made.root", 6, 0, "plain")


def together(entries):
    """Entries of a branch end to end, and where they begin."""
    return np.frombuffer(b"".join(entries), np.uint8), np.cumsum([0, *map(len, entries)])


def same(one, other):
    for name in one.tables:
        assert torch.equal(one[name].offsets, other[name].offsets), name
        for column in one[name]:
            if column != "source":
                torch.testing.assert_close(one[name][column], other[name][column], rtol=0, atol=0, equal_nan=True)


def test_numbers_run_fastest_along_the_first_axis(made):
    events, expected = read(made), objects(6, 0, False)
    number = [voxel["_id"] for each in expected["sparse3d_data"] for voxel in each["_voxel_v"]]
    assert events["voxels"]["index"].tolist() == np.stack(np.unravel_index(number, (6, 5, 4), order="F"), 1).tolist()
    pixels = events["pixels"]
    first = [v["_id"] for each in expected["sparse2d_label"] for t in each["_tensor_v"] for v in t["_voxel_v"]]
    assert (pixels["column"] * 20 + pixels["row"]).tolist() == first


def test_equal_content_gives_equal_events_in_both_generations(tmp_path, made):
    events = read(made)[2:]
    LARCV3.write(tmp_path / "made.h5", [events], None)
    again = read(tmp_path / "made.h5")
    assert {name: len(again[name]) for name in again.tables} == {name: len(events[name]) for name in events.tables}
    same(events, again)


def test_objects_that_are_not_split_give_the_same(tmp_path, made):
    several = make_larcv2(tmp_path / "whole.root", 6, 0, "plain", split=False, only=("sparse3d", "cluster3d"))
    whole, split = read(several), read(made)
    for name in ("voxels", "clusters3d_mc", "volumes"):
        assert torch.equal(whole[name].offsets, split[name].offsets)
        assert all(torch.equal(whole[name][column], split[name][column]) for column in split[name])


@pytest.mark.parametrize("basket", [1, 2, 4])
def test_baskets_end_anywhere(tmp_path, made, basket):
    path = make_larcv2(tmp_path / "baskets.root", 6, 0, "plain", basket=basket)
    for size in (1, 3, 6):
        same(Events.concat(list(stream(path, size))), read(made))


def test_dense_images_hold_the_same_pixels_as_sparse_ones(made):
    pixels = read(made)["pixels"]  # `adc` is dense and `wire` sparse
    assert torch.equal(pixels["charge"], pixels["wire"])


def test_clusters_name_their_voxels_and_are_truth(made):
    events = read(made)
    clusters = events["clusters3d_mc"]
    assert torch.equal(events["voxels"]["value"][clusters["of"]], clusters["value"])
    assert clusters["cluster"][:3].tolist() == [0, 0, 1]
    assert set(events.readout().tables) == {"event", "images", "pixels", "volumes", "voxels"}


def test_an_event_whose_volume_was_never_set_has_none(made):
    assert read(made)["volumes"].counts.tolist() == [1, 0, 1, 1, 1, 1]


def test_particles_have_parents_and_processes(made):
    particles = read(made)["particles"]
    assert particles["parent"][:4].tolist() == [-1, 0, -1, 2]
    assert particles["process"][:2].tolist() == [Process.PRIMARY, Process.IONISATION]
    assert particles["last"][0].tolist() == [1, 2, 3]  # a point that ROOT did not split


def test_text_of_any_length_is_found():
    long = "x" * 300
    entry = [
        STREAMER.leaf("larcv::EventParticle", "_part_v._process", {"_part_v": [{"_process": t} for t in texts]})
        for texts in ((long, "a"), (), ("bc", ""))
    ]
    found = read_split(*together(entry), LAYOUTS, "larcv::EventParticle", "_part_v._process", ("_part_v._process",))
    assert found["_part_v._process"].text(64).tolist() == [b"x" * 64, b"a", b"bc", b""]
    assert found["_part_v._process"].count.tolist() == [300, 1, 2, 0]


def test_trees_with_other_numbers_of_events_are_refused(tmp_path):
    with uproot.recreate(tmp_path / "made.root") as file:
        for name, n in (("particle_a_tree", 3), ("particle_b_tree", 4)):
            file.mktree(name, {"_run": np.int64}).extend({"_run": np.arange(n)})
    with pytest.raises(InputError, match="expected the same events in all"):
        read(tmp_path / "made.root")


def test_a_tree_without_the_members_is_refused(tmp_path):
    with uproot.recreate(tmp_path / "made.root") as file:
        file.mktree("particle_mcst_tree", {"run": np.int64}).extend({"run": np.arange(3)})
    with pytest.raises(InputError, match=r"'particle_mcst_tree' of .* lacks the members \['_part_v._trackid'"):
        read(tmp_path / "made.root")


CASES = [
    ("larcv::EventClusterPixel2D", "_cluster_v._voxel_vv", "cluster2d_true"),
    ("larcv::EventParticle", "_part_v._process", "particle_mcst"),
    ("larcv::EventParticle", "_part_v._last_step", "particle_mcst"),
    ("larcv::EventImage2D", "_image_v._img", "image2d_adc"),
]
WANTED = ("_cluster_v._voxel_vv._voxel_v._id", "_part_v._process", "_part_v._last_step._x", "_image_v._img")


@pytest.mark.parametrize(("of", "branch", "product"), CASES)
@given(data=st.data())
def test_changed_bytes_are_read_or_refused(of, branch, product, data):
    values = objects(3, 0, False)[product]
    split = [STREAMER.leaf(of, branch, value) for value in values]
    whole = [STREAMER.object(of, value) for value in values]
    for entries in (split, whole):
        changed = bytearray(b"".join(entries))
        for _ in range(data.draw(st.integers(1, 4))):
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
        _, places = together(entries)
        with suppress(InputError):
            if entries is split:
                read_split(np.frombuffer(changed, np.uint8), places, LAYOUTS, of, branch, WANTED)
            else:
                read_whole(np.frombuffer(changed, np.uint8), places, LAYOUTS, of, WANTED)


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_random_bytes_are_read_or_refused_side_by_side(entries):
    for of, branch, _ in CASES:
        with suppress(InputError):
            read_split(*together(entries), LAYOUTS, of, branch, WANTED)
        with suppress(InputError):
            read_whole(*together(entries), LAYOUTS, of, WANTED)
