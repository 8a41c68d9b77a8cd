"""Weights of events for another value of a dial, where the cross section alone knows it."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from nuforge.events import Table
from nuforge.physics.quasi_elastic import charged_current, neutral_current
from nuforge.simulation.sources.neutrino.modes import NEUTRINOS, Probe, number
from nuforge.simulation.sources.neutrino.quasi_elastic import MODE
from nuforge.simulation.sources.neutrino.settings import GeneratorSettings

_PROTON = 2212


def axial_mass_weights(interactions: Table, settings: GeneratorSettings, axial_mass: float) -> Tensor:
    """Weights (N,) that turn quasi-elastic and elastic interactions into those of another axial mass, 1 for all others.

    The ratio of the free cross sections at the neutrino's energy and the event's Q^2, as if the nucleon had been at
    rest: good to a per cent for changes of 10 %. Scattering on pairs stays as it was.

    Args:
        interactions: As `neutrinos` makes it, of any number of events.
        settings: With which they were made.
        axial_mass: M_A in MeV.
    """
    forms = [settings.form_factors, replace(settings.form_factors, axial_mass=axial_mass)]
    energy, q2 = interactions["energy"].double(), interactions["q2"].double().clamp(min=0)
    weight = torch.ones_like(energy)
    on_proton = interactions["struck"] == _PROTON
    for pdg in NEUTRINOS:
        for charged in (True, False):
            probe = Probe(pdg, charged)
            mine = (interactions["neutrino"] == pdg) & (interactions["mode"] == number(MODE, probe))
            for proton in (True, False):
                rows = (mine & (on_proton == proton)).nonzero().squeeze(1)
                e, q = energy[rows], q2[rows]
                if charged:
                    old, new = (charged_current(e, q, probe.lepton_mass, probe.anti, form) for form in forms)
                else:
                    old, new = (neutral_current(e, q, probe.anti, proton, form) for form in forms)
                weight[rows] = torch.where(old > 0, new / old.clamp(min=1e-300), 1.0)
    return weight
