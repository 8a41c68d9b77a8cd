"""The Delta(1232) and its decay to a nucleon and a pion."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.physics.delta_production import MOST, delta_production
from nuforge.physics.inelastic import cross_section
from nuforge.simulation.directions import turned
from nuforge.simulation.four_momenta import centre_direction, two_bodies
from nuforge.simulation.nucleus.hadrons import CHARGE, MASS, Hadron, nucleon_of_charge, pion_of_charge
from nuforge.simulation.sources.neutrino.channel import NucleonChannel, mass_of
from nuforge.simulation.sources.neutrino.joining import LEAST, background_share, deep_share
from nuforge.simulation.sources.neutrino.modes import Probe, number
from nuforge.simulation.sources.neutrino.settings import GeneratorSettings
from nuforge.simulation.sources.neutrino.tables import Range, Scattering
from nuforge.simulation.sources.neutrino.vertex import Hadrons, Vertex

MODE = 400
HELICITY = 0.6
"""Share of Deltas with spin 3/2 along the momentum transfer; 0.75 for photons (a magnetic dipole), 0.5 is isotropic.

Bubble chambers found the density matrix element rho_33 near 0.6: Radecky et al., Phys. Rev. D 25 (1982) 1161.
"""


def delta_channels(probe: Probe, settings: GeneratorSettings) -> tuple[NucleonChannel, ...]:
    """On protons and on neutrons."""
    return tuple(_channel(probe, settings, kind) for kind in (Hadron.PROTON, Hadron.NEUTRON))


def _channel(probe: Probe, settings: GeneratorSettings, kind: Hadron) -> NucleonChannel:
    charge = int(CHARGE[int(kind)]) + probe.charge
    extreme = charge in (2, -1)
    background = background_share(probe.charged, extreme)

    def density(energy: Tensor, w: Tensor, q2: Tensor) -> Tensor:
        response = delta_production(w, q2, probe.charged, settings.delta)
        value = cross_section(energy, w, q2, probe.lepton_mass, probe.anti, response)
        return (3 if extreme else 1) * value * (1 - deep_share(w, background))

    def hadrons(vertex: Vertex, uniform: Tensor) -> Hadrons:
        return decay(vertex, torch.full((len(vertex.w),), charge), uniform)

    reach = Range(mass_of(kind), probe.lepton_mass, LEAST, MOST)
    scattering = Scattering.of(density, reach, points=80, n_masses=53)
    return NucleonChannel(number(MODE, probe), probe.charged, kind, probe.charge, scattering, hadrons, uniforms=4)


def decay(vertex: Vertex, charge: Tensor, uniform: Tensor) -> Hadrons:
    """Nucleon and pion of Deltas of charges (N,) by uniform numbers (4, N).

    Delta++ -> p pi+, Delta+ -> p pi0 (2/3) or n pi+ (1/3), and so on by isospin. The angle to the momentum transfer is
    that of spin 3/2 (3/4 sin^2) or spin 1/2 ((1 + 3 cos^2) / 4) along it.
    """
    neutral = (uniform[0] < 2 / 3).long()  # of the pion, where both are possible
    pion_charge = torch.where(charge > 0, 1 - neutral, neutral - 1)
    pion_charge = torch.where(charge == 2, 1, torch.where(charge == -1, -1, pion_charge))
    nucleon, pion = nucleon_of_charge(charge - pion_charge), pion_of_charge(pion_charge)
    cosine = _cosine(uniform[1], uniform[2])
    axis = centre_direction(vertex.transfer, vertex.system)
    direction = turned(axis, (1 - cosine) / 2, 2 * torch.pi * uniform[3])
    first, second = two_bodies(vertex.system, MASS[pion], MASS[nucleon], direction)
    return Hadrons(torch.stack([nucleon, pion], 1), torch.stack([second, first], 1))


def _cosine(which: Tensor, uniform: Tensor) -> Tensor:
    """Cosine (N,) drawn of one of both densities: 3/4 (1 - c^2) and (1 + 3 c^2) / 4."""
    wide = 2 * torch.cos((torch.arccos(1 - 2 * uniform) + 4 * torch.pi) / 3)  # c^3 - 3 c + 4 u - 2 = 0
    k = 2 * uniform - 1  # c^3 + c = 4 u - 2
    root = torch.sqrt(k**2 + 1 / 27)
    narrow = (k + root).abs() ** (1 / 3) * torch.sign(k + root) + (k - root).abs() ** (1 / 3) * torch.sign(k - root)
    return torch.where(which < HELICITY, wide, narrow).clamp(-1, 1)
