"""PixelReadout: electrons that drift to pixels and are cut in time, so that the volume is read in voxels."""

from dataclasses import dataclass

from nuforge.detectors.constant import Constant, require_not_negative, require_positive
from nuforge.detectors.detector import Direction, require_unit_vector
from nuforge.units import MeV, cm, kV


@dataclass(frozen=True)
class PixelReadout:
    """A pixel readout: two coordinates from the pixel, the third from the drift time.

    Args:
        field: Drift field in kV/cm. 0.5 is the nominal one of SBND, ICARUS and DUNE.
        drift: Unit vector along the travel of the electrons, one of the six axis directions; the anode is the face of
            the volume that it points at.
        voxel: Side of a voxel in cm: the pitch of the pixels, and the drift in one sample. 0.3 cm is the pitch of
            MicroBooNE, SBND and ICARUS wires, and what the public simulated data sets use.
        noise: Equivalent noise charge of a voxel in electrons. 500: uncorrelated noise of LArPix in larnd-sim, and the
            upper end of cold wire electronics (300 to 500).
        threshold: A voxel is kept above this many MeV, after the correction for the mean loss of charge. 0.05 MeV are
            three times the noise near the anode.
        window: Deposits later than this many ns after the event's time zero are not read; None for one full drift.

    Raises:
        ValueError: If field or voxel are not positive, another number negative, or the drift not along an axis.
    """

    field: Constant = 0.5 * kV / cm
    drift: Direction = (1.0, 0.0, 0.0)
    voxel: float = 0.3 * cm
    noise: Constant = 500.0
    threshold: Constant = 0.05 * MeV
    window: float | None = None

    def __post_init__(self) -> None:
        require_positive("field", "kV/cm", self.field, "with no field no charge is collected")
        require_unit_vector("drift", self.drift)
        if sorted(map(abs, self.drift)) != [0, 0, 1]:
            raise ValueError(f"drift must be along an axis, got {self.drift}; turn the detector's axes with the field")
        require_positive("voxel", "cm", self.voxel, "it is the side of a cube")
        require_not_negative("noise", "electrons", self.noise, "zero is a readout without noise")
        require_not_negative("threshold", "MeV", self.threshold, "zero keeps every voxel with positive charge")
        if self.window is not None:
            require_positive("window", "ns", self.window, "None reads one full drift")

    @property
    def axis(self) -> int:
        """The axis that electrons drift along: 0, 1 or 2."""
        return [abs(component) for component in self.drift].index(1)
