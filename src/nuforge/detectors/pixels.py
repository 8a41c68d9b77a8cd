"""PixelReadout: charge collected on pixels and cut in time, so that the volume is read in voxels."""

from dataclasses import dataclass

from nuforge.detectors.constant import Constant, require_not_negative, require_positive
from nuforge.units import MeV, cm


@dataclass(frozen=True)
class PixelReadout:
    """A pixel readout: two coordinates from the pixel, the third from the drift time.

    Args:
        voxel: Side of a voxel in cm: the pitch of the pixels, and the drift in one sample. 0.3 cm is the pitch of
            MicroBooNE, SBND and ICARUS wires, and what the public simulated data sets use.
        noise: Equivalent noise charge of a voxel in electrons. 500: uncorrelated noise of LArPix in larnd-sim, and the
            upper end of cold wire electronics (300 to 500).
        threshold: A voxel is kept above this many MeV, after the correction for the mean loss of charge. 0.05 MeV are
            three times the noise near the anode.
        window: Deposits later than this many ns after the event's time zero are not read; None for one full drift.

    Raises:
        ValueError: If the voxel is not positive, or another number negative.
    """

    voxel: float = 0.3 * cm
    noise: Constant = 500.0
    threshold: Constant = 0.05 * MeV
    window: float | None = None

    def __post_init__(self) -> None:
        require_positive("voxel", "cm", self.voxel, "it is the side of a cube")
        require_not_negative("noise", "electrons", self.noise, "zero is a readout without noise")
        require_not_negative("threshold", "MeV", self.threshold, "zero keeps every voxel with positive charge")
        if self.window is not None:
            require_positive("window", "ns", self.window, "None reads one full drift")
