"""What is known of particles, and their decays, as the compiled library reads it in its `medium.h`."""

from __future__ import annotations

from ctypes import Array, Structure, c_double, c_int64
from functools import cache
from itertools import accumulate
from typing import Final

import torch

from nuforge.physics.particles import DECAYS, LIFETIMES, MASSES, antiparticle
from nuforge.simulation.transport.nuclear import HADRONS
from nuforge.simulation.transport.rest import CAPTURED
from nuforge.simulation.transport.species import species_of

_NEUTRINO, _SHORT_LIVED, _NEUTRAL, _PHOTON = -5, -3, -2, -1  # below the numbers of `Species`
_OTHER: Final = {22: _PHOTON, 111: _SHORT_LIVED, 310: _SHORT_LIVED, 3122: _SHORT_LIVED, 130: _NEUTRAL, 2112: _NEUTRAL}
_FIRST: Final = (22, 11, -11)
_MOST_PRODUCTS: Final = 3


class Kind(Structure):
    """What is known of the particles of a PDG number."""

    _fields_ = (
        ("pdg", c_int64),
        ("species", c_int64),
        ("mass", c_double),
        ("lifetime", c_double),
        *((name, c_int64) for name in ("hadron", "captured", "decays", "n_decays")),
    )


class Decay(Structure):
    """A channel of decay."""

    _fields_ = (
        ("chance", c_double),
        ("n", c_int64),
        ("pdg", c_int64 * _MOST_PRODUCTS),
        ("anti", c_int64 * _MOST_PRODUCTS),
    )


@cache
def kinds() -> tuple[Array[Kind], Array[Decay]]:
    """All particles but nuclei, those of electromagnetic showers first, and their decays."""
    channels: list[Decay] = []
    rows = {}
    for number, ways in DECAYS.items():
        rows[number] = (len(channels), len(ways))
        until = accumulate(chance for chance, _ in ways)
        channels += [_decay(chance, products) for chance, (_, products) in zip(until, ways, strict=True)]
    own = [pdg for number in MASSES for pdg in dict.fromkeys((number, antiparticle(number)))]
    numbers = sorted(own, key=lambda pdg: (pdg not in _FIRST, _FIRST.index(pdg) if pdg in _FIRST else 0))
    species = species_of(torch.tensor(numbers)).tolist()
    found = []
    for pdg, row in zip(numbers, species, strict=True):
        flies = row if row >= 0 else _OTHER.get(pdg, _NEUTRINO)
        hadron = HADRONS.index(pdg) if pdg in HADRONS else -1
        constants = (MASSES[abs(pdg)], LIFETIMES.get(abs(pdg), 0.0))
        found.append(Kind(pdg, flies, *constants, hadron, pdg in CAPTURED, *rows.get(abs(pdg), (0, 0))))
    return (Kind * len(found))(*found), (Decay * len(channels))(*channels)


def _decay(chance: float, products: tuple[int, ...]) -> Decay:
    padding = (0,) * (_MOST_PRODUCTS - len(products))
    three = c_int64 * _MOST_PRODUCTS
    anti = (antiparticle(product) for product in products)
    return Decay(chance, len(products), three(*products, *padding), three(*anti, *padding))
