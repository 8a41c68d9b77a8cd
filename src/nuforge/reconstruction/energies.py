"""The best kinetic energy of a particle: by range if it stops, else by dE/dx and scattering; showers by charge."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.physics.kinematics import kinetic_of, momentum
from nuforge.reconstruction.hypotheses import HYPOTHESIS_OF, MASS_OF, MASSES, Species
from nuforge.reconstruction.open_end import OpenEnds, most_likely, probabilities, with_scattering
from nuforge.shapes import Mask, Rows, Scalars

_QUANTILES = (0.16, 0.5, 0.84)


def best_energies(
    columns: Mapping[str, Tensor], ends: OpenEnds, pid: Rows, is_track: Mask, is_electromagnetic: Mask
) -> dict[str, Tensor]:
    """`kinetic_energy` with its interval and error, and `momentum` of particles.

    A track is taken for its identification, a muon if that is none of the hypotheses. The energy of a hadron is the
    median of what its range, dE/dx along its path and its scattering leave, weighted with the probability that it
    stopped; that of a muon is that of its range if it stopped, else that of its scattering. A shower or Michel electron
    that is contained has the calorimetric one. NaN for all others.

    Args:
        columns: Those of `reco_particles` that are there already.
        ends: What dE/dx says of the tracks' ends.
        pid: (C,) `Species`, -1 unknown.
        is_track: (C,).
        is_electromagnetic: (C,) showers and Michel electrons.
    """
    hypothesis = torch.zeros_like(pid)
    for species, number in HYPOTHESIS_OF.items():
        hypothesis[pid == species] = number
    mass = torch.tensor(MASSES, dtype=torch.float64)[hypothesis]
    of_tracks = _track_energies(columns, ends, hypothesis, mass)
    charge, charge_error = (columns[name].double() for name in ("calorimetric_energy", "calorimetric_energy_error"))
    of_charge = torch.stack([charge + sign * charge_error for sign in (-1, 0, 1)])
    by_charge = is_electromagnetic & columns["contained"]
    low, kinetic, high = torch.where(is_track, of_tracks, torch.where(by_charge, of_charge, torch.nan))
    light = torch.where(pid == Species.PHOTON, MASS_OF[Species.PHOTON], MASS_OF[Species.ELECTRON])
    size = momentum(kinetic, torch.where(is_track, mass, light))
    return {
        "kinetic_energy": kinetic,
        "kinetic_energy_error": 0.5 * (high - low),
        "kinetic_energy_low": low,
        "kinetic_energy_high": high,
        "momentum": size[:, None] * columns["start_direction"],
    }


def _track_energies(
    columns: Mapping[str, Tensor], ends: OpenEnds, hypothesis: Rows, mass: Scalars
) -> Float[Tensor, "3 c"]:
    """Lower end, best value and upper end (3, C) in MeV of the energies of tracks."""

    def of_hypothesis(column: Tensor) -> Tensor:
        return column.double().gather(1, hypothesis[:, None])[:, 0]

    scattered = [columns[f"scattering_momentum{end}"] for end in ("_low", "", "_high")]
    by_scattering = torch.stack([kinetic_of(of_hypothesis(p), mass) for p in scattered])
    p, p_error = (of_hypothesis(columns[name]) for name in ("range_momentum", "range_momentum_error"))
    by_range = kinetic_of(p, mass)
    range_error = p_error * p / (by_range + mass)  # dT = beta dp
    both = with_scattering(ends, scattered[1], scattered[0], scattered[2])
    row = hypothesis[:, None, None]
    kinetic = ends.kinetic.gather(1, row.expand(-1, 1, ends.kinetic.shape[2]))[:, 0]
    probability = probabilities(both).gather(1, row.expand(-1, 1, kinetic.shape[1]))[:, 0]
    mixed = torch.stack([_quantile(q, kinetic, probability, range_error) for q in _QUANTILES])
    of_muon = by_range + range_error * by_range.new_tensor([-1.0, 0.0, 1.0])[:, None]
    is_muon, stopped = hypothesis == 0, of_hypothesis(columns["stop_probability"]) > 0.5
    limited = of_hypothesis(most_likely(both).high).isfinite()
    found = torch.where(limited | stopped, mixed, by_scattering)
    return torch.where(is_muon, torch.where(stopped, of_muon, by_scattering), found)


def _quantile(
    q: float, kinetic: Float[Tensor, "c g"], probability: Float[Tensor, "c g"], range_error: Scalars
) -> Scalars:
    """Quantile (C,) in MeV of energies: a Gaussian about the first, that of the range, and all above it between points.

    Args:
        q: Between 0 and 1.
        kinetic: (C, G) MeV, rising.
        probability: (C, G), of the first that it is a Gaussian's, of the others that of their cells.
        range_error: (C,) MeV, of the first.
    """
    stopped, others = probability[:, 0], probability[:, 1:]
    share = (q / stopped.clamp(min=1e-9)).clamp(1e-3, 1 - 1e-3)
    by_range = kinetic[:, 0] + torch.special.ndtri(share) * range_error
    middle = 0.5 * (kinetic[:, 1:] + kinetic[:, :-1])
    edge = torch.cat([middle, kinetic[:, -1:]], dim=1)  # the cells of the grid
    below = torch.nn.functional.pad(others.cumsum(1), (1, 0)) / others.sum(1, keepdim=True).clamp(min=1e-12)
    rest = ((q - stopped) / (1 - stopped).clamp(min=1e-9)).clamp(0, 1)
    cell = (torch.searchsorted(below, rest[:, None].contiguous()) - 1).clamp(0, others.shape[1] - 1)
    low, high = (below.gather(1, cell + k)[:, 0] for k in (0, 1))
    part = ((rest - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
    beyond = torch.lerp(edge.gather(1, cell)[:, 0], edge.gather(1, cell + 1)[:, 0], part)
    return torch.where(q < stopped, by_range, beyond)
