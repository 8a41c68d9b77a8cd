"""A pixel liquid-argon time projection chamber: deposits to voxels."""

import torch
from jaxtyping import Bool
from torch import Generator, Tensor

from nuforge.detectors.constant import number
from nuforge.detectors.lartpc import TimeProjectionChamber
from nuforge.detectors.voxels import voxel_center, voxel_coordinate, voxel_shape
from nuforge.events import Column, Events, Table
from nuforge.events.rows import rows_where
from nuforge.shapes import Mask, Scalars
from nuforge.simulation.response.attenuation import surviving_fraction
from nuforge.simulation.response.cutting import Pieces, cut, share_out
from nuforge.simulation.response.deposits import Deposits, deposits_of, is_read, one_volume
from nuforge.simulation.response.diffusion import diffusion_variance, voxels_reached
from nuforge.simulation.response.drift import drift_distance, drift_length, drift_time
from nuforge.simulation.response.electronics import reconstructed_energy, soft_threshold
from nuforge.simulation.response.noise import counting_noise, electronic_noise
from nuforge.simulation.response.path_length import path_length
from nuforge.simulation.response.recombination import (
    ISOTROPIC_COSINE,
    escaping_fraction,
    ionisation,
    sample_ionisation,
    sample_survivors,
)
from nuforge.simulation.response.voxels import Clouds, Image, collect, join, spread

_PIECE = 0.5
"""Longest piece of a deposit in voxels. Its extent enters as that of a Gaussian of the same variance."""

_NARROWEST = 1e-3
"""Least width of a cloud in voxels, so that a point at the anode has a definite voxel."""

_NEGLIGIBLE = 0.02
"""Shares of a cloud below this many units of the noise are not followed in the sampled response."""

_BLOCK = 20_000
"""Deposits worked on at once: bounds the memory and keeps it in the processor's cache."""

_UNREAD = Column("MeV", "energy of deposits outside the volume or after the readout's window", "truth")


def respond(
    events: Events,
    detector: TimeProjectionChamber,
    generator: Generator,
    calibration: TimeProjectionChamber | None = None,
) -> Events:
    """Events as the detector reads them: `voxels` and `truth_links` instead of `segments`.

    Ionisation, binomial recombination, drift, binomial attenuation, diffusion, electronic noise, threshold. Each piece
    of a deposit becomes a Gaussian cloud whose shares in voxels are computed, then the electrons in a voxel fluctuate
    as counted ones do. (Packets of q electrons, thrown, would make a voxel that shares 20,000 electrons with its
    neighbour fluctuate by 70 sqrt(q): more than the noise of 500 for q above 50, at many times the cost.)

    `voxels`: index (N, 3) int32, value (N,) float32 in MeV (`electronics.reconstructed_energy`), in the order of event,
    x, y, z, each once. `truth_links`: the fraction of a voxel's charge before noise that each particle gave; fractions
    add up to 1. A table `event` gets `unread`, the energy outside the volume or after the window.

    The readout is zero-suppressed: a voxel whose charge is below the noise counts as empty, and empty voxels are not
    read. Else noise alone (0.017 MeV for 500 e, three standard deviations below the threshold) would pass in 0.1 % of
    the 4.5e8 voxels of the cube, 100 times as many as an event has.

    The time of a deposit, within the window, does not move it along the drift: in 100 ns electrons drift 0.02 cm.

    Args:
        events: With `segments` and `particles`.
        detector: Of one volume, read by pixels.
        generator: Random numbers.
        calibration: The detector as it is believed to be, for the conversion to energy; by default as it is.

    Raises:
        InputError: If deposits have energies that are negative or not finite, or positions that are not finite.
    """
    read, noise = is_read(events, detector), detector.readout.noise
    with torch.no_grad():
        blocks = deposits_of(events)[read].blocks(_BLOCK)
        image = join([_sampled_image(block, detector, generator) for block in blocks])
        signal = counting_noise(image.charge, image.variance, image.event, len(events), generator)
        value = _energy(image, electronic_noise(signal, noise, generator), calibration or detector)
        is_kept = (signal >= noise) & (value > detector.readout.threshold)
    return _with_voxels(events, read, image, value.to(torch.float32), is_kept)


def expected_voxels(
    events: Events,
    detector: TimeProjectionChamber,
    *,
    soft: float | None = None,
    calibration: TimeProjectionChamber | None = None,
) -> Events:
    """The expectation of `respond`, before noise: differentiable in energies and every constant of the detector.

    All voxels with charge are there: there is no threshold unless `soft` is given. The values have the dtype of the
    deposits' energies.

    Args:
        events: With `segments` and `particles`.
        detector: Its constants may be tensors that need gradients.
        soft: Width in MeV of the logistic function that stands for the threshold (`electronics.soft_threshold`).
        calibration: As in `respond`. To fit a constant to data give the one that the data were made with; else the
            calibration follows the constant and takes back most of its effect.

    Raises:
        InputError: If deposits have energies that are negative or not finite, or positions that are not finite.
    """
    read = is_read(events, detector)
    deposits = deposits_of(events)[read]
    pieces = _pieces(deposits, detector)
    electrons = ionisation(share_out(deposits.energy, pieces), detector.medium.ionisation_energy)
    electrons = electrons * _escaping(deposits, pieces, detector) * _surviving(pieces, detector)
    image = _image(deposits, pieces, electrons, detector, negligible=0.0)
    value = _energy(image, image.charge, calibration or detector)
    if soft is not None:
        value = soft_threshold(value, detector.readout.threshold, soft)
    return _with_voxels(events, read, image, value, torch.ones_like(image.event, dtype=torch.bool))


def _sampled_image(deposits: Deposits, detector: TimeProjectionChamber, generator: Generator) -> Image:
    pieces = _pieces(deposits, detector)
    energy = share_out(deposits.energy, pieces)
    electrons = sample_ionisation(energy, detector.medium.ionisation_energy, generator)
    arrives = _escaping(deposits, pieces, detector) * _surviving(pieces, detector)  # of two binomials, one binomial
    electrons = sample_survivors(electrons, arrives, generator)
    return _image(deposits, pieces, electrons, detector, _NEGLIGIBLE * number(detector.readout.noise))


def _pieces(deposits: Deposits, detector: TimeProjectionChamber) -> Pieces:
    return cut(deposits.start, deposits.end, _PIECE * detector.readout.voxel)


def _escaping(deposits: Deposits, pieces: Pieces, detector: TimeProjectionChamber) -> Scalars:
    """Fraction (M,) of each piece's electrons that escape recombination."""
    path = path_length(deposits.energy, deposits.length, deposits.is_electron, detector.medium.material)
    stopping_power = deposits.energy / path.clamp(min=torch.finfo(path.dtype).tiny)
    way = deposits.end - deposits.start
    along = way[:, detector.readout.axis].abs() / way.norm(dim=1)
    cosine = torch.where(along.isnan(), ISOTROPIC_COSINE, along)
    return escaping_fraction(stopping_power, cosine, detector.readout.field, detector.medium).index_select(
        0, pieces.deposit
    )


def _drift_time(pieces: Pieces, detector: TimeProjectionChamber) -> Scalars:
    distance = drift_distance(pieces.middle, one_volume(detector), detector).clamp(min=0)
    return drift_time(distance, detector.readout.field, detector.medium.temperature)


def _surviving(pieces: Pieces, detector: TimeProjectionChamber) -> Scalars:
    """Fraction (M,) of each piece's electrons that reach the anode."""
    return surviving_fraction(_drift_time(pieces, detector), detector.medium.lifetime)


def _image(
    deposits: Deposits, pieces: Pieces, electrons: Scalars, detector: TimeProjectionChamber, negligible: float
) -> Image:
    """Voxels of the electrons (M,) of pieces that reach the anode."""
    size = detector.readout.voxel
    volume = one_volume(detector)
    lower, upper = pieces.middle.new_tensor(volume.lower), pieces.middle.new_tensor(volume.upper)
    inside = ((pieces.middle >= lower) & (pieces.middle < upper)).all(1)
    here = rows_where((electrons.detach() > 0) & inside)
    variance = diffusion_variance(_drift_time(pieces, detector), detector) + pieces.step**2 / 12
    deposit = pieces.deposit.index_select(0, here)
    clouds = Clouds(
        center=voxel_coordinate(pieces.middle.index_select(0, here), detector),
        width=(variance.index_select(0, here) / size**2 + _NARROWEST**2).sqrt(),
        charge=electrons.index_select(0, here),
        event=deposits.event.index_select(0, deposit),
        particle=deposits.particle.index_select(0, deposit),
    )
    shape = voxel_shape(detector)
    return collect(clouds, spread(clouds, shape, _reached(detector), negligible), shape)


def _reached(detector: TimeProjectionChamber) -> tuple[int, int, int]:
    """Voxels along each axis that hold a cloud from the far end of the drift."""
    longest = torch.tensor([drift_length(detector)], dtype=torch.float64)
    time = drift_time(longest, detector.readout.field, detector.medium.temperature)
    variance = diffusion_variance(time, detector)[0].detach() / detector.readout.voxel**2 + _PIECE**2 / 12
    widths = variance.sqrt().tolist()
    x, y, z = (voxels_reached(width, size) for width, size in zip(widths, voxel_shape(detector), strict=True))
    return x, y, z


def _energy(image: Image, charge: Scalars, calibration: TimeProjectionChamber) -> Scalars:
    """Reconstructed energy (V,) MeV of voxels with a charge (V,) e: one factor for each slice across the drift."""
    axis = calibration.readout.axis
    index = torch.zeros(voxel_shape(calibration)[axis], 3, dtype=torch.int64, device=charge.device)
    index[:, axis] = torch.arange(len(index))
    center = voxel_center(index, calibration).to(charge)
    distance = drift_distance(center, one_volume(calibration), calibration)
    per_electron = reconstructed_energy(torch.ones_like(distance), distance, calibration)
    return charge * per_electron.index_select(0, image.index[:, axis])


def _with_voxels(events: Events, read: Bool[Tensor, " s"], image: Image, value: Scalars, is_kept: Mask) -> Events:
    """Events with the voxels of an image that are kept and their links, without segments."""
    n = len(events)
    chosen = rows_where(is_kept)
    voxel_event = image.event.index_select(0, chosen)
    row = torch.where(is_kept, is_kept.cumsum(0) - 1, -1).index_select(0, image.link_voxel)
    linked = rows_where(row >= 0)
    voxel = image.link_voxel.index_select(0, linked)
    event, particle = image.event.index_select(0, voxel), image.link_particle.index_select(0, linked)
    first = events["particles"].offsets.index_select(0, event)
    voxels = {"index": image.index.index_select(0, chosen).to(torch.int32), "value": value.index_select(0, chosen)}
    links = {
        "row": row.index_select(0, linked),
        "particle": torch.where(particle < 0, particle, particle + first),
        "fraction": image.link_charge.index_select(0, linked) / image.charge.index_select(0, voxel),
    }
    new = {
        "voxels": Table.from_counts(voxels, voxel_event.bincount(minlength=n)),
        "truth_links": Table.from_counts(links, event.bincount(minlength=n)),
    }
    tables = {**events.without("segments").tables, **new}
    if "event" in events:
        segments = events["segments"]
        unread = torch.where(read, 0, segments["energy"].detach())
        total = unread.new_zeros(n).index_add(0, segments.batch, unread)
        tables["event"] = events["event"].with_columns({"unread": total}, about={"unread": _UNREAD})
    return Events(tables)
