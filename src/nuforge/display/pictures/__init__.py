"""Kinds of pictures, one a file, and which of them fit events: what a page offers, the first of them first."""

from nuforge.display.pictures.channels import CHANNELS
from nuforge.display.pictures.graph import GRAPH
from nuforge.display.pictures.histograms import HISTOGRAMS
from nuforge.display.pictures.images import IMAGES
from nuforge.display.pictures.momenta import MOMENTA
from nuforge.display.pictures.picture import Drawn, Picture
from nuforge.display.pictures.planes import PLANES
from nuforge.display.pictures.points import POINTS
from nuforge.display.pictures.pulses import PULSES
from nuforge.display.pictures.scenes import SEGMENTS, VOXELS
from nuforge.display.pictures.sensors import SENSORS
from nuforge.display.pictures.spectrum import SPECTRUM
from nuforge.display.pictures.tank import TANK
from nuforge.display.pictures.waveforms import WAVEFORMS
from nuforge.display.pictures.ways import WAYS
from nuforge.events import Events

PICTURES: tuple[Picture, ...] = (
    VOXELS,
    TANK,
    SENSORS,
    POINTS,
    IMAGES,
    PLANES,
    GRAPH,
    WAVEFORMS,
    PULSES,
    CHANNELS,
    SEGMENTS,
    SPECTRUM,
    MOMENTA,
    WAYS,
    HISTOGRAMS,
)
"""All kinds: readout before truth, and what is told of single events before what is told of many."""


def fitting(events: Events) -> tuple[Picture, ...]:
    """The kinds of pictures that fit events, the first choice first."""
    return tuple(picture for picture in PICTURES if picture.fits(events))


__all__ = ["PICTURES", "Drawn", "Picture", "fitting"]
