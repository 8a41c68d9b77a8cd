"""Events for other libraries: the same values under the same names, indices within their event."""

import sys
from types import ModuleType

import awkward as ak
import numpy as np
import pytest
import torch

from nuforge.errors import InputError
from nuforge.events import Events, Table, border


def toy():
    event = {name: torch.arange(3) for name in ("source", "run", "subrun", "event", "variation")}
    particles = {"pdg": torch.tensor([13, 11, 211]), "parent": torch.tensor([-1, 0, -1])}
    hits = {
        "position": torch.arange(12.0).reshape(4, 3),
        "time": torch.arange(4, dtype=torch.float64),
        "charge": torch.ones(4),
    }
    segments = {"energy": torch.arange(4.0), "particle": torch.tensor([1, 0, -1, 2])}
    return Events(
        {
            "event": Table(event, torch.arange(4)),
            "particles": Table(particles, torch.tensor([0, 2, 2, 3])),
            "hits": Table(hits, torch.tensor([0, 1, 1, 4])),
            "segments": Table(segments, torch.tensor([0, 3, 3, 4])),
        }
    )


@pytest.fixture
def pyg(monkeypatch):
    """A stand-in for PyTorch Geometric's `HeteroData`, which stores by kind of node or edge."""

    class Storage(dict):
        __getattr__ = dict.__getitem__
        __setattr__ = dict.__setitem__

    class HeteroData(dict):
        def __missing__(self, key):
            self[key] = Storage()
            return self[key]

    package, data = ModuleType("torch_geometric"), ModuleType("torch_geometric.data")
    data.HeteroData = HeteroData
    monkeypatch.setitem(sys.modules, "torch_geometric", package)
    monkeypatch.setitem(sys.modules, "torch_geometric.data", data)


def test_numpy_shares_the_memory_of_the_columns():
    events = toy()
    arrays = events.to_numpy()
    assert arrays["hits"]["offsets"].tolist() == [0, 1, 1, 4]
    assert np.shares_memory(arrays["hits"]["position"], events["hits"]["position"].numpy())
    assert set(arrays["segments"]) == {"offsets", "energy", "particle"}


def test_awkward_has_a_record_an_event_and_indices_within_it():
    array = toy().to_awkward()
    assert len(array) == 3
    assert array.event.run.tolist() == [0, 1, 2]
    assert array.hits.time.tolist() == [[0.0], [], [1.0, 2.0, 3.0]]
    assert array.hits.position[2, 0].tolist() == [3.0, 4.0, 5.0]
    assert array.segments.particle.tolist() == [[1, 0, -1], [], [0]]
    known = array.segments.particle[array.segments.particle >= 0]
    assert array.particles.pdg[known].tolist() == [[11, 13], [], [211]]
    assert ak.sum(array.hits.time) == 6.0


def test_a_data_frame_has_the_rows_of_a_table():
    frame = toy().to_pandas("hits")
    assert frame.index.tolist() == [(0, 0), (2, 0), (2, 1), (2, 2)]
    assert list(frame) == ["position[0]", "position[1]", "position[2]", "time", "charge"]
    assert frame["position[1]"].tolist() == [1.0, 4.0, 7.0, 10.0]
    assert toy().to_pandas("segments")["particle"].tolist() == [1, 0, -1, 0]
    assert len(toy()[1:2].to_pandas("hits")) == 0


def test_a_data_frame_has_no_column_for_every_sample_of_a_trace():
    columns = {"adc": torch.zeros(2, 4000), "channel": torch.zeros(2, dtype=torch.int64), "start": torch.zeros(2)}
    with pytest.raises(InputError, match=r"'waveforms.adc' has 4000 values a row, expected 1000 at most"):
        Events({"waveforms": Table(columns, torch.tensor([0, 2]))}).to_pandas("waveforms")


def test_a_graph_an_event_has_tables_as_nodes_and_indices_as_edges(pyg):
    graphs = toy().to_pyg()
    assert len(graphs) == 3
    assert [graph["hits"].num_nodes for graph in graphs] == [1, 0, 3]
    assert graphs[2]["hits"]["time"].tolist() == [1.0, 2.0, 3.0]
    assert graphs[0]["segments", "particle", "particles"].edge_index.tolist() == [[0, 1], [1, 0]]
    assert graphs[2]["segments", "particle", "particles"].edge_index.tolist() == [[0], [0]]
    assert graphs[0]["particles", "parent", "particles"].edge_index.tolist() == [[1], [0]]


def test_a_missing_package_is_named_in_one_line(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(border, "import_module", missing)
    with pytest.raises(InputError, match=r"to_pandas needs the package pandas, .*; pip install pandas$"):
        toy().to_pandas("hits")
    with pytest.raises(InputError, match=r"pip install torch-geometric$"):
        toy().to_pyg()
