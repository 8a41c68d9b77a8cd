import numpy as np
import pytest
import torch
from toy_events import FRAME, VOXEL, toy_event, toy_segments

from nuforge.display.frame import Frame, cube_around, horizontal_view
from nuforge.display.names import particle_name
from nuforge.display.scene import scene_of
from nuforge.events import Events, Table


def test_voxels_stand_at_their_centres_in_cm():
    events = toy_event()
    scene = scene_of(events, 0, FRAME)
    lower = -115.2 + VOXEL * events["voxels"]["index"].numpy()
    np.testing.assert_allclose(scene.position - lower, VOXEL / 2)
    assert scene.frame.unit == "cm"


def test_without_a_detector_the_axes_count_voxels():
    scene = scene_of(toy_event())
    np.testing.assert_allclose(scene.position, toy_event()["voxels"]["index"].numpy() + 0.5)
    assert scene.frame.unit == "voxels"
    assert not len(scene.starts)  # they are in cm


def test_an_event_looks_the_same_alone_and_among_others():
    alone = scene_of(toy_event(2), 0, FRAME)
    among = scene_of(Events.concat([toy_event(1), toy_event(2)]), 1, FRAME)
    np.testing.assert_array_equal(alone.position, among.position)
    assert alone.start_names == among.start_names
    for name in alone.colorings[1:]:
        np.testing.assert_array_equal(alone.kinds[name].code, among.kinds[name].code)


def test_prediction_is_the_most_probable_class_and_wrong_where_it_differs_from_truth():
    voxels = toy_event()["voxels"]
    kinds = scene_of(toy_event()).kinds
    np.testing.assert_array_equal(kinds["prediction"].code, voxels["probability"].argmax(1))
    np.testing.assert_array_equal(
        kinds["truth"].of_rows() != kinds["prediction"].of_rows(), kinds["right or wrong"].code == 1
    )


def test_unknown_class_and_unknown_particle_have_a_name():
    table = Table.from_counts(
        {
            "index": torch.zeros(2, 3, dtype=torch.int32),
            "value": torch.ones(2),
            "label": torch.tensor([-1, 1]),
            "particle": torch.tensor([-1, 0]),
        },
        torch.tensor([2]),
    )
    particles = Table.from_counts({"pdg": torch.tensor([13])}, torch.tensor([1]))
    kinds = scene_of(Events({"voxels": table, "particles": particles})).kinds
    assert kinds["truth"].of_rows().tolist() == ["unknown", "track"]
    assert kinds["particle"].of_rows().tolist() == ["unknown", "mu-  1 MeV"]


def test_segments_are_drawn_where_there_are_no_voxels():
    scene = scene_of(toy_segments(), 0, FRAME)
    assert scene.is_segments
    assert scene.position.shape == (len(toy_segments()["segments"]), 2, 3)
    assert set(scene.kinds) == {"particle"}


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="event 3 does not exist, expected 0 to 0"):
        scene_of(toy_event(), 3)
    with pytest.raises(ValueError, match=r"no 'voxels' or 'segments' to show, they have \['particles'\]"):
        scene_of(toy_event().without("voxels", "event"))
    with pytest.raises(ValueError, match="rows have the class 4, expected 0 to 1"):
        scene_of(toy_event(), classes=("a", "b"))


def test_particles_have_names():
    assert [particle_name(pdg) for pdg in (13, -11, 2212, 22)] == ["mu-", "e+", "p", "gamma"]
    assert particle_name(999999999) == "999999999"


def test_the_cube_holds_all_points_and_has_equal_sides():
    points = np.random.default_rng(0).normal(size=(50, 3)) * [1, 5, 20]
    low, high = cube_around(points)
    assert ((points > low) & (points < high)).all()
    np.testing.assert_allclose(high - low, (high - low)[0])
    assert cube_around(np.zeros((0, 3))).shape == (2, 3)


def test_a_track_is_seen_from_its_side():
    along = np.array([0.6, 0.5, 0.8])
    view = horizontal_view(np.outer(np.linspace(0, 1, 20), along), (0.0, 1.0, 0.0))
    assert abs(view @ along) < 1e-6
    assert view[1] == pytest.approx(0)
    assert np.isfinite(horizontal_view(np.zeros((0, 3)), (0.0, 1.0, 0.0))).all()


def test_the_outline_of_a_box_has_twelve_edges():
    edges = Frame(boxes=(((0.0, 0.0, 0.0), (1.0, 2.0, 3.0)),)).edges()
    lengths = np.linalg.norm(np.diff(edges, axis=0), axis=1)
    assert np.nansum(lengths) == pytest.approx(4 * (1 + 2 + 3))
    assert len(Frame().edges()) == 0
