"""NuGraph: checked on files made from the documentation of the format, and on what NuForge writes."""

import h5py
import numpy as np
import pytest
import torch
from fixtures_lartpc_hits import make_nugraph

from nuforge.errors import InputError
from nuforge.formats import read


@pytest.fixture
def made(tmp_path):
    return make_nugraph(tmp_path / "made", 4, 0, "plain")


def test_edges_join_nodes_of_their_own_graph(made):
    events = read(made)
    hits, edges, nexus = (events[f"graph_{name}"] for name in ("hit", "hit_delaunay-planar_hit", "hit_nexus_sp"))
    assert hits.counts.tolist() == [3, 0, 3, 3]
    assert torch.equal(hits.batch[edges["source"]], edges.batch)
    assert torch.equal(hits.batch[edges["target"]], edges.batch)
    assert nexus["target"].tolist() == [0, 0, 1, 1, 2, 2]
    assert events["graph_evt"].counts.tolist() == [1, 1, 1, 1]


def test_targets_are_truth(made):
    seen = read(made).readout()
    assert set(seen["graph_hit"]) == {"x"}
    assert "graph_evt" not in seen


def test_a_plane_of_nodes_each_is_read_too(tmp_path):
    row = np.zeros((), [("u/x", "f4", (2, 3)), ("v/x", "f4", (1, 3)), ("metadata/run", "i8"), ("metadata/event", "i8")])
    row["metadata/run"] = 7
    with h5py.File(tmp_path / "old", "w") as file:
        file.create_dataset("dataset/7_0_1", data=row)
    events = read(tmp_path / "old")
    assert [events[f"graph_{plane}"].counts.tolist() for plane in "uv"] == [[2], [1]]
    assert events["graph_metadata"]["run"].tolist() == [7]


def test_an_edge_to_nowhere_is_refused(made):
    with h5py.File(made, "a") as file:
        name = next(iter(file["dataset"]))
        row = file["dataset"][name][()]
        row["hit_nexus_sp/edge_index"][0, 0] = 3
        file["dataset"][name][()] = row
    with pytest.raises(InputError, match="name a node that its graph does not have; write it again"):
        read(made)
