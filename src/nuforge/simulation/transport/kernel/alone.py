"""Compiled reactions with nuclei, without a detector: functions of `simulation.nucleus` by their names."""

from __future__ import annotations

import ctypes
from enum import IntEnum

import torch
from torch import Tensor

from nuforge.simulation.nucleus import Products
from nuforge.simulation.transport.kernel.calls import drawn_seed, products_of
from nuforge.simulation.transport.kernel.nuclei import nuclear_model, nucleus

_MANY = 64
"""Products a reaction for which there is room at first."""


class _Reaction(IntEnum):
    INTERACTION = 0
    MUON_CAPTURE = 1
    PION_CAPTURE = 2
    KAON_CAPTURE = 3
    NEUTRON_CAPTURE = 4


def interact(
    pdg: Tensor, kinetic: Tensor, direction: Tensor, z: Tensor, a: Tensor, generator: torch.Generator
) -> Products:
    """As `nucleus.interact`, and as `nucleus.interact_with_protons` where a is 1."""
    return _react(_Reaction.INTERACTION, pdg, kinetic, direction, z, a, generator)


def interact_with_protons(pdg: Tensor, kinetic: Tensor, direction: Tensor, generator: torch.Generator) -> Products:
    """As `nucleus.interact_with_protons`."""
    one = torch.ones_like(pdg)
    return interact(pdg, kinetic, direction, one, one, generator)


def capture_muons(z: Tensor, a: Tensor, generator: torch.Generator) -> Products:
    """As `nucleus.capture.capture_muons`."""
    return _at_rest(_Reaction.MUON_CAPTURE, z, a, generator)


def capture_pions(z: Tensor, a: Tensor, generator: torch.Generator) -> Products:
    """As `nucleus.capture.capture_pions`."""
    return _at_rest(_Reaction.PION_CAPTURE, z, a, generator)


def capture_kaons(z: Tensor, a: Tensor, generator: torch.Generator) -> Products:
    """As `nucleus.capture.capture_kaons`."""
    return _at_rest(_Reaction.KAON_CAPTURE, z, a, generator)


def capture_neutrons(kinetic: Tensor, direction: Tensor, z: Tensor, a: Tensor, generator: torch.Generator) -> Products:
    """As `nucleus.capture.capture_neutrons`."""
    return _react(_Reaction.NEUTRON_CAPTURE, torch.full_like(z, 2112), kinetic, direction, z, a, generator)


def _at_rest(reaction: _Reaction, z: Tensor, a: Tensor, generator: torch.Generator) -> Products:
    return _react(reaction, torch.zeros_like(z), torch.zeros(len(z)), torch.zeros(len(z), 3), z, a, generator)


def _react(
    reaction: _Reaction,
    pdg: Tensor,
    kinetic: Tensor,
    direction: Tensor,
    z: Tensor,
    a: Tensor,
    generator: torch.Generator,
) -> Products:
    none = torch.zeros(0, dtype=torch.int64)
    parts = [Products(none, none, torch.zeros(0, 4, dtype=torch.float64))]
    for protons, nucleons in sorted(set(zip(z.tolist(), a.tolist(), strict=True))):
        rows = ((z == protons) & (a == nucleons)).nonzero().squeeze(1)
        seed = drawn_seed(generator)
        ways = direction[rows].double().contiguous()
        found = _with_one_nucleus(reaction, protons, nucleons, pdg[rows], kinetic[rows].double(), ways, seed)
        parts.append(Products(rows[found.owner], found.pdg, found.four))
    return Products(*(torch.cat([getattr(part, name) for part in parts]) for name in ("owner", "pdg", "four")))


def _with_one_nucleus(
    reaction: _Reaction, z: int, a: int, pdg: Tensor, kinetic: Tensor, direction: Tensor, seed: int
) -> Products:
    target, model = nucleus(z, a), nuclear_model()
    begin = (ctypes.byref(model), ctypes.byref(target), int(reaction), len(pdg), pdg, kinetic, direction, seed)
    return products_of("react", *begin, room=_MANY * len(pdg))
