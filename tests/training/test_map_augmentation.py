"""Pixel maps seen another way."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.events.images import MAP, pixel_images, prong_images
from nuforge.training.augmentation import generator_at, map_symmetries
from toy_maps import toy_maps


def views_mirrored(before, after):
    """Which views (B, V) of images are the mirror images of what they were; the others must be the same."""
    mirrored = (after == before.flip(3)).flatten(2).all(2)
    assert (mirrored | (after == before).flatten(2).all(2)).all()
    return mirrored


def test_every_view_is_mirrored_or_not_on_its_own():
    events = toy_maps([40] * 20)
    after = map_symmetries(events, generator_at(0, 0))
    mirrored = views_mirrored(pixel_images(events), pixel_images(after))
    assert {tuple(row) for row in mirrored.tolist()} == {(a, b) for a in (False, True) for b in (False, True)}


def test_a_view_that_has_an_up_stays():
    events = toy_maps([40] * 20)
    after = map_symmetries(events, generator_at(0, 0), views=(0,))
    mirrored = views_mirrored(pixel_images(events), pixel_images(after))
    assert mirrored[:, 0].any()
    assert not mirrored[:, 1].any()


def test_prongs_turn_with_their_event():
    events = toy_maps([40] * 20, [2] * 20)
    after = map_symmetries(events, generator_at(0, 0))
    of_event = views_mirrored(pixel_images(events), pixel_images(after))
    assert torch.equal(views_mirrored(prong_images(events), prong_images(after)), of_event.repeat_interleave(2, 0))


def test_noise_multiplies_each_pixel_by_about_one():
    events = toy_maps([3000] * 3)
    after = map_symmetries(events, generator_at(0, 1), views=(), noise=0.1)
    factor = after["pixels"]["charge"].double() / events["pixels"]["charge"].double()
    n = len(factor)
    assert abs(factor.mean() - 1) < 5 * 0.1 / n**0.5
    assert abs(factor.std() - 0.1) < 5 * 0.1 / (2 * n) ** 0.5
    assert torch.equal(
        map_symmetries(events, generator_at(0, 1), views=())["pixels"]["charge"], events["pixels"]["charge"]
    )


def test_views_move_as_a_whole_along_the_beam_together_and_never_out_of_the_map():
    events = toy_maps([2] * 400)
    pixels, view = events["pixels"], events["pixels"]["view"].long()
    after = map_symmetries(events, generator_at(0, 2), views=(), shift=3)["pixels"]
    for name, image, side in (("row", pixels.batch, MAP[0]), ("column", pixels.batch * 2 + view, MAP[1])):
        moved = after[name].long() - pixels[name].long()
        lowest = torch.full((800,), 9).scatter_reduce(0, image, moved, "amin")
        assert torch.equal(moved, lowest[image])
        assert set(moved.tolist()) == set(range(-3, 4))
        assert 0 <= int(after[name].min()) <= int(after[name].max()) < side
    assert torch.equal(after["charge"], pixels["charge"])


def test_maps_without_room_stay():
    events = toy_maps([50 * 80 * 2])
    after = map_symmetries(events, generator_at(0, 0), views=(), shift=3)["pixels"]
    assert torch.equal(after["column"], events["pixels"]["column"])


def test_the_choice_depends_on_the_generator_alone():
    events = toy_maps([40] * 5)
    a, b, c = (map_symmetries(events, generator_at(0, step), noise=0.1)["pixels"]["charge"] for step in (3, 3, 4))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_empty_events_stay_empty():
    assert map_symmetries(toy_maps([0, 0]), generator_at(0, 0), noise=0.1, shift=2)["pixels"].counts.tolist() == [0, 0]


def test_a_view_that_is_not_there_is_refused():
    with pytest.raises(InputError, match=r"views must be of \[0, 1\], noise and shift 0 or more, got \[2\], 0.0 and 0"):
        map_symmetries(toy_maps([1]), generator_at(0, 0), views=(2,))
