"""Elastic arms: a vertex and directions from it, bent until hits are near to one of them."""

import torch
from torch import Tensor

from nuforge.simulation.cells.directions import angular_peaks
from nuforge.simulation.cells.places import Places

_ARMS = 4
_WIDTH = 4.0  # cm: how far hits of an arm are from it, a cell
_NOISE = 4.0  # squared distance in widths from which on a hit is nobody's
_HEAT = (8.0, 4.0, 2.0, 1.0)  # temperatures
_STEPS = 8  # at each
_RATES = (1.5, 0.02)  # cm and rad a step


def relaxed(places: Places, seed: Tensor) -> Tensor:
    """Vertices (B, 3) from seeds (B, 3), x, y, z in cm: those of least energy, as it cools.

    Arms of both views come from one vertex. The energy of a hit at temperature T is -T ln of the sum over arms of
    exp(-d^2 / (w^2 T)), d its distance to the arm, which ends at the vertex, and of what noise costs.

    Source: Ohlsson and Peterson, Comput. Phys. Commun. 71 (1992) 77; in NOvA, Baird et al. 2015.
    """
    angle, known = angular_peaks(places, seed, _ARMS)
    vertex, angle = seed.detach().clone(), angle.clone()
    weight = places.charge.clamp(min=0).sqrt()
    norm = torch.zeros(2 * places.n_events, dtype=weight.dtype).index_add_(0, places.group, weight)
    weight = weight / norm.clamp(min=1e-30)[places.group]
    offset = torch.where(known, 0.0, torch.inf)[places.group]
    for heat in _HEAT:
        for _ in range(_STEPS):
            by_vertex, by_angle = _slopes(places, vertex, angle, offset, weight, heat)
            vertex = vertex - _RATES[0] * by_vertex / by_vertex.norm(dim=1, keepdim=True).clamp(min=0.05)
            angle = angle - _RATES[1] * by_angle / by_angle.abs().clamp(min=0.5)
    return vertex


def _slopes(
    places: Places, vertex: Tensor, angle: Tensor, offset: Tensor, weight: Tensor, heat: float
) -> tuple[Tensor, Tensor]:
    """The gradients (B, 3) and (2 B, K) of the energy with the vertices and the angles."""
    at = vertex[places.event]
    z, u = places.z - at[:, 2], places.u - torch.where(places.view == 0, at[:, 0], at[:, 1])
    a = angle[places.group]
    along = z[:, None] * a.cos() + u[:, None] * a.sin()
    aside = u[:, None] * a.cos() - z[:, None] * a.sin()
    behind = along.clamp(max=0)
    square = (aside**2 + behind**2) / _WIDTH**2 + offset
    share = torch.softmax(torch.cat([-square, torch.full_like(square[:, :1], -_NOISE)], 1) / heat, 1)[:, :-1]
    pull = torch.nan_to_num(share) * weight[:, None] * 2 / _WIDTH**2
    by_z = (pull * (aside * a.sin() - behind * a.cos())).sum(1)
    by_u = (pull * (-aside * a.cos() - behind * a.sin())).sum(1)
    by_vertex = torch.zeros_like(vertex)
    by_vertex[:, 2].index_add_(0, places.event, by_z)
    for view in (0, 1):
        mine = places.view == view
        by_vertex[:, view].index_add_(0, places.event[mine], by_u[mine])
    by_angle = torch.zeros_like(angle).index_add_(0, places.group, pull * (-aside * along + behind * aside))
    return by_vertex * _WIDTH, by_angle
