"""Weights that make a spectrum flat."""

import pytest
import torch

from nuforge.baselines.kinematic_energy import KinematicEnergy
from nuforge.errors import InputError
from nuforge.tasks.flat_spectrum import FlatSpectrum
from toy_slices import toy_slices
from toy_weights import weighing

FLAT = FlatSpectrum("neutrino_energy", 500.0, 4500.0, 4, clip=50.0)


def energies(*counts):
    middles = torch.tensor([1000.0, 2000.0, 3000.0, 4000.0], dtype=torch.float64)
    return middles.repeat_interleave(torch.tensor(counts))


def test_weights_are_flat_over_bins_and_of_mean_one():
    true = energies(40, 10, 5, 1)
    weight = FLAT.of_events(true, torch.ones_like(true))
    of_bin = torch.zeros(4, dtype=torch.float64).index_add_(0, FLAT.bin_of(true), weight)
    torch.testing.assert_close(of_bin, of_bin.mean().expand(4))
    assert float(weight.mean()) == pytest.approx(1)


def test_rare_energies_weigh_no_more_than_the_clip_and_empty_bins_are_no_trouble():
    true = energies(1000, 100, 0, 1)
    weight = FLAT.of_events(true, torch.ones_like(true))
    assert float(weight.max() / weight.min()) == pytest.approx(50)


def test_weights_of_events_count_and_are_kept():
    true = energies(40, 10, 5, 1)
    own = torch.where(true < 1500, 0.25, 2.0).double()
    weight = FLAT.of_events(true, own)
    spectrum = torch.tensor([10.0, 20.0, 10.0, 2.0], dtype=torch.float64)
    torch.testing.assert_close(weight, own * FLAT.of_bin(spectrum)[FLAT.bin_of(true)])


def test_energies_outside_have_the_nearest_bin():
    assert FLAT.bin_of(torch.tensor([1.0, 500.0, 1500.0, 4499.0, 1e5])).tolist() == [0, 0, 1, 3, 3]


@pytest.mark.parametrize("wrong", [(0.0, 5.0, 4, 2.0), (5.0, 5.0, 4, 2.0), (1.0, 5.0, 0, 2.0), (1.0, 5.0, 4, 0.5)])
def test_bins_that_are_none_are_refused(wrong):
    with pytest.raises(InputError, match="a flat spectrum needs"):
        FlatSpectrum("neutrino_energy", *wrong)


def test_a_spectrum_of_nothing_is_refused():
    with pytest.raises(InputError, match="give more events"):
        FLAT.of_bin(torch.zeros(4))


def test_a_classical_energy_is_fitted_as_with_these_weights_on_its_events():
    events = toy_slices(200, flavour=1, blur=0.1)
    true = events["event"]["neutrino_energy"].double()
    spectrum = FlatSpectrum("neutrino_energy", float(true.min()), float(true.max()), 5, 20.0)
    flat, weighed, plain = (
        KinematicEnergy(["neutrino_energy"], "flavour == 1", given) for given in (spectrum, None, None)
    )
    flat.fit([events])
    weighed.fit([weighing(events, spectrum.of_events(true, torch.ones_like(true)).tolist())])
    plain.fit([events])
    (ours, theirs, other) = (baseline.coefficients["neutrino_energy"] for baseline in (flat, weighed, plain))
    torch.testing.assert_close(ours, theirs)
    assert not torch.allclose(ours, other, rtol=1e-6)
