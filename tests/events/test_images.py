"""Images from sparse pixels."""

import pytest
import torch

from nuforge.events import Column, Events, Table
from nuforge.events.images import MAP, pixel_images, prong_images, prong_of_pixels
from toy_maps import toy_maps

PIXELS, PRONGS = [30, 0, 1, 200], [3, 0, 1, 4]


@pytest.fixture
def events():
    return toy_maps(PIXELS, PRONGS)


def by_hand(events, of_prong=None):
    """The image of an event, or of one of its prongs, pixel by pixel."""
    pixels, image = events["pixels"], torch.zeros(2, *MAP)
    for i in range(len(pixels)):
        if of_prong is None or events["hits"]["prong"][pixels["hit"][i]] == of_prong:
            place = (int(pixels[name][i]) for name in ("view", "row", "column"))
            image[tuple(place)] += float(pixels["charge"][i])
    return image


def test_every_event_has_its_own_pixels(events):
    images = pixel_images(events)
    assert images.shape == (4, 2, *MAP)
    assert images.dtype == torch.float32
    for i, event in enumerate(events):
        assert torch.equal(images[i], by_hand(event))


def test_every_prong_has_the_pixels_whose_brightest_hit_is_its_own(events):
    images = prong_images(events)
    assert len(images) == sum(PRONGS)
    first = events["prongs"].offsets
    for i, event in enumerate(events):
        for k in range(PRONGS[i]):
            assert torch.equal(images[first[i] + k], by_hand(event, k))


def test_images_keep_the_charge(events):
    charge = events["pixels"]["charge"].double()
    assert pixel_images(events).double().sum() == charge.sum()
    prong = prong_of_pixels(events)
    assert 0 < (prong < 0).sum() < len(prong)
    of_prongs = torch.zeros(sum(PRONGS), dtype=torch.float64).index_add_(0, prong[prong >= 0], charge[prong >= 0])
    assert torch.equal(prong_images(events).double().sum((1, 2, 3)), of_prongs)


def test_chosen_prongs_are_those_of_all_in_the_order_asked_for(events):
    rows = torch.tensor([5, 0, 7])
    assert torch.equal(prong_images(events, rows), prong_images(events)[rows])
    assert prong_images(events, rows[:0]).shape == (0, 2, *MAP)


def test_planes_go_down_and_cells_to_the_right_the_view_before_both():
    about = {name: Column("", name, "readout") for name in ("view", "row", "column", "charge")}
    columns = {name: torch.tensor([value]).int() for name, value in zip(about, (1, 99, 3, 255), strict=True)}
    events = Events({"pixels": Table.from_counts(columns, torch.tensor([0, 1]), about=about)})
    assert pixel_images(events).nonzero().tolist() == [[1, 1, 99, 3]]
    assert pixel_images(events).max() == 255


def test_pixels_outside_of_the_map_are_left_out_and_go_into_no_other_event():
    about = {name: Column("", name, "readout") for name in ("view", "row", "column", "charge")}
    columns = {"view": [0, 2, 0, 0, 0], "row": [100, 0, -1, 0, 0], "column": [0, 0, 0, 80, -1], "charge": [9] * 5}
    columns = {name: torch.tensor(values) for name, values in columns.items()}
    events = Events({"pixels": Table.from_counts(columns, torch.tensor([0, 5, 0]), about=about)})
    assert not pixel_images(events).any()


@pytest.mark.parametrize(("pixels", "prongs"), [([], []), ([0], [0]), ([0, 0], [1, 0]), ([3], [0])])
def test_without_pixels_or_prongs_images_are_empty(pixels, prongs):
    events = toy_maps(pixels, prongs) if pixels else toy_maps([1])[:0]
    assert pixel_images(events).shape == (len(pixels), 2, *MAP)
    assert prong_images(events).shape == (sum(prongs), 2, *MAP)
    assert not prong_images(events).any()
    assert pixel_images(events).double().sum() == events["pixels"]["charge"].double().sum()
