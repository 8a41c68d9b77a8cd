"""Figures beside a reference's."""

import numpy as np

from nuforge.evaluation.references import compared, missing
from nuforge.evaluation.single_particles import Figure


def figure(value, error):
    return Figure(np.asarray(value, float), np.asarray(error, float))


def test_agreement_is_three_errors_and_three_per_cent():
    reference = {"deposit_MeV": {"value": 100.0, "error": 0.3, "n": 10}}
    limit = 3 * np.hypot(0.3, 0.4) + 3.0
    for shift, within in ((limit - 1e-6, True), (limit + 1e-6, False), (-limit + 1e-6, True), (-limit - 1e-6, False)):
        (entry,) = compared({"deposit_MeV": figure(100.0 + shift, 0.4)}, reference)
        assert entry.within is within


def test_contained_fractions_have_an_absolute_allowance_and_profiles_an_entry_for_each_bin():
    reference = {
        "contained_fraction_within_radius_cm": {"9.04": {"value": 0.5, "error": 0.0}},
        "profile": {"value": [1.0, 2.0], "error": [0.0, 0.0]},
        "spread": 3.0,
    }
    own = {
        "contained_fraction_within_radius_cm 9.04": figure(0.529, 0.0),
        "profile": figure([1.0, 2.1], [0.0, 0.0]),
    }
    assert [(entry.name, entry.within) for entry in compared(own, reference)] == [
        ("contained_fraction_within_radius_cm 9.04", True),
        ("profile 0", True),
        ("profile 1", False),
    ]


def test_inelastic_fractions_have_an_absolute_allowance():
    reference = {"fraction_with_inelastic_interaction": {"value": 0.1, "error": 0.0}}
    for ours, within in ((0.139, True), (0.141, False)):
        (entry,) = compared({"fraction_with_inelastic_interaction": figure(ours, 0.0)}, reference)
        assert entry.within is within


def test_what_one_of_them_has_not_is_not_compared_but_named():
    reference = {"light": {"value": 1.0, "error": 0.1}, "spread": 2.0, "contained_x": {"5": {"value": 1, "error": 0}}}
    own = {"contained_x 5": figure(1.0, 0.0), "heat": figure(1.0, 0.0)}
    assert [entry.name for entry in compared(own, reference)] == ["contained_x 5"]
    assert missing(own, reference) == ["light"]


def test_figures_of_ours_serve_as_a_reference_too():
    own = {"contained_fraction_within_radius_cm 0.5": figure(0.2, 0.01), "profile": figure([1.0, 2.0], [0.1, 0.1])}
    reference = {name: {"value": f.value.tolist(), "error": f.error.tolist()} for name, f in own.items()}
    entries = list(compared(own, reference))
    assert len(entries) == 3
    assert all(entry.ours == entry.reference for entry in entries)
