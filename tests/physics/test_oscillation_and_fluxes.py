"""Oscillations against published values and an independent exponential; fluxes against what experiments show."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from nuforge.errors import InputError
from nuforge.physics.beams import BOOSTER, DUNE_ON_AXIS, NUMI_OFF_AXIS, booster, dune_on_axis, numi_off_axis
from nuforge.physics.constants import HBAR_C
from nuforge.physics.neutrino_flux import Flux, atmospheric_flux, flat_flux, oscillated
from nuforge.physics.oscillation import Mixing, matter_potential, probabilities
from nuforge.units import GeV, eV, km

REFUSED = (InputError, TypeError)
"""What is raised: by the function, or before it by the checker of types in the test run."""
NUFIT_4 = Mixing(0.310, 0.02240, 0.582, math.radians(217), 7.39e-5 * eV**2, 2.525e-3 * eV**2)


def test_vacuum_probabilities_are_those_published():
    """NuOscProbExact (Bustamante, arXiv:1904.12391), its example at 1 GeV and 1300 km with NuFit 4.0."""
    found = probabilities(torch.tensor([1 * GeV]), 1300 * km, mixing=NUFIT_4)[0]
    published = [[0.92768, 0.01432, 0.05800], [0.04023, 0.37887, 0.58090], [0.03210, 0.60680, 0.36110]]
    torch.testing.assert_close(found, torch.tensor(published, dtype=torch.float64), rtol=0, atol=2e-5)


def test_matter_has_its_published_potential():
    """2 E V = 1.52588e-4 eV^2 per GeV, g/cm^3 and electron a nucleon (NuFast, arXiv:2405.02400)."""
    assert 2 * GeV * matter_potential(1.0, 1.0) == pytest.approx(1.52588e-4 * eV**2, rel=1e-4)


@given(
    energy=st.floats(100.0, 20_000.0),
    baseline=st.floats(1.0, 13_000.0),
    density=st.floats(0.0, 13.0),
    delta=st.floats(-math.pi, math.pi),
    anti=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_probabilities_add_up_and_are_those_of_the_exponential_of_the_hamiltonian(
    energy, baseline, density, delta, anti
):
    mixing = Mixing(delta=delta)
    found = probabilities(torch.tensor([energy], dtype=torch.float64), baseline * km, density, mixing, anti)[0]
    ones = torch.ones(3, dtype=torch.float64)
    torch.testing.assert_close(found.sum(0), ones)
    torch.testing.assert_close(found.sum(1), ones)
    u = mixing.matrix()
    u = u.conj() if anti else u
    masses = torch.tensor([0.0, mixing.dm2_21, mixing.dm2_31], dtype=torch.complex128)
    hamiltonian = u @ torch.diag(masses) @ u.conj().T / (2 * energy)
    hamiltonian[0, 0] += (-1 if anti else 1) * matter_potential(density)
    evolution = torch.from_numpy(expm((-1j * hamiltonian * baseline * km / HBAR_C).numpy()))
    torch.testing.assert_close(found, evolution.abs().square().T, rtol=0, atol=1e-7)


def test_without_a_way_nothing_changes_and_time_reversal_turns_the_phase():
    energy = torch.linspace(500.0, 5000.0, 9, dtype=torch.float64)
    torch.testing.assert_close(probabilities(energy, 0.0, 3.0), torch.eye(3, dtype=torch.float64).expand(9, 3, 3))
    forward = probabilities(energy, 810 * km, mixing=Mixing(delta=1.0))
    backward = probabilities(energy, 810 * km, mixing=Mixing(delta=-1.0))
    torch.testing.assert_close(forward, backward.transpose(1, 2))
    torch.testing.assert_close(probabilities(energy, 810 * km, mixing=Mixing(delta=1.0), anti=True), backward)


def test_matter_favours_neutrinos_in_normal_ordering():
    energy = torch.tensor([2 * GeV])
    chances = [float(probabilities(energy, 810 * km, 2.84, Mixing(delta=0.0), anti)[0, 1, 0]) for anti in (False, True)]
    assert chances[0] > 1.2 * chances[1]


@pytest.mark.parametrize(
    ("make", "line", "low", "high"),
    [
        (numi_off_axis, NUMI_OFF_AXIS, 1.5, 2.2),  # NOvA: near 1.9 GeV, narrow
        (dune_on_axis, DUNE_ON_AXIS, 2.0, 3.0),  # DUNE: flat from 1.9 to 2.9 GeV
        (booster, BOOSTER, 0.45, 0.8),  # MicroBooNE: 0.58 GeV
    ],
)
def test_beams_have_the_peaks_and_the_kinds_that_experiments_show(make, line, low, high):
    for polarity, sign, shares in (("forward", 1, line.shares), ("reverse", -1, line.reverse_shares)):
        flux = make(polarity)
        spectrum = flux.spectra[14 * sign]
        assert low * GeV < float(flux.energy[spectrum.argmax()]) < high * GeV
        for pdg, share in zip((14, -14, 12, -12), shares, strict=True):
            assert flux.share(pdg * sign, *line.window) == pytest.approx(share / sum(shares), rel=0.06)


def test_off_axis_pions_give_no_more_than_their_angle_allows():
    flux = numi_off_axis()
    most = 29.8 / NUMI_OFF_AXIS.angle  # MeV: of any pion at this angle
    spectrum = flux.spectra[14]
    peak = float(flux.energy[spectrum.argmax()])
    assert peak < 1.05 * most
    wide = spectrum > 0.5 * spectrum.max()
    assert float(flux.energy[wide][-1] - flux.energy[wide][0]) < 0.7 * peak
    for energy in (5.0, 8.0, 12.0):  # where the far detector's simulated flux has 0.6 to 0.9 % of its peak
        near = (flux.energy - energy * GeV).abs() < 0.3 * GeV
        assert 0.004 < float(spectrum[near].mean() / spectrum.max()) < 0.012


def test_atmospheric_neutrinos_have_two_muon_kinds_for_each_electron_kind_at_low_energy():
    flux = atmospheric_flux()
    for low, high, least, most in ((200.0, 500.0, 1.9, 2.3), (8000.0, 12_000.0, 2.6, 4.5)):
        muon, electron = (sum(flux.share(s * kind, low, high) for s in (1, -1)) for kind in (14, 12))
        assert least < muon / electron < most
    row = int((flux.energy - GeV).abs().argmin())
    assert float(flux.spectra[-14][row]) * GeV == pytest.approx(114.5, rel=0.05)
    assert flux.arrival == "sky"


def test_oscillated_beams_keep_their_neutrinos_and_lose_muon_kinds_at_the_maximum():
    flux = numi_off_axis()
    far = oscillated(flux, 810 * km)
    total, kept = (sum(f.spectra.values()) for f in (flux, far))
    torch.testing.assert_close(total, kept)
    row = int((flux.energy - 1.7 * GeV).abs().argmin())
    assert float(far.spectra[14][row]) < 0.1 * float(flux.spectra[14][row])
    assert float(far.spectra[16][row]) > 0.8 * float(flux.spectra[14][row])
    assert float(far.spectra[12][row]) > 3 * float(flux.spectra[12][row])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: flat_flux(2.0, 1.0), "a flat flux needs"),
        (lambda: Flux(torch.tensor([1.0, 2.0]), {13: torch.ones(2)}), "a flux has kinds"),
        (lambda: Flux(torch.tensor([1.0, 2.0]), {14: torch.ones(3)}), "spectrum of 14 must be 2 values"),
        (lambda: Flux(torch.tensor([2.0, 1.0]), {14: torch.ones(2)}), "energy of a flux must be"),
        (lambda: Flux(torch.tensor([1.0, 2.0]), {14: torch.zeros(2)}), "a flux of nothing"),
        (lambda: numi_off_axis("sideways"), "polarity must be"),
    ],
)
def test_fluxes_that_cannot_be_are_refused(make, message):
    with pytest.raises(REFUSED, match=f"{message}|Type-check error"):
        make()
