"""Names: what particles, fragments and interactions are called in a display, true ones and reconstructed ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from particle import InvalidParticle, Particle, ParticleNotFound

from nuforge.events import Table
from nuforge.simulation.truth import IDENTITIES, identification, primary


@lru_cache(maxsize=1024)
def particle_name(pdg: int) -> str:
    """The name of a PDG number, as "mu-" or "Ar40"; the number itself if it has none."""
    try:
        return str(Particle.from_pdgid(pdg).name)
    except (ParticleNotFound, InvalidParticle):
        return str(pdg) if pdg else "particle"


@lru_cache(maxsize=1024)
def _mass(pdg: int) -> float:
    """Mass in MeV, NaN if it is not known."""
    try:
        mass = Particle.from_pdgid(pdg).mass
    except (ParticleNotFound, InvalidParticle):
        return float("nan")
    return float("nan") if mass is None else float(mass)


def true_particles(particles: Table) -> list[str]:
    """Names of particles, as "muon 412 MeV, primary"; the energy is kinetic, at the start."""
    energy = _true_energy(particles)
    is_primary = primary(particles).tolist() if {"pdg", "parent"} <= set(particles) else [False] * len(particles)
    kinds = _true_kinds(particles)
    return [_joined(k, _mev(e), p) for k, e, p in zip(kinds, energy, is_primary, strict=True)]


def _true_kinds(particles: Table) -> list[str]:
    if "pdg" not in particles:
        return ["particle"] * len(particles)
    identity, pdg = identification(particles).tolist(), particles["pdg"].tolist()
    return [IDENTITIES[i] if i >= 0 else particle_name(p) for i, p in zip(identity, pdg, strict=True)]


def _true_energy(particles: Table) -> np.ndarray:
    if not {"pdg", "momentum"} <= set(particles):
        return np.full(len(particles), np.nan)
    mass = np.array([_mass(pdg) for pdg in particles["pdg"].tolist()], dtype=float)
    square = particles["momentum"].double().square().sum(1).numpy()
    return np.asarray(np.sqrt(square + mass**2) - mass)


def found_particles(particles: Table, classes: Sequence[str]) -> list[str]:
    """Names of reconstructed particles, as "muon 93 %, 412 MeV, primary".

    The energy is the kinetic one; where that is unknown, the energy by charge, or what its voxels hold ("seen").
    """
    energy, is_primary = _found_energy(particles), _integers(particles, "primary")
    kinds = _found_kinds(particles, classes)
    probability = _probabilities(particles)
    said = [f"{k} {100 * p:.0f} %," if np.isfinite(p) else k for k, p in zip(kinds, probability, strict=True)]
    return [_joined(k, e, p == 1) for k, e, p in zip(said, energy, is_primary, strict=True)]


def _found_kinds(particles: Table, classes: Sequence[str]) -> list[str]:
    """Identities, classes of voxels where they have none."""
    pid, kind = _integers(particles, "pid"), _integers(particles, "kind")
    names = zip(pid, kind, strict=True)
    return [IDENTITIES[i] if i >= 0 else classes[k] if k >= 0 else "particle" for i, k in names]


def _probabilities(particles: Table) -> np.ndarray:
    """Of the identity that a particle has, (P,), NaN if unknown."""
    if "pid_probability" not in particles or not len(particles):
        return np.full(len(particles), np.nan)
    pid = np.array(_integers(particles, "pid"))
    of_all = particles["pid_probability"].double().numpy()
    return np.where(pid >= 0, of_all[np.arange(len(pid)), pid], np.nan)


def _found_energy(particles: Table) -> list[str]:
    kinetic, charge, seen = (_floats(particles, c) for c in ("kinetic_energy", "calorimetric_energy", "energy"))
    best = np.where(np.isfinite(kinetic), kinetic, charge)
    return [_mev(b) if np.isfinite(b) else _mev(s, " seen") for b, s in zip(best, seen, strict=True)]


def fragments(kind: Sequence[int], energy: np.ndarray, classes: Sequence[str], first: Sequence[bool]) -> list[str]:
    """Names of fragments, as "shower 33 MeV, first piece".

    Args:
        kind: Their class, -1 if unknown.
        energy: MeV of their voxels.
        classes: Names of the classes.
        first: Which hold the start of their particle.
    """
    rows = zip(kind, energy, first, strict=True)
    return [f"{classes[k] if k >= 0 else 'fragment'} {_mev(e)}{', first piece' * f}" for k, e, f in rows]


def true_interactions(particles: Table, shown: np.ndarray, energy: np.ndarray) -> list[str]:
    """Names of interactions, as "muon, 2 protons, 812 MeV seen".

    Args:
        particles: Of which those of the primaries that are shown name their interaction.
        shown: Particles that have voxels, rows.
        energy: MeV of the voxels of each interaction.
    """
    interaction, is_primary = particles["interaction"].tolist(), primary(particles).tolist()
    kinds = _true_kinds(particles)
    return _interactions([(interaction[p], kinds[p]) for p in shown if is_primary[p]], energy)


def found_interactions(particles: Table, energy: np.ndarray, classes: Sequence[str]) -> list[str]:
    """Names of reconstructed interactions. Arguments as `true_interactions` and `found_particles`."""
    rows = zip(
        particles["interaction"].tolist(),
        _found_kinds(particles, classes),
        _integers(particles, "primary"),
        strict=True,
    )
    return _interactions([(interaction, kind) for interaction, kind, is_primary in rows if is_primary == 1], energy)


def _interactions(members: Sequence[tuple[int, str]], energy: np.ndarray) -> list[str]:
    """Names of interactions by their primaries (interaction, kind)."""
    counts: list[Counter[str]] = [Counter() for _ in energy]
    for interaction, kind in members:
        if interaction >= 0:
            counts[interaction][kind] += 1
    made = [", ".join(k if n == 1 else f"{n} {k}s" for k, n in sorted(count.items())) for count in counts]
    return [f"{m or 'interaction'}, {_mev(e, ' seen')}" for m, e in zip(made, energy, strict=True)]


def _joined(kind: str, energy: str, is_primary: bool) -> str:
    return f"{kind} {energy}".strip(", ") + ", primary" * bool(is_primary)


def _mev(energy: float, how: str = "") -> str:
    """An energy in MeV or GeV, three digits; nothing if it is not known."""
    if not np.isfinite(energy):
        return ""
    return f"{energy / 1000:.3g} GeV{how}" if energy >= 999.5 else f"{energy:.3g} MeV{how}"


def _integers(table: Table, column: str) -> list[int]:
    return [int(x) for x in table[column].tolist()] if column in table else [-1] * len(table)


def _floats(table: Table, column: str) -> np.ndarray:
    return np.asarray(table[column].double().numpy()) if column in table else np.full(len(table), np.nan)
