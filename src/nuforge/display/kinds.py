"""Kinds: rows coloured by what they are: a class, a particle, a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nuforge.display import style
from nuforge.display.names import particle_name
from nuforge.events import Table

NAMED = 9
"""Particles with a colour and a name of their own where they are told apart by colour alone; the rest share one."""

LISTED = 8
"""Clusters of a colouring with a line of their own in the legend."""


@dataclass(frozen=True)
class Kinds:
    """A colouring by kind: `code` (N,) numbers `names` and `colors`.

    Args:
        code: The kind of each row, (N,).
        names: Of the kinds.
        colors: Of the kinds.
        crowd: Kinds that are too many for a legend: they share a line of it, each in its own colour.
    """

    code: np.ndarray
    names: tuple[str, ...]
    colors: tuple[str, ...]
    crowd: range = range(0)

    def of_rows(self) -> np.ndarray:
        """The name of each row, (N,)."""
        return np.take(np.array(self.names, dtype=object), self.code)

    def only(self, rows: np.ndarray) -> Kinds:
        """The colouring of some rows."""
        return replace(self, code=self.code[rows])


def class_kinds(code: np.ndarray, classes: Sequence[str]) -> Kinds:
    """Rows by their class (N,), -1 for unknown.

    Raises:
        ValueError: If there are more classes than names.
    """
    if len(code) and code.max() >= len(classes):
        raise ValueError(
            f"rows have the class {code.max()}, expected 0 to {len(classes) - 1}; pass the names of all classes"
        )
    names, colors = (*classes, "unknown"), (*(style.class_color(k) for k in range(len(classes))), style.UNKNOWN)
    return Kinds(np.where(code < 0, len(classes), code), names, colors)


def particle_kinds(particle: np.ndarray, energy: np.ndarray, particles: Table) -> tuple[Kinds, np.ndarray]:
    """The particles with most energy by name, the others together; and all with energy, most first."""
    known = particle >= 0
    total = np.bincount(particle[known], weights=energy[known], minlength=len(particles))
    order = np.argsort(-total, kind="stable")
    order = order[total[order] > 0]
    top = order[:NAMED]
    code = np.full(len(particles) + 1, len(top))  # the last place is for -1
    code[top] = np.arange(len(top))
    code[-1] = len(top) + 1
    pdg = particles["pdg"].tolist() if "pdg" in particles else [0] * len(particles)
    names = tuple(f"{particle_name(pdg[p])}  {total[p]:.3g} MeV" for p in top)
    colors = style.PARTICLES[: len(top)]
    return Kinds(code[particle], (*names, "other particles", "unknown"), (*colors, style.FAINT, style.UNKNOWN)), order


def cluster_kinds(cluster: np.ndarray, energy: np.ndarray, names: Sequence[str], colors: Sequence[str]) -> Kinds:
    """Clusters with rows, those with most energy first and by name.

    Args:
        cluster: The cluster of each row, (N,), -1 for none.
        energy: Of each row, (N,) MeV.
        names: Of the clusters, C.
        colors: Of the clusters, C.
    """
    order = by_energy(cluster, energy, len(names))
    code = np.full(len(names) + 1, len(order))  # the last place is for -1
    code[order] = np.arange(len(order))
    listed = min(len(order), LISTED)
    crowd = range(listed, len(order)) if len(order) > LISTED + 1 else range(0)
    return Kinds(
        code[cluster], (*(names[c] for c in order), "in none"), (*(colors[c] for c in order), style.UNKNOWN), crowd
    )


def by_energy(cluster: np.ndarray, energy: np.ndarray, n: int) -> np.ndarray:
    """The clusters of 0 to n - 1 that have rows, those with most energy first."""
    known = cluster >= 0
    total = np.bincount(cluster[known], weights=energy[known], minlength=n)
    order = np.argsort(-total, kind="stable")
    return np.asarray(order[np.bincount(cluster[known], minlength=n)[order] > 0])


def ranked_colors(cluster: np.ndarray, energy: np.ndarray, n: int) -> tuple[str, ...]:
    """Colours of clusters 0 to n - 1, which begin with the one of most energy."""
    colors = [style.UNKNOWN] * n
    for rank, c in enumerate(by_energy(cluster, energy, n)):
        colors[c] = style.cluster_color(rank)
    return tuple(colors)


def matched_colors(
    found: np.ndarray, truth: np.ndarray, energy: np.ndarray, n: int, true_colors: Sequence[str]
) -> tuple[str, ...]:
    """Colours of predicted clusters 0 to n - 1: that of their true partner, a red for those without.

    Args:
        found: The predicted cluster of each row, (N,), -1 for none.
        truth: The true one, (N,), -1 for none.
        energy: Of each row, (N,) MeV.
        n: Number of predicted clusters.
        true_colors: Of the true clusters.
    """
    colors = [style.UNKNOWN] * n
    partner = partners(found, truth, energy, n, len(true_colors))
    alone = 0
    for c in by_energy(found, energy, n):
        if partner[c] >= 0:
            colors[c] = true_colors[partner[c]]
        else:
            colors[c] = style.UNMATCHED[alone % len(style.UNMATCHED)]
            alone += 1
    return tuple(colors)


def partners(found: np.ndarray, truth: np.ndarray, energy: np.ndarray, n_found: int, n_true: int) -> np.ndarray:
    """For each predicted cluster the true one (n_found,) with which it shares most energy, if that holds both ways.

    -1 where there is none: a piece that is not the largest of its true cluster, or a cluster of rows that are in none.
    """
    partner = np.full(n_found, -1)
    both = (found >= 0) & (truth >= 0)
    pair, inverse = np.unique(truth[both] * max(n_found, 1) + found[both], return_inverse=True)
    shared = np.bincount(inverse, weights=energy[both], minlength=len(pair))
    of_true, of_found = np.divmod(pair, max(n_found, 1))
    mutual = np.intersect1d(_largest(of_true, shared), _largest(of_found, shared))
    partner[of_found[mutual]] = of_true[mutual]
    return partner


def _largest(group: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The row of the largest value of each group, the first of equals."""
    order = np.lexsort((-value, group))
    return np.asarray(order[np.flatnonzero(np.diff(group[order], prepend=-1))])
