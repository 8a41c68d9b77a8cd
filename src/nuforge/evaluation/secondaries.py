"""Spectra of secondary particles and deposits by kind, to see by what mechanism one transport differs from another."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge.evaluation.single_particles import Figure
from nuforge.events import Events, Process
from nuforge.events.weights import without_weights
from nuforge.physics.particles import mass_of
from nuforge.units import GeV, MeV

Array = NDArray[np.float64]

KINDS = ("proton", "neutron", "pion", "photon", "electron", "nucleus")
"""Kinds of secondaries: pions of all charges, electrons with positrons, nuclei from the deuteron on."""

EDGES = np.geomspace(0.1 * MeV, 1 * GeV, 33)
"""Edges of the bins of kinetic energy, eight for each decade."""

FLOORS = {"proton": 1.0, "neutron": 1.0, "pion": 1.0, "photon": 0.5, "electron": 1.0, "nucleus": 1.0}
"""Kinetic energies (MeV) above which secondaries are counted: above the thresholds below which transports make none."""

DEPOSITORS = ("electron", "muon", "pion", "proton", "nucleus")
"""Kinds of particles that deposit: electrons with photons; nuclei with neutrons, which some transports let deposit what
their recoils have."""

_NUCLEI = 1_000_000_000
_FATES = (Process.INELASTIC, Process.CAPTURE)


def secondary_spectra(events: Events, of_the_primary: bool = False) -> dict[str, Figure]:
    """Secondaries per event in bins of kinetic energy (`EDGES`), by kind.

    Args:
        events: `particles`, the primary being the first of each event.
        of_the_primary: Only what the primary's inelastic interaction or capture left, not what came of that.
    """
    event, kind, kinetic = _secondaries(events, of_the_primary)
    n, bins = len(events), len(EDGES) - 1
    cell = np.searchsorted(EDGES, kinetic, side="right") - 1
    inside = (cell >= 0) & (cell < bins)
    out = {}
    for number, name in enumerate(KINDS):
        mine = inside & (kind == number)
        counts = np.bincount(event[mine] * bins + cell[mine], minlength=n * bins).reshape(n, bins).astype(np.float64)
        out[name] = _means(counts)
    return out


def secondary_figures(events: Events, of_the_primary: bool = False) -> dict[str, Figure]:
    """Number and kinetic energy per event of secondaries above `FLOORS`, by kind (see `secondary_spectra`)."""
    event, kind, kinetic = _secondaries(events, of_the_primary)
    n = len(events)
    out = {}
    for number, name in enumerate(KINDS):
        mine = (kind == number) & (kinetic > FLOORS[name])
        out[f"{name}s_per_event" if name != "nucleus" else "nuclei_per_event"] = _mean(
            np.bincount(event[mine], minlength=n)
        )
        out[f"{name}_ke_per_event_MeV"] = _mean(np.bincount(event[mine], kinetic[mine], n))
    return out


def deposits_by_kind(events: Events) -> dict[str, Figure]:
    """Energy deposited per event, MeV, by the kind of particle that deposits it (`DEPOSITORS`)."""
    segments, n = without_weights(events, "deposits by kind")["segments"], len(events)
    pdg = events["particles"]["pdg"][segments["particle"]].abs()
    kind = torch.full_like(pdg, DEPOSITORS.index("nucleus"))
    for number, codes in enumerate(((11, 22), (13,), (211, 321), (2212,))):
        kind = torch.where(torch.isin(pdg, torch.tensor(codes)), number, kind)
    event, energy = segments.batch.numpy(), segments["energy"].double().numpy()
    chosen = [(kind == number).numpy() for number in range(len(DEPOSITORS))]
    return {
        f"deposit_of_{name}s_MeV" if name != "nucleus" else "deposit_of_nuclei_MeV": _mean(
            np.bincount(event[mine], energy[mine], n)
        )
        for name, mine in zip(DEPOSITORS, chosen, strict=True)
    }


def _secondaries(events: Events, of_the_primary: bool) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """Event, kind (row of `KINDS`) and kinetic energy (MeV) of the secondaries that are of a kind."""
    particles = without_weights(events, "spectra of secondaries")["particles"]
    first = particles.offsets[:-1][particles.batch]
    kind = _kind(particles["pdg"])
    mine = (kind >= 0) & (torch.arange(len(particles)) != first)
    if of_the_primary:
        mine &= (particles["parent"] == first) & torch.isin(particles["process"], torch.tensor(_FATES))
    mass = mass_of(particles["pdg"][mine])
    square = particles["momentum"][mine].double().square().sum(1)
    kinetic = square / (torch.sqrt(square + mass**2) + mass).clamp(min=1e-30)
    return particles.batch[mine].numpy(), kind[mine].numpy(), kinetic.numpy().astype(np.float64)


def _kind(pdg: Tensor) -> Tensor:
    """Rows (N,) of `KINDS`, -1 for others."""
    kind = torch.full_like(pdg, -1)
    for number, codes in enumerate(((2212,), (2112,), (211, -211, 111), (22,), (11, -11))):
        kind = torch.where(torch.isin(pdg, torch.tensor(codes)), number, kind)
    return torch.where(pdg > _NUCLEI, KINDS.index("nucleus"), kind)


def _means(counts: Array) -> Figure:
    """Means over events (n, ...) with their standard errors."""
    return Figure(counts.mean(0), counts.std(0, ddof=1) / np.sqrt(len(counts)))


def _mean(values: NDArray) -> Figure:
    return _means(np.asarray(values, dtype=np.float64))
