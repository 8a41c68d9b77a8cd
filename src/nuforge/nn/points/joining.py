"""Clusters put in order: small ones joined to larger ones, and numbers that begin at 0 in every event."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.nn.points.arguments import check_count
from nuforge.nn.points.others import nearest_other


def join_small(cluster: Tensor, position: Tensor, group: Tensor, least: int) -> Tensor:
    """Clusters (N,) in which those of fewer than `least` points went to larger ones of their group, point by point.

    Each point of a small cluster takes the cluster of the nearest point of a larger one. Where the group has no larger
    cluster, small ones stay.

    Args:
        cluster: Cluster of each point (N,) int64 from 0, -1 for none, which stays. A cluster lies in one group.
        position: (N, D).
        group: (N,) int64 from 0: points of different groups never join, for example of two events or classes.
        least: Points of a cluster that stays.
    """
    check_count("least", least)
    _check(cluster, group)
    known = cluster >= 0
    size = torch.bincount(cluster[known])
    large = known.clone()
    large[known] = size[cluster[known]] >= least
    rows, small = large.nonzero()[:, 0], (known & ~large).nonzero()[:, 0]
    nearest, _ = nearest_other(position[small], group[small], position[rows], group[rows])
    joined, found = cluster.clone(), nearest >= 0
    joined[small[found]] = cluster[rows[nearest[found]]]
    return joined


def number_inside(cluster: Tensor, batch: Tensor) -> Tensor:
    """Clusters (N,) numbered from 0 inside each event, in the order of their first points; -1 stays.

    Args:
        cluster: (N,) int64, -1 for none. A cluster that has points of two events becomes two.
        batch: The event of each point (N,).
    """
    _check(cluster, batch)
    known = (cluster >= 0).nonzero()[:, 0]
    out = torch.full_like(cluster, -1)
    if not len(known):
        return out
    code = batch[known] * (cluster.max() + 1) + cluster[known]
    codes, place = torch.unique(code, return_inverse=True)
    first = torch.full_like(codes, len(known)).scatter_reduce(
        0, place, torch.arange(len(known), device=place.device), "amin"
    )
    event = batch[known][first]
    order = (first + event * len(known)).argsort()  # by event, then first point
    rank = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
    begin = torch.searchsorted(event[order], event)
    out[known] = (rank - begin)[place]
    return out


def _check(cluster: Tensor, batch: Tensor) -> None:
    if cluster.dtype != torch.int64 or cluster.shape != batch.shape:
        raise InputError(
            f"clusters must be int64 of shape {tuple(batch.shape)}, got {cluster.dtype} of {tuple(cluster.shape)}; "
            "give one number per point, -1 for none"
        )
