"""Energies and vertices in NOvA-like detectors: from pixel maps, from lists of prongs, and by classical methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from nuforge.evaluation.report import Published
from nuforge.experiments.experiment import Experiment, experiment
from nuforge.samples.nova_neutrinos import Beam

if TYPE_CHECKING:
    from torch import Generator

    from nuforge.baselines.baseline import Baseline
    from nuforge.events import Events
    from nuforge.tasks.energy import Energy, Loss

Target = Literal["nu_e", "electron", "nu_mu", "hadrons"]
Flavour = Literal["nu_e", "nu_mu"]

_GEV = 1e3
_TARGETS = {
    "nu_e": ("nu_e energy", "neutrino_energy", 1, (0.5, 1.0, 2.0, 3.0, 5.0)),
    "electron": ("electron energy", "lepton_energy", 1, (0.5, 1.0, 2.0, 3.0, 5.0)),
    "muon": ("muon energy", "lepton_energy", 0, (0.3, 1.0, 2.0, 3.0, 5.0)),
    "nu_mu": ("nu_mu energy", "neutrino_energy", 0, (0.5, 1.0, 2.0, 3.0, 5.0)),
    "hadrons": ("hadronic energy", "hadronic_energy", 0, (0.2, 0.5, 1.0, 2.0, 4.0)),
}
"""Name, column, number of the flavour, and edges in GeV between which true energies are asked about."""
_ALONE: tuple[Flavour, ...] = ("nu_mu", "nu_e")
"""Flavours by number: a sample of their charged currents alone."""
_CNN = "Baldi et al., Phys. Rev. D 99 (2019) 012011, arXiv:1811.04557"
_LSTM = "Torbunov, thesis, University of Minnesota 2021"


@experiment(
    system="energy regression CNN",
    detector="NOvA-like far detector, pixel maps of 100 x 80 in two views",
    task="energy of nu_e, of the electron, of nu_mu or of hadrons, from pixel maps",
    reference=_CNN,
    published=(
        Published("RMS of nu_e energy over that of the kinematic energy", 0.84, _CNN),
        Published("RMS of electron energy over that of the kinematic energy", 0.88, _CNN),
    ),
    quick={"events": 3000, "steps": 400, "batch": 16, "width": 0.125, "validate_every": 100},
)
def nova_energy(
    target: Target = "nu_e",
    events: int = 60000,
    beam: Beam = "fhc",
    width: float = 0.25,
    vertex: bool = True,
    loss: Literal["absolute", "squared"] = "absolute",
    calibration: float = 0.03,
    edge: float = 20.0,
    steps: int = 12000,
    batch: int = 32,
    learning_rate: float = 2e-3,
    validate_every: int = 400,
) -> Experiment:
    """An energy from the pixel maps of both views by residual networks, beside the classical energy and boosted trees.

    The network learns from contained events of the flavour alone, weighted to a flat spectrum of true energy, each view
    mirrored and moved at random, and all energies of an event scaled up, down or not at all. The classical energy is
    the kinematic one of nu_e (a quadratic form of visible energies) or that of nu_mu (range of the muon, calorimetry of
    hadrons). The report says how all move with the calibration.

    Args:
        target: Which energy.
        events: Number of simulated charged currents of the flavour, all sides of the split together.
        beam: Horn current.
        width: Channels of ResNet18 over the published ones.
        vertex: Whether the network reads the reconstructed vertex.
        loss: Mean size of relative errors, as published, or mean square.
        calibration: Share by which energies are scaled up or down at random in training; 0 for never.
        edge: Events that come nearer to a wall than this, in cm, are not contained and not asked about.
        steps: Optimiser steps.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
    """
    from nuforge.detectors import nova_far
    from nuforge.experiments.nova_slices import SHARD_SIZE, responding, slices_at_far_site
    from nuforge.models.energy_cnn import EnergyCNN
    from nuforge.models.resnet18 import ResNet18
    from nuforge.models.towers import Views
    from nuforge.training.learner import Supervised
    from nuforge.training.options import FitOptions

    model = EnergyCNN(Views([ResNet18(width), ResNet18(width)]), vertex=vertex)
    task = _energy(target, model.features, loss)
    sample, shifts = slices_at_far_site(events, SHARD_SIZE, beam, _ALONE[task.flavour])
    return Experiment(
        sample=sample,
        learner=Supervised(model, [task]),
        baselines=_classical([task]),
        options=FitOptions(steps, learning_rate, validate_every=validate_every),
        batch=batch,
        respond=responding(nova_far()),
        shifts=shifts,
        augment=_augmentation(calibration, maps=True),
        reads=("pixels", "hits", "prongs", "event.track_length"),
        given=_tracked(),
        only=f"{task.where} & edge > {edge}",
    )


@experiment(
    system="LSTM energy estimator (lstm_v3)",
    detector="NOvA-like far detector, lists of prongs",
    task="energies of the lepton and of the neutrino, from lists of prongs",
    reference=_LSTM,
    published=(
        Published("resolution of nu_mu energy over that of range and calorimetry", 0.85, _LSTM),
        Published("sensitivity to the calibration over that of range and calorimetry", 0.2, _LSTM),
    ),
    quick={"events": 3000, "steps": 1000, "batch": 64, "width": 64, "validate_every": 250},
)
def nova_energy_lstm(
    flavour: Flavour = "nu_mu",
    events: int = 60000,
    beam: Beam = "fhc",
    width: int = 128,
    units: int = 32,
    dropout: float = 0.1,
    calibration: float = 0.1,
    edge: float = 20.0,
    steps: int = 12000,
    batch: int = 128,
    learning_rate: float = 1e-3,
    validate_every: int = 500,
) -> Experiment:
    """Energies of lepton and neutrino by an LSTM over lists of prongs, beside classical energies and boosted trees.

    Energies of training events are all scaled up, down or not at all, at random, so that the network relies on what
    does not depend on the calibration; `--calibration 0` is the same without. The report says how all move with it.

    Args:
        flavour: Whose energies.
        events: Number of simulated charged currents of the flavour, all sides of the split together.
        beam: Horn current.
        width: Channels of the dense layers.
        units: Of each LSTM.
        dropout: Fraction of what dense layers behind the LSTMs read that is left out in training.
        calibration: Share by which energies are scaled up or down at random in training; 0 for never.
        edge: Events that come nearer to a wall than this, in cm, are not contained and not asked about.
        steps: Optimiser steps.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
    """
    from nuforge.detectors import nova_far
    from nuforge.experiments.nova_slices import SHARD_SIZE, responding, slices_at_far_site
    from nuforge.models.energy_lstm import EnergyLSTM
    from nuforge.training.learner import Supervised
    from nuforge.training.options import FitOptions

    model = EnergyLSTM(width, units=units, dropout=dropout)
    lepton_of = {"nu_e": "electron", "nu_mu": "muon"}
    total, lepton = (_energy(name, model.features) for name in (flavour, lepton_of[flavour]))
    sample, shifts = slices_at_far_site(events, SHARD_SIZE, beam, flavour)
    return Experiment(
        sample=sample,
        learner=Supervised(model, [total, lepton]),
        baselines=_classical([total, lepton]),
        options=FitOptions(steps, learning_rate, validate_every=validate_every),
        batch=batch,
        respond=responding(nova_far()),
        shifts=shifts,
        augment=_augmentation(calibration, maps=False),
        reads=("hits", "prongs", "event.track_length"),
        given=_tracked(),
        only=f"{total.where} & edge > {edge}",
    )


@experiment(
    system="VertexCVN",
    detector="NOvA-like far detector, pixel maps of 100 x 80 in two views",
    task="vertex of neutrinos, from pixel maps",
    reference="Elkarghli, arXiv:2112.01494",
    quick={"events": 3000, "steps": 250, "batch": 16, "depth": 3, "validate_every": 125},
)
def nova_vertexcvn(
    events: int = 60000,
    shard_size: int = 100,
    beam: Beam = "fhc",
    depth: int = 4,
    width: int = 8,
    beta: float = 5.0,
    steps: int = 3500,
    batch: int = 32,
    learning_rate: float = 3e-3,
    validate_every: int = 250,
) -> Experiment:
    """The vertex from the pixel maps of both views by a network that points, beside lines with elastic arms.

    Args:
        events: Number of simulated events, of all flavours and all sides of the split together.
        shard_size: Events that are simulated together.
        beam: Horn current.
        depth: Levels of a tower; each halves the resolution.
        width: Channels of its finest level; level i has i + 1 times as many.
        beta: Error in cm from which on the loss is linear.
        steps: Optimiser steps.
        batch: Events in a step.
        learning_rate: Largest learning rate of the schedule.
        validate_every: Steps between two looks at the validation side.
    """
    from nuforge.baselines.slice_vertex import SliceVertex
    from nuforge.detectors import nova_far
    from nuforge.experiments.nova_slices import responding, slices_at_far_site
    from nuforge.models.vertex_cvn import VertexCVN
    from nuforge.tasks.vertex import Vertex
    from nuforge.training.learner import Supervised
    from nuforge.training.options import FitOptions

    model = VertexCVN(nova_far(), depth, width)
    task = Vertex(model.features, beta)
    sample, shifts = slices_at_far_site(events, shard_size, beam)
    return Experiment(
        sample=sample,
        learner=Supervised(model, [task]),
        baselines={"lines and elastic arms": SliceVertex()},
        options=FitOptions(steps, learning_rate, validate_every=validate_every),
        batch=batch,
        respond=responding(nova_far()),
        shifts=shifts,
        reads=("pixels",),
        only=f"{task.where} & edge > 0",
    )


def _energy(target: str, features: int, loss: Loss = "absolute") -> Energy:
    """The question."""
    from nuforge.tasks.energy import Energy

    name, column, flavour, edges = _TARGETS[target]
    return Energy(name, features, column, flavour, [edge * _GEV for edge in edges], loss)


def _classical(tasks: list[Energy]) -> dict[str, Baseline]:
    """What physicists did before, for the columns of the tasks: of nu_e or of nu_mu, and boosted trees."""
    from nuforge.baselines.energy_trees import EnergyTrees
    from nuforge.baselines.kinematic_energy import KinematicEnergy
    from nuforge.baselines.range_energy import RangeEnergy

    columns, asked = tuple(task.target for task in tasks), (tasks[0].where, tasks[0].spectrum)
    trees = {"boosted trees": EnergyTrees(columns, *asked)}
    if tasks[0].flavour == 1:
        return {"kinematic energy": KinematicEnergy(columns, *asked), **trees}
    return {"range and calorimetry": RangeEnergy(*asked), **trees}


def _tracked() -> Callable[[Events], Events]:
    """From slices to those whose muon's track is known."""
    from functools import partial

    from nuforge.baselines.muon_tracks import with_muon_track
    from nuforge.detectors import nova_far

    return partial(with_muon_track, detector=nova_far())


def _augmentation(calibration: float, maps: bool) -> Callable[[Events, Generator], Events] | None:
    """Training events with a calibration that is wrong at random, if by anything, and with maps seen anew, if any."""
    from functools import partial

    from nuforge.experiments.nova_slices import ROOM
    from nuforge.training.augmentation import map_symmetries
    from nuforge.training.calibration import calibrated_anew

    seen_anew = partial(map_symmetries, shift=ROOM)
    if not calibration:
        return seen_anew if maps else None

    def augment(events: Events, generator: Generator) -> Events:
        events = calibrated_anew(events, generator, calibration)
        return seen_anew(events, generator) if maps else events

    return augment
