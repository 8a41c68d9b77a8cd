"""Figures of single particles that enter a volume, to compare one transport with another: deposits, profiles, ranges,
fates.

The particle starts at depth 0 on the axis and flies along it. Every figure is (value, standard error).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge.events import Events, Process, Table
from nuforge.events.weights import without_weights
from nuforge.physics.constants import ELECTRON_MASS
from nuforge.units import MeV

Array = NDArray[np.float64]

RADII = (0.5, 1.0, 2.0, 5.0, 9.04, 18.08, 30.0)
"""Radii (cm) about the axis of the contained fractions; 9.04 cm is the Moliere radius of liquid argon."""
_BINS = 24
_HADRONS = (2212, 2112, 211, -211, 321, -321, 130)
_NEUTRAL = (2112, 130)
_SLOWEST_DECAY_ELECTRON = 5 * MeV  # of a mu-: below are electrons of the muonic atom and of captures, too


@dataclass(frozen=True)
class Figure:
    """A figure of merit with its standard error; both are lists for a profile."""

    value: Array
    error: Array


def single_particle_figures(
    events: Events, entry: float, bin_width: float, radii: Sequence[float] = RADII
) -> dict[str, Figure]:
    """Figures of events with one primary each that flies along +z.

    Args:
        events: `segments` and `particles`, the primary being the first particle of each event.
        entry: z in cm where the primaries start; depth is counted from there.
        bin_width: Width in cm of the bins of the longitudinal profile.
        radii: Of the contained fractions, cm.

    Returns:
        By name: those of electrons and photons, or those of heavier particles, as far as they are defined.
    """
    segments, particles = without_weights(events, "figures of single particles")["segments"], events["particles"]
    n, event = len(events), segments.batch.numpy()
    energy = segments["energy"].double().numpy()
    middle = 0.5 * (segments["start"] + segments["end"]).double().numpy()
    total = _sums(event, energy, n)
    out = {"deposit_MeV": _mean(total)}
    first = particles.offsets[:-1]
    pdg = int(particles["pdg"][0])
    if abs(pdg) in (11, 22):
        depth, radius = middle[:, 2] - entry, np.hypot(middle[:, 0], middle[:, 1])
        start, pair = np.zeros(n), np.ones(n, bool)
        if pdg == 22:
            start, pair = _first_interaction(events, entry)
            done = np.isfinite(start)
            out["first_interaction_depth_cm"] = _mean(start[done])
            out["first_interaction_is_pair_production"] = _fraction(int(pair.sum()), int(done.sum()))
        out |= _shower(event, energy, depth, radius, total, start, pair, bin_width, radii)
        if pdg == 22:
            name = "dEdx_first_4cm_within_1cm_of_axis_MeV_per_cm"
            out[f"{name}_after_pair_production"] = out.pop(name)
        return out
    return out | _track(event, energy, segments, particles, first, n)


def _shower(
    event: NDArray[np.int64],
    energy: Array,
    depth: Array,
    radius: Array,
    total: Array,
    start: Array,
    chosen: NDArray[np.bool_],
    bin_width: float,
    radii: Sequence[float],
) -> dict[str, Figure]:
    """Energy at the start, longitudinal profile, mean depth and contained fractions."""
    n = len(total)
    total = np.where(total > 0, total, 1.0)  # of nothing, every share is nothing
    after = depth - np.where(np.isfinite(start), start, 1e9)[event]
    near = (after >= 0) & (after < 4) & (radius < 1)
    out = {"dEdx_first_4cm_within_1cm_of_axis_MeV_per_cm": _median(_sums(event[near], energy[near], n)[chosen] / 4)}
    cell = np.floor(depth / bin_width).astype(np.int64)
    inside = (cell >= 0) & (cell < _BINS)
    rows = event[inside] * _BINS + cell[inside]
    profile = _sums(rows, energy[inside], n * _BINS).reshape(n, _BINS) / total[:, None]
    error = profile.std(0, ddof=1) / np.sqrt(n)
    out["longitudinal_fraction_per_half_X0"] = Figure(profile.mean(0), error)
    out["energy_weighted_depth_cm"] = _mean(_sums(event, depth * energy, n) / total)
    for limit in radii:
        within = radius < limit
        name = f"contained_fraction_within_radius_cm {limit:g}"
        out[name] = _mean(_sums(event[within], energy[within], n) / total)
    return out


def _first_interaction(events: Events, entry: float) -> tuple[Array, NDArray[np.bool_]]:
    """Depth (cm, infinite for none) of each primary photon's first interaction, and whether it made a pair."""
    segments, particles = events["segments"], events["particles"]
    n, first = len(events), particles.offsets[:-1]
    depth = particles["start"][:, 2].double() - entry
    child = particles["parent"] == first[particles.batch]
    process = particles["process"]
    starts = torch.full((n,), torch.inf, dtype=torch.float64)
    photon = torch.tensor([Process.PAIR_PRODUCTION, Process.COMPTON, Process.PHOTOELECTRIC])
    interacts = child & torch.isin(process, photon)
    starts = starts.scatter_reduce(0, particles.batch[interacts], depth[interacts], "amin")
    own = segments["particle"] == first[segments.batch]  # deposits of electrons below threshold
    starts = starts.scatter_reduce(0, segments.batch[own], segments["start"][own, 2].double() - entry, "amin")
    pairs = child & (process == Process.PAIR_PRODUCTION) & ((depth - starts[particles.batch]).abs() < 1e-3)
    is_pair = torch.zeros(n, dtype=torch.bool)
    is_pair[particles.batch[pairs]] = True
    return starts.numpy(), is_pair.numpy()


def _track(
    event: NDArray[np.int64], energy: Array, segments: Table, particles: Table, first: Tensor, n: int
) -> dict[str, Figure]:
    """Path and deposit of a primary with a charge, its inelastic interactions, its decay electrons."""
    pdg = int(particles["pdg"][first[0]])
    child = particles["parent"] == first[particles.batch]
    out = {}
    if pdg not in _NEUTRAL:
        own = (segments["particle"] == first[segments.batch]).numpy()
        length = segments["length"].double().numpy()
        out["primary_path_cm"] = _median(_sums(event[own], length[own], n))
        out["primary_deposit_MeV"] = _mean(_sums(event[own], energy[own], n))
    if pdg in _HADRONS:
        broken = np.unique(particles.batch[child & (particles["process"] == Process.INELASTIC)].numpy())
        out["fraction_with_inelastic_interaction"] = _fraction(len(broken), n)
    if abs(pdg) == 13:
        kinetic = _decay_electrons(particles, child, _SLOWEST_DECAY_ELECTRON if pdg == 13 else 0.0)
        out["decay_electrons_per_event"] = _fraction(len(kinetic), n)
        if len(kinetic) > 1:
            out["decay_electron_ke_MeV"] = _mean(kinetic)
    return out


def _decay_electrons(particles: Table, child: Tensor, slowest: float) -> Array:
    """Kinetic energies in MeV of the electrons of decays, also in orbit, that have more than `slowest`."""
    electron = child & (particles["pdg"].abs() == 11)
    electron &= (particles["process"] == Process.DECAY) | (particles["process"] == Process.CAPTURE)
    size = particles["momentum"][electron].double().norm(dim=1)
    kinetic = (torch.sqrt(size**2 + ELECTRON_MASS**2) - ELECTRON_MASS).numpy().astype(np.float64)
    return kinetic[kinetic > slowest]


def _sums(row: NDArray[np.int64], weight: Array, n: int) -> Array:
    """Sums (n,) of weights by row number."""
    return np.bincount(row, weight, n).astype(np.float64)


def _mean(x: Array) -> Figure:
    return Figure(np.asarray(x.mean()), np.asarray(x.std(ddof=1) / np.sqrt(len(x))))


def _median(x: Array) -> Figure:
    draws = np.random.default_rng(0).choice(x, (200, len(x)))
    return Figure(np.asarray(np.median(x)), np.asarray(np.median(draws, axis=1).std(ddof=1)))


def _fraction(k: int, n: int) -> Figure:
    p = k / n
    return Figure(np.asarray(p), np.asarray(np.sqrt(max(p * (1 - p), 1 / n) / n)))
