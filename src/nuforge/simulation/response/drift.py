"""Drift: the velocity of electrons in liquid argon, and the time to the anode.

Three parametrisations of measurements; they agree within 3 % between 0.2 and 1 kV/cm and the first is used.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.detectors.constant import Constant
from nuforge.detectors.lartpc import TimeProjectionChamber
from nuforge.detectors.volume import Volume
from nuforge.shapes import Points, Scalars
from nuforge.units import cm, mm, s, us

Scalar = Float[Tensor, ""]


def drift_velocity(field: Constant, temperature: Constant) -> Scalar:
    """Drift velocity in cm/ns from the electron mobility measured and collected at Brookhaven.

    mu = (a0 + a1 E + a2 E^1.5 + a3 E^2.5) / (1 + (a1/a0) E + a4 E^2 + a5 E^3) (T/89 K)^-1.5 cm^2/V/s.

    Args:
        field: kV/cm.
        temperature: K.

    Source: Li et al., NIM A 816 (2016) 160; used by larnd-sim.
    """
    a0, a1, a2, a3, a4, a5 = 551.6, 7158.3, 4440.43, 4.29, 43.63, 0.2053
    e, t = _scalar(field), _scalar(temperature)
    mobility = (a0 + a1 * e + a2 * e**1.5 + a3 * e**2.5) / (1 + a1 / a0 * e + a4 * e**2 + a5 * e**3)
    return mobility * (t / 89) ** -1.5 * (1e3 * e) * cm / s


def drift_velocity_larsoft(field: Constant, temperature: Constant) -> Scalar:
    """Drift velocity in cm/ns as LArSoft computes it by default, 87 to 94 K.

    ICARUS below 0.619 kV/cm (linear in the field at the lowest), Walkowiak above 0.699, and a linear blend between.

    Args:
        field: kV/cm.
        temperature: K.

    Source: LArSoft, DetectorPropertiesStandard::DriftVelocity; Walkowiak, NIM A 449 (2000) 288.
    """
    e, t = _scalar(field), _scalar(temperature)
    icarus = _walkowiak(e, t, (-0.04640, 0.01712, 1.88125, 0.99408, 0.01172, 4.20214), 105.749)
    walkowiak = _walkowiak(e, t, (-0.01481, -0.0075, 0.141, 12.4, 1.627, 0.317), 90.371)
    warm = t - 87.203
    lowest = e * (5.18406 + 0.01448 * warm - 0.003497 * warm**2 - 0.000516 * warm**3)
    high = ((e - 0.619) / 0.08).clamp(0, 1)
    blend = high * walkowiak + (1 - high) * icarus
    is_low = e < 0.0938163 - 0.0052563 * warm - 0.000147 * warm**2
    return torch.where(is_low, lowest, blend) * mm / us


def drift_velocity_microboone(field: Constant, temperature: Constant) -> Scalar:
    """Drift velocity in cm/ns from a fit to MicroBooNE and ICARUS data, below 1 kV/cm.

    Args:
        field: kV/cm.
        temperature: K.

    Source: MicroBooNE, arXiv:2008.09765.
    """
    e, t = _scalar(field), _scalar(temperature)
    shape = 5.53416 * e - 6.53093 * e**2 + 3.20752 * e**3 + 0.389696 * e**4 - 0.556184 * e**5
    return (1 - 0.0184 * (t - 89)) * shape * mm / us


def drift_distance(position: Points, volume: Volume, detector: TimeProjectionChamber) -> Scalars:
    """Way (N,) cm from positions (N, 3) cm in a volume to its anode, the face that the drift points at."""
    axis = detector.readout.axis
    if detector.readout.drift[axis] > 0:
        return volume.upper[axis] - position[:, axis]
    return position[:, axis] - volume.lower[axis]


def drift_length(detector: TimeProjectionChamber) -> float:
    """The longest drift of any volume in cm."""
    return max(volume.extent[detector.readout.axis] for volume in detector.volumes)


def drift_time(distance: Scalars, field: Constant, temperature: Constant) -> Scalars:
    """Time (N,) ns that electrons take for a distance (N,) cm."""
    return distance / drift_velocity(field, temperature).to(distance.device)


def _walkowiak(e: Tensor, t: Tensor, p: tuple[float, ...], reference: float) -> Tensor:
    """(P1 (T - T0) + 1) (P3 E ln(1 + P4 / E) + P5 E^P6) + P2 (T - T0) in mm/us."""
    warm = t - reference
    return (p[0] * warm + 1) * (p[2] * e * torch.log1p(p[3] / e) + p[4] * e ** p[5]) + p[1] * warm


def _scalar(value: Constant) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64)
