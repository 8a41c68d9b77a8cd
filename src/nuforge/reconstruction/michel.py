"""Michel electrons: clusters of class Michel at the end of a track, which was then a muon that decayed."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nuforge.events.table import offsets_of
from nuforge.reconstruction.clusters import Clusters, extremes
from nuforge.shapes import Rows

FARTHEST = 2.0
"""cm between the end of a track and the nearest voxel of its Michel electron."""


def tracks_of_michels(
    clusters: Clusters,
    is_michel: Bool[Tensor, " c"],
    is_track: Bool[Tensor, " c"],
    end: Float[Tensor, "c 3"],
    length: Float[Tensor, " c"],
    offsets: Int[Tensor, " o"],
) -> Rows:
    """The track (C,) at whose end each Michel cluster lies; -1 for none and for other clusters.

    Of several it is the longest: small pieces beside the end of a muon are its knock-on electrons.

    Args:
        clusters: All clusters.
        is_michel: (C,) which are of class Michel.
        is_track: (C,) which are tracks.
        end: (C, 3) cm, where tracks end.
        length: (C,) cm, of tracks.
        offsets: (B + 1,) clusters of each event.
    """
    n = len(clusters)
    event = torch.repeat_interleave(offsets.diff(), output_size=n)
    tracks = (is_track & end.isfinite().all(dim=1)).nonzero().flatten()
    per_event = torch.bincount(event[tracks], minlength=len(offsets) - 1)
    first = offsets_of(per_event)[:-1]
    michels = is_michel.nonzero().flatten()
    counts = per_event[event[michels]]
    michel = torch.repeat_interleave(michels, counts)
    row = torch.arange(len(michel)) - torch.repeat_interleave(offsets_of(counts)[:-1], counts)
    track = tracks[torch.repeat_interleave(first[event[michels]], counts) + row]
    near = _nearest_voxel(clusters, michel, end[track]) <= FARTHEST
    michel, track = michel[near], track[near]
    chosen = length[track] >= extremes(length[track], michel, n, "amax")[michel]
    found = torch.full((n,), -1)
    found[michel[chosen].flip(0)] = track[chosen].flip(0)
    return found


def _nearest_voxel(clusters: Clusters, cluster: Rows, point: Float[Tensor, "k 3"]) -> Tensor:
    """Distance (K,) cm from points to the nearest voxel of a cluster each."""
    counts = clusters.counts[cluster]
    pair = torch.repeat_interleave(counts)
    voxel = clusters.offsets[:-1][cluster][pair] + torch.arange(len(pair)) - offsets_of(counts)[:-1][pair]
    return extremes((clusters.position[voxel] - point[pair]).norm(dim=1), pair, len(cluster), "amin")
