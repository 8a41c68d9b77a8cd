"""What every detector and every response keeps."""

import json
from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from nuforge.detectors import from_description, lartpc_cube, nova_far, nova_near
from nuforge.simulation.response import lartpc, segmented
from nuforge.simulation.sources import particle_gun
from nuforge.simulation.transport import transport

DETECTORS = {"lartpc": lartpc_cube, "nova-far": nova_far, "nova-near": nova_near}
RESPONSES = {
    "lartpc": (lartpc_cube, lartpc.respond, lartpc.expected_voxels, "voxels", (0.0, 0.0, 0.0)),
    "nova": (nova_near, segmented.respond, segmented.expected_hits, "hits", (10.0, -20.0, 300.0)),
}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module", params=RESPONSES)
def case(request):
    build, respond, expected, table, place = RESPONSES[request.param]
    detector = build()
    flown = transport(particle_gun(3, 11, 150.0, place), detector, generator(1), step=0.5)
    empty = flown.keep("segments", flown["segments"].batch != 1)
    return detector, respond, expected, table, empty


@pytest.mark.parametrize("name", DETECTORS)
def test_a_description_brings_every_detector_back(name):
    detector = DETECTORS[name]()
    assert from_description(json.loads(json.dumps(detector.description()))) == detector


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_is_a_frozen_value_whose_variation_is_another(name):
    detector = DETECTORS[name]()
    with pytest.raises(FrozenInstanceError):
        detector.name = "another"
    assert replace(detector, name="another") != detector
    assert DETECTORS[name]() == detector


def test_the_same_seed_gives_the_same_readout_and_another_seed_another(case):
    detector, respond, _, table, events = case
    first, again, other = (respond(events, detector, generator(seed))[table] for seed in (3, 3, 4))
    for column in first:
        assert torch.equal(first[column], again[column])
    values = "value" if table == "voxels" else "charge"
    assert len(first) != len(other) or not torch.equal(first[values], other[values])


def test_an_event_without_deposits_is_an_event(case):
    detector, _, expected, table, events = case
    counts = expected(events, detector)[table].counts
    assert counts[1] == 0
    assert (counts[[0, 2]] > 0).all()
    nothing = events.keep("segments", torch.zeros(len(events["segments"]), dtype=torch.bool))
    assert len(expected(nothing, detector)[table]) == 0


def test_an_event_alone_is_expected_as_in_a_batch(case):
    detector, _, expected, table, events = case
    together = expected(events, detector)
    for i in range(len(events)):
        alone = expected(events.event(i), detector)[table]
        for column, values in together.event(i)[table].columns.items():
            torch.testing.assert_close(alone[column], values, rtol=1e-6, atol=1e-6)


def test_shares_of_particles_add_up_to_one(case):
    detector, respond, _, table, events = case
    read = respond(events, detector, generator(5))
    links = read["truth_links"]
    share = torch.zeros(len(read[table])).index_add(0, links["row"], links["fraction"].float())
    linked = torch.bincount(links["row"], minlength=len(share)) > 0
    torch.testing.assert_close(share[linked], torch.ones(int(linked.sum())), rtol=1e-4, atol=1e-4)
    assert torch.equal(read["particles"].batch[links["particle"]], links.batch)


def test_a_response_leaves_readout_instead_of_deposits(case):
    detector, respond, _, table, events = case
    read = respond(events, detector, generator(6))
    assert "segments" not in read
    assert table in read.readout()
    assert "truth_links" not in read.readout()
