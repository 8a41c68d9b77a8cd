"""Electron clouds to voxels: shares of clouds, summed by voxel and by particle."""

import math
from dataclasses import dataclass
from itertools import accumulate

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.events.rows import rows_where, sort_codes
from nuforge.shapes import Points, VoxelIndex
from nuforge.simulation.response.diffusion import gaussian_shares

Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Clouds:
    """Gaussian clouds of electrons that arrive at the readout.

    Args:
        center: In voxels from the origin.
        width: Standard deviation along x, y, z in voxels.
        charge: Electrons.
        event: The event of each.
        particle: Who made it, numbered in its event, -1 for nobody.
    """

    center: Points
    width: Points
    charge: Float[Tensor, " c"]
    event: Int[Tensor, " c"]
    particle: Int[Tensor, " c"]


@dataclass(frozen=True)
class Shares:
    """What clouds leave in the voxels around them.

    Args:
        first: The first voxel that each cloud reaches along x, y, z.
        reached: How many voxels it reaches along each axis.
        cloud: The cloud of each share, rising.
        place: Where the share is among the voxels that its cloud reaches, in their order (x outermost).
        charge: Electrons.
    """

    first: Int[Tensor, "c 3"]
    reached: Triple
    cloud: Int[Tensor, " s"]
    place: Int[Tensor, " s"]
    charge: Float[Tensor, " s"]


@dataclass(frozen=True)
class Image:
    """Voxels with charge in the order of event, x, y, z, and which particles gave it.

    Args:
        event: Event of each voxel.
        index: Its numbers.
        charge: Its mean charge in e.
        variance: In e^2, of counting electrons that diffuse here or there.
        link_voxel: For each pair of voxel and particle, in order: the voxel's row,
        link_particle: the particle, numbered in its event, -1 for nobody,
        link_charge: and the mean charge of the pair.
    """

    event: Int[Tensor, " v"]
    index: VoxelIndex
    charge: Float[Tensor, " v"]
    variance: Float[Tensor, " v"]
    link_voxel: Int[Tensor, " l"]
    link_particle: Int[Tensor, " l"]
    link_charge: Float[Tensor, " l"]


def spread(clouds: Clouds, shape: Triple, reached: Triple, negligible: float) -> Shares:
    """Shares of clouds in the voxels around them, one axis after the other since a Gaussian is a product.

    A share of fewer than `negligible` electrons is dropped unless it is the largest of its row of voxels, and what a
    cloud loses so is given back to its other shares in proportion: charge is conserved. A bunch of a few electrons
    stays in one voxel.

    Args:
        clouds: With centres inside the grid.
        shape: Voxels of the grid along x, y, z.
        reached: Voxels that the widest cloud reaches, not more than the grid has.
        negligible: Electrons.
    """
    cloud = torch.arange(len(clouds.charge), device=clouds.charge.device)
    charge, place, first = clouds.charge, torch.zeros_like(cloud), []
    tiny = torch.finfo(charge.dtype).tiny
    for axis, reach in enumerate(reached):
        begin, shares = gaussian_shares(clouds.center[:, axis], clouds.width[:, axis], reach, shape[axis])
        first.append(begin)
        grid = charge[:, None] * shares.index_select(0, cloud)
        least = grid.detach().amax(1, keepdim=True).clamp(tiny, max(negligible, tiny))
        cell = rows_where(grid >= least)
        row = torch.div(cell, reach, rounding_mode="floor")
        place = place.index_select(0, row) * reach + cell - row * reach
        charge, cloud = grid.flatten().index_select(0, cell), cloud.index_select(0, row)
    kept = torch.zeros_like(clouds.charge).index_add(0, cloud, charge)
    charge = charge * (clouds.charge / kept).index_select(0, cloud)
    return Shares(torch.stack(first, dim=1), reached, cloud, place, charge)


def collect(clouds: Clouds, shares: Shares, shape: Triple) -> Image:
    """Shares of clouds, in the order of events, summed by event, voxel and particle.

    One sort of whole numbers that are made of the three does it.

    Args:
        clouds: The clouds.
        shares: Their shares.
        shape: Voxels of the grid along x, y, z.
    """
    _, y, z = shape
    axes = [torch.arange(reach, device=shares.cloud.device) for reach in shares.reached]
    around = torch.cartesian_prod(*axes)
    scale = around.new_tensor([y * z, z, 1])
    event = clouds.event - clouds.event[:1]
    n_voxels = (int(event[-1]) + 1) * math.prod(shape) if len(event) else 0
    corner = event * math.prod(shape) + (shares.first * scale).sum(1)
    offset = (around * scale).sum(1)
    n_particles = int(clouds.particle.max()) + 2 if len(clouds.particle) else 1
    of_cloud, of_place = corner * n_particles + clouds.particle + 1, offset * n_particles
    code = of_cloud.index_select(0, shares.cloud) + of_place.index_select(0, shares.place)
    code, order = sort_codes(code, n_voxels * n_particles)

    link, n_shares = torch.unique_consecutive(code, return_inverse=True, return_counts=True)[1:]
    example = order.index_select(0, n_shares.cumsum(0) - n_shares)  # one share of each pair of voxel and particle
    cloud, place = shares.cloud.index_select(0, example), shares.place.index_select(0, example)
    voxel = corner.index_select(0, cloud) + offset.index_select(0, place)
    link_voxel, n_links = torch.unique_consecutive(voxel, return_inverse=True, return_counts=True)[1:]
    first = n_links.cumsum(0) - n_links
    its_cloud, its_place = cloud.index_select(0, first), place.index_select(0, first)

    counting = shares.charge * (1 - shares.charge / clouds.charge.index_select(0, shares.cloud))
    link_charge = _sums(shares.charge.index_select(0, order), link, len(voxel))
    link_variance = _sums(counting.index_select(0, order), link, len(voxel))
    return Image(
        event=clouds.event.index_select(0, its_cloud),
        index=shares.first.index_select(0, its_cloud) + around.index_select(0, its_place),
        charge=_sums(link_charge, link_voxel, len(first)),
        variance=_sums(link_variance, link_voxel, len(first)),
        link_voxel=link_voxel,
        link_particle=clouds.particle.index_select(0, cloud),
        link_charge=link_charge,
    )


def _sums(values: Tensor, group: Tensor, n: int) -> Tensor:
    return values.new_zeros(n).index_add(0, group, values)


def join(images: list[Image]) -> Image:
    """One image of several that have different events, in their order."""
    starts = [0, *accumulate(len(image.charge) for image in images)]
    return Image(
        event=torch.cat([image.event for image in images]),
        index=torch.cat([image.index for image in images]),
        charge=torch.cat([image.charge for image in images]),
        variance=torch.cat([image.variance for image in images]),
        link_voxel=torch.cat([image.link_voxel + start for image, start in zip(images, starts, strict=False)]),
        link_particle=torch.cat([image.link_particle for image in images]),
        link_charge=torch.cat([image.link_charge for image in images]),
    )
