"""Neutrinos on nuclei: conservation, thresholds, distributions, the Fermi sea, the way out."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from scipy.stats import ks_1samp, ks_2samp

from nuforge.detectors import box, lartpc_cube
from nuforge.errors import InputError
from nuforge.events import Process
from nuforge.physics.constants import MUON_MASS, NUCLEON_MASS, TAU_MASS
from nuforge.physics.kinematics import transfer_limits
from nuforge.physics.material import LIQUID_ARGON
from nuforge.physics.media import POLYSTYRENE
from nuforge.physics.neutrino_flux import Flux, atmospheric_flux, flat_flux
from nuforge.physics.nuclei import nuclear_mass
from nuforge.physics.particles import baryon_number_of, charge_of, mass_of
from nuforge.physics.quasi_elastic import charged_current
from nuforge.simulation.four_momenta import mass_squared
from nuforge.simulation.nucleus.dials import CascadeDials
from nuforge.simulation.nucleus.hadrons import BARYON, CHARGE, MASS, Hadron
from nuforge.simulation.sources import neutrinos
from nuforge.simulation.sources.neutrino.channels import channels
from nuforge.simulation.sources.neutrino.generator import interact, rates
from nuforge.simulation.sources.neutrino.joining import END, LEAST, deep_share
from nuforge.simulation.sources.neutrino.modes import Probe
from nuforge.simulation.sources.neutrino.nuclei import UNIFORMS, Nuclei
from nuforge.simulation.sources.neutrino.settings import GeneratorSettings, generator_settings
from nuforge.simulation.sources.neutrino.tau import CHANNELS, decayed
from nuforge.simulation.sources.neutrino.weights import axial_mass_weights
from nuforge.simulation.transport.kernel.library import LIBRARY

A, B = generator_settings("A"), generator_settings("B")
ARGON, CARBON, HYDROGEN = (18, 40), (6, 12), (1, 1)
UNIT = 1e-38
REFUSED = (InputError, TypeError)
"""What is raised: by the function, or before it by the checker of types in the test run."""


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def along(energy):
    """Four-momenta of neutrinos along z."""
    energy = torch.as_tensor(energy, dtype=torch.float64)
    return torch.stack([energy, 0 * energy, 0 * energy, energy], 1)


def run(n, energy, nucleus=ARGON, pdg=14, settings=A, current="charged", seed=1):
    z, a = (torch.full((n,), value) for value in nucleus)
    four = along(torch.as_tensor(energy, dtype=torch.float64).expand(n))
    return interact(torch.full((n,), pdg), four, z, a, settings, seeded(seed), current)


def sums(made, values):
    out = torch.zeros(len(made), *values.shape[1:], dtype=values.dtype)
    return out.index_add_(0, made.owner, values)


def counts(made, pdg):
    return sums(made, (made.pdg == pdg).long())


def conserves(made, energy, nucleus, pdg):
    z, a = nucleus
    total = sums(made, made.four) - along(torch.as_tensor(energy, dtype=torch.float64).expand(len(made)))
    total[:, 0] -= float(nuclear_mass(torch.tensor([z]), torch.tensor([a])))
    assert float(total.abs().max()) < 1e-6
    assert (sums(made, charge_of(made.pdg)) == z).all()
    assert (sums(made, baryon_number_of(made.pdg)) == a).all()
    sign = 1 if pdg > 0 else -1
    family = torch.isin(made.pdg, sign * torch.tensor([abs(pdg), abs(pdg) - 1]))
    assert (sums(made, family.long()) == 1).all()
    mass = mass_of(made.pdg)
    shell = (mass_squared(made.four) - mass**2).abs() / (2 * mass.clamp(min=1.0))
    assert float(shell.max()) < 2e-3  # MeV: up to 1 keV stays in a nucleus


@given(
    energy=st.floats(120.0, 20_000.0),
    pdg=st.sampled_from([14, -14]),
    nucleus=st.sampled_from([HYDROGEN, ARGON]),
    current=st.sampled_from(["charged", "neutral"]),
    seed=st.integers(0, 1000),
)
@budget(max_examples=15, deadline=None)
def test_energy_momentum_charge_baryons_and_leptons_are_kept_event_by_event(energy, pdg, nucleus, current, seed):
    if nucleus == HYDROGEN and pdg > 0 and current == "charged":
        energy = max(energy, 400.0)  # there is no neutron, and a pion must be made
    if current == "charged":
        energy = max(energy, 180.0)
    conserves(run(60, energy, nucleus, pdg, current=current, seed=seed), energy, nucleus, pdg)


@pytest.mark.parametrize(("nucleus", "pdg"), [((8, 16), 14), ((26, 56), 14), ((2, 4), 14), (ARGON, 12), (ARGON, -16)])
def test_any_nucleus_and_flavour_keep_them(nucleus, pdg):
    conserves(run(200, 6000.0, nucleus, pdg), 6000.0, nucleus, pdg)


def test_other_settings_keep_them():
    conserves(run(2000, 3000.0, settings=B), 3000.0, ARGON, 14)


@pytest.mark.parametrize("probe", [Probe(14, True), Probe(-14, True), Probe(14, False)])
def test_vertices_keep_charge_and_baryons_and_four_momentum_before_the_nucleus(probe):
    n = 400
    nuclei = Nuclei.of(torch.tensor([18]), torch.tensor([40]), "local")  # nucleons on their mass shell
    neutrino = along(torch.full((n,), 4000.0))
    for channel in channels(probe, B):
        born = channel.scatter(neutrino, torch.zeros(n, dtype=torch.int64), nuclei, seeded())
        kind = born.hadrons.kind
        there = kind >= 0
        charge = torch.where(there, CHARGE[kind.clamp(min=0)], 0).sum(1)
        baryons = torch.where(there, BARYON[kind.clamp(min=0)], 0).sum(1)
        assert (charge == born.protons + probe.charge).all()
        assert (baryons == born.nucleons).all()
        mass = torch.where(there, MASS[kind.clamp(min=0)], 0.0)
        shell = mass_squared(born.hadrons.four.flatten(0, 1)).view_as(mass) - mass**2
        assert float(shell.abs().max()) < 1.0
        system = born.hadrons.four.sum(1)
        torch.testing.assert_close(mass_squared(system).clamp(min=0).sqrt(), born.w, rtol=1e-6, atol=1e-2)
        if channel.whole:
            continue
        struck = system + born.lepton - neutrino  # what the neutrino found
        expected = born.nucleons[0] * NUCLEON_MASS
        assert (mass_squared(struck) > (0.9 * expected) ** 2).all()
        one = born.nucleons == 1
        assert float((mass_squared(struck)[one].sqrt() - NUCLEON_MASS).abs().max() if one.any() else 0) < 1.0


def test_free_protons_scatter_antineutrinos_by_the_formula():
    energy = 1000.0
    made = run(6000, energy, HYDROGEN, -14)
    q2 = made.q2[made.mode == 200]
    low, high = transfer_limits(torch.tensor([energy]).double(), NUCLEON_MASS, MUON_MASS, NUCLEON_MASS)
    grid = torch.linspace(float(low), float(high), 2000, dtype=torch.float64)
    shape = charged_current(torch.full_like(grid, energy), grid, MUON_MASS, True, A.form_factors)
    cdf = torch.cat([torch.zeros(1), (0.5 * (shape[1:] + shape[:-1])).cumsum(0).float()]).double()
    cdf = cdf / cdf[-1]

    def chance(x):
        at = torch.from_numpy(x).clamp(grid[0], grid[-1])
        i = torch.searchsorted(grid, at).clamp(1, len(grid) - 1)
        return torch.lerp(cdf[i - 1], cdf[i], (at - grid[i - 1]) / (grid[i] - grid[i - 1])).numpy()

    assert ks_1samp(q2.numpy(), chance).pvalue > 1e-5
    assert (made.four[made.pdg == 2112][:, 0] > 0).all()


def test_channels_come_as_often_as_their_cross_sections_say():
    n, energy = 20_000, 2500.0
    made = run(n, energy)
    table = rates(14, *ARGON, A, "charged")
    each = table.by_channel(torch.tensor([energy], dtype=torch.float64))[:, 0]
    for mode in made.mode.unique().tolist():
        share = float(sum(each[i] for i, c in enumerate(table.channels) if c.mode == mode) / each.sum())
        assert float((made.mode == mode).double().mean()) == pytest.approx(
            share, abs=5 * math.sqrt(share * (1 - share) / n)
        )


@pytest.mark.parametrize(("pdg", "expected", "tolerance"), [(14, 0.677, 0.07), (-14, 0.334, 0.12)])
def test_totals_on_carbon_approach_the_world_average(pdg, expected, tolerance):
    """Review of Particle Physics, 30 to 200 GeV; here at 20 GeV, where they are nearly reached."""
    total = float(rates(pdg, *CARBON, A, "charged").total(torch.tensor([20_000.0]).double())) / 12
    assert total / UNIT / 20 == pytest.approx(expected, rel=tolerance)


def test_quasi_elastic_scattering_on_carbon_is_a_unit_a_neutron_at_one_gev():
    """MiniBooNE with NOMAD: 0.9 to 1.1 for free nucleons of M_A near 1 GeV; a Fermi gas takes a tenth."""
    table = rates(14, *CARBON, A, "charged")
    value = float(table.by_channel(torch.tensor([1000.0]).double())[0, 0]) / 6 / UNIT
    free = float(channels(Probe(14, True), A)[0].scattering.cross_section(torch.tensor([1000.0]).double())) / UNIT
    assert free == pytest.approx(1.05, rel=0.01)
    assert 0.85 * free < value < 0.97 * free


def test_no_nucleon_is_born_where_the_sea_is_full():
    channel = channels(Probe(14, True), A)[0]
    nuclei = Nuclei.of(torch.tensor([18]), torch.tensor([40]), "global")
    n = 4000
    born = channel.scatter(along(torch.full((n,), 400.0)), torch.zeros(n, dtype=torch.int64), nuclei, seeded())
    momentum = born.hadrons.four[:, 0, 1:].norm(dim=1)
    assert float(momentum.min()) >= float(nuclei.fermi[0, 0]) - 1e-6
    energies = torch.tensor([200.0, 400.0, 1000.0, 5000.0], dtype=torch.float64)
    ratio = channel.cross_sections(energies, nuclei)[0] / 22 / channel.scattering.cross_section(energies)
    assert (ratio.diff()[:-1] > 0).all()
    assert float(ratio[0]) < 0.6
    assert float(ratio[-1]) > 0.85


def test_nucleons_fill_their_spheres_and_their_nucleus():
    n = 20_000
    which = torch.zeros(n, dtype=torch.int64)
    uniform = torch.rand((UNIFORMS, n), generator=seeded(), dtype=torch.float64)
    for gas in ("global", "local"):
        nuclei = Nuclei.of(torch.tensor([18]), torch.tensor([40]), gas)
        struck = nuclei.struck(which, Hadron.NEUTRON, uniform)
        share = (struck.four[:, 1:].norm(dim=1) / struck.fermi[:, 1]) ** 3
        assert ks_1samp(share.numpy(), lambda x: x).pvalue > 1e-5
        radius = struck.position.norm(dim=1)
        assert float(radius.square().mean().sqrt()) == pytest.approx(3.43, abs=0.25)  # fm, of charge in 40Ar
    mean = float(struck.depth[:, 1].mean())
    assert 25 < mean < 50  # MeV: Fermi energy and separation energy


def test_nuclei_move_the_quasi_elastic_peak_and_lose_no_strength_to_it_at_high_energy():
    free, bound = run(3000, 1000.0, HYDROGEN, -14), run(3000, 1000.0, CARBON, -14)
    lost = [1000.0 - made.four[made.pdg == -13][made.mode == 200][:, 0] for made in (free, bound)]
    shift = float((lost[1] - made_loss(bound)).mean() - (lost[0] - made_loss(free)).mean())
    assert 10 < shift < 60  # MeV


def made_loss(made):
    """Energy loss of free quasi-elastic scattering with the Q^2 of each event."""
    return made.q2[made.mode == 200] / (2 * NUCLEON_MASS)


def test_deltas_decay_by_isospin():
    made = run(20_000, 1500.0, HYDROGEN, current="neutral")
    delta = made.mode == 450
    neutral = counts(made, 111)[delta].double()
    n = int(delta.sum())
    assert float(neutral.mean()) == pytest.approx(2 / 3, abs=5 * math.sqrt(2 / 9 / n))
    charged = run(4000, 1500.0, HYDROGEN)
    delta = charged.mode == 400
    assert (counts(charged, 211)[delta] == 1).all()
    assert (counts(charged, 2212)[delta] == 1).all()


def test_shares_of_delta_and_deep_join_without_a_gap():
    w = torch.linspace(LEAST, END + 200, 500, dtype=torch.float64)
    for background in (0.0, 0.25):
        share = deep_share(w, background)
        assert (share.diff() >= 0).all()
        assert float(share[0]) == 0.0
        assert float(share[-1]) == 1.0
    made = run(20_000, 6000.0)
    assert float(made.w[made.mode == 500].max()) <= END + 1e-6
    assert float(made.w[made.mode == 600].min()) >= END - 1e-6
    assert float(made.w[made.mode == 400].max()) <= END
    q2, w = made.q2, made.w
    assert (q2 > 0).all()
    assert float(w.max()) < math.sqrt(NUCLEON_MASS**2 + 2 * NUCLEON_MASS * 6000.0 * 1.35)


def test_neutrinos_give_evenly_what_antineutrinos_give_sparingly():
    """In y, deep inelastic scattering is flat for neutrinos and falls as (1 - y)^2 for antineutrinos."""
    means = []
    for pdg in (14, -14):
        made = run(8000, 15_000.0, pdg=pdg)
        deep = made.mode == 600
        first = torch.bincount(made.owner).cumsum(0) - torch.bincount(made.owner)
        means.append(float((1 - made.four[first[deep], 0] / 15_000.0).mean()))
    assert 0.45 < means[0] < 0.58
    assert 0.28 < means[1] < 0.42


def test_taus_are_made_above_their_threshold_only():
    table = rates(16, *CARBON, A, "charged")
    total = table.total(torch.tensor([1500.0, 5000.0, 10_000.0, 20_000.0]).double()) / 12 / UNIT
    assert float(total[0]) == 0.0
    muon = rates(14, *CARBON, A, "charged").total(torch.tensor([20_000.0]).double()) / 12 / UNIT
    assert 0 < float(total[1]) < float(total[2]) < float(total[3]) < 0.6 * float(muon)
    with pytest.raises(InputError, match="have no cross section by currents 'charged'"):
        run(2, 1500.0, CARBON, 16)
    free = rates(16, 1, 1, A, "charged").total(torch.tensor([3400.0]).double())
    assert float(free) == 0.0


def test_taus_decay_to_what_they_may_and_keep_everything():
    n = 4000
    four = torch.zeros(n, 4, dtype=torch.float64)
    four[:, 3] = 3000.0
    four[:, 0] = math.hypot(3000.0, TAU_MASS)
    owner = torch.arange(n).repeat_interleave(2)
    pdg = torch.tensor([15, 2212]).repeat(n)
    both = torch.stack([four, four], 1).flatten(0, 1)
    out = decayed(owner, pdg, both, seeded())
    assert (out.owner.diff() >= 0).all()
    left = out.pdg != 2212
    total = torch.zeros(n, 4, dtype=torch.float64).index_add_(0, out.owner[left], out.four[left])
    torch.testing.assert_close(total, four, rtol=1e-9, atol=1e-6)
    charge = torch.zeros(n, dtype=torch.int64).index_add_(0, out.owner[left], charge_of(out.pdg[left]))
    assert (charge == -1).all()
    share = CHANNELS[0][0] / sum(s for s, _ in CHANNELS)
    assert float((out.pdg == 11).double().sum() / n) == pytest.approx(share, abs=5 * math.sqrt(share / n))


def test_pions_are_absorbed_and_exchanged_on_their_way_out():
    free, bound = run(6000, 1500.0, HYDROGEN), run(6000, 1500.0, ARGON)
    inside = bound.mode == 400
    pions = sum(counts(bound, pdg)[inside] for pdg in (211, 111, -211)).double().mean()
    assert 0.5 < float(pions) < 0.9
    assert float(counts(free, 211)[free.mode == 400].double().mean()) == 1.0
    opaque = GeneratorSettings(cascade=CascadeDials(pion_absorption=3.0))
    other = run(6000, 1500.0, ARGON, settings=opaque)
    fewer = sum(counts(other, pdg)[other.mode == 400] for pdg in (211, 111, -211)).double().mean()
    assert float(fewer) < float(pions) - 0.05


def test_long_mean_free_paths_let_everything_out():
    clear = GeneratorSettings(gas="local", cascade=CascadeDials(nucleon_mean_free_path=1e6, pion_mean_free_path=1e6))
    made = run(3000, 1500.0, CARBON, settings=clear)
    delta = made.mode == 400
    pions = sum(counts(made, pdg)[delta] for pdg in (211, 111, -211))
    assert (pions == 1).all()
    quasi = made.mode == 200
    assert float(counts(made, 2212)[quasi].double().mean()) < 1.6  # one, and some evaporation


@pytest.mark.skipif(LIBRARY.loaded is None, reason="the compiled kernel was not built")
def test_the_compiled_way_out_is_that_of_plain_torch(monkeypatch):
    found = []
    for path in ("compiled", "torch"):
        monkeypatch.setenv(LIBRARY.choice, path)
        found.append(run(1500, 1500.0, CARBON, seed=5))
    for pdg in (2212, 2112, 211, 111, 22):
        one, two = (counts(made, pdg).double() for made in found)
        assert ks_2samp(one.numpy(), two.numpy()).pvalue > 1e-4
    one, two = (made.four[made.pdg == 2212][:, 0] for made in found)
    assert ks_2samp(one.numpy(), two.numpy()).pvalue > 1e-4


def test_the_same_seed_gives_the_same_events_and_another_others():
    flux = flat_flux(500.0, 4000.0)
    first, again, other = (neutrinos(40, lartpc_cube(), seeded(seed), flux) for seed in (3, 3, 4))
    for name in ("interactions", "particles"):
        for column, values in first[name].columns.items():
            assert torch.equal(values, again[name][column])
    assert not torch.equal(first["interactions"]["vertex"], other["interactions"]["vertex"])


def test_events_have_what_a_transport_and_an_evaluation_need():
    detector = lartpc_cube()
    events = neutrinos(300, detector, seeded(), flat_flux(500.0, 4000.0, (14, -14)), current="charged")
    interactions, particles = events["interactions"], events["particles"]
    assert set(interactions["neutrino"].tolist()) == {14, -14}
    assert (interactions["current"] == 1).all()
    assert (interactions["target"] == 1000180400).all()
    assert float(interactions["vertex"].abs().max()) <= 115.2
    assert (particles["process"] == int(Process.PRIMARY)).all()
    first = particles.offsets[:-1]
    assert (particles["pdg"][first].abs() == 13).all()
    energy = torch.sqrt(particles["momentum"][first].double().square().sum(1) + MUON_MASS**2)
    lost = 1 - energy / interactions["energy"].double()
    torch.testing.assert_close(interactions["y"].double(), lost, rtol=0, atol=1e-4)
    assert torch.isfinite(particles["momentum"]).all()


def test_flux_times_cross_section_makes_the_spectrum():
    flux = flat_flux(1000.0, 3000.0)
    events = neutrinos(6000, box(LIQUID_ARGON, 100.0), seeded(), flux, current="charged")
    total = rates(14, *ARGON, A, "charged").total
    grid = torch.linspace(1000.0, 3000.0, 500, dtype=torch.float64)
    mean = float((total(grid) * grid).sum() / total(grid).sum())
    found = events["interactions"]["energy"].double()
    assert float(found.mean()) == pytest.approx(mean, abs=5 * float(found.std()) / math.sqrt(6000))


def test_molecules_are_hit_atom_by_atom_and_spills_hold_several():
    events = neutrinos(400, box(POLYSTYRENE, 100.0), seeded(), flat_flux(800.0, 2000.0, (-14,)), fewest=1, most=4)
    counts = events["interactions"].counts
    assert set(counts.tolist()) == {1, 2, 3, 4}
    hydrogen = (events["interactions"]["target"] == 2212).double().mean()
    ratio = [float(rates(-14, *n, A).total(torch.tensor([1400.0]).double())) for n in (HYDROGEN, CARBON)]
    assert float(hydrogen) == pytest.approx(ratio[0] / sum(ratio), abs=0.05)


def test_no_events_are_events():
    events = neutrinos(0, lartpc_cube(), seeded(), flat_flux())
    assert len(events) == 0
    assert len(events["particles"]) == 0


def test_the_sky_sends_neutrinos_from_everywhere():
    flux = atmospheric_flux()
    only = Flux(flux.energy, {14: flux.spectra[14]}, "sky")
    events = neutrinos(2000, box(LIQUID_ARGON, 100.0), seeded(), only, current="charged")
    lepton = events["particles"]["momentum"][events["particles"].offsets[:-1]]
    mean = torch.nn.functional.normalize(lepton, dim=1).mean(0)
    assert float(mean.norm()) < 5 / math.sqrt(2000)


def test_settings_differ_where_they_should():
    at = torch.tensor([1000.0]).double()
    form = [float(channels(Probe(14, True), s)[0].scattering.cross_section(at)) for s in (A, B)]
    assert form[1] > 1.01 * form[0]
    made = [run(5000, 1500.0, settings=s) for s in (A, B)]
    pions = [sum(counts(m, pdg)[m.mode == 400] for pdg in (211, 111, -211)).double().mean() for m in made]
    assert float(pions[1]) < float(pions[0])


@pytest.mark.parametrize("pdg", [14, -14])
def test_weighted_events_are_those_of_the_other_axial_mass(pdg):
    heavy = replace(A, form_factors=replace(A.form_factors, axial_mass=1090.0))
    flux = flat_flux(1000.0, 2000.0, (pdg,))
    one, two = (
        neutrinos(6000, box(LIQUID_ARGON, 100.0), seeded(), flux, s, current="charged")["interactions"]
        for s in (A, heavy)
    )
    weight = axial_mass_weights(one, A, 1090.0)
    quasi = one["mode"] == 200
    assert (weight[~quasi] == 1).all()
    at = torch.linspace(1000.0, 2000.0, 50, dtype=torch.float64)
    rate = [float(rates(pdg, *ARGON, s, "charged").by_channel(at)[0].sum()) for s in (A, heavy)]
    assert float(weight[quasi].mean()) == pytest.approx(rate[1] / rate[0], rel=0.02)
    q2 = one["q2"].double()[quasi]
    other = two["q2"].double()[two["mode"] == 200]
    mean = float((q2 * weight[quasi]).sum() / weight[quasi].sum())
    error = float(other.std()) * math.sqrt(1 / len(other) + 1 / len(q2))
    assert mean == pytest.approx(float(other.mean()), abs=5 * error)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: run(1, 30_000.0), "neutrinos must have 50 to 20000 MeV"),
        (lambda: run(1, 1000.0, (1, 2)), "no neutrino is scattered on 1 protons among 2 nucleons"),
        (lambda: run(1, 1000.0, pdg=13), "neutrino must be one of"),
        (lambda: run(1, 1000.0, current="weak"), "current must be one of"),
        (lambda: generator_settings("C"), "settings must be one of"),
        (lambda: GeneratorSettings(gas="ideal"), "gas must be one of"),
        (lambda: GeneratorSettings(formation_time=-1.0), "formation_time must be 0 or more"),
        (lambda: CascadeDials(pion_mean_free_path=0.0), "pion_mean_free_path must be positive"),
        (lambda: neutrinos(1, lartpc_cube(), seeded(), flat_flux(30_000.0, 40_000.0)), "the flux has nothing between"),
        (lambda: neutrinos(1, lartpc_cube(), seeded(), flat_flux(), fewest=0), "fewest must be between 1 and most"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(REFUSED, match=f"{message}|Type-check error"):
        call()
