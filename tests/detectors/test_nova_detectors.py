"""Segmented detectors: what they are made of, and shifts that change one thing each."""

from dataclasses import fields, replace

import pytest

from nuforge.detectors import CellReadout, Fibre, Photodiode, Scintillator, nova_far, nova_near
from nuforge.detectors.nova import SHIFT_NAMES, oil_in_walls, shifted
from nuforge.physics.media import MINERAL_OIL


def test_the_far_detector_weighs_fourteen_kilotons_of_two_thirds_oil():
    detector = nova_far()
    x, y, z = detector.volumes[0].extent
    mass = x * y * z * detector.material.density
    assert mass == pytest.approx(14e9, rel=0.07)  # 14 kt; grams
    oil = detector.readout.active_share * MINERAL_OIL.density / detector.material.density
    assert 0.62 < oil < 0.70  # 63 % with the ends and corners of the walls (Talaga et al. 2015)


def test_a_plane_is_between_a_sixth_and_a_fifth_of_a_radiation_length():
    assert 33.0 < nova_far().material.radiation_length < 40.0  # 38 cm: NOvA


def test_a_detector_of_oil_alone_is_oil():
    material = oil_in_walls(1.0)
    assert material.density == pytest.approx(MINERAL_OIL.density)
    assert material.z_over_a == pytest.approx(MINERAL_OIL.z_over_a, rel=1e-6)


def test_both_detectors_are_of_the_same_cells():
    far, near = nova_far(), nova_near()
    assert far.medium == near.medium
    assert replace(far.readout, planes=192, cells=96) == near.readout


@pytest.mark.parametrize("name", SHIFT_NAMES)
def test_a_shift_changes_one_part_and_leaves_what_the_calibration_believes(name):
    nominal = nova_far()
    other = shifted(nominal, name)
    assert other != nominal
    assert other.readout.believed == nominal.readout.believed
    assert other.volumes == nominal.volumes
    changed = [f.name for f in fields(other) if getattr(other, f.name) != getattr(nominal, f.name)]
    assert len(changed) == 1


def test_an_unknown_shift_says_which_there_are():
    with pytest.raises(ValueError, match=r"no shift 'colour' of a segmented detector; there are \('calibration-up'"):
        shifted(nova_far(), "colour")


def test_bad_numbers_say_what_to_do():
    oil = oil_in_walls(0.8)
    for build, message in (
        (lambda: CellReadout(planes=0, cells=4), "planes must be at least 1, got 0"),
        (lambda: CellReadout(planes=2, cells=4, face_wall=3.4), "walls must leave room"),
        (lambda: CellReadout(planes=2, cells=4, dead=1.0), "dead must be a fraction below 1, got 1.0"),
        (lambda: Fibre(short=0.0), r"short must be positive \(cm\), got 0.0"),
        (lambda: Fibre(short_share=1.5), "short_share must be between 0 and 1, got 1.5"),
        (lambda: Photodiode(light_yield=-1.0), r"light_yield must be positive \(pe/MeV\), got -1.0"),
        (lambda: Photodiode(window=(5.0, 5.0)), "window must begin before it ends"),
        (lambda: Photodiode(excess_noise=0.5), "excess_noise must be at least 1, got 0.5"),
        (lambda: Scintillator(oil, oil, birks=-1.0), "birks must not be negative"),
    ):
        with pytest.raises(ValueError, match=message):
            build()
