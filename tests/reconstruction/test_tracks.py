"""Paths, range, scattering and stopping power of tracks."""

import pytest
import torch

from nuforge.physics.constants import MUON_MASS, PROTON_MASS
from nuforge.physics.material import LIQUID_ARGON
from nuforge.physics.ranges import csda_range, range_straggling
from nuforge.reconstruction import reconstruct
from nuforge.reconstruction.calorimetry import stopping_power_of
from nuforge.reconstruction.clusters import clusters_of
from nuforge.reconstruction.paths import Paths, paths_of
from nuforge.reconstruction.scattering_momentum import PIECE, momentum_of_scattering
from nuforge.simulation.response.electronics import MINIMUM_IONISING
from nuforge.simulation.response.recombination import ISOTROPIC_COSINE, escaping_fraction
from reconstruction.simulated import DETECTOR, gun, momentum, of_primaries, one_event, undisturbed, with_clusters


@pytest.fixture(scope="module")
def muons():
    return reconstruct(with_clusters(gun(300, 13, 50.0, 500.0)), DETECTOR)


@pytest.fixture(scope="module")
def protons():
    return reconstruct(with_clusters(gun(300, 2212, 60.0, 400.0)), DETECTOR)


def stopped(events):
    """Rows of `reco_particles` of primaries that stopped undisturbed, and their true momenta."""
    rows, who = of_primaries(events, kind=1)
    kept = undisturbed(events, who) & events["reco_particles"]["stops"][rows]
    return rows[kept], momentum(events, who[kept])


def relative_straggling(kinetic, mass):
    energy = torch.tensor([kinetic], dtype=torch.float64)
    return float(range_straggling(energy, mass, LIQUID_ARGON) / csda_range(energy, mass, LIQUID_ARGON))


def test_ranges_of_equal_velocity_straggle_with_the_inverse_root_of_the_mass():
    proton, muon = (
        relative_straggling(100.0, PROTON_MASS),
        relative_straggling(100.0 * MUON_MASS / PROTON_MASS, MUON_MASS),
    )
    assert proton == pytest.approx(0.012, abs=0.001)  # 1.1 to 1.2 % in any light element (Janni 1982)
    assert muon / proton == pytest.approx((PROTON_MASS / MUON_MASS) ** 0.5, rel=0.02)


def turning(n):
    """A quarter of a circle of radius n voxels, three voxels thick, and its length in voxels."""
    grid = torch.cartesian_prod(*(torch.arange(n + 4),) * 2, torch.arange(3))
    radius = grid[:, :2].double().norm(dim=1)
    return grid[(radius - n).abs() < 1.5] + 100, n * torch.pi / 2


def test_the_length_of_a_track_that_turns_is_that_of_its_path():
    index, length = turning(120)
    start = torch.tensor([[220.0, 100.0, 101.0]]) * 0.3 - 115.2
    events = one_event(index, cluster=torch.zeros(len(index)), kind=[1], start=start)
    particle = reconstruct(events, DETECTOR)["reco_particles"]
    assert float(particle["length"][0]) == pytest.approx(length * 0.3, rel=0.01)
    assert float(particle["start_direction"][0, 1]) > 0.98
    assert float(particle["end_direction"][0, 0]) < -0.98


def test_a_gap_does_not_shorten_a_track():
    z = torch.cat([torch.arange(60), torch.arange(80, 200)])
    index = torch.stack([torch.full_like(z, 300), torch.full_like(z, 300), z + 100], dim=1)
    start = torch.tensor([[300.5, 300.5, 100.5]]) * 0.3 - 115.2
    events = one_event(index, cluster=torch.zeros(len(z)), kind=[1], start=start)
    particle = reconstruct(events, DETECTOR)["reco_particles"]
    assert float(particle["length"][0]) == pytest.approx(199 * 0.3, abs=0.3)


def test_a_path_begins_at_the_end_that_is_named_as_start():
    index = torch.stack([torch.full((90,), 300)] * 2 + [torch.arange(90) + 200], dim=1)
    ends = torch.tensor([[300.5, 300.5, 200.5], [300.5, 300.5, 289.5]]) * 0.3 - 115.2
    events = one_event(index, cluster=torch.zeros(90), kind=[1])
    clusters = clusters_of(events, DETECTOR)
    for near, far in (ends, ends.flip(0)):
        paths = paths_of(clusters, near[None].double())
        assert (paths.start[0] - near).norm() < 0.5
        assert (paths.end[0] - far).norm() < 0.5


@pytest.mark.parametrize(
    ("species", "column", "bias", "width"), [("muons", 0, 0.01, 0.03), ("protons", 3, 0.015, 0.02)]
)
def test_momentum_from_range_is_right_and_its_interval_holds_two_thirds(species, column, bias, width, request):
    events = request.getfixturevalue(species)
    rows, true = stopped(events)
    table = events["reco_particles"]
    found, error = (table[name][rows, column].double() for name in ("range_momentum", "range_momentum_error"))
    ratio = found / true - 1
    assert len(rows) > 100
    assert abs(float(ratio.median())) < bias
    assert float(ratio.quantile(0.84) - ratio.quantile(0.16)) / 2 < width
    assert 0.60 < float(((found - true).abs() < error).double().mean()) < 0.78


def test_momentum_from_scattering_agrees_with_truth_and_its_interval_holds_two_thirds(muons):
    rows, true = stopped(muons)
    table = muons["reco_particles"]
    found, low, high = (table[f"scattering_momentum{end}"][rows, 0].double() for end in ("", "_low", "_high"))
    known = found.isfinite()
    ratio = found[known] / true[known]
    assert int(known.sum()) > 80
    assert 0.95 < float(ratio.median()) < 1.05
    assert float(ratio.quantile(0.84) - ratio.quantile(0.16)) / 2 < 0.12
    assert 0.55 < float(((low <= true) & (true <= high))[known].double().mean()) < 0.80  # 5 sigma of 100 tracks below


def straight(n_tracks, length, angles):
    """Paths of tracks along z that turn by given angles (N, K) from one piece to the next, without energy loss."""
    step = 0.5
    k = int(length / step)
    piece = (torch.arange(k) * step / PIECE).floor().long()
    heading = torch.nn.functional.pad(angles.cumsum(1), (1, 0))[:, piece]
    moved = torch.stack([heading, torch.zeros_like(heading), torch.ones_like(heading)], dim=2) * step
    corner = moved.cumsum(1).reshape(-1, 3)
    arc = (torch.arange(k, dtype=torch.float64) * step).repeat(n_tracks)
    nothing = torch.zeros(n_tracks, 3, dtype=torch.float64)
    offsets = torch.arange(n_tracks + 1) * k
    return Paths(
        arc, torch.full((n_tracks,), float(length), dtype=torch.float64), nothing, nothing, corner, arc, offsets
    )


def test_twice_the_scattering_is_half_the_momentum():
    generator = torch.Generator().manual_seed(0)
    angles = 0.01 * torch.randn((40, 15), generator=generator, dtype=torch.float64)
    one, two = (momentum_of_scattering(straight(40, 16 * PIECE, s * angles), LIQUID_ARGON, spread=1e-5) for s in (1, 2))
    ratio = (one.value[:, 0] / two.value[:, 0]).nanmedian()
    assert float(ratio) == pytest.approx(2.0, rel=0.25)  # the loss of 500 MeV on the way counts more for the slower


def test_dedx_against_residual_range_tells_muons_from_protons(muons, protons):
    for events, own, other in ((muons, 0, 3), (protons, 3, 0)):
        rows, _ = stopped(events)
        chi2 = events["reco_particles"]["stopping_chi2"][rows]
        chi2 = chi2[chi2.isfinite().all(dim=1)]
        assert float((chi2[:, own] < chi2[:, other]).double().mean()) > 0.97
        assert 0.5 < float(chi2[:, own].median()) < 2.0


def test_recombination_is_inverted():
    loss = torch.tensor([1.7, 2.1, 5.0, 12.0, 30.0], dtype=torch.float64)
    both = torch.cat([loss, loss.new_tensor([MINIMUM_IONISING])])
    escaped = escaping_fraction(both, torch.full_like(both, ISOTROPIC_COSINE), DETECTOR.readout.field, DETECTOR.medium)
    shown = loss * escaped[:-1] / escaped[-1]
    torch.testing.assert_close(stopping_power_of(shown, DETECTOR), loss, rtol=2e-3, atol=0)


@pytest.mark.parametrize(("species", "mass"), [("muons", MUON_MASS), ("protons", PROTON_MASS)])
def test_charge_gives_the_kinetic_energy_of_what_stops(species, mass, request):
    events = request.getfixturevalue(species)
    rows, p = stopped(events)
    ratio = events["reco_particles"]["calorimetric_energy"][rows].double() / (torch.sqrt(p**2 + mass**2) - mass)
    assert float(ratio.median()) == pytest.approx(1.0, abs=0.04)
    assert float(ratio.quantile(0.84) - ratio.quantile(0.16)) / 2 < 0.06


def test_a_muon_that_leaves_has_no_momentum_from_range():
    events = reconstruct(with_clusters(gun(40, 13, 1500.0, 2000.0)), DETECTOR)
    rows, who = of_primaries(events, kind=1)
    left = events["particles"]["escaped"][who] > 50
    table = events["reco_particles"]
    assert int(left.sum()) > 20
    assert table["range_momentum"][rows[left]].isnan().all()
    assert not table["contained"][rows[left]].any()
    assert table["stopping_chi2"][rows[left]].isnan().all()
