"""Cross sections of neutrinos on free nucleons: published values, limits, sum rules, thresholds."""

import math

import numpy as np
import pytest
import torch

from nuforge.errors import InputError
from nuforge.physics import parton_densities as densities
from nuforge.physics.coherent_pions import coherent, least_transfer, slope
from nuforge.physics.constants import (
    DELTA_MASS,
    ELECTRON_MASS,
    FERMI_CONSTANT,
    HBAR_C,
    MUON_MASS,
    NEUTRON_MASS,
    NUCLEON_MASS,
    PROTON_MASS,
    TAU_MASS,
    UP_DOWN_MIXING,
)
from nuforge.physics.delta_production import (
    DeltaFormFactors,
    breit_wigner,
    delta_production,
    pion_momentum,
    running_width,
)
from nuforge.physics.fermi_gas import global_fermi_momentum, removal_energy
from nuforge.physics.form_factors import FormFactors, isovector, sachs
from nuforge.physics.inelastic import Response, ResponseTable, cross_section
from nuforge.physics.kinematics import threshold, transfer_limits
from nuforge.physics.multiplicity import ALL_OVER_CHARGED, MOST, mean_charged, multiplicities
from nuforge.physics.quasi_elastic import charged_current, neutral_current
from nuforge.physics.structure_functions import deep_inelastic, deep_inelastic_table, longitudinal_ratio
from nuforge.physics.two_nucleon_currents import PAIR_MASS, pair_shape
from nuforge.units import GeV

UNIT = 1e-38  # cm^2
REFUSED = (InputError, TypeError)
"""What is raised: by the function, or before it by the checker of types in the test run."""


def real(*values):
    return torch.tensor(values, dtype=torch.float64)


def quasi_elastic_total(energy, anti, form, mass=MUON_MASS):
    """In 1e-38 cm^2, energy in GeV."""
    e = real(energy * GeV)
    low, high = transfer_limits(e, NUCLEON_MASS, mass, NUCLEON_MASS)
    q2 = low + (high - low) * torch.linspace(0, 1, 3001, dtype=torch.float64) ** 3
    return float(torch.trapezoid(charged_current(e.expand_as(q2), q2, mass, anti, form), q2)) / UNIT


def inelastic_total(energy, mass, anti, function, most=math.inf, n=160):
    """In 1e-38 cm^2, energy in GeV, of a function of W and Q^2."""
    e = real(energy * GeV)
    w_most = min(float(torch.sqrt(NUCLEON_MASS**2 + 2 * NUCLEON_MASS * e)) - mass, most)
    w = 1080 + (w_most - 1080) * (1 - 1e-7) * torch.linspace(0, 1, n, dtype=torch.float64) ** 2
    low, high = transfer_limits(e, NUCLEON_MASS, mass, w)
    share = torch.linspace(0, 1, n, dtype=torch.float64)
    logs = torch.lerp((low + 2e4).log()[:, None], (high + 2e4).log()[:, None], share)
    q2 = logs.exp() - 2e4
    wide = w[:, None].expand_as(q2)
    value = cross_section(e, wide, q2, mass, anti, function(wide, q2)) * (q2 + 2e4)
    return float(torch.trapezoid(torch.trapezoid(value, logs, dim=1), w)) / UNIT


@pytest.mark.parametrize(
    ("axial_mass", "anti", "values"),
    [
        (1000.0, False, {0.3: 0.479, 0.5: 0.822, 0.6: 0.919, 1: 1.060, 2: 1.053, 5: 0.989, 10: 0.962}),
        (1000.0, True, {0.3: 0.139, 0.5: 0.230, 1: 0.408, 2: 0.596, 5: 0.773, 10: 0.849}),
        (990.0, False, {1: 1.050}),
        (1030.0, False, {1: 1.090}),
        (1350.0, False, {1: 1.389}),
    ],
)
def test_quasi_elastic_totals_are_those_computed_elsewhere_from_the_same_formula(axial_mass, anti, values):
    form = FormFactors("dipole", axial_mass)
    for energy, expected in values.items():
        assert quasi_elastic_total(energy, anti, form) == pytest.approx(expected, rel=3e-3, abs=6e-4)  # as printed


def test_fitted_vector_form_factors_lower_the_cross_section():
    form = FormFactors("bba05", 1000.0)
    assert quasi_elastic_total(1, False, form) == pytest.approx(1.039, rel=3e-3)
    assert quasi_elastic_total(10, False, form) == pytest.approx(0.932, rel=3e-3)


def test_forward_quasi_elastic_scattering_at_high_energy_knows_the_charges_alone():
    limit = FERMI_CONSTANT**2 * UP_DOWN_MIXING**2 * HBAR_C**2 / (2 * math.pi) * (1 + 1.267**2)
    found = charged_current(real(1e8), real(1.0), 0.0, False, FormFactors())
    assert float(found) == pytest.approx(limit, rel=1e-4)
    assert limit * GeV**2 / UNIT == pytest.approx(2.084, rel=1e-3)


def test_form_factors_at_rest_are_charges_and_moments():
    for vector in ("dipole", "bba05"):
        form = sachs(real(0.0), vector)
        assert float(form.electric_proton) == pytest.approx(1.0)
        assert float(form.electric_neutron) == pytest.approx(0.0)
        assert float(form.magnetic_proton) == pytest.approx(2.7928)
        assert float(form.magnetic_neutron) == pytest.approx(-1.9130)
        first, second = isovector(real(0.0), vector)
        assert float(first) == pytest.approx(1.0)
        assert float(first + second) == pytest.approx(4.7058)


def test_neutral_currents_scatter_a_sixth_as_often_and_alike_on_both_nucleons():
    e = real(1 * GeV)
    low, high = transfer_limits(e, NUCLEON_MASS, 0.0, NUCLEON_MASS)
    q2 = torch.lerp(low, high, torch.linspace(0, 1, 2001, dtype=torch.float64))
    on = {
        (anti, proton): float(torch.trapezoid(neutral_current(e, q2, anti, proton, FormFactors()), q2)) / UNIT
        for anti in (False, True)
        for proton in (False, True)
    }
    assert 0.12 < on[False, True] / quasi_elastic_total(1, False, FormFactors()) < 0.18  # BNL E734: 0.153 +- 0.018
    assert on[False, False] > on[False, True] > on[True, True]
    more = FormFactors(strange_axial=-0.15)
    forward = [float(neutral_current(e, real(1.0), False, True, form)) for form in (FormFactors(), more)]
    assert forward[1] > forward[0]


def test_taus_cost_three_and_a_half_gev():
    assert threshold(NEUTRON_MASS, TAU_MASS, PROTON_MASS) == pytest.approx(3450, abs=10)
    low, high = transfer_limits(real(3400.0, 3600.0), NEUTRON_MASS, TAU_MASS, PROTON_MASS)
    assert float(low[0]) == float(high[0]) == 0.0
    assert 0 < float(low[1]) < float(high[1])


def test_limits_of_transfer_are_those_of_forward_and_backward_leptons():
    energy, w = 2 * GeV, 1232.0
    low, high = transfer_limits(real(energy), NUCLEON_MASS, MUON_MASS, w)
    for q2, cosine in ((low, 1.0), (high, -1.0)):
        nu = (w**2 - NUCLEON_MASS**2 + float(q2)) / (2 * NUCLEON_MASS)
        lepton = energy - nu
        momentum = math.sqrt(lepton**2 - MUON_MASS**2)
        assert float(q2) == pytest.approx(2 * energy * (lepton - momentum * cosine) - MUON_MASS**2, rel=1e-6)


def test_delta_has_a_peak_and_a_width_that_opens_with_the_pion():
    w = torch.linspace(1080.0, 1600.0, 2000, dtype=torch.float64)
    assert float(running_width(real(DELTA_MASS))) == pytest.approx(117.0)
    assert float(pion_momentum(real(DELTA_MASS))) == pytest.approx(227.0, abs=2)
    assert float(w[breit_wigner(w).argmax()]) == pytest.approx(1217.0, abs=10)
    assert float(running_width(real(NUCLEON_MASS + 139.0))) == 0.0


def test_single_pions_are_as_bubble_chambers_counted_them():
    """Argonne (Radecky et al., Phys. Rev. D 25 (1982) 1161; as reanalysed, Phys. Rev. D 90 (2014) 112017)."""

    def delta(w, q2):
        return delta_production(w, q2, True, DeltaFormFactors())

    on_proton = {e: 3 * inelastic_total(e, MUON_MASS, False, delta, 1600.0) for e in (0.7, 1.0, 1.5, 3.0)}
    assert 0.2 < on_proton[0.7] < 0.35
    assert 0.4 < on_proton[1.0] < 0.62
    assert 0.55 < on_proton[1.5] < 0.8
    assert 0.6 < on_proton[3.0] < 0.85
    assert 3 * inelastic_total(1.0, MUON_MASS, True, delta, 1600.0) < 0.4 * on_proton[1.0]
    mild = DeltaFormFactors(940.0, 1.19, steeper=False)
    other = 3 * inelastic_total(1.5, MUON_MASS, False, lambda w, q2: delta_production(w, q2, True, mild), 1600.0)
    assert other == pytest.approx(on_proton[1.5], rel=0.15)


def test_densities_keep_quarks_and_momentum_while_they_evolve():
    n = np.array([1.0 + 0j, 2.0 + 0j])
    assert densities.UP_VALENCE.moment(n)[0].real == pytest.approx(2, abs=1e-3)
    assert densities.DOWN_VALENCE.moment(n)[0].real == pytest.approx(1, abs=1e-3)
    x = torch.linspace(1e-4, 1 - 1e-4, 20001, dtype=torch.float64)
    for scale in (1.0, 4.0, 20.0):
        found = densities.partons(x, torch.full_like(x, scale * GeV**2))
        sea = found.anti_up + found.anti_down + found.strange
        momentum = found.up_valence + found.down_valence + 2 * sea + found.gluon
        assert float(torch.trapezoid(momentum, x)) == pytest.approx(1, abs=0.02)  # below x = 1e-4 a hundredth
        assert float(torch.trapezoid(found.up_valence / x, x)) == pytest.approx(2, abs=0.07)
        assert (found.up_valence >= -1e-9).all()
    heavy, light = (densities.partons(real(0.3), real(q2 * GeV**2)) for q2 in (50.0, 1.0))
    assert float(heavy.up_valence) < float(light.up_valence)


GRV98 = {
    (0.55, 0.8): (3.522e-1, 9.906e-2, 2.037e-4, 3.319e-3, 1.009e-3, 1.241e-1),
    (0.55, 4.0): (2.412e-1, 6.444e-2, 1.048e-4, 2.534e-3, 9.177e-4, 4.878e-2),
    (0.55, 40.0): (1.641e-1, 4.187e-2, 5.492e-5, 1.700e-3, 6.596e-4, 1.977e-2),
    (0.7, 4.0): (8.208e-2, 1.516e-2, 1.132e-6, 2.250e-4, 1.040e-4, 7.261e-3),
}
"""x u_v, x d_v, x (anti-d - anti-u), x (anti-d + anti-u), x s, x g by x and GeV^2: GRV98lo_patched.LHgrid of GENIE."""


@pytest.mark.parametrize("at", GRV98)
def test_parton_densities_are_those_of_the_published_grid(at):
    x, scale = at
    up, down, anti_up, anti_down, strange, gluon = (float(v) for v in densities.partons(real(x), real(scale * GeV**2)))
    found = (up, down, anti_down - anti_up, anti_down + anti_up, strange, gluon)
    assert found == pytest.approx(GRV98[at], rel=0.02)  # the grid's four digits, and the difference's cancellation


@pytest.mark.parametrize(("anti", "expected"), [(False, 0.677), (True, 0.334)])
def test_deep_inelastic_scattering_rises_to_the_world_average(anti, expected):
    """Review of Particle Physics: mean of 30 to 200 GeV per GeV and nucleon; here at 50 GeV without the Delta's 1 %."""
    total = 0.5 * sum(
        inelastic_total(50, MUON_MASS, anti, lambda w, q2, p=p: deep_inelastic(w, q2, anti, True, p), n=110)
        for p in (True, False)
    )
    assert total / 50 == pytest.approx(expected, rel=0.08)


def test_neutral_currents_are_a_third_of_charged_ones():
    """R of isoscalar targets: 0.3072 (neutrinos) and 0.382 (antineutrinos); CHARM, CDHS."""
    for anti, expected in ((False, 0.31), (True, 0.38)):
        charged, neutral = (
            sum(
                inelastic_total(20, mass, anti, lambda w, q2, p=p, c=c, s=anti: deep_inelastic(w, q2, s, c, p), n=90)
                for p in (True, False)
            )
            for c, mass in ((True, MUON_MASS), (False, 0.0))
        )
        assert neutral / charged == pytest.approx(expected, rel=0.06)


def test_structure_functions_vanish_for_a_conserved_current_at_rest():
    low, high = (deep_inelastic(real(2000.0), real(q2), False, True, True) for q2 in (1e2, 1e6))
    assert float(low.second) < 0.02 * float(high.second)
    assert 0 < float(longitudinal_ratio(real(0.2), real(1e6))) < 0.5
    assert float(longitudinal_ratio(real(0.2), real(1e2))) < 1e-3


def test_tables_of_responses_hold_what_they_tabulate():
    w, q2 = torch.meshgrid(real(1200.0, 1900.0, 3000.0), real(1e5, 1.3e6, 6e6), indexing="ij")
    table = deep_inelastic_table(False, True, False).at(w, q2)
    exact = deep_inelastic(w, q2, False, True, False)
    for found, expected in zip(table, exact, strict=True):
        torch.testing.assert_close(found, expected, rtol=0.01, atol=1e-9)
    flat = ResponseTable.of(lambda w, q2: Response(w, q2, w, w, w), (1000.0, 2000.0, 5), (1e6, 200))
    assert float(flat.at(real(1333.0), real(2e5)).first) == pytest.approx(1333.0)
    assert float(flat.at(real(2500.0), real(2e5)).first) == 0.0
    assert float(flat.at(real(1500.0), real(2e6)).second) == 0.0


def test_coherent_pions_are_forward_and_grow_with_the_nucleus():
    energy, loss, q2 = real(2 * GeV), real(600.0), real(1e4)
    one, two = (coherent(energy, loss, q2, MUON_MASS, True, a) for a in (12, 40))
    assert float(two) > float(one) > 0
    assert float(coherent(energy, loss, real(1e6), MUON_MASS, True, 12)) < 1e-3 * float(one)
    massless = coherent(energy, loss, q2, 0.0, True, 12)
    assert float(one) < float(massless)
    assert float(least_transfer(loss, q2, 139.57)) > 0
    assert slope(40) / slope(12) == pytest.approx((40 / 12) ** (2 / 3))


def test_pairs_leave_between_the_quasi_elastic_peak_and_the_delta():
    w = torch.linspace(PAIR_MASS, PAIR_MASS + 500, 400, dtype=torch.float64)
    shape = pair_shape(real(1 * GeV), w, torch.full_like(w, 2e5), MUON_MASS)
    assert float(w[shape.argmax()]) == pytest.approx(2120, abs=3)


def test_multiplicities_have_their_published_means_and_fit_into_the_mass():
    u = torch.linspace(0.0005, 0.9995, 1000, dtype=torch.float64)
    for anti in (False, True):
        for on_proton in (False, True):
            n = multiplicities(torch.full_like(u, 5 * GeV), anti, on_proton, u)
            mean = ALL_OVER_CHARGED * float(mean_charged(real(5 * GeV), anti, on_proton))
            assert float(n.double().mean()) == pytest.approx(mean, rel=0.05)
            assert int(n.min()) >= 2
            assert int(n.max()) <= MOST
    assert set(multiplicities(torch.full_like(u, 1100.0), False, True, u).tolist()) == {2}


def test_fermi_gas_has_the_values_of_the_tables():
    assert global_fermi_momentum(6, 12) == pytest.approx((221.0, 221.0))
    assert global_fermi_momentum(18, 40) == pytest.approx((242.0, 259.0), abs=0.5)
    assert global_fermi_momentum(26, 56) == pytest.approx((251.0, 263.0), abs=0.5)
    assert [removal_energy(a) for a in (12, 16, 40, 56)] == [25.0, 27.0, 29.5, 36.0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FormFactors("pole"), "vector must be one of"),
        (lambda: FormFactors(axial_mass=0.0), "axial_mass must be positive"),
        (lambda: DeltaFormFactors(axial_coupling=-1.0), "axial_coupling must be positive"),
    ],
)
def test_models_that_cannot_be_are_refused(make, message):
    with pytest.raises(REFUSED, match=f"{message}|Type-check error"):
        make()


def test_electron_neutrinos_scatter_like_muon_neutrinos_well_above_threshold():
    form = FormFactors()
    electron, muon = (quasi_elastic_total(5, False, form, mass) for mass in (ELECTRON_MASS, MUON_MASS))
    assert electron == pytest.approx(muon, rel=0.01)
