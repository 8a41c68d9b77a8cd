"""Kinds of particles by their numbers, and kinematics there and back."""

import torch

from nuforge.physics.kinematics import kinetic_of, momentum
from nuforge.physics.particles import is_neutrino, mass_of


def test_neutrinos_are_those_of_three_flavours_and_their_antiparticles():
    pdg = torch.tensor([12, -12, 14, -14, 16, -16, 11, 22, 2112, -13, 1000010020])
    assert is_neutrino(pdg).tolist() == [True] * 6 + [False] * 5


def test_kinetic_energy_and_momentum_are_inverse_to_the_last_digits():
    pdg = torch.tensor([11, 13, 22, 2212, 1000020040])
    kinetic = torch.logspace(-6, 5, 40, dtype=torch.float64)[:, None]
    mass = mass_of(pdg)[None]
    torch.testing.assert_close(kinetic_of(momentum(kinetic, mass), mass), kinetic.expand(-1, 5), rtol=1e-13, atol=0)


def test_nothing_at_rest_has_no_energy():
    zero = torch.zeros(2, dtype=torch.float64)
    assert kinetic_of(zero, torch.tensor([0.0, 1.0], dtype=torch.float64)).tolist() == [0, 0]
