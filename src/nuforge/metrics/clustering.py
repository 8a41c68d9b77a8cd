"""How alike two clusterings of the rows of an event are: Rand index, mutual information, efficiency, purity, quality.

All start from a contingency table: how many rows each true cluster shares with each predicted one. Only the pairs that
share rows are kept, of all events at once. Clusters are numbers of rows that mean nothing outside their event.

Rows whose true cluster is unknown (-1) are left out. A row that was given no cluster (predicted -1) is missing from
every predicted one: it counts against efficiency and `assigned`, and is left out of the rest.

A figure of an event that has none is NaN: without rows all, the adjusted Rand index below two rows. Two equal
clusterings have index and information 1, also if there is but one cluster or all rows are alone.

To have figures by class, pass `batch * n_classes + kind` of rows for `batch`, and n_events * n_classes for `n_events`:
each class of each event then is an event of its own, as SPINE does it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.metrics.weights import ratio

_TERMS = 4_000_000
"""Terms of the expected information that are in memory at once."""

FIGURES = ("ARI", "AMI", "efficiency", "purity", "assigned")


@dataclass(frozen=True, eq=False)
class Contingency:
    """Rows shared by true and predicted clusters, in many events.

    Args:
        true: True cluster of each pair that shares rows (M,) int64.
        predicted: Predicted cluster of each pair (M,) int64.
        shared: Rows of each pair (M,) float64.
        true_event: Event of each true cluster (T,) int64.
        true_size: Rows of each true cluster (T,) float64, those without a predicted one counted.
        predicted_event: Event of each predicted cluster (P,) int64.
        n_events: Number of events B, empty ones counted.
    """

    true: Tensor
    predicted: Tensor
    shared: Tensor
    true_event: Tensor
    true_size: Tensor
    predicted_event: Tensor
    n_events: int

    @classmethod
    def of(
        cls, true: Int[Tensor, " n"], predicted: Int[Tensor, " n"], batch: Int[Tensor, " n"], n_events: int
    ) -> Contingency:
        """The table of two clusterings.

        Args:
            true: True cluster of each row (N,), any numbers from 0 on inside each event, -1 for unknown.
            predicted: Predicted cluster of each row (N,), likewise, -1 for none.
            batch: Event of each row (N,), 0 to n_events - 1.
            n_events: Number of events B, empty ones counted.

        Raises:
            ValueError: If an event number is out of range.
        """
        if len(batch) and not (int(batch.min()) >= 0 and int(batch.max()) < n_events):
            raise ValueError(
                f"batch must be 0 to {n_events - 1}, got {int(batch.min())} to {int(batch.max())}; "
                "pass Table.batch of the same events"
            )
        known = true >= 0
        true, predicted, batch = true[known], predicted[known], batch[known]
        of_true, true_event, true_size = _numbered(true, batch)
        found = predicted >= 0
        of_predicted, predicted_event, _ = _numbered(predicted[found], batch[found])
        width = max(len(predicted_event), 1)
        pairs, shared = torch.unique(of_true[found] * width + of_predicted, return_counts=True)
        return cls(pairs // width, pairs % width, shared.double(), true_event, true_size, predicted_event, n_events)

    @property
    def event(self) -> Tensor:
        """Event of each pair (M,)."""
        return self.true_event[self.true]

    @property
    def true_rows(self) -> Tensor:
        """Rows of each true cluster that have a predicted one (T,)."""
        return _sums(self.shared, self.true, len(self.true_event))

    @property
    def predicted_rows(self) -> Tensor:
        """Rows of each predicted cluster (P,)."""
        return _sums(self.shared, self.predicted, len(self.predicted_event))

    @property
    def rows(self) -> Tensor:
        """Rows of each event that have both clusters (B,)."""
        return _sums(self.shared, self.event, self.n_events)


def adjusted_rand_index(table: Contingency) -> Float[Tensor, " b"]:
    """Adjusted Rand index of each event (B,): agreement on pairs of rows, 0 by chance, 1 at best; NaN below two rows.

    Source:
        L. Hubert, P. Arabie, J. Classification 2 (1985) 193, equation 5.
    """
    together = _sums(_pairs(table.shared), table.event, table.n_events)
    true = _sums(_pairs(table.true_rows), table.true_event, table.n_events)
    predicted = _sums(_pairs(table.predicted_rows), table.predicted_event, table.n_events)
    rows = table.rows
    expected, most = true * predicted / _pairs(rows), (true + predicted) / 2
    index = (together - expected) / (most - expected)
    return torch.where(rows < 2, torch.nan, torch.where(_equal(table), 1.0, index))


def adjusted_mutual_information(table: Contingency) -> Float[Tensor, " b"]:
    """Adjusted mutual information of each event (B,), 0 by chance and 1 at best; NaN without rows.

    (I - E) / ((H_true + H_predicted) / 2 - E) with the exact expectation E of the mutual information I of clusterings
    of these sizes. If just one of them has one cluster only, it is 0.

    Source:
        N. X. Vinh, J. Epps, J. Bailey, J. Mach. Learn. Res. 11 (2010) 2837, equations 24a and 8.
    """
    rows, true, predicted = table.rows, table.true_rows, table.predicted_rows
    n = rows[table.event]
    share = table.shared / n * (n * table.shared / (true[table.true] * predicted[table.predicted])).log()
    information = _sums(share, table.event, table.n_events)
    entropy = _entropy(true, table.true_event, rows) + _entropy(predicted, table.predicted_event, rows)
    expected = _expected_information(table)
    index = (information - expected) / (entropy / 2 - expected)
    alone = (_sums((true > 0).double(), table.true_event, table.n_events) == 1) | (
        torch.bincount(table.predicted_event, minlength=table.n_events) == 1
    )
    index = torch.where(alone, 0.0, index)
    return torch.where(rows < 1, torch.nan, torch.where(_equal(table), 1.0, index))


def cluster_efficiency(table: Contingency) -> Float[Tensor, " b"]:
    """Mean over true clusters of the fraction of their rows in the best predicted one, (B,); NaN without true ones."""
    best = _largest(table.shared, table.true, len(table.true_event))
    return _means(best / table.true_size, table.true_event, table.n_events)


def cluster_purity(table: Contingency) -> Float[Tensor, " b"]:
    """Mean over predicted clusters of the fraction of their rows in the best true one, (B,); NaN without any.

    Rows whose true cluster is unknown do not count as rows here.
    """
    best = _largest(table.shared, table.predicted, len(table.predicted_event))
    return _means(best / table.predicted_rows, table.predicted_event, table.n_events)


def assigned_fraction(table: Contingency) -> Float[Tensor, " b"]:
    """Fraction of the rows of known true cluster that were given a predicted one, (B,); NaN without such rows."""
    return table.rows / _sums(table.true_size, table.true_event, table.n_events)


def panoptic_counts(table: Contingency) -> Float[Tensor, "b 4"]:
    """Of each event (B, 4): the sum of the overlaps of matched pairs, matched pairs, true and predicted clusters.

    Overlap is rows in both over rows in either. Pairs of more than one half are matched, of which each cluster has one
    at most. The panoptic quality of summed counts is overlap / ((true + predicted) / 2).

    Source:
        Kirillov, He, Girshick, Rother, Dollar, arXiv:1801.00868, equation 1, without classes.
    """
    either = table.true_size[table.true] + table.predicted_rows[table.predicted] - table.shared
    overlap = table.shared / either
    overlap = torch.where(overlap > 0.5, overlap, 0.0)
    return torch.stack(
        [
            _sums(overlap, table.event, table.n_events),
            _sums((overlap > 0).double(), table.event, table.n_events),
            torch.bincount(table.true_event, minlength=table.n_events).double(),
            torch.bincount(table.predicted_event, minlength=table.n_events).double(),
        ],
        1,
    )


def clustering_sums(table: Contingency) -> dict[str, Float[Tensor, "b 2"]]:
    """Of each figure of `FIGURES` per event: its value and 1, or 0 and 0 where there is none, (B, 2). They add up."""
    values = (
        adjusted_rand_index(table),
        adjusted_mutual_information(table),
        cluster_efficiency(table),
        cluster_purity(table),
        assigned_fraction(table),
    )
    counted = (torch.stack([value, torch.ones_like(value)], 1) for value in values)
    return {name: torch.where(x[:, :1].isnan(), 0.0, x) for name, x in zip(FIGURES, counted, strict=True)}


def clustering_figures(sums: Mapping[str, Float[Tensor, "*r 2"]]) -> dict[str, Float[Tensor, "*r"]]:
    """Means over events (...) of the figures, of summed `clustering_sums` (..., 2); NaN where no event has one."""
    return {name: ratio(x[..., 0], x[..., 1]) for name, x in sums.items()}


def _numbered(cluster: Tensor, event: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Clusters of rows (N,) numbered through all events, and the event and rows of each cluster, (C,) and (C,)."""
    width = int(cluster.max()) + 1 if len(cluster) else 1
    names, number, counts = torch.unique(event * width + cluster, return_inverse=True, return_counts=True)
    return number, names // width, counts.double()


def _sums(values: Tensor, index: Tensor, n: int) -> Tensor:
    return values.new_zeros(n).index_add_(0, index, values)


def _means(values: Tensor, index: Tensor, n: int) -> Tensor:
    return _sums(values, index, n) / torch.bincount(index, minlength=n)


def _largest(values: Tensor, index: Tensor, n: int) -> Tensor:
    return values.new_zeros(n).scatter_reduce_(0, index, values, "amax")


def _pairs(n: Tensor) -> Tensor:
    """Pairs among so many rows."""
    return n * (n - 1) / 2


def _equal(table: Contingency) -> Tensor:
    """Whether both clusterings of an event are the same (B,): no cluster shares rows with two others."""
    true, predicted = table.true_rows[table.true], table.predicted_rows[table.predicted]
    split = ((table.shared < true) | (table.shared < predicted)).double()
    return _sums(split, table.event, table.n_events) == 0


def _entropy(size: Tensor, event: Tensor, rows: Tensor) -> Tensor:
    """Entropy of the clusters of each event (B,)."""
    share = size / rows[event]
    return _sums(-torch.xlogy(share, share), event, len(rows)).nan_to_num()


def _expected_information(table: Contingency) -> Tensor:
    """Mean mutual information (B,) of random clusterings with the same numbers of rows.

    Clusters of equal size give equal terms, so each pair of sizes of an event is summed once, times its number.
    """
    expected = table.shared.new_zeros(table.n_events)
    event, a, b, times = _pairs_of_sizes(table)
    rows = table.rows.long()
    n = rows[event]
    first = (a + b - n).clamp(min=1)
    terms = torch.minimum(a, b) - first + 1
    factorial = torch.lgamma(torch.arange(int(rows.max()) + 2 if len(rows) else 1, dtype=torch.float64) + 1)
    factorial = factorial.to(rows.device)
    for part in _runs(terms):
        pair = torch.repeat_interleave(torch.arange(part.start, part.stop, device=rows.device), terms[part])
        ends = terms[part].cumsum(0)
        k = torch.arange(len(pair), device=rows.device) - (ends - terms[part])[pair - part.start] + first[pair]
        n_, a_, b_ = n[pair], a[pair], b[pair]
        log_chance = factorial[a_] + factorial[b_] + factorial[n_ - a_] + factorial[n_ - b_] - factorial[n_]
        log_chance = log_chance - factorial[k] - factorial[a_ - k] - factorial[b_ - k] - factorial[n_ - a_ - b_ + k]
        value = k.double() / n_ * (n_ * k.double() / (a_ * b_)).log() * log_chance.exp()
        expected.index_add_(0, event[pair], value * times[pair])
    return expected


def _pairs_of_sizes(table: Contingency) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Event, rows of a true and of a predicted cluster (L,) int64 each, and how many such pairs there are (L,)."""
    true_event, a, n_a = _sizes(table.true_rows, table.true_event)
    predicted_event, b, n_b = _sizes(table.predicted_rows, table.predicted_event)
    of_event = torch.bincount(predicted_event, minlength=table.n_events)
    partners = of_event[true_event]
    first = torch.repeat_interleave(partners)
    begin = (of_event.cumsum(0) - of_event)[true_event] - (partners.cumsum(0) - partners)
    second = torch.arange(len(first), device=first.device) + begin[first]
    return true_event[first], a[first], b[second], (n_a[first] * n_b[second]).double()


def _sizes(size: Tensor, event: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Different sizes of the clusters of each event that have rows, by event: event, size and how many (L,) each."""
    size, event = size[size > 0].long(), event[size > 0]
    width = int(size.max()) + 1 if len(size) else 1
    names, counts = torch.unique(event * width + size, return_counts=True)
    return names // width, names % width, counts


def _runs(terms: Tensor) -> list[slice]:
    """Runs of pairs with about `_TERMS` terms together."""
    _, lengths = torch.unique_consecutive(terms.cumsum(0) // _TERMS, return_counts=True)
    ends = lengths.cumsum(0).tolist()
    return [slice(low, high) for low, high in zip([0, *ends], ends, strict=False)]
