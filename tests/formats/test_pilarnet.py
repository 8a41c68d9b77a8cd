"""PILArNet-M: checked on files made from the documentation of the format, and on what NuForge writes."""

import h5py
import numpy as np
import pytest
import torch
from fixtures_lartpc_voxels import make_pilarnet

from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.formats import format_of, read
from nuforge.formats.identity import event_table
from nuforge.formats.pilarnet import PILARNET


@pytest.mark.parametrize("revision", [1, 2])
def test_points_have_the_label_of_their_cluster(tmp_path, revision):
    events = read(make_pilarnet(revision)(tmp_path / "made", 3, 0, "plain"))
    assert events["voxels"]["label"].tolist() == [1, 1, 1, 0, 0] * 2
    assert events["voxels"]["fragment"].tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3]
    assert ("pid" in events["fragments"]) == (revision == 2)
    assert set(events.readout()["voxels"]) == {"index", "value"}


def test_the_revision_is_told_by_cluster_extra(tmp_path):
    for revision in (1, 2):
        path = make_pilarnet(revision)(tmp_path / f"made{revision}", 3, 0, "plain")
        assert format_of(path).name == f"pilarnet-v{revision}"


def test_clusters_with_other_numbers_of_points_are_refused(tmp_path):
    path = make_pilarnet(2)(tmp_path / "made", 3, 0, "plain")
    with h5py.File(path, "a") as file:
        file["point"][2] = np.zeros(4 * 8, np.float32)
    with pytest.raises(InputError, match="hold 5 points, expected the 4 of the event"):
        read(path)


def test_simulated_voxels_are_written_with_low_energy_first(tmp_path):
    counts = torch.tensor([4])
    voxels = {
        "index": torch.tensor([[1, 1, 1], [2, 2, 2], [3, 3, 3], [4, 4, 4]]),
        "value": torch.tensor([1.0, 2, 3, 4]),
        "label": torch.tensor([1, 4, 0, 1]),
        "fragment": torch.tensor([0, -1, 1, 0]),
    }
    fragments = {"label": torch.tensor([1, 0]), "particle": torch.tensor([1, 0])}
    events = Events(
        {
            "event": event_table(1, np.arange(1)),
            "voxels": Table.from_counts(voxels, counts, refers_to={"fragment": "fragments"}),
            "fragments": Table.from_counts(fragments, torch.tensor([2])),
            "particles": Table.from_counts({"pdg": torch.tensor([22, -13])}, torch.tensor([2])),
        }
    )
    PILARNET[1].write(tmp_path / "out", [events], None)
    again = read(tmp_path / "out")
    assert again["voxels"]["value"].tolist() == [2, 1, 4, 3]
    assert again["voxels"]["label"].tolist() == [4, 1, 1, 0]
    assert again["fragments"]["pid"].tolist() == [5, 2, 0]
    assert again["fragments"]["group"].tolist() == [-1, 1, 0]
