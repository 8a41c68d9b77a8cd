"""Quasi-elastic scattering by charged currents, elastic scattering by neutral ones."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.physics import quasi_elastic
from nuforge.simulation.nucleus.hadrons import Hadron
from nuforge.simulation.sources.neutrino.channel import NucleonChannel, mass_of
from nuforge.simulation.sources.neutrino.modes import Probe, number
from nuforge.simulation.sources.neutrino.settings import GeneratorSettings
from nuforge.simulation.sources.neutrino.tables import Range, Scattering
from nuforge.simulation.sources.neutrino.vertex import Hadrons, Vertex

MODE = 200


def quasi_elastic_channels(probe: Probe, settings: GeneratorSettings) -> tuple[NucleonChannel, ...]:
    """nu n -> l- p, or antinu p -> l+ n; by neutral currents nu p and nu n."""
    if probe.charged:
        before = Hadron.PROTON if probe.anti else Hadron.NEUTRON
        return (_channel(probe, settings, before, Hadron(1 - before)),)
    return tuple(_channel(probe, settings, kind, kind) for kind in (Hadron.PROTON, Hadron.NEUTRON))


def _channel(probe: Probe, settings: GeneratorSettings, before: Hadron, after: Hadron) -> NucleonChannel:
    form = settings.form_factors

    def density(energy: Tensor, w: Tensor, q2: Tensor) -> Tensor:
        if probe.charged:
            return quasi_elastic.charged_current(energy, q2, probe.lepton_mass, probe.anti, form)
        return quasi_elastic.neutral_current(energy, q2, probe.anti, before is Hadron.PROTON, form)

    def hadrons(vertex: Vertex, uniform: Tensor) -> Hadrons:
        kind = torch.full((len(vertex.w), 1), int(after))
        return Hadrons(kind, vertex.system.unsqueeze(1))

    reach = Range(mass_of(before), probe.lepton_mass, mass_of(after), mass_of(after))
    scattering = Scattering.of(density, reach, points=160)
    return NucleonChannel(number(MODE, probe), probe.charged, before, probe.charge, scattering, hadrons, uniforms=0)
