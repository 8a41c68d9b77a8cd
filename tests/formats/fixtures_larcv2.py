"""LArCV2 files: objects as ROOT streams them, of the classes as larcv2 has them."""

from __future__ import annotations

import numpy as np
import uproot
from format_fixture import Fixture
from root_objects import Streamer

from nuforge.formats.larcv2 import LARCV2
from nuforge.formats.larcv2_products import CLASSES as TOP

_AXES = "xyz"
CLASSES = {
    "larcv::EventBase": [("string", "_producer"), *(("unsigned long", n) for n in ("_run", "_subrun", "_event"))],
    "larcv::Point2D": [("double", "x"), ("double", "y")],
    "larcv::Point3D": [("double", "x"), ("double", "y"), ("double", "z")],
    "larcv::Vertex": [("double", f"_{axis}") for axis in "xyzt"],
    "larcv::BBox2D": [("unsigned short", "_id"), ("larcv::Point2D", "_p1"), ("larcv::Point2D", "_p2")],
    "larcv::BBox3D": [("larcv::Point3D", "_p1"), ("larcv::Point3D", "_p2")],
    "larcv::ImageMeta": [
        ("BASE", "larcv::BBox2D"),
        ("unsigned short", "_image_id"),
        ("unsigned long", "_col_count"),
        ("unsigned long", "_row_count"),
        ("int", "_unit"),
    ],
    "larcv::Voxel3DMeta": [
        ("BASE", "larcv::BBox3D"),
        ("bool", "_valid"),
        ("unsigned long", "_num_element"),
        *(("double", f"_{axis}len") for axis in _AXES),
        *(("unsigned long", f"_{axis}num") for axis in _AXES),
        ("int", "_unit"),
    ],
    "larcv::Voxel": [("ULong64_t", "_id"), ("float", "_value")],
    "larcv::VoxelSet": [("unsigned short", "_id"), ("vector<larcv::Voxel>", "_voxel_v")],
    "larcv::VoxelSetArray": [("vector<larcv::VoxelSet>", "_voxel_vv")],
    "larcv::SparseTensor2D": [("BASE", "larcv::VoxelSet"), ("larcv::ImageMeta", "_meta")],
    "larcv::SparseTensor3D": [("BASE", "larcv::VoxelSet"), ("larcv::Voxel3DMeta", "_meta")],
    "larcv::ClusterPixel2D": [("BASE", "larcv::VoxelSetArray"), ("larcv::ImageMeta", "_meta")],
    "larcv::ClusterVoxel3D": [("BASE", "larcv::VoxelSetArray"), ("larcv::Voxel3DMeta", "_meta")],
    "larcv::Image2D": [("vector<float>", "_img"), ("unsigned short", "_id"), ("larcv::ImageMeta", "_meta")],
    "larcv::Particle": [
        *(("unsigned short", name) for name in ("_id", "_mcst_index", "_mct_index")),
        ("int", "_shape"),
        ("short", "_current_type"),
        ("short", "_interaction_type"),
        ("unsigned int", "_trackid"),
        ("int", "_pdg"),
        *(("double", f"_p{axis}") for axis in _AXES),
        *(("larcv::Vertex", name) for name in ("_vtx", "_end_pt", "_first_step", "_last_step")),
        *(("double", name) for name in ("_dist_travel", "_energy_init", "_energy_deposit")),
        ("string", "_process"),
        ("vector<larcv::BBox2D>", "_bb2d_v"),
        ("larcv::BBox3D", "_bb3d"),
        ("unsigned int", "_parent_trackid"),
        ("int", "_parent_pdg"),
        ("larcv::Vertex", "_parent_vtx"),
        ("unsigned int", "_ancestor_trackid"),
        ("int", "_ancestor_pdg"),
        ("larcv::Vertex", "_ancestor_vtx"),
    ],
    "larcv::EventImage2D": [("BASE", "larcv::EventBase"), ("vector<larcv::Image2D>", "_image_v")],
    "larcv::EventSparseTensor2D": [("BASE", "larcv::EventBase"), ("vector<larcv::SparseTensor2D>", "_tensor_v")],
    "larcv::EventClusterPixel2D": [("BASE", "larcv::EventBase"), ("vector<larcv::ClusterPixel2D>", "_cluster_v")],
    "larcv::EventSparseTensor3D": [("BASE", "larcv::EventBase"), ("BASE", "larcv::SparseTensor3D")],
    "larcv::EventClusterVoxel3D": [("BASE", "larcv::EventBase"), ("BASE", "larcv::ClusterVoxel3D")],
    "larcv::EventParticle": [("BASE", "larcv::EventBase"), ("vector<larcv::Particle>", "_part_v")],
}
STREAMER = Streamer(CLASSES)
_BASE = ["_run", "_subrun", "_event"]
_META2 = ["_id", "_row_count", "_col_count", "_p1.x", "_p1.y", "_p2.x", "_p2.y"]
_META3 = [*(f"_{axis}num" for axis in _AXES), "_p1", "_p2"]  # points as objects of their own, which ROOT may split
LEAVES = {
    "image2d": ["_image_v._img", *(f"_image_v._meta.{name}" for name in _META2)],
    "sparse2d": ["_tensor_v._id", "_tensor_v._voxel_v", *(f"_tensor_v._meta.{name}" for name in _META2)],
    "cluster2d": ["_cluster_v._voxel_vv", *(f"_cluster_v._meta.{name}" for name in _META2)],
    "sparse3d": ["_id", "_voxel_v._id", "_voxel_v._value", *(f"_meta.{name}" for name in _META3)],
    "cluster3d": ["_voxel_vv._id", "_voxel_vv._voxel_v", *(f"_meta.{name}" for name in _META3)],
    "particle": [
        *(f"_part_v.{name}" for kind, name in CLASSES["larcv::Particle"] if not kind.startswith(("larcv", "vector"))),
        *(f"_part_v.{name}._{axis}" for name in ("_vtx", "_end_pt", "_first_step") for axis in "xyzt"),
        "_part_v._last_step",
    ],
}
"""The branches into which ROOT splits the object of each product, but for those that nobody reads."""

INVALID = {"_xnum": 2**64 - 1, "_ynum": 2**64 - 1, "_znum": 2**64 - 1}


def image_meta(view, rows=20, columns=10):
    """Of an image of rows x columns pixels of 0.3 x 0.5."""
    return {"_id": view, "_image_id": view, "_row_count": rows, "_col_count": columns, "_unit": 0} | {
        "_p1": {"x": -1.0, "y": 2.0},
        "_p2": {"x": -1 + 0.5 * columns, "y": 2 + 0.3 * rows},
    }


def volume_meta(bins=(6, 5, 4), *, valid=True):
    """Of a volume of voxels of 0.3 from 1, 2, 3 cm."""
    edges = {
        name: dict(zip(_AXES, at, strict=True)) for name, at in (("_p1", (1.0, 2.0, 3.0)), ("_p2", (2.8, 3.5, 4.2)))
    }
    numbers = {f"_{axis}num": n for axis, n in zip(_AXES, bins, strict=True)} if valid else INVALID
    return edges | numbers | {"_valid": valid, "_num_element": 120, "_unit": 0} | {f"_{axis}len": 0.3 for axis in _AXES}


def voxels(numbers, values):
    """A vector of voxels."""
    return [{"_id": int(i), "_value": float(v)} for i, v in zip(numbers, values, strict=True)]


def vertex(*at):
    return dict(zip(("_x", "_y", "_z", "_t"), at, strict=True))


def particle(track, pdg, bad):
    """A particle of 300 MeV along z; muons are primary, and their electrons come from them."""
    mass = 105.6583755 if pdg == 13 else 0.511
    point = {name: vertex(1.0, 2.0, 3.0, 4.0) for name in ("_vtx", "_end_pt", "_first_step", "_last_step")}
    numbers = {"_id": 0, "_mcst_index": 0, "_mct_index": 0, "_shape": 1, "_current_type": -1, "_interaction_type": -1}
    return (numbers | point) | {
        "_trackid": track,
        "_pdg": pdg,
        "_px": 0.0,
        "_py": 0.0,
        "_pz": np.nan if bad else 300.0,
        "_dist_travel": 1.5,
        "_energy_init": -999.0 if bad else float(np.hypot(300, mass)),
        "_energy_deposit": 7.0,
        "_process": "primary" if pdg == 13 else "muIoni",
        "_bb2d_v": [],
        "_bb3d": {"_p1": _zero(), "_p2": _zero()},
        "_parent_trackid": 7,
        "_parent_pdg": 13,
        "_parent_vtx": vertex(0, 0, 0, 0),
        "_ancestor_trackid": 7,
        "_ancestor_pdg": 13,
        "_ancestor_vtx": vertex(0, 0, 0, 0),
    }


def _zero():
    return dict.fromkeys(_AXES, 0.0)


def objects(events, seed, bad):
    """The objects of each product: by tree, one an event; event 1 has no voxels, pixels or particles."""
    random = np.random.default_rng(seed)
    made = {name: [] for name in ("sparse2d_wire", "sparse2d_label", "cluster2d_true", "image2d_adc")}
    made |= {name: [] for name in ("sparse3d_data", "sparse3d_label", "cluster3d_mc", "particle_mcst")}
    for i in range(events):
        empty = i == 1
        views = [np.sort(random.choice(200, 0 if empty else 4, replace=False)) for _ in range(2)]
        space = np.sort(random.choice(120, 0 if empty else 3 + i % 3, replace=False))
        values = [random.random(len(each)) for each in (*views, space)]
        if i == 0:
            views[0][0], values[0][0], space[0], values[2][0] = 0, 2.5, 0, 3.5
        labels = [random.integers(0, 3, len(each)) for each in (*views, space)]
        if bad:
            values, labels = [np.full(len(v), np.nan) for v in values], [np.full(len(v), -999) for v in labels]
        image = np.zeros((2, 200))
        for view, each in enumerate(views):
            image[view, each] = values[view]
        metas, volume = [image_meta(0), image_meta(1)], volume_meta(valid=not empty)
        sets = [
            [{"_id": k, "_voxel_v": voxels(n[k::2], v[k::2])} for k in range(2 * bool(len(n)))]
            for n, v in zip((*views, space), values, strict=True)
        ]
        two = range(2)
        content = {
            "sparse2d_wire": {"_tensor_v": [_set(voxels(views[k], values[k]), metas[k]) for k in two]},
            "sparse2d_label": {"_tensor_v": [_set(voxels(views[k], labels[k]), metas[k]) for k in two]},
            "cluster2d_true": {"_cluster_v": [{"_voxel_vv": sets[k], "_meta": metas[k]} for k in two]},
            "image2d_adc": {"_image_v": [{"_img": image[k], "_id": k, "_meta": metas[k]} for k in two]},
            "sparse3d_data": _set(voxels(space, values[2]), volume),
            "sparse3d_label": _set(voxels(space, labels[2]), volume),
            "cluster3d_mc": {"_voxel_vv": sets[2], "_meta": volume},
            "particle_mcst": {"_part_v": [] if empty else [particle(7, 13, bad), particle(9, 11, bad)]},
        }
        for name, each in content.items():
            made[name].append({"_producer": name, "_run": 5, "_subrun": 0, "_event": 3 * i + 2} | each)
    return made


def _set(rows, meta):
    return {"_id": 0, "_voxel_v": rows, "_meta": meta}


def make_larcv2(path, events, seed, variant, *, split=True, basket=1000, only=tuple(TOP)):
    """Every product that is read, split into branches as ROOT does, or each as one branch of whole objects."""
    trees = {}
    for name, each in objects(events, seed, variant == "not finite").items():
        kind, of = name.split("_")[0], TOP[name.split("_")[0]]
        if kind not in only:
            continue
        if split:
            leaves = {leaf: [STREAMER.leaf(of, leaf, value) for value in each] for leaf in (*_BASE, *LEAVES[kind])}
        else:
            leaves = {f"{name}_branch": [STREAMER.members(of, value) for value in each]}
        trees[f"{name}_tree"] = leaves
    STREAMER.write(path, trees, uproot.ZLIB(1) if variant == "compressed" else None, basket)
    return path


FIXTURES = [
    Fixture(
        name="larcv2",
        format=LARCV2,
        make=make_larcv2,
        empty=("pixels", "clusters2d_true", "voxels", "clusters3d_mc", "particles"),
        expected={
            "pixels.charge": 2.5,
            "voxels.value": 3.5,
            "voxels.index": [0, 0, 0],
            "volumes.origin": [1.0, 2.0, 3.0],
            "particles.start": [1.0, 2.0, 3.0],
            "particles.time": 4.0,
            "particles.momentum": [0.0, 0.0, 300.0],
        },
        variants=("compressed", "not finite"),
    )
]
