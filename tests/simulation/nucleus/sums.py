"""What products of interactions add up to."""

import torch

from nuforge.physics.particles import baryon_number_of, charge_of, mass_of

HADRONS = (2212, 2112, 211, 111, -211, 321, -321, 311, -311)
NUCLEI = ((6, 12), (8, 16), (18, 40), (26, 56), (54, 131), (82, 208))


def known(pdg):
    """PDG numbers with K0_L in place of K0, which has no mass of its own in the tables."""
    return torch.where(pdg.abs() == 311, 130, pdg)


def per_interaction(products, n, values):
    """Sums (n, ...) of values of products."""
    return torch.zeros(n, *values.shape[1:], dtype=values.dtype).index_add_(0, products.owner, values)


def coming(pdg, kinetic, direction, target_mass):
    """Four-momenta (N, 4) of hadrons and of nuclei at rest."""
    mass = mass_of(known(pdg))
    direction = direction.double() / direction.double().norm(dim=1, keepdim=True)
    vector = direction * torch.sqrt(kinetic.double() * (kinetic.double() + 2 * mass)).unsqueeze(1)
    energy = kinetic.double() + mass + target_mass
    return torch.cat([energy.unsqueeze(1), vector], dim=1)


def check(products, total, charge, baryon):
    """Fails unless products conserve what they must, and each has its mass and is a nucleus that can be."""
    n = len(total)
    pdg, four = known(products.pdg), products.four
    assert ((products.owner >= 0) & (products.owner < n)).all()
    torch.testing.assert_close(per_interaction(products, n, four), total, rtol=1e-12, atol=1e-8)
    assert torch.equal(per_interaction(products, n, charge_of(pdg)), charge)
    assert torch.equal(per_interaction(products, n, baryon_number_of(pdg)), baryon)
    mass = mass_of(pdg)
    # an excitation below 1 keV is left in nuclei; photons and neutrinos have the rounding of E^2 - p^2
    shift = four[:, 0] - torch.sqrt(four[:, 1:].square().sum(1) + mass**2)
    assert float(shift.abs().max()) < 1.1e-3
    assert float((four[:, 0] - mass).min()) > -1e-9
    nucleus = pdg >= 1_000_000_000
    z, a = pdg[nucleus] // 10_000 % 1000, pdg[nucleus] // 10 % 1000
    assert ((z > 0) & (z < a)).all()  # neither neutrons nor protons alone are bound


def strangeness(pdg):
    """Strangeness (N,) of kaons and lambdas."""
    up = torch.isin(pdg, torch.tensor([321, 311])).long()
    return up - torch.isin(pdg, torch.tensor([-321, -311, 3122])).long()
