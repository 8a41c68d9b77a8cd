"""Tracks that end before their range: dE/dx with the residual range at the end unknown, and energies of hadrons."""

import pytest
import torch

from nuforge.physics.constants import PROTON_MASS
from nuforge.physics.hadron_nucleus import inelastic_cross_section
from nuforge.physics.kinematics import kinetic_of, momentum
from nuforge.physics.material import LIQUID_ARGON
from nuforge.physics.ranges import csda_range, energy_of_range
from nuforge.reconstruction import reconstruct
from nuforge.reconstruction.energies import _quantile
from nuforge.reconstruction.hypotheses import HYPOTHESES, MASSES
from nuforge.reconstruction.loss_density import log_density
from nuforge.reconstruction.open_end import most_likely, open_ends, probabilities, with_scattering
from nuforge.reconstruction.profiles import Profiles
from nuforge.reconstruction.survival import end_rates, expected_ends
from reconstruction.simulated import DETECTOR, gun, of_primaries, undisturbed, with_clusters
from reconstruction.simulated import momentum as true_momentum

MUON, PION, KAON, PROTON = range(4)


def shown(residual, hypothesis):
    """The most probable dE/dx (K,) of steps at residual ranges, by the density."""
    grid = torch.linspace(0.5, 40.0, 4000, dtype=torch.float64)
    density = log_density(grid.expand(len(residual), -1), residual[:, None], MASSES[hypothesis], LIQUID_ARGON)
    return grid[density.argmax(1)]


def tracks(lengths, left, hypothesis, turned=False, scale=1.0):
    """Steps of 1 cm of tracks of whole lengths that end with residual ranges left, all with the most probable loss."""
    parts = []
    for cluster, (length, rest) in enumerate(zip(lengths, left, strict=True)):
        residual = length - torch.arange(length, dtype=torch.float64) - 0.5
        way = length - residual if turned else residual
        parts.append((torch.full((length,), cluster), residual, scale * shown(way + rest, hypothesis), residual < 1))
    cluster, residual, power, last = (torch.cat(x) for x in zip(*parts, strict=True))
    profiles = Profiles(cluster, residual, torch.ones_like(residual), power, power, last)
    return profiles, torch.tensor(lengths, dtype=torch.float64)


def ends_of(lengths, left, hypothesis, stops=True, **options):
    profiles, length = tracks(lengths, left, hypothesis, **options)
    return open_ends(profiles, length, torch.full((len(lengths),), stops), LIQUID_ARGON)


@pytest.mark.parametrize("hypothesis", range(4), ids=HYPOTHESES)
def test_the_density_of_a_loss_is_a_density_about_what_ionisation_makes_likely(hypothesis):
    grid = torch.linspace(0.01, 150.0, 15000, dtype=torch.float64)
    for residual in (0.5, 3.0, 20.0, 150.0):
        density = log_density(grid, torch.full_like(grid, residual), MASSES[hypothesis], LIQUID_ARGON).exp()
        total = density.cumsum(0) * 0.01
        ends = torch.tensor([residual - 0.499, residual + 0.5], dtype=torch.float64)  # a step of 1 cm
        mean = float(energy_of_range(ends, MASSES[hypothesis], LIQUID_ARGON).diff())
        assert float(total[grid < 4.5 * mean][-1]) == pytest.approx(1.0, abs=0.02)
        median = float(grid[int((total < 0.5).sum())])
        assert 0.8 * mean < median < 1.05 * mean


def test_losses_grow_to_the_end():
    residual = torch.tensor([1.0, 3.0, 10.0, 30.0, 100.0], dtype=torch.float64)
    for hypothesis in range(4):
        assert (shown(residual, hypothesis).diff() < 0).all()
    at_ten = [float(shown(residual[2:3], hypothesis)) for hypothesis in range(4)]
    assert at_ten == sorted(at_ten)  # of one range the heavier is slower


def test_rates_are_those_of_cross_sections_and_add_up():
    kinetic = torch.tensor([200.0], dtype=torch.float64)
    residual = csda_range(kinetic, PROTON_MASS, LIQUID_ARGON)
    expected = LIQUID_ARGON.number_densities[0] * 1e-27 * inelastic_cross_section(2212, kinetic, 18, 39.948)
    assert float(end_rates(residual, PROTON, LIQUID_ARGON)) == pytest.approx(float(expected), rel=0.02)
    assert 50 < 1 / float(expected) < 150  # cm; nuclear interaction length of argon: 85.7 cm (PDG)
    step = torch.linspace(5.0, 100.0, 400, dtype=torch.float64)
    for hypothesis in range(4):
        total = torch.trapezoid(end_rates(step, hypothesis, LIQUID_ARGON), step)
        ends = expected_ends(step[[0, -1]], hypothesis, LIQUID_ARGON)
        torch.testing.assert_close(ends.diff()[0], total, rtol=0.01, atol=0)


@pytest.mark.parametrize("hypothesis", [PION, PROTON])
def test_the_energy_at_the_start_is_found_wherever_the_particle_would_have_stopped(hypothesis):
    left = [0.0, 3.0, 8.0, 20.0, 40.0]
    ends = ends_of([30] * len(left), left, hypothesis)
    found = most_likely(ends)
    true = momentum(
        energy_of_range(30.0 + torch.tensor(left).double(), MASSES[hypothesis], LIQUID_ARGON), MASSES[hypothesis]
    )
    value, low, high = (x[:, hypothesis] for x in (found.value, found.low, found.high))
    torch.testing.assert_close(value, true, rtol=0.06, atol=0)  # steps all at the mode, which outliers pull upwards
    assert (value.diff() > 0).all()
    assert ((low <= value) & (value <= high)).all()
    assert (low >= true[0] * (1 - 1e-6)).all()  # never less than the length asks for


def test_less_ionisation_is_more_energy():
    scaled = [most_likely(ends_of([30], [10.0], PION, scale=s)).value[0, PION] for s in (1.1, 1.0, 0.9)]
    assert scaled == sorted(scaled)


@pytest.mark.parametrize("hypothesis", [MUON, PION, KAON, PROTON])
def test_a_rise_to_the_end_is_a_stop_and_none_is_not(hypothesis):
    probability = probabilities(ends_of([25, 25, 25], [0.0, 25.0, 100.0], hypothesis))[:, hypothesis]
    torch.testing.assert_close(probability.sum(1), torch.ones(3, dtype=torch.float64))
    assert float(probability[0, 0]) > 0.95
    assert (probability[1:, 0] < 0.3 if hypothesis == MUON else probability[1:, 0] < 0.05).all()


def test_a_particle_that_stopped_at_what_is_called_its_start_stopped():
    ends = ends_of([25], [0.0], PROTON, turned=True)
    assert float(probabilities(ends)[0, PROTON, 0]) > 0.95


def test_what_leaves_has_not_stopped():
    ends = ends_of([25], [0.0], PION, stops=False)
    assert (probabilities(ends)[:, :, 0] == 0).all()


def test_with_nothing_seen_a_short_track_has_stopped_as_often_as_such_particles_survive():
    length = torch.tensor([2.0, 20.0, 60.0], dtype=torch.float64)
    none = torch.zeros(0, dtype=torch.float64)
    profiles = Profiles(torch.zeros(0, dtype=torch.int64), none, none, none, none, torch.zeros(0, dtype=torch.bool))
    ends = open_ends(profiles, length, torch.ones(3, dtype=torch.bool), LIQUID_ARGON)
    stopped = probabilities(ends)[:, :, 0]
    assert (stopped[:, MUON] > 0.95).all()
    for hypothesis in (PION, KAON, PROTON):
        assert (stopped[:, hypothesis].diff() < 0).all()
    assert all(x.isnan().all() for x in (most_likely(ends).value, most_likely(ends).low))


def test_scattering_that_agrees_narrows_and_scattering_that_is_unknown_changes_nothing():
    ends = ends_of([40], [60.0], PION)
    alone = most_likely(ends)
    unknown = torch.full((1, 4), torch.nan)
    same = most_likely(with_scattering(ends, unknown, unknown, unknown))
    torch.testing.assert_close(same.high, alone.high)
    p = alone.value
    both = most_likely(with_scattering(ends, p, 0.95 * p, 1.05 * p))
    assert float((both.high - both.low)[0, PION]) < 0.8 * float((alone.high - alone.low)[0, PION])
    upwards = most_likely(with_scattering(ends, p, 0.95 * p, torch.full_like(p, torch.inf)))
    assert float(upwards.high[0, PION]) == pytest.approx(float(alone.high[0, PION]), rel=0.05)
    assert float(upwards.low[0, PION]) > float(alone.low[0, PION])


def test_no_tracks_have_no_ends():
    none = torch.zeros(0, dtype=torch.float64)
    profiles = Profiles(torch.zeros(0, dtype=torch.int64), none, none, none, none, torch.zeros(0, dtype=torch.bool))
    ends = open_ends(profiles, none, torch.zeros(0, dtype=torch.bool), LIQUID_ARGON)
    assert probabilities(ends).shape == (0, 4, len(ends.residual))
    assert most_likely(ends).value.shape == (0, 4)


def test_quantiles_are_those_of_a_gaussian_if_it_stopped_and_lie_above_if_not():
    kinetic = torch.tensor([[100.0, 110.0, 120.0, 140.0, 180.0]], dtype=torch.float64)
    error = torch.tensor([2.0], dtype=torch.float64)
    stopped = torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    found = [float(_quantile(q, kinetic, stopped, error)) for q in (0.158655, 0.5, 0.841345)]
    assert found == pytest.approx([98.0, 100.0, 102.0], abs=1e-3)
    for share in (0.0, 0.3, 0.7, 0.95):
        weight = torch.tensor([[share, *[(1 - share) / 4] * 4]], dtype=torch.float64)
        rising = torch.tensor(
            [float(_quantile(q, kinetic, weight, error)) for q in torch.linspace(0.02, 0.98, 49).tolist()]
        )
        assert (rising.diff() >= 0).all()
        assert float(rising[-1]) > 140


@pytest.fixture(scope="module")
def simulated():
    """Single particles, reconstructed: events, rows and true kinetic energies."""
    found = {}
    for name, pdg, low, high, hypothesis in (
        ("muon", 13, 50.0, 500.0, MUON),
        ("pion", 211, 10.0, 450.0, PION),
        ("proton", 2212, 15.0, 450.0, PROTON),
    ):
        events = reconstruct(with_clusters(gun(300, pdg, low, high)), DETECTOR)
        rows, who = of_primaries(events, kind=1)
        inside = events["reco_particles"]["stops"][rows]
        rows, who = rows[inside], who[inside]
        mass = torch.tensor(MASSES[hypothesis], dtype=torch.float64)
        kinetic = kinetic_of(true_momentum(events, who), mass)
        expected = csda_range(kinetic, MASSES[hypothesis], LIQUID_ARGON)
        length = events["reco_particles"]["length"][rows].double()
        stopped = undisturbed(events, who) & (expected - length < 3 + 0.1 * expected)
        table = {name: column[rows] for name, column in events["reco_particles"].columns.items()}
        found[name] = (table, kinetic, stopped, hypothesis, mass)
    return found


def test_the_energy_of_a_muon_that_stops_is_that_of_its_range(simulated):
    table, _, stopped, _, mass = simulated["muon"]
    assert float((table["stop_probability"][stopped, MUON] > 0.5).double().mean()) > 0.99
    by_range = kinetic_of(table["range_momentum"][stopped, MUON].double(), mass)
    sure = table["stop_probability"][stopped, MUON] > 0.5
    torch.testing.assert_close(table["kinetic_energy"][stopped][sure].double(), by_range[sure], rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", ["pion", "proton"])
def test_energies_of_hadrons_hold_two_thirds_of_the_true_ones_and_are_as_good_as_range_where_that_is_right(
    simulated, name
):
    table, kinetic, stopped, hypothesis, mass = simulated[name]
    found, error = table["kinetic_energy"].double(), table["kinetic_energy_error"].double()
    by_range = kinetic_of(table["range_momentum"][:, hypothesis].double(), mass)
    assert float(found.isfinite().double().mean()) > 0.98
    inside = ((found - kinetic).abs() <= error).double().mean()
    assert 0.60 - 0.13 < float(inside) < 0.76 + 0.13  # 5 sigma of 300 particles
    spread = [float((x / kinetic - 1)[x.isfinite()].abs().quantile(0.68)) for x in (found, by_range)]
    assert spread[0] < 0.5 * spread[1]
    sure = stopped & (table["stop_probability"][:, hypothesis] > 0.98)
    torch.testing.assert_close(found[sure], by_range[sure], rtol=0.01, atol=0)
    assert int(sure.sum()) > 50


@pytest.mark.parametrize("name", ["pion", "proton"])
def test_the_probability_to_have_stopped_is_calibrated(simulated, name):
    table, _, stopped, hypothesis, _ = simulated[name]
    said = table["stop_probability"][:, hypothesis].double()
    for low, high in ((0.0, 0.1), (0.1, 0.9), (0.9, 1.01)):
        here = (said >= low) & (said < high)
        n = int(here.sum())
        expected = said[here].mean()
        error = torch.sqrt((said * (1 - said))[here].sum() / n**2 + 0.03**2) if n else torch.tensor(1.0)  # 3 % of truth
        assert not n or abs(float(stopped[here].double().mean() - expected)) < 5 * float(error)


def test_nothing_is_nan_but_what_is_documented(simulated):
    for table, _, _, hypothesis, _ in simulated.values():
        assert table["stop_probability"].isfinite().all()
        low, value, high = (table[f"kinetic_energy{end}"] for end in ("_low", "", "_high"))
        known = value.isfinite()
        assert (low[known] <= value[known]).all()
        assert (value[known] <= high[known]).all()
        unlimited = table["open_end_momentum_high"][:, hypothesis].isfinite().logical_not()
        assert (known | unlimited | (table["stop_probability"][:, hypothesis] <= 0.5)).all()
        seen = table["length"] > 3
        assert table["open_end_momentum"][seen].isfinite().all()


def test_a_stopping_proton_given_the_wrong_way_round_has_the_energy_of_its_range():
    events = with_clusters(gun(60, 2212, 100.0, 250.0))
    right = reconstruct(events, DETECTOR)["reco_particles"]
    clusters = events["clusters"]
    turned = clusters.with_columns({"start": torch.where(right["end"].isnan(), clusters["start"], right["end"])})
    wrong = reconstruct(events.with_table("clusters", turned), DETECTOR)["reco_particles"]
    rows, who = of_primaries(events, kind=1)
    rows = rows[undisturbed(events, who) & right["stops"][rows] & wrong["stops"][rows]]
    assert len(rows) > 20
    ratio = wrong["kinetic_energy"][rows] / right["kinetic_energy"][rows]
    assert float(((ratio - 1).abs() < 0.02).double().mean()) > 0.8
