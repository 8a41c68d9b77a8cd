"""The vertex: where lines of both views begin or cross, then arms that bend to the hits."""

import torch
from torch import Tensor

from nuforge.detectors.nova import SegmentedDetector
from nuforge.events import Column, Events
from nuforge.simulation.cells.arms import relaxed
from nuforge.simulation.cells.lines import Lines, hough_lines
from nuforge.simulation.cells.places import Places, places_of

_ABOUT = {"vertex": Column("cm", "where lines begin or cross, as found by lines and elastic arms", "readout")}
_BINS = 72
_MARGIN = 12.0  # cm: hits this far upstream of a vertex do not come from it
_UPSTREAM = 0.6  # what a share 1 of hits upstream costs, where 1 is what one direction for all hits is worth
_APART = 25.0  # cm along z that the candidates of both views may differ by


def find_vertex(events: Events, detector: SegmentedDetector) -> Events:
    """Events with `event.vertex` (3), cm: the best candidate, then refined by elastic arms; an event is one slice.

    Candidates of a view are where its lines begin, end or cross. One is good if the hits lie in few directions from it
    and downstream of it; those of both views go together if they agree along the beam.

    Args:
        events: With `hits` that have an `energy`.
        detector: Says where cells are.
    """
    places = places_of(events, detector)
    seed = _seed(places, hough_lines(places))
    vertex = relaxed(places, seed)
    columns = {"vertex": vertex.float()}
    return events.with_table("event", events["event"].with_columns(columns, about=_ABOUT))


def _seed(places: Places, lines: Lines) -> Tensor:
    """The best candidate (B, 3) of each event: x, y, z."""
    place, known = _candidates(lines)
    score = torch.where(known, _score(places, place), -torch.inf)
    views = (values.reshape(places.n_events, 2, *values.shape[1:]) for values in (place, score))
    (x, y), (score_x, score_y) = (values.unbind(1) for values in views)
    apart = (x[:, :, None, 0] - y[:, None, :, 0]) / _APART
    both = torch.nan_to_num(score_x, neginf=-9.0)[:, :, None] + torch.nan_to_num(score_y, neginf=-9.0)[:, None, :]
    both = both - 0.25 * apart.abs()
    best, n = both.flatten(1).argmax(1), score.shape[1]
    rows = torch.arange(len(best))
    in_x, in_y = x[rows, torch.div(best, n, rounding_mode="floor")], y[rows, best % n]
    has_x, has_y = (torch.isfinite(values).any(1).double() for values in (score_x, score_y))
    z = (in_x[:, 0] * has_x + in_y[:, 0] * has_y) / (has_x + has_y).clamp(min=1)
    return torch.stack([in_x[:, 1], in_y[:, 1], z], 1)


def _candidates(lines: Lines) -> tuple[Tensor, Tensor]:
    """Places (2 B, C, 2) z and u where lines begin, end and cross, and which of them exist (2 B, C)."""
    way = torch.stack([lines.angle.cos(), lines.angle.sin()], 2)
    begin, end = (
        lines.point + torch.where(lines.is_line, far, 0.0)[..., None] * way for far in (lines.begin, lines.end)
    )
    places, known = [begin, end], [lines.is_line, lines.is_line]
    pairs = torch.combinations(torch.arange(lines.angle.shape[1]))
    for a, b in pairs.tolist():
        across = torch.sin(lines.angle[:, b] - lines.angle[:, a])
        apart = lines.point[:, b] - lines.point[:, a]
        safe = torch.where(across.abs() < 0.05, 1.0, across)
        s = (apart[:, 0] * way[:, b, 1] - apart[:, 1] * way[:, b, 0]) / safe
        near = (s > torch.nan_to_num(lines.begin[:, a]) - 60) & (s < torch.nan_to_num(lines.end[:, a]) + 60)
        places.append((lines.point[:, a] + s[:, None] * way[:, a])[:, None])
        known.append((lines.is_line[:, a] & lines.is_line[:, b] & (across.abs() >= 0.05) & near)[:, None])
    return torch.cat(places, 1), torch.cat(known, 1)


def _score(places: Places, candidates: Tensor) -> Tensor:
    """How well each candidate (2 B, C, 2) explains its view, up to 1 for all hits in one direction downstream."""
    groups, n = candidates.shape[:2]
    at = candidates[places.group]
    z, u = places.z[:, None] - at[..., 0], places.u[:, None] - at[..., 1]
    weight = places.charge.clamp(min=0).sqrt()[:, None] * torch.hypot(z, u).clamp(max=15) / 15
    turn = (torch.atan2(u, z) / (2 * torch.pi) * _BINS) % _BINS
    low = turn.floor().to(torch.int64)
    share = turn - low
    cell = (places.group[:, None] * n + torch.arange(n)) * _BINS
    angles = torch.zeros(groups * n * _BINS, dtype=torch.float64)
    for bin_, part in ((low % _BINS, 1 - share), ((low + 1) % _BINS, share)):
        angles.index_add_(0, (cell + bin_).flatten(), (part * weight).flatten())
    angles = angles.view(groups, n, _BINS)
    spread = angles + 0.5 * (angles.roll(1, 2) + angles.roll(-1, 2))
    total = angles.sum(2).clamp(min=1e-30)
    upstream = torch.zeros(groups * n, dtype=torch.float64)
    upstream.index_add_(0, torch.div(cell, _BINS, rounding_mode="floor").flatten(), (weight * (z < -_MARGIN)).flatten())
    concentration = (angles * spread).sum(2) / total**2
    return concentration - _UPSTREAM * upstream.view(groups, n) / total
