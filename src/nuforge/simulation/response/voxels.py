"""Electron clouds to voxels: shares of clouds, summed by voxel and by particle."""

from dataclasses import dataclass
from itertools import accumulate

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.shapes import Points, VoxelIndex
from nuforge.simulation.response.diffusion import gaussian_shares


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
    """What clouds leave in voxels: the cloud, the voxel (S, 3) and the charge of each share."""

    cloud: Int[Tensor, " s"]
    index: VoxelIndex
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


def spread(clouds: Clouds, reached: tuple[int, int, int], negligible: float) -> Shares:
    """Shares of clouds in the voxels around them, one axis after the other since a Gaussian is a product.

    A share of fewer than `negligible` electrons is dropped unless it is the largest of its row of voxels, and what a
    cloud loses so is given back to its other shares in proportion: charge is conserved. A bunch of a few electrons
    stays in one voxel.
    """
    cloud = torch.arange(len(clouds.charge), device=clouds.charge.device)
    charge, numbers = clouds.charge, []
    for axis, reach in enumerate(reached):
        first, shares = gaussian_shares(clouds.center[:, axis], clouds.width[:, axis], reach)
        grid = charge[:, None] * shares[cloud]
        is_kept = (grid >= grid.detach().amax(1, keepdim=True).clamp(max=negligible)) & (grid > 0)
        row, number = is_kept.nonzero(as_tuple=True)
        charge, cloud = grid[row, number], cloud[row]
        numbers = [*(before[row] for before in numbers), first[cloud] + number]
    kept = torch.zeros_like(clouds.charge).index_add(0, cloud, charge)
    return Shares(cloud, torch.stack(numbers, 1), charge * (clouds.charge / kept)[cloud])


def collect(clouds: Clouds, shares: Shares, shape: tuple[int, int, int]) -> Image:
    """Shares summed by event, voxel and particle. What diffused out of the grid of that shape is lost."""
    inside = ((shares.index >= 0) & (shares.index < shares.index.new_tensor(shape))).all(1)
    cloud, index, charge = shares.cloud[inside], shares.index[inside], shares.charge[inside]
    n_particles = int(clouds.particle.max()) + 2 if len(clouds.particle) else 1
    code = ((clouds.event[cloud] * shape[0] + index[:, 0]) * shape[1] + index[:, 1]) * shape[2] + index[:, 2]
    code, order = torch.sort(code * n_particles + clouds.particle[cloud] + 1)

    link_code, link = torch.unique_consecutive(code, return_inverse=True)
    voxel_code, link_voxel = torch.unique_consecutive(link_code // n_particles, return_inverse=True)
    counting = charge * (1 - charge / clouds.charge[cloud])
    link_charge = charge.new_zeros(len(link_code)).index_add(0, link, charge[order])
    link_variance = charge.new_zeros(len(link_code)).index_add(0, link, counting[order])
    row, z = voxel_code // shape[2], voxel_code % shape[2]
    plane, y = row // shape[1], row % shape[1]
    return Image(
        event=plane // shape[0],
        index=torch.stack([plane % shape[0], y, z], dim=1),
        charge=charge.new_zeros(len(voxel_code)).index_add(0, link_voxel, link_charge),
        variance=charge.new_zeros(len(voxel_code)).index_add(0, link_voxel, link_variance),
        link_voxel=link_voxel,
        link_particle=link_code % n_particles - 1,
        link_charge=link_charge,
    )


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
