"""Samples of slices of a segmented detector."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.samples.nova import particle_spray
from nuforge.samples.prepare import with_identity


def made(sample):
    return with_identity(sample.generate(sample.events, 0, sample.generator(0)), sample.source, 0)


@pytest.fixture(scope="module")
def slices():
    return made(particle_spray(8, site="far", cosmic_share=0.4, most=2))


def test_every_event_is_one_slice_with_prongs_and_truth(slices):
    assert len(slices) == 8
    assert (slices["hits"].counts > 0).double().mean() > 0.7
    assert (slices["prongs"].counts > 0).double().mean() > 0.7
    assert set(slices.readout().tables) == {"event", "hits", "pixels", "prongs"}
    first = slices["particles"]["pdg"][slices["particles"].offsets[:-1]].abs()
    assert (first[slices["event"]["cosmic"]] == 13).all()
    owner = slices["particles"]["interaction"][slices["prongs"]["particle"]]
    main = slices["interactions"].offsets[:-1][slices["prongs"].batch]
    assert (owner == main).double().mean() > 0.8


def test_what_is_stored_is_what_was_made(tmp_path):
    sample = particle_spray(4, site="near")
    stored, events = sample.write(tmp_path / "slices").read(), made(sample)
    for name, table in events.tables.items():
        assert dict(stored[name].refers_to) == dict(table.refers_to)
        for column in table:
            assert stored[name].about[column] == table.about[column]
            torch.testing.assert_close(stored[name][column], table[column], rtol=0, atol=0, equal_nan=True)


def test_a_shift_is_applied_to_the_same_particles():
    nominal, shifted = particle_spray(4, site="near"), particle_spray(4, site="near", shift="calibration-up")
    assert nominal.key != shifted.key
    assert nominal.source == shifted.source
    a, b = made(nominal), made(shifted)
    assert torch.equal(a["interactions"]["vertex"], b["interactions"]["vertex"])
    energy = [torch.zeros(4).index_add(0, e["hits"].batch, e["hits"]["energy"]) for e in (a, b)]
    torch.testing.assert_close(energy[1], 1.05 * energy[0])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"fewest": 0}, "fewest must be between 1 and most"),
        ({"site": "middle"}, "site must be 'far' or 'near', got 'middle'"),
        ({"site": "near", "cosmic_share": 0.5}, "there are no cosmic muons underground"),
        ({"cosmic_share": 1.5}, "cosmic_share must be from 0 to 1"),
        ({"shift": "up"}, "shift must be 'nominal' or one of"),
    ],
)
def test_what_cannot_be_made_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        particle_spray(1, **wrong)
