"""What one stage of the liquid-argon chain hands to the next: classes of voxels, clusters with their ends, results."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.detectors import TimeProjectionChamber
from nuforge.detectors.voxels import voxel_center
from nuforge.events import Column, Events, Table, offsets_of
from nuforge.events.rows import looked_up, majority
from nuforge.nn.points import nearest_other
from nuforge.reconstruction.reconstruct import reconstruct
from nuforge.shapes import Mask, Points, Rows, Scalars
from nuforge.simulation.truth import CLASSES, VoxelClass

SNAP = 1.5
"""cm; an end of a cluster is a point of its class no farther away than this."""

BEGIN = 3.0
"""cm from either end of a track within which the charges are compared that tell its end from its start."""

NEAR = 1.5
"""cm from a point within which voxels know of it: the radius in which points are learned."""

_KIND = Column("", "class, as an earlier stage has it", "readout")
_NEAR_POINT = Column("", f"1 at a point of an earlier stage, 0 at {NEAR} cm from any and beyond", "readout")
_OF_CLUSTERS = {
    "kind": _KIND,
    "start": Column("cm", "where it starts, as an earlier stage has it", "readout"),
    "end": Column("cm", "where it ends, its start where it has no end, as an earlier stage has it", "readout"),
}
_OF_VOXELS = {
    "kind": _KIND,
    "cluster": Column("", "its cluster, -1 for none", "readout", "clusters"),
    "starts_shower": Column("", "probability that its fragment starts a shower, NaN in no shower", "readout"),
}


def with_kinds(events: Events) -> Events:
    """Events with `voxels.kind` (N,), the most probable class of `voxels.probability` (N, K)."""
    kind = events["voxels"]["probability"].argmax(1)
    return events.with_table("voxels", events["voxels"].with_columns({"kind": kind}, {"kind": _KIND}))


def near_points(events: Events, points: Table, detector: TimeProjectionChamber) -> Events:
    """Events with `voxels.near_point` (N,): 1 at a point, falling to 0 at `NEAR` from the nearest.

    Args:
        events: `voxels` (index).
        points: With position (P, 3) in cm: predicted ones, or true ones.
        detector: Its voxels.
    """
    voxels = events["voxels"]
    place = voxel_center(voxels["index"], detector)
    _, distance = nearest_other(place, voxels.batch, points["position"], points.batch, NEAR)
    near = (1 - distance / NEAR).clamp(min=0).to(voxels["value"])
    return events.with_table("voxels", voxels.with_columns({"near_point": near}, {"near_point": _NEAR_POINT}))


def fragments_as_clusters(events: Events, detector: TimeProjectionChamber) -> Events:
    """Events with the fragments as `clusters`, and `voxels.cluster`.

    A fragment has the class of most of its voxels, low-energy ones aside. A track has two ends, the voxels farthest
    apart, each moved to a point of a track within `SNAP`, not both to one. The one that its point calls an end is the
    end; without points it is the one with more charge near it, as of a Bragg peak. Other fragments start at the best
    point of their class that lies on them; without one, at the end nearest to any point.

    Args:
        events: `voxels` (index, value, kind, reco_fragment) and `reco_points`.
        detector: Its voxels.
    """
    voxels = events["voxels"]
    cluster, counts = _through_the_batch(voxels["reco_fragment"], voxels)
    kind = voxels["kind"]
    kind = majority(cluster, torch.where(kind == VoxelClass.LOW_ENERGY, -1, kind), int(counts.sum()))
    start, end = _ends(events, detector, cluster, kind, counts)
    clusters = Table.from_counts({"kind": kind, "start": start, "end": end}, counts, about=_OF_CLUSTERS)
    return _with_clusters(events, cluster, clusters)


def showers_aside(events: Events) -> Events:
    """Events whose showers are `clusters.shower_group` and `shower_primary`, so that tracks can be grouped next."""
    clusters = events["clusters"]
    columns = {"shower_group": clusters["reco_group"], "shower_primary": clusters["primary_probability"][:, 1]}
    about = {name: Column("", f"{name.replace('_', ' ')} of a fragment", "prediction") for name in columns}
    gone = ("reco_group", "primary_probability", "primary_prediction")
    kept = clusters.only([name for name in clusters if name not in gone])
    return events.without("edges").with_table("clusters", kept.with_columns(columns, about))


def particles_as_clusters(events: Events) -> Events:
    """Events in which showers and tracks are the `clusters`; `voxels.starts_shower` keeps what is known of fragments.

    A shower has class and start of its most probable primary fragment, a track the class of its largest. Of the ends of
    a track's pieces the two farthest apart are the track's; it starts at the one nearer to the start of the largest.

    Args:
        events: `voxels.cluster` and `clusters` (kind, start, end, shower_group, shower_primary and reco_group, the
            track).
    """
    pieces = events["clusters"]
    group, counts = _through_the_batch(_numbered_on(pieces), pieces)
    n = int(counts.sum())
    rows = (group >= 0).nonzero()[:, 0]
    cluster = events["voxels"]["cluster"]
    size = torch.bincount(cluster[cluster >= 0], minlength=len(pieces))
    rank = torch.where(pieces["shower_group"] >= 0, pieces["shower_primary"], size)
    leader = rows[_largest(rank[rows], group[rows], n)]
    kind, start = pieces["kind"][leader], pieces["start"][leader]
    ends = torch.cat([pieces["start"][rows], pieces["end"][rows]])
    one, other = _farthest_apart(ends, group[rows].repeat(2), n)
    near = (one - start).norm(dim=1) <= (other - start).norm(dim=1)
    track = (kind == VoxelClass.TRACK)[:, None]
    begin = torch.where(track, torch.where(near[:, None], one, other), start)
    stop = torch.where(track, torch.where(near[:, None], other, one), start)
    clusters = Table.from_counts({"kind": kind, "start": begin, "end": stop}, counts, about=_OF_CLUSTERS)
    starts = torch.where(pieces["shower_group"] >= 0, pieces["shower_primary"], torch.nan)
    starts = torch.cat([starts, starts.new_full((1,), torch.nan)])[cluster]  # -1 takes the last
    voxels = events["voxels"].with_columns({"starts_shower": starts}, _OF_VOXELS)
    events = events.without("clusters", "edges").with_table("voxels", voxels)
    return _with_clusters(events, looked_up(group, cluster), clusters)


def finished(events: Events, detector: TimeProjectionChamber) -> Events:
    """Events with particles and interactions reconstructed, as `nuforge.reconstruction.reconstruct` gives them.

    Args:
        events: `voxels.cluster` and `clusters` with kind, start, end, pid_probability (N, 5), primary_probability
            (N, 2) and reco_group, the interaction. They are the particles, and go.
        detector: What the reconstruction asks of it.
    """
    clusters = events["clusters"]
    columns = {
        "pid": clusters["pid_probability"].argmax(1),
        "primary": clusters["primary_probability"].argmax(1),
        "group": clusters["reco_group"],
    }
    about = {name: Column("", f"{name} of a particle", "prediction") for name in columns}
    named = events.with_table("clusters", clusters.with_columns(columns, about))
    return reconstruct(named, detector).without("clusters", "edges")


def _numbered_on(pieces: Table) -> Rows:
    """The particle (N,) of fragments inside their event: showers first, then tracks, -1 for none."""
    shower, track = pieces["shower_group"], pieces["reco_group"]
    showers = _highest(shower, pieces) + 1
    return torch.where(shower >= 0, shower, torch.where(track >= 0, track + showers[pieces.batch], -1))


def _through_the_batch(number: Rows, table: Table) -> tuple[Rows, Int[Tensor, " b"]]:
    """Numbers (N,) inside events, -1 for none, as numbers in the batch, and how many (B,) each event has."""
    counts = _highest(number, table) + 1
    return torch.where(number < 0, -1, offsets_of(counts)[table.batch] + number), counts


def _highest(number: Rows, table: Table) -> Int[Tensor, " b"]:
    """The highest number (B,) among the rows (N,) of each event of a table, -1 for none."""
    return number.new_full((table.n_events,), -1).scatter_reduce(0, table.batch, number, "amax")


def _with_clusters(events: Events, cluster: Rows, clusters: Table) -> Events:
    """Events with a table of clusters that `voxels.cluster` names."""
    events = events.with_table("clusters", clusters)
    return events.with_table("voxels", events["voxels"].with_columns({"cluster": cluster}, _OF_VOXELS))


def _ends(
    events: Events, detector: TimeProjectionChamber, cluster: Rows, kind: Int[Tensor, " c"], counts: Int[Tensor, " b"]
) -> tuple[Float[Tensor, "c 3"], Float[Tensor, "c 3"]]:
    """Start and end (C, 3) cm of fragments."""
    voxels, points = events["voxels"], events["reco_points"]
    rows = (cluster >= 0).nonzero()[:, 0]
    place, of = voxel_center(voxels["index"][rows], detector).float(), cluster[rows]
    event = torch.repeat_interleave(counts)
    ends = torch.stack(_farthest_apart(place, of, len(kind)), 1)
    track = kind == VoxelClass.TRACK
    track_start, track_end = _track_ends(ends, place, voxels["value"][rows], of, event, points)
    start = _starts(ends, place, of, kind, event, points)
    start = torch.where(track[:, None], track_start, start)
    return start, torch.where(track[:, None], track_end, start)


def _track_ends(
    ends: Float[Tensor, "c 2 3"], place: Points, value: Scalars, of: Rows, event: Int[Tensor, " c"], points: Table
) -> tuple[Float[Tensor, "c 3"], Float[Tensor, "c 3"]]:
    """Start and end (C, 3) cm of clusters seen as tracks, from their outermost voxels (C, 2, 3)."""
    mine = points["probability"].argmax(1) == VoxelClass.TRACK if len(points) else points.batch > 0
    position, ending = points["position"][mine], points["end"][mine]
    rows, gaps = zip(
        *(nearest_other(ends[:, side], event, position, points.batch[mine], SNAP) for side in range(2)), strict=True
    )
    found = _one_end_each(ends, torch.stack(rows), torch.stack(gaps))
    there = torch.cat([position, position.new_zeros(1, 3)])
    odds_there = torch.cat([ending, ending.new_full((1,), torch.nan)])
    snapped = [torch.where((found[side] >= 0)[:, None], there[found[side]], ends[:, side]) for side in range(2)]
    odds = [odds_there[found[side]] for side in range(2)]
    charge = [_near_charge(ends[:, side], place, value, of) for side in range(2)]
    ends_here = torch.where(odds[0].isnan(), 1 - odds[1], odds[0]) > torch.where(odds[1].isnan(), 1 - odds[0], odds[1])
    unknown = odds[0].isnan() & odds[1].isnan()
    turned = torch.where(unknown, charge[0] > charge[1], ends_here)[:, None]
    one, other = snapped
    return torch.where(turned, other, one), torch.where(turned, one, other)


def _one_end_each(
    ends: Float[Tensor, "c 2 3"], row: Int[Tensor, "2 c"], gap: Float[Tensor, "2 c"]
) -> Int[Tensor, "2 c"]:
    """Points (2, C) of the ends of tracks, -1 for none: one near both ends of a short track belongs to the nearer."""
    both = (row[0] == row[1]) & (ends[:, 0] != ends[:, 1]).any(1)
    farther = torch.stack([gap[0] > gap[1], gap[0] <= gap[1]])
    return torch.where(both & farther, -1, row)


def _near_charge(end: Float[Tensor, "c 3"], place: Points, value: Scalars, of: Rows) -> Float[Tensor, " c"]:
    """Mean value (C,) of the voxels of each cluster near one of its ends."""
    near = ((place - end[of]).norm(dim=1) < BEGIN).to(value)
    total, n = value.new_zeros(2, len(end)).unbind(0)
    return total.index_add(0, of, near * value) / n.index_add(0, of, near).clamp(min=1)


def _starts(
    ends: Float[Tensor, "c 2 3"],
    place: Points,
    of: Rows,
    kind: Int[Tensor, " c"],
    event: Int[Tensor, " c"],
    points: Table,
) -> Float[Tensor, "c 3"]:
    """Where clusters start (C, 3) cm: the best point on each, else its end nearest to any point."""
    gaps = [nearest_other(ends[:, side], event, points["position"], points.batch)[1] for side in range(2)]
    start = torch.where((gaps[1] < gaps[0])[:, None], ends[:, 1], ends[:, 0])
    if not len(points):
        return start
    group, wanted = event * len(CLASSES) + kind, points.batch * len(CLASSES) + points["probability"].argmax(1)
    voxel, _ = nearest_other(points["position"], wanted, place, group[of], SNAP)
    rows = (voxel >= 0).nonzero()[:, 0]
    cluster = of[voxel[rows]]
    best = _largest(points["score"][rows], cluster, len(kind))
    start[cluster[best]] = points["position"][rows[best]]
    return start


def _farthest_apart(place: Points, of: Rows, n: int) -> tuple[Float[Tensor, "c 3"], Float[Tensor, "c 3"]]:
    """Two places (C, 3) of each cluster far from each other: the farthest from its mean, and the farthest from that."""
    count = torch.bincount(of, minlength=n).clamp(min=1)
    away_from = place.new_zeros(n, 3).index_add(0, of, place) / count[:, None]
    found = []
    for _ in range(2):
        chosen = _largest((place - away_from[of]).square().sum(1), of, n)
        away_from = away_from.index_copy(0, of[chosen], place[chosen])
        found.append(away_from)
    return found[0], found[1]


def _largest(value: Scalars, of: Rows, n: int) -> Int[Tensor, " m"]:
    """The row of the largest value of each group that has any, the first of equals, by group."""
    most = value.new_full((n,), -torch.inf).scatter_reduce(0, of, value, "amax")
    best: Mask = value >= most[of]
    rows = best.nonzero()[:, 0]
    first = rows.new_full((n,), len(value)).scatter_reduce(0, of[rows], rows, "amin")
    return first[first < len(value)]
