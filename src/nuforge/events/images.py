"""Images: pixel maps of whole batches, made on the device from pixels that are kept sparse."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.events.events import Events

MAP = (100, 80)
"""Planes of a view and cells of a map. Source: Aurisano et al., JINST 11 (2016) P09001."""
VIEWS = 2
"""Views of a map: X and Y."""


def pixel_images(events: Events) -> Float[Tensor, "b 2 h w"]:
    """The pixel maps of events: an image of each view.

    Args:
        events: `pixels` with view, row, column and charge. Pixels outside of the map are left out.

    Returns:
        (B, 2, 100, 80) float32: event, view (X, Y), plane along the beam, cell; charge in counts, up to 255 in one
        pixel; on the device of the events.
    """
    return images_of(events, events["pixels"].batch, len(events))


def prong_images(events: Events, rows: Int[Tensor, " p"] | None = None) -> Float[Tensor, "p 2 h w"]:
    """The pixels of prongs in the maps of their events: an image of each view.

    Args:
        events: `pixels` as in `pixel_images`, with the brightest hit of each; `hits` with their prong; `prongs`.
        rows: Numbers of the prongs in the batch, each once; all of them if not given.

    Returns:
        (P, 2, 100, 80) float32, as `pixel_images` gives them; 0 where there is no pixel of the prong.
    """
    prong = prong_of_pixels(events)
    n = len(events["prongs"])
    if rows is None:
        return images_of(events, prong, n)
    place = torch.full((n,), -1, dtype=torch.int64, device=prong.device)
    place[rows] = torch.arange(len(rows), device=prong.device)
    return images_of(events, torch.where(prong >= 0, place[prong], -1) if n else prong, len(rows))


def prong_of_pixels(events: Events) -> Int[Tensor, " n"]:
    """The prong of each pixel (N,), that of its brightest hit; -1 for none.

    Args:
        events: `pixels` with their hit, and `hits` with their prong.
    """
    hit, prong = events["pixels"]["hit"], events["hits"]["prong"]
    return torch.where(hit >= 0, prong[hit], -1) if len(prong) else torch.full_like(hit, -1)


def images_of(events: Events, image: Tensor, n: int) -> Tensor:
    """n images (n, 2, 100, 80) of pixels whose image (N,) is known; those of image -1 are left out."""
    pixels = events["pixels"]
    planes, cells = MAP
    view, row, column = (pixels[name].to(torch.int64) for name in ("view", "row", "column"))
    inside = (image >= 0) & (view >= 0) & (view < VIEWS) & (row >= 0) & (row < planes) & (column >= 0)
    inside &= column < cells
    code = ((image * VIEWS + view) * planes + row) * cells + column
    charge = pixels["charge"].to(torch.float32)
    images = torch.zeros(n * VIEWS * math.prod(MAP), device=charge.device)
    if n:  # what is outside adds 0 somewhere: nothing waits for the device to count
        images.index_add_(0, torch.where(inside, code, 0), charge.where(inside, charge.new_zeros(())))
    return images.view(n, VIEWS, planes, cells)
