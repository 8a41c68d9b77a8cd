"""The steps of the response one by one: published values, limits, and gradients."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from nuforge.detectors import Birks, EllipsoidalBox, Medium, ModifiedBox, lartpc_cube
from nuforge.physics.material import LIQUID_ARGON
from nuforge.simulation.response.attenuation import surviving_fraction
from nuforge.simulation.response.cutting import cut, share_out
from nuforge.simulation.response.diffusion import diffusion_variance, gaussian_shares, voxels_reached
from nuforge.simulation.response.drift import (
    drift_time,
    drift_velocity,
    drift_velocity_larsoft,
    drift_velocity_microboone,
)
from nuforge.simulation.response.electronics import soft_threshold
from nuforge.simulation.response.noise import counting_noise, electronic_noise
from nuforge.simulation.response.path_length import electron_range, path_length
from nuforge.simulation.response.recombination import (
    birks,
    birks_stopping_power,
    box_stopping_power,
    ellipsoidal_box,
    escaping_fraction,
    ionisation,
    modified_box,
    sample_ionisation,
    sample_survivors,
)
from nuforge.units import cm, mm, ms, s, us

DENSITY = LIQUID_ARGON.density


def array(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


# --- recombination


@pytest.mark.parametrize(
    ("field", "birks_values", "box_values"),
    [
        (0.500, (0.7243, 0.6979, 0.5934, 0.4716, 0.3344), (0.7158, 0.7050, 0.5897, 0.4537, 0.3204)),
        (0.273, (0.6715, 0.6310, 0.4885, 0.3516, 0.2253), (0.6805, 0.6344, 0.4715, 0.3363, 0.2238)),
    ],
)
def test_recombination_has_the_values_of_the_formulas_by_hand(field, birks_values, box_values):
    stopping_power = array(1.5, 2.1, 5, 10, 20)
    close = {"atol": 5.1e-5, "rtol": 0}  # the values have four digits
    torch.testing.assert_close(birks(stopping_power, field, DENSITY, Birks()), array(*birks_values), **close)
    torch.testing.assert_close(modified_box(stopping_power, field, DENSITY, ModifiedBox()), array(*box_values), **close)


def test_ellipsoidal_box_of_a_round_ellipse_is_the_box():
    stopping_power, cosine = torch.linspace(1, 30, 20).double(), torch.linspace(0, 1, 20).double()
    round_model = EllipsoidalBox(0.93, 0.212, 1.0)
    torch.testing.assert_close(
        ellipsoidal_box(stopping_power, cosine, 0.5, DENSITY, round_model),
        modified_box(stopping_power, 0.5, DENSITY, ModifiedBox()),
    )


def test_tracks_along_the_field_are_as_if_beta_were_larger():
    along, across = (ellipsoidal_box(array(5.0), array(c), 0.5, DENSITY, EllipsoidalBox()) for c in (1.0, 0.0))
    assert along.item() < across.item()
    by_hand = modified_box(array(5.0), 0.5, DENSITY, ModifiedBox(0.904, 0.204 * 1.25))
    torch.testing.assert_close(along, by_hand)


@pytest.mark.parametrize("model", [Birks(), ModifiedBox(), EllipsoidalBox()])
def test_denser_deposits_lose_more_and_the_fraction_stays_between_0_and_1(model):
    medium = Medium(recombination=model)
    stopping_power = torch.logspace(-6, 6, 500, dtype=torch.float64)
    fraction = escaping_fraction(stopping_power, torch.zeros_like(stopping_power), 0.5, medium)
    assert ((fraction >= 0) & (fraction <= 1)).all()
    assert (fraction[stopping_power > 2].diff() < 0).all()
    assert (fraction[stopping_power <= 1] == fraction[0]).all()
    is_dense = stopping_power > 4  # below, the box models turn over in strong fields
    strong = escaping_fraction(stopping_power, torch.zeros_like(stopping_power), 0.7, medium)
    assert (strong > fraction)[is_dense].all()


def test_charge_gives_the_stopping_power_back():
    stopping_power = torch.linspace(1.5, 20, 30, dtype=torch.float64)
    w = Medium().ionisation_energy
    charge = ionisation(stopping_power, w)
    from_birks = birks_stopping_power(charge * birks(stopping_power, 0.5, DENSITY, Birks()), 0.5, DENSITY, w, Birks())
    from_box = box_stopping_power(
        charge * modified_box(stopping_power, 0.5, DENSITY, ModifiedBox()), 0.5, DENSITY, w, ModifiedBox()
    )
    torch.testing.assert_close(from_birks, stopping_power)
    torch.testing.assert_close(from_box, stopping_power)


def test_minimum_ionising_particle_frees_62000_electrons_a_centimetre():
    medium = Medium()
    charge = ionisation(array(2.1), medium.ionisation_energy) * escaping_fraction(array(2.1), array(0.0), 0.5, medium)
    assert charge.item() == pytest.approx(6.2e4, rel=0.02)


def test_sampled_electrons_have_the_binomial_mean_and_variance():
    generator = torch.Generator().manual_seed(1)
    n, p, trials = 400.0, 0.7, 20_000
    sampled = sample_survivors(torch.full((trials,), n), torch.full((trials,), p), generator)
    variance = n * p * (1 - p)
    assert abs(sampled.mean() - n * p) < 5 * (variance / trials) ** 0.5
    assert abs(sampled.var() / variance - 1) < 5 * (2 / trials) ** 0.5


def test_ionisation_rounds_without_bias():
    generator = torch.Generator().manual_seed(2)
    energy = torch.full((40_000,), 0.3 * 23.6e-6, dtype=torch.float64)
    sampled = sample_ionisation(energy, 23.6e-6, generator)
    assert set(sampled.tolist()) == {0.0, 1.0}
    assert abs(sampled.mean() - 0.3) < 5 * (0.3 * 0.7 / 40_000) ** 0.5


# --- path length


def test_electrons_that_stop_leave_the_charge_that_nest_says():
    # LArNEST (nestpy 2.1.3), electron recoils at 0.5 kV/cm: it averages over the stopping power along the track and is
    # another fit to other data, hence 15 %; with a point's dE/dx not limited the charge would vanish
    energy = array(0.01, 0.1, 1.0)
    stopping_power = energy / electron_range(energy, LIQUID_ARGON)
    escaped = escaping_fraction(stopping_power, torch.zeros_like(energy), 0.5, Medium())
    charge = ionisation(energy, Medium().ionisation_energy) * escaped
    torch.testing.assert_close(charge, array(104.5, 2272, 31175), rtol=0.15, atol=0)


def test_electron_range_rises_with_energy_and_joins_smoothly():
    energy = torch.logspace(-7, 3, 400, dtype=torch.float64)
    reached = electron_range(energy, LIQUID_ARGON)
    assert (reached.diff() > 0).all()
    assert (reached.log().diff() / energy.log().diff()).max() < 2


def test_no_deposit_is_denser_than_its_energy_allows():
    energy = torch.logspace(-6, 0, 100, dtype=torch.float64)
    points, is_electron = torch.zeros_like(energy), torch.ones(100, dtype=torch.bool)
    density = energy / path_length(energy, points, is_electron, LIQUID_ARGON)
    assert (density.diff() <= 1e-9).all()
    assert 1.5 < density[-1] < 3
    assert density[0] < 100
    heavy = energy / path_length(energy, points, ~is_electron, LIQUID_ARGON)
    torch.testing.assert_close(heavy, torch.full_like(heavy, 1000.0))
    assert torch.equal(path_length(energy, points + 100, is_electron, LIQUID_ARGON), points + 100)


# --- drift, attenuation, diffusion


@pytest.mark.parametrize(
    ("field", "temperature", "first", "second"),
    [(0.273, 89, 1.099, 1.114), (0.5, 87.17, 1.597, 1.600), (0.5, 87.3, 1.593, 1.596), (1.0, 87.3, 2.164, 2.107)],
)
def test_drift_velocities_have_their_published_values(field, temperature, first, second):
    unit = mm / us
    assert drift_velocity(field, temperature).item() / unit == pytest.approx(first, abs=6e-4)
    assert drift_velocity_larsoft(field, temperature).item() / unit == pytest.approx(second, abs=6e-4)
    assert drift_velocity_microboone(field, temperature).item() / unit == pytest.approx(first, rel=0.03)


@pytest.mark.parametrize("velocity", [drift_velocity, drift_velocity_larsoft, drift_velocity_microboone])
def test_electrons_drift_faster_in_stronger_fields_and_colder_argon(velocity):
    speeds = [velocity(field, 87.3).item() for field in (0.02, 0.05, 0.1, 0.3, 0.5, 0.62, 0.66, 0.7, 0.9)]
    assert speeds == sorted(speeds)
    assert velocity(0.5, 87.3) > velocity(0.5, 89.0)


def test_three_metres_and_sixty_take_2250_microseconds_lose_half_and_spread_by_1_3_millimetres():
    time = drift_time(array(360.0), 0.5, 87.3)
    assert time.item() / us == pytest.approx(2250, rel=0.01)
    exact = array(2.25 * ms)
    assert surviving_fraction(exact, 3.0 * ms).item() == pytest.approx(0.472, abs=5e-4)
    detector = lartpc_cube()
    along, across, _ = diffusion_variance(exact, detector)[0].sqrt().tolist()
    assert along / mm == pytest.approx(1.34, abs=0.005)
    assert across**2 == pytest.approx(2 * 8.8 * cm**2 / s * 2.25 * ms)


@pytest.mark.parametrize("width", [0.001, 0.1, 0.35, 0.55])
def test_shares_add_up_and_have_the_mean_and_width_of_the_cloud(width):
    generator = torch.Generator().manual_seed(3)
    center = 50 + torch.rand(20_000, generator=generator, dtype=torch.float64)
    first, shares = gaussian_shares(center, torch.full_like(center, width), voxels_reached(width, 100), 100)
    torch.testing.assert_close(shares.sum(1), torch.ones_like(center))
    position = first[:, None] + torch.arange(shares.shape[1]) + 0.5 - center[:, None]
    mean, square = (shares * position).sum(1).mean(), (shares * position**2).sum(1).mean()
    # a voxel is a box: it adds 1/12 to the variance when clouds lie anywhere in it
    assert abs(mean) < 5 * (width**2 + 1 / 12) ** 0.5 / 20_000**0.5
    assert square.item() == pytest.approx(width**2 + 1 / 12, rel=0.02)


def test_shares_at_the_wall_stay_inside():
    first, shares = gaussian_shares(array(0.01, 9.99), array(0.5, 0.5), 5, 10)
    assert first.tolist() == [0, 5]
    torch.testing.assert_close(shares.sum(1), array(1, 1))
    assert shares[0, 0] > 0.9 * 0.5
    assert shares[1, -1] > 0.9 * 0.5


def test_pieces_cover_their_deposit_and_share_its_energy():
    start, end = array(0, 0, 0).expand(3, 3), torch.stack([array(1, 0, 0), array(0, 0, 0), array(0.3, 0.4, 0)])
    pieces = cut(start, end, 0.15)
    assert pieces.deposit.bincount().tolist() == [7, 1, 4]
    assert (pieces.step.norm(dim=1) <= 0.15).all()
    total = torch.zeros(3, 3, dtype=torch.float64).index_add(0, pieces.deposit, pieces.step)
    torch.testing.assert_close(total, end)
    energy = array(1, 2, 3)
    back = torch.zeros(3, dtype=torch.float64).index_add(0, pieces.deposit, share_out(energy, pieces))
    torch.testing.assert_close(back, energy)


# --- noise and threshold


def test_electronic_noise_has_its_width_and_no_bias():
    charge = electronic_noise(torch.full((40_000,), 5000.0), 500.0, torch.Generator().manual_seed(4))
    assert abs(charge.mean() - 5000) < 5 * 500 / 200
    assert abs(charge.std() / 500 - 1) < 5 / (2 * 40_000) ** 0.5


def test_counting_moves_electrons_but_makes_none():
    event = torch.arange(3).repeat_interleave(torch.tensor([1, 400, 30_000]))
    charge = torch.full((len(event),), 1000.0, dtype=torch.float64)
    counted = counting_noise(charge, charge * 0.5, event, 4, torch.Generator().manual_seed(5))
    sums = torch.zeros(4, dtype=torch.float64).index_add(0, event, counted)
    torch.testing.assert_close(sums, array(1000, 400_000, 30_000_000, 0))
    assert abs((counted[event == 2] - 1000).var() / 500 - 1) < 5 * (2 / 30_000) ** 0.5


def test_soft_threshold_becomes_the_hard_one():
    value = array(0.01, 0.04, 0.06, 1.0)
    torch.testing.assert_close(soft_threshold(value, 0.05, 1e-4), array(0, 0, 0.06, 1.0), atol=1e-12, rtol=0)
    assert soft_threshold(value, 0.05, 0.02)[0] > 0
    with pytest.raises(ValueError, match=r"soft must be positive \(MeV\), got 0.0"):
        soft_threshold(value, 0.05, 0.0)


# --- gradients

LOSS = array(1.7, 2.1, 8.0)
COSINE = array(0.1, 0.5, 0.9)
TIME = array(1e4, 3e5, 1.4e6)

STEPS: dict[str, tuple[Callable[..., Tensor], tuple[float, ...]]] = {
    "birks": (lambda f, a, k: birks(LOSS, f, DENSITY, Birks(a, k)), (0.5, 0.8, 0.0486)),
    "box": (lambda f, a, b: modified_box(LOSS, f, DENSITY, ModifiedBox(a, b)), (0.5, 0.93, 0.212)),
    "ellipsoidal": (
        lambda f, a, b, r: ellipsoidal_box(LOSS, COSINE, f, DENSITY, EllipsoidalBox(a, b, r)),
        (0.5, 0.904, 0.204, 1.25),
    ),
    "ionisation": (lambda w: ionisation(LOSS, w), (23.6e-6,)),
    "velocity": (drift_velocity, (0.5, 87.3)),
    "velocity (LArSoft)": (drift_velocity_larsoft, (0.5, 87.5)),
    "velocity (MicroBooNE)": (drift_velocity_microboone, (0.5, 87.3)),
    "drift time": (lambda f, t: drift_time(LOSS, f, t), (0.5, 87.3)),
    "attenuation": (lambda tau: surviving_fraction(TIME, tau), (3e6,)),
    "diffusion": (
        lambda long, trans: diffusion_variance(
            TIME,
            replace(lartpc_cube(), medium=Medium(longitudinal_diffusion=long, transverse_diffusion=trans)),
        ),
        (4e-9, 8.8e-9),
    ),
    "shares": (lambda c, w: gaussian_shares(c[None], w[None], 5, 100)[1], (50.3, 0.4)),
    "soft threshold": (lambda t: soft_threshold(LOSS, t, 0.5), (2.0,)),
}


@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_the_gradient_of_its_finite_differences(step):
    function, constants = STEPS[step]
    values = [array(c)[0].requires_grad_() for c in constants]
    for i, value in enumerate(values):
        weights = torch.linspace(1, 2, function(*values).numel(), dtype=torch.float64)
        scalar = lambda *v: (function(*v).flatten() * weights).sum()  # noqa: B023, E731
        (gradient,) = torch.autograd.grad(scalar(*values), value)
        with torch.no_grad():
            h = 1e-5 * value
            up, down = ([*values[:i], value + sign * h, *values[i + 1 :]] for sign in (1, -1))
            difference = (scalar(*up) - scalar(*down)) / (2 * h)
        assert gradient.item() == pytest.approx(difference.item(), rel=1e-4)
