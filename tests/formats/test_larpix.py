"""LArPix: packets and the events that the charge event builder made of them."""

import numpy as np
import pytest
import torch
from fixtures_lartpc_readout import make_packets
from format_fixture import DATA

from nuforge.formats import read
from nuforge.formats.charge_events import CHARGE_EVENTS

PACKETS, BUILT = DATA / "larndsim" / "qc_tpc_cosmics.h5", DATA / "larndsim" / "evd_qc_tpc.h5"
real = pytest.mark.skipif(not PACKETS.exists(), reason=f"{PACKETS} is not there")


@real
def test_bursts_of_ten_hits_are_the_events_of_the_charge_event_builder():
    packets, built = read(PACKETS), read(BUILT)
    many = packets[packets["hits"].counts >= 10]  # the builder's nhit_cut
    assert torch.equal(many["hits"].counts, built["hits"].counts)
    assert torch.equal(many["hits"]["time"], built["hits"]["time"])


@real
def test_drift_is_that_of_the_fitted_tracks():
    built = read(BUILT)
    one = built[(built["tracks"].counts == 1) & (built["hits"].counts > 30)]
    hits, tracks = one["hits"], one["tracks"]
    lowest = torch.full((len(one),), np.inf).scatter_reduce(0, hits.batch, hits["position"][:, 2], "amin")
    ends = torch.stack([tracks["start"][:, 2], tracks["end"][:, 2]]).amin(0)
    assert (lowest - ends).abs().median() < 0.5  # cm; the fit's residuals are some mm


def test_measured_hits_have_no_truth(tmp_path):
    events = read(make_packets(simulated=False)(tmp_path / "made", 3, 0, "plain"))
    assert set(events.tables) == {"event", "hits"}
    assert set(events.readout()["hits"]) == set(events["hits"])
    assert (events["hits"]["time"].reshape(-1, 3).diff(dim=1) > 0).all()


def test_simulated_hits_name_their_deposits(tmp_path):
    events = read(make_packets(simulated=True)(tmp_path / "made", 4, 0, "plain"))
    links, hits, segments = events["truth_links"], events["hits"], events["segments"]
    assert len(links) == len(hits) == 9
    assert torch.equal(links["row"], torch.arange(9))
    assert torch.equal(segments.batch[links["segment"]], hits.batch[links["row"]])
    assert "truth_links" not in events.readout()


def test_the_builder_only_reads():
    assert CHARGE_EVENTS.write is None
