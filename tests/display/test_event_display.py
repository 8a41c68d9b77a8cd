import json
import re
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
import torch
from toy_events import FRAME, toy_event, toy_segments

from nuforge.display.event3d import event_figure, pair_figure
from nuforge.display.page import figure_json
from nuforge.display.picture import event_picture
from nuforge.display.plots import to_png
from nuforge.display.scene import scene_of
from nuforge.display.show import show
from nuforge.events import Events, Table

BOX = FRAME.boxes[0]
DETECTOR = SimpleNamespace(
    origin=FRAME.origin,
    up=FRAME.up,
    readout=SimpleNamespace(voxel=FRAME.voxel),
    volumes=(SimpleNamespace(lower=BOX[0], upper=BOX[1]),),
)


def empty_event():
    none = torch.zeros(0)
    columns = {"index": torch.zeros(0, 3, dtype=torch.int32), "value": none, "label": none.long()}
    return Events({"voxels": Table.from_counts(columns, torch.tensor([0]))})


def drawn(figure, visible):
    """Number of points of the traces of voxels that are visible, or not."""
    named = [t for t in figure.data if t.name not in ("detector", "start of a particle")]
    return sum(len(trace.x) for trace in named if bool(trace.visible) is visible)


def test_each_button_shows_every_voxel_once():
    scene = scene_of(toy_event(), 0, FRAME)
    figure = event_figure(scene)
    buttons = figure.layout.updatemenus[0].buttons
    assert [button.label for button in buttons] == ["energy", "truth", "prediction", "right or wrong", "particle"]
    for button in buttons:
        figure.update_traces(visible=False)
        for trace, visible in zip(figure.data, button.args[0]["visible"], strict=True):
            trace.visible = visible
        assert drawn(figure, True) == len(scene.energy)


def test_the_first_view_is_the_truth_with_the_starts_of_particles_and_the_detector():
    figure = event_figure(scene_of(toy_event(), 0, FRAME))
    names = [trace.name for trace in figure.data if trace.visible]
    assert names == ["shower", "track", "michel", "delta", "low-energy", "detector", "start of a particle"]


def test_equal_lengths_look_equal():
    for figure in (event_figure(scene_of(toy_event(), 0, FRAME)), pair_figure(scene_of(toy_event(), 0, FRAME))):
        scene = figure.layout.scene
        assert scene.aspectmode == "manual"
        assert scene.aspectratio.x == scene.aspectratio.y == scene.aspectratio.z
        sides = [axis.range[1] - axis.range[0] for axis in (scene.xaxis, scene.yaxis, scene.zaxis)]
        np.testing.assert_allclose(sides, sides[0])


def test_hovering_tells_energy_truth_prediction_and_particle():
    figure = event_figure(scene_of(toy_event(), 0, FRAME))
    track = next(trace for trace in figure.data if trace.name == "track")
    pattern = r"[\d.e-]+ MeV<br>true track<br>predicted [\w-]+<br>(mu-|p) .*MeV"
    assert all(re.fullmatch(pattern, text) for text in track.text)


def test_segments_become_lines_of_their_particles():
    scene = scene_of(toy_segments(), 0, FRAME)
    figure = event_figure(scene)
    assert {trace.mode for trace in figure.data} == {"lines", "markers"}
    muon = next(trace for trace in figure.data if trace.name.startswith("mu-"))
    assert np.isnan(muon.x[2::3]).all()
    assert np.isfinite(np.delete(muon.x, np.s_[2::3])).all()


def test_both_halves_of_a_pair_show_every_voxel():
    scene = scene_of(toy_event(), 0, FRAME)
    figure = pair_figure(scene)
    for place in ("scene", "scene2"):
        voxels = [t for t in figure.data if t.scene == place and t.name not in ("detector", "start of a particle")]
        assert sum(len(trace.x) for trace in voxels) == len(scene.energy)
    with pytest.raises(ValueError, match="no 'flavour', it can be coloured by"):
        pair_figure(scene, left="flavour")


@pytest.mark.parametrize("events", [toy_event(), toy_segments(), empty_event()], ids=["voxels", "segments", "empty"])
def test_a_page_is_one_file_that_needs_no_network(events, tmp_path):
    path = show(events, 0, tmp_path / "event.html", DETECTOR)
    page = path.read_text()
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=[\"']?(https?:)?//", page)
    assert "default-src 'none'" in page
    assert page.count("<script") - page.split("</head>")[0].count("<script") >= 3
    event = re.search(r'class="event">(.*?)</script>', page, re.DOTALL).group(1)
    assert len(json.loads(event)["pictures"][0]["figure"]["data"]) >= 1
    assert [p.name for p in tmp_path.iterdir()] == ["event.html"]


def test_names_cannot_end_the_script_they_stand_in():
    scene = scene_of(toy_event(), classes=("</script><b>", "track", "c", "d", "e"))
    text = figure_json(event_figure(scene))
    assert "<" not in text
    assert "</script><b>" in {trace["name"] for trace in json.loads(text)["data"]}


def test_pictures_have_a_panel_for_each_colouring_and_leave_matplotlib_as_it_was():
    before = dict(mpl.rcParams)
    scene = scene_of(toy_event(), 0, FRAME)
    figure = event_picture(scene)
    assert sum(axes.name == "3d" for axes in figure.axes) == 3
    assert to_png(figure, dpi=40).startswith(b"\x89PNG")
    assert dict(mpl.rcParams) == before
    with pytest.raises(ValueError, match=r"no \['flavour'\], it can be coloured by"):
        event_picture(scene, ["flavour"])


@pytest.mark.parametrize("events", [toy_segments(), empty_event()], ids=["segments", "empty"])
def test_segments_and_empty_events_have_pictures(events):
    assert to_png(event_picture(scene_of(events, 0, FRAME)), dpi=40)
