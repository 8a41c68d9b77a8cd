"""Deep inelastic scattering; below a hadronic mass of 1.6 GeV, where it stands for the background of the Delta and for
the resonances above it, it is called shallow.
"""

from __future__ import annotations

from torch import Tensor

from nuforge.physics.inelastic import cross_section
from nuforge.physics.structure_functions import deep_inelastic_table
from nuforge.simulation.nucleus.hadrons import CHARGE, Hadron
from nuforge.simulation.sources.neutrino.channel import NucleonChannel, mass_of
from nuforge.simulation.sources.neutrino.hadronisation import UNIFORMS, hadronise
from nuforge.simulation.sources.neutrino.joining import END, LEAST, background_share, deep_share
from nuforge.simulation.sources.neutrino.modes import Probe, number
from nuforge.simulation.sources.neutrino.settings import GeneratorSettings
from nuforge.simulation.sources.neutrino.tables import Range, Scattering
from nuforge.simulation.sources.neutrino.vertex import Hadrons, Vertex

SHALLOW, DEEP = 500, 600
_MOST = 7600.0  # MeV, of hadrons at the highest energy


def deep_channels(probe: Probe, settings: GeneratorSettings) -> tuple[NucleonChannel, ...]:
    """Shallow and deep, on protons and on neutrons."""
    parts = ((SHALLOW, LEAST, END), (DEEP, END, _MOST))
    return tuple(_channel(probe, settings, kind, *part) for part in parts for kind in (Hadron.PROTON, Hadron.NEUTRON))


def _channel(
    probe: Probe, settings: GeneratorSettings, kind: Hadron, mode: int, lowest: float, highest: float
) -> NucleonChannel:
    on_proton = kind is Hadron.PROTON
    charge = int(CHARGE[int(kind)]) + probe.charge
    background = background_share(probe.charged, extreme=charge in (2, -1))

    table = deep_inelastic_table(probe.anti, probe.charged, on_proton)

    def density(energy: Tensor, w: Tensor, q2: Tensor) -> Tensor:
        response = table.at(w, q2)
        value = cross_section(energy, w, q2, probe.lepton_mass, probe.anti, response)
        return value * deep_share(w, background)

    def hadrons(vertex: Vertex, uniform: Tensor) -> Hadrons:
        return hadronise(vertex, charge, probe.anti, on_proton, uniform)

    is_deep = mode == DEEP
    reach = Range(mass_of(kind), probe.lepton_mass, lowest, highest, power=2.0 if is_deep else 1.0)
    scattering = Scattering.of(density, reach, points=72, n_masses=64 if is_deep else 40)
    return NucleonChannel(
        number(mode, probe), probe.charged, kind, probe.charge, scattering, hadrons, UNIFORMS, blocked=False, forms=True
    )
