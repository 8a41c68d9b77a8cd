"""What is measured of prongs: where they are, how long, how much energy and how it is spread."""

import torch
from torch import Tensor

from nuforge.events import Column
from nuforge.simulation.cells.matching import Pairs
from nuforge.simulation.cells.places import Places

START, END = 40.0, 26.0
"""cm: the first radiation length of a prong, and its last four planes."""

PRONG_COLUMNS = {
    "start": Column("cm", "where it begins: the place of its first hit along its direction from the vertex", "readout"),
    "direction": Column("", "unit vector from the vertex; without a view, its part is 0", "readout"),
    "length": Column("cm", "from its first to its last hit", "readout"),
    "gap": Column("cm", "from the vertex to its first hit", "readout"),
    "energy": Column("MeV", "sum of the calibrated energies of its hits", "readout"),
    "energy_x": Column("MeV", "that of view X", "readout"),
    "energy_y": Column("MeV", "that of view Y", "readout"),
    "hits_x": Column("", "its hits in view X, 0 if it is not seen there", "readout"),
    "hits_y": Column("", "its hits in view Y", "readout"),
    "planes": Column("", "planes that it has hits in", "readout"),
    "start_loss": Column("MeV/cm", "energy over length of its first 40 cm", "readout"),
    "mean_loss": Column("MeV/cm", "energy over length", "readout"),
    "end_loss": Column("MeV/cm", "energy over length of its last 26 cm", "readout"),
    "width": Column("cm", "standard deviation of its energy across its direction", "readout"),
    "longest_gap": Column("cm", "longest way along it without a hit in either view", "readout"),
}


def measured(places: Places, vertex: Tensor, of_hit: Tensor, pairs: Pairs, angle: Tensor) -> dict[str, Tensor]:
    """The columns of `prongs` (P,), as `PRONG_COLUMNS` says.

    Args:
        places: Hits.
        vertex: (B, 3) cm.
        of_hit: The row of each hit's prong, -1 for none.
        pairs: Prongs.
        angle: (2 B, K) rad of the prongs of each view.
    """
    n = len(pairs.event)
    direction = _directions(pairs, angle)
    seen = (of_hit >= 0).nonzero().squeeze(1)
    row, energy = of_hit[seen], places.charge[seen]
    event, view = places.event[seen], places.view[seen]
    along, aside = _along(places, vertex, seen, event, view, direction[row])

    def total(values: Tensor, where: Tensor | None = None) -> Tensor:
        chosen = slice(None) if where is None else where
        return torch.zeros(n, dtype=values.dtype).index_add_(0, row[chosen], values[chosen])

    first, last = (
        torch.full((n,), sign * torch.inf, dtype=torch.float64).scatter_reduce(0, row, along, kind)
        for sign, kind in ((1, "amin"), (-1, "amax"))
    )
    first, last = (torch.where(torch.isfinite(x), x, 0.0) for x in (first, last))
    length = last - first
    one = torch.ones_like(row)
    sums = total(energy)
    ahead, behind = along - first[row] < START, last[row] - along < END
    spread = (total(energy * aside**2) / sums.clamp(min=1e-30)).sqrt()
    at = vertex[pairs.event]
    columns = {
        "start": at + first[:, None] * direction,
        "direction": direction,
        "length": length,
        "gap": first.clamp(min=0),
        "energy": sums,
        "energy_x": total(energy, view == 0),
        "energy_y": total(energy, view == 1),
        "start_loss": total(energy, ahead) / length.clamp(6.6, START),
        "mean_loss": sums / length.clamp(min=6.6),
        "end_loss": total(energy, behind) / length.clamp(6.6, END),
        "width": spread,
        "longest_gap": _longest_gap(row, along, n),
    }
    planes = torch.unique(row * 4096 + (places.z[seen] / 1.0).round().to(torch.int64) % 4096)
    counts = {
        "hits_x": total(one, view == 0),
        "hits_y": total(one, view == 1),
        "planes": torch.bincount(torch.div(planes, 4096, rounding_mode="floor"), minlength=n),
    }
    return {name: (columns[name].float() if name in columns else counts[name]) for name in PRONG_COLUMNS}


def _directions(pairs: Pairs, angle: Tensor) -> Tensor:
    """Unit vectors (P, 3) from the angles of both views; of one that is missing, along the beam."""
    slopes, ways = [], []
    for view, number in enumerate((pairs.in_x, pairs.in_y)):
        a = angle[2 * pairs.event + view, number.clamp(min=0)]
        has = number >= 0
        slopes.append(torch.where(has, a.sin() / a.cos().abs().clamp(min=0.02), 0.0))
        ways.append(torch.where(has, a.cos(), 0.0))
    forward = torch.where(ways[0] + ways[1] < 0, -1.0, 1.0).double()
    vector = torch.stack([slopes[0], slopes[1], forward], 1)
    return torch.nn.functional.normalize(vector, dim=1)


def _along(
    places: Places, vertex: Tensor, seen: Tensor, event: Tensor, view: Tensor, direction: Tensor
) -> tuple[Tensor, Tensor]:
    """Way in space along the prong to where hits (N,) are nearest to it in their view, and how far aside, cm."""
    at = vertex[event]
    z = places.z[seen] - at[:, 2]
    u = places.u[seen] - torch.where(view == 0, at[:, 0], at[:, 1])
    across = torch.where(view == 0, direction[:, 0], direction[:, 1])
    flat = torch.hypot(across, direction[:, 2]).clamp(min=1e-3)
    along = (z * direction[:, 2] + u * across) / flat**2
    return along, (u * direction[:, 2] - z * across) / flat


def _longest_gap(row: Tensor, along: Tensor, n: int) -> Tensor:
    """The longest way (n,) cm between hits that follow one another along a prong."""
    order = torch.argsort(along, stable=True)
    order = order[torch.argsort(row[order], stable=True)]
    gap = along[order].diff()
    same = row[order].diff() == 0
    return torch.zeros(n, dtype=torch.float64).scatter_reduce(0, row[order][1:][same], gap[same], "amax")
