"""Calibration: photo-electrons to energy, with the place along the cell from the other view."""

import torch
from torch import Tensor

from nuforge.detectors.nova import SegmentedDetector
from nuforge.events import Column, Events
from nuforge.simulation.cells.places import Places, places_of
from nuforge.simulation.response.fibre import transmitted
from nuforge.simulation.response.scintillation import light_of_muon

_ABOUT = {
    "along": Column("cm", "its place along its cell, from hits of the other view in planes nearby", "readout"),
    "energy": Column("MeV", "energy in the scintillator as calibrated with muons", "readout"),
}
_FALL, _REACH = 2.0, 31  # planes: weights exp(-planes / fall), out to the reach


def calibrate(events: Events, detector: SegmentedDetector) -> Events:
    """Events with `hits.along` and `hits.energy`; an event is one slice.

    The place of a hit along its cell is the mean of what the other view's hits say, those of planes near it above all;
    the energy is what a minimum-ionising muon would have to deposit there, if the fibre is what the calibration
    believes and cells are all alike. So energies are wrong where places are, as where two particles cross a plane.

    Args:
        events: With `hits`.
        detector: Its `believed` fibre, `energy_scale`, light yield and quenching of a muon.
    """
    readout, hits = detector.readout, events["hits"]
    along = _along(places_of(events, detector, "charge"), hits["plane"].to(torch.int64), detector)
    end = torch.tensor(detector.origin, dtype=torch.float64)[1 - hits["view"].to(torch.int64)] + readout.length
    distance = (end - along).clamp(0, readout.length)
    light = transmitted(distance, readout.length, readout.believed) * readout.sensor.light_yield
    energy = readout.energy_scale * hits["charge"].double() / (light * light_of_muon(detector.medium))
    columns = {"along": along.float(), "energy": energy.float()}
    return events.with_table("hits", hits.with_columns(columns, about=_ABOUT))


def _along(places: Places, plane: Tensor, detector: SegmentedDetector) -> Tensor:
    """Where hits are along their cells (N,) cm: the weighted mean of the other view, else its middle."""
    n, planes = 2 * places.n_events, detector.readout.planes
    weight = torch.zeros(n * planes, dtype=torch.float64)
    other = places.group + 1 - 2 * places.view  # the other view of the same event
    told = other * planes + plane
    charge = places.charge.clamp(min=0)
    weight.index_add_(0, told, charge)
    moment = torch.zeros_like(weight).index_add_(0, told, charge * places.u)
    both = torch.stack([weight.view(n, planes), moment.view(n, planes)], 1).view(2 * n, 1, planes)
    kernel = torch.exp(-(torch.arange(2 * _REACH + 1) - _REACH).abs().double() / _FALL).view(1, 1, -1)
    near = torch.nn.functional.conv1d(both, kernel, padding=_REACH).view(n, 2, planes)
    everywhere = both.view(n, 2, planes).sum(2, keepdim=True) * 1e-9  # where nothing is near, all of the view
    near = near + everywhere
    mean = near[:, 1] / near[:, 0].clamp(min=1e-300)
    middle = detector.origin[0] + detector.readout.length / 2
    mean = torch.where(near[:, 0] > 0, mean, middle)
    return mean.flatten()[places.group * planes + plane]
