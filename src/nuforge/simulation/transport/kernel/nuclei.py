"""The numbers of `simulation.nucleus` as the compiled library reads them in its `nucleus.h`."""

from __future__ import annotations

from ctypes import Structure, c_double, c_int64, c_void_p
from dataclasses import fields
from functools import cache
from typing import Final

import torch
from torch import Tensor

from nuforge.physics.constants import DELTA_MASS, DELTA_WIDTH, MUON_MASS
from nuforge.physics.hadron_nucleon import momenta, pion_deuteron_absorption
from nuforge.physics.nuclei import DIFFUSENESS, mass_table, nuclear_mass
from nuforge.simulation.nucleus import capture, cascade, closing, coalescence, evaporation, hydrogen, interaction
from nuforge.simulation.nucleus.channels import RESONANT, backward_chance, cross_sections, forward_slope
from nuforge.simulation.nucleus.dials import NOMINAL, CascadeDials
from nuforge.simulation.nucleus.hadrons import BARYON, CHARGE, MASS, PDG, SINGLE, Hadron
from nuforge.simulation.nucleus.target import Target
from nuforge.simulation.transport.kernel.grid import Grid
from nuforge.simulation.transport.tables import EnergyTable

_RADII: Final = 1024
"""Points of the profile of a nucleus."""
_NUCLEONS: Final = torch.tensor([int(Hadron.PROTON), int(Hadron.NEUTRON)])


class Nucleus(Structure):
    """A nucleus in its ground state; lengths in fm, energies in MeV."""

    _fields_ = (
        ("z", c_int64),
        ("a", c_int64),
        *((name, c_double) for name in ("mass", "radius", "edge")),
        *((name, c_double * 2) for name in ("separation", "gain", "lowest")),
        ("middle_fermi", c_double),
        ("orbits", c_double * 3),
        ("profile", c_void_p),
        ("points", c_int64),
        ("per_fm", c_double),
    )


@cache
def nucleus(z: int, a: int) -> Nucleus:
    """The nucleus of z protons and a nucleons, made once."""
    protons, nucleons = torch.tensor([z]), torch.tensor([a])
    target = Target.of(protons, nucleons)
    edge, profile = float(target.edge), _profile(target)
    filled = Nucleus(
        z,
        a,
        float(nuclear_mass(protons, nucleons)),
        float(target.radius),
        edge,
        _doubles(target.separation),
        _doubles(target.gain),
        _doubles(target.lowest(torch.zeros(2, dtype=torch.int64), _NUCLEONS)),
        float(capture.middle_fermi_momentum(nucleons)),
        _doubles(torch.stack(capture.muon_levels(protons, nucleons))),
        profile.data_ptr(),
        _RADII,
        (_RADII - 1) / edge,
    )
    filled.kept = profile
    return filled


def _profile(target: Target) -> Tensor:
    """Density and Fermi momenta of protons and of neutrons, float32 (R, 3), from the middle to the edge."""
    radii = torch.linspace(0, float(target.edge), _RADII, dtype=torch.float64)
    owner = torch.zeros(_RADII, dtype=torch.int64)
    density = target.density(owner, radii)
    sea = [target.fermi_momentum(owner, kind.expand(_RADII), density) for kind in _NUCLEONS]
    return torch.stack([density, *sea], 1).float()


def _doubles(values: Tensor) -> object:
    return (c_double * values.numel())(*values.flatten().tolist())


_ARRAYS: Final = ("masses", "remnants", "hadron_masses", "light_masses", "light_weights")
_WHOLE_ARRAYS: Final = ("hadron_pdg", "charges", "baryons", "light_pdg", "light_z", "light_a")
_TABLES: Final = ("collisions", "absorption")
_NUMBERS: Final = {
    "step": cascade.STEP,
    "saturation": cascade.SATURATION,
    "pairs": cascade.PAIRS,
    "like_pairs": cascade.LIKE_PAIRS,
    "like_pairs_at_rest": cascade.LIKE_PAIRS_AT_REST,
    "in_medium": cascade.IN_MEDIUM,
    "mb": cascade.MB,
    "slow": interaction.SLOW,
    "resonant": RESONANT,
    "delta_mass": DELTA_MASS,
    "delta_width": DELTA_WIDTH,
    "least_thermal": evaporation.LEAST_THERMAL,
    "last": evaporation.LAST,
    "least": evaporation.LEAST,
    "diffuseness": DIFFUSENESS,
    "effective_mass": capture.EFFECTIVE_MASS,
    "muon_mass": MUON_MASS,
    "little": hydrogen.LITTLE,
    "spare": closing.SPARE,
    "pair_limit": coalescence.PAIR,
    "triple_limit": coalescence.TRIPLE,
    "quadruple_limit": coalescence.QUADRUPLE,
}
_DIALS: Final = tuple(field.name for field in fields(CascadeDials))
_COUNTS: Final = {
    "most_steps": cascade.MOST_STEPS,
    "fewest": cascade.FEWEST,
    "tries": interaction.TRIES,
    "draws": evaporation.TRIES,
    "most_emitted": evaporation.MOST,
    "no_levels": evaporation.NO_LEVELS,
    "capture_tries": capture.TRIES,
    "neutrino": capture.NEUTRINO,
}


class NuclearModel(Structure):
    """What a hadron does in any nucleus: arrays, tables, numbers."""

    _fields_ = (
        *((name, c_void_p) for name in (*_ARRAYS, *_WHOLE_ARRAYS)),
        *((name, Grid) for name in _TABLES),
        ("most_protons", c_int64),
        ("most_neutrons", c_int64),
        *((name, c_double) for name in (*_NUMBERS, *_DIALS)),
        *((name, c_int64) for name in _COUNTS),
    )


@cache
def nuclear_model(dials: CascadeDials = NOMINAL) -> NuclearModel:
    """The numbers of `simulation.nucleus`, made once for each setting of the dials."""
    masses, light_masses = mass_table(), nuclear_mass(evaporation.LIGHT_Z, evaporation.LIGHT_A)
    arrays = (
        masses,
        _remnants(sum(masses.shape) - 1),
        MASS,
        light_masses,
        evaporation.SPINS * light_masses,
        PDG,
        CHARGE,
        BARYON,
        evaporation.LIGHT_PDG,
        evaporation.LIGHT_Z,
        evaporation.LIGHT_A,
    )
    tables = tuple(_by_momentum(v) for v in (_collisions(), pion_deuteron_absorption(momenta())[None, :, None]))
    model = NuclearModel(
        *(array.data_ptr() for array in arrays),
        *(Grid.of(table) for table in tables),
        *(n - 1 for n in masses.shape),
        *_NUMBERS.values(),
        *(getattr(dials, name) for name in _DIALS),
        *_COUNTS.values(),
    )
    model.kept = (arrays, tables)
    return model


def _by_momentum(values: Tensor) -> EnergyTable:
    return EnergyTable.build(momenta(), values)


def _collisions() -> Tensor:
    """Cross sections, forward slope and chance to go backwards (20, P, 6) of each hadron on a proton and a neutron."""
    p, blocks = momenta(), []
    for hadron in SINGLE:
        for nucleon in _NUCLEONS:
            kind, partner = torch.full((len(p),), int(hadron)), nucleon.expand(len(p))
            angles = [of(kind, partner, p).unsqueeze(1) for of in (forward_slope, backward_chance)]
            blocks.append(torch.cat([cross_sections(kind, partner, p), *angles], 1))
    return torch.stack(blocks)


def _remnants(n: int) -> Tensor:
    """What evaporation knows of what is left, by its nucleons (n, 9): see `Remnant` in `nucleus.h`."""
    a = torch.arange(n)
    barrier = evaporation.barriers(torch.ones_like(a).unsqueeze(1), a.unsqueeze(1))
    columns = (evaporation.level_density(a), evaporation.pairing_gap(a), a.double() ** (2 / 3))
    return torch.cat([torch.stack(columns, 1), barrier], 1)
