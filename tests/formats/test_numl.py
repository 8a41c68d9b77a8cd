"""NuML: checked on files made from the documentation of the format, and on what NuForge writes."""

import h5py
import numpy as np
import pytest
import torch
from fixtures_lartpc_hits import make_numl

from nuforge.errors import InputError
from nuforge.events import Process
from nuforge.formats import read


@pytest.fixture
def made(tmp_path):
    return make_numl(tmp_path / "made", 4, 0, "plain")


def test_hits_name_the_particles_that_made_them(made):
    events = read(made)
    links = events["truth_links"]
    assert links["row"].tolist() == [0, 1, 2, 3, 4, 5]
    assert events["particles"]["pdg"][links["particle"]].tolist() == [13, 11] * 3
    assert events["particles"]["parent"].tolist() == [1, -1, 3, -1, 5, -1]
    assert events["particles"]["process"][:2].tolist() == [Process.IONISATION, Process.PRIMARY]


def test_rows_are_found_by_numbers_where_nothing_counts_them(made):
    expected = read(made)["truth_links"]
    with h5py.File(made, "a") as file:
        del file["edep_table/event_id.seq_cnt"]
        for dataset in file["edep_table"].values():
            dataset[...] = dataset[()][::-1]
    found = read(made)["truth_links"]
    assert torch.equal(found.offsets, expected.offsets)
    assert torch.equal(found["row"].sort().values, expected["row"])
    assert torch.equal(found.batch, read(made)["hits"].batch[found["row"]])


def test_events_may_be_counted_in_any_order(made):
    with h5py.File(made, "a") as file:
        counts = file["hit_table/event_id.seq_cnt"]
        counts[...] = counts[()][::-1]
    hits = read(made)["hits"]
    assert hits["number"].tolist() == [4, 5, 2, 3, 0, 1]


def test_counts_that_do_not_add_up_are_refused(made):
    with h5py.File(made, "a") as file:
        file["hit_table/event_id.seq_cnt"][0] = (0, 9)
    with pytest.raises(InputError, match="does not count its 6 rows of 4 events; copy it again"):
        read(made)


def test_only_hits_are_readout(made):
    seen = read(made).readout()
    assert set(seen.tables) == {"event", "hits"}
    assert np.isfinite(seen["hits"]["charge"].numpy()).all()
