"""Detectors: values that cannot be wrong, and a description that brings them back."""

import json
from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from nuforge.detectors import (
    Birks,
    EllipsoidalBox,
    Medium,
    ModifiedBox,
    PixelReadout,
    Volume,
    from_description,
    lartpc_cube,
)
from nuforge.detectors.voxels import voxel_center, voxel_coordinate, voxel_index, voxel_shape
from nuforge.simulation.response.drift import drift_length


def test_cube_is_centred_and_has_768_voxels_a_side():
    detector = lartpc_cube()
    assert voxel_shape(detector) == (768, 768, 768)
    assert detector.volumes[0].lower == (-115.2, -115.2, -115.2)
    assert drift_length(detector) == pytest.approx(230.4)


def test_axes_are_right_handed():
    detector = lartpc_cube()
    up, beam, drift = (torch.tensor(v) for v in (detector.up, detector.beam, detector.readout.drift))
    torch.testing.assert_close(torch.linalg.cross(up, beam), drift)


def test_centre_of_every_voxel_is_inside_it():
    detector = lartpc_cube()
    line = torch.arange(768)
    index = torch.stack([line, line.flip(0), line.roll(5)], 1)
    assert torch.equal(voxel_index(voxel_center(index, detector), detector), index)
    middle = voxel_coordinate(voxel_center(index, detector).double(), detector) - index
    torch.testing.assert_close(middle, torch.full_like(middle, 0.5), atol=1e-4, rtol=0)  # float32 centres: 8e-6 cm


def test_positions_outside_have_numbers_outside():
    index = voxel_index(torch.tensor([[-115.3, 0.0, 115.3]]), lartpc_cube())
    assert index.tolist() == [[-1, 384, 768]]


@pytest.mark.parametrize("recombination", [Birks(), ModifiedBox(beta=0.207), EllipsoidalBox()])
def test_description_survives_json(recombination):
    detector = lartpc_cube(side=30.0, field=0.273)
    detector = replace(detector, medium=replace(detector.medium, recombination=recombination, lifetime=2.2e6))
    assert from_description(json.loads(json.dumps(detector.description()))) == detector


def test_a_fitted_constant_is_described_by_its_number():
    detector = lartpc_cube(field=torch.tensor(0.5, dtype=torch.float64, requires_grad=True))
    assert json.loads(json.dumps(detector.description()))["readout"]["field"] == 0.5


def test_a_detector_is_frozen_and_its_variation_is_another():
    detector = lartpc_cube()
    with pytest.raises(FrozenInstanceError):
        detector.readout.field = 0.6  # type: ignore[misc]
    weaker = replace(detector, readout=replace(detector.readout, field=0.4))
    assert weaker.readout.field == 0.4
    assert detector.readout.field == 0.5


def test_bad_numbers_are_refused_with_what_to_do():
    with pytest.raises(ValueError, match=r"field must be positive \(kV/cm\), got 0.0; with no field no charge"):
        lartpc_cube(field=0.0)
    with pytest.raises(ValueError, match=r"field must be positive .* got nan"):
        lartpc_cube(field=float("nan"))
    with pytest.raises(
        ValueError, match=r"side must be a whole number of voxels of 0.3 cm, got 1.0 cm; 0.9 cm would do"
    ):
        lartpc_cube(side=1.0)
    with pytest.raises(ValueError, match=r"lifetime must be positive \(ns\), got -1.0"):
        Medium(lifetime=-1.0)
    with pytest.raises(ValueError, match="longitudinal_diffusion must not be negative"):
        Medium(longitudinal_diffusion=-1e-9)
    with pytest.raises(ValueError, match=r"voxel must be positive \(cm\), got 0.0"):
        PixelReadout(voxel=0.0)
    with pytest.raises(ValueError, match="upper above lower"):
        Volume((0.0, 0.0, 0.0), (1.0, -1.0, 1.0))
    with pytest.raises(ValueError, match=r"beta of the box model must be positive"):
        ModifiedBox(beta=0.0)


def test_bad_directions_are_refused():
    with pytest.raises(ValueError, match="up must be a unit vector"):
        replace(lartpc_cube(), up=(0.0, 2.0, 0.0))
    with pytest.raises(ValueError, match="drift must be along an axis"):
        PixelReadout(drift=(0.6, 0.8, 0.0))


def test_a_description_of_another_version_says_what_differs():
    plain = lartpc_cube().description()
    with pytest.raises(ValueError, match=r"missing \['beam'\], unknown \['beams'\]"):
        from_description({("beams" if k == "beam" else k): v for k, v in plain.items()})
    with pytest.raises(ValueError, match="got 'Aerogel'"):
        from_description({**plain, "medium": {"kind": "Aerogel"}})


def test_a_description_of_a_chamber_that_had_the_drift_field_beside_its_readout_is_still_read():
    plain = json.loads(json.dumps(lartpc_cube(field=0.273).description()))
    readout = {name: value for name, value in plain["readout"].items() if name not in ("field", "drift")}
    older = {**plain, "readout": readout, "field": 0.273, "drift": [1.0, 0.0, 0.0]}
    assert from_description(older) == lartpc_cube(field=0.273)
