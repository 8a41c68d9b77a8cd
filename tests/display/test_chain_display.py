import json
import re

import numpy as np
import pytest
import torch
from test_event_display import DETECTOR, empty_event
from toy_chain_events import chain, emptied, enlarged, fragments_alone, true_chain, without_truth
from toy_events import FRAME, LOW, toy_event, toy_segments
from toy_reports import toy_report

from nuforge.display import style
from nuforge.display.chain3d import chain_figure
from nuforge.display.chain_picture import chain_picture
from nuforge.display.kinds import LISTED, by_energy, cluster_kinds, matched_colors, partners
from nuforge.display.marks import placed
from nuforge.display.names import found_particles, true_particles
from nuforge.display.pictures.scenes import summary
from nuforge.display.plots import to_png
from nuforge.display.report_html import report_page
from nuforge.display.scene import DRAWN, scene_of, thinned
from nuforge.display.show import show
from nuforge.events import Events, Table
from nuforge.simulation.truth import CLASSES

STAGES = ["classes", "fragments", "particles", "interactions"]
FIXED = ("detector", "start", "end", "vertex", "direction", "names")
DEGENERATE = {
    "no voxel": emptied(chain()),
    "no table of the chain": empty_event(),
    "without truth": without_truth(chain()),
    "without prediction": true_chain(),
    "neither": without_truth(true_chain()),
    "one voxel": enlarged(chain(), 1),
    "points alone": chain().without("reco_fragments", "reco_particles", "reco_interactions"),
    "fragments without a table": fragments_alone(chain()),
}


def colors_of(kinds):
    return np.array(kinds.colors, dtype=object)[kinds.code]


def chosen(figure, stage):
    """The traces that the button of a stage shows."""
    button = next(b for b in figure.layout.updatemenus[0].buttons if b.label == stage)
    shown = zip(figure.data, button.args[0]["visible"], strict=True)
    return [trace for trace, visible in shown if visible]


def test_every_stage_knows_truth_and_prediction():
    scene = scene_of(chain(), 0, FRAME)
    assert list(scene.stages) == STAGES
    assert scene.is_chain
    for stage in scene.stages.values():
        assert len(stage.truth.kinds.code) == len(stage.prediction.kinds.code) == len(scene.energy)


def test_a_perfect_prediction_has_the_colours_of_the_truth():
    stages = scene_of(chain(), 0, FRAME).stages
    for name in STAGES[1:]:
        np.testing.assert_array_equal(colors_of(stages[name].truth.kinds), colors_of(stages[name].prediction.kinds))


def test_the_smaller_part_of_a_split_particle_is_red_and_the_larger_keeps_its_colour():
    events = chain(split=True)
    stage = scene_of(events, 0, FRAME).stages["particles"]
    right, wrong = colors_of(stage.truth.kinds), colors_of(stage.prediction.kinds)
    cut = (events["voxels"]["reco_particle"] == len(events["reco_particles"]) - 1).numpy()
    assert set(wrong[cut]) <= set(style.UNMATCHED)
    np.testing.assert_array_equal(right[~cut], wrong[~cut])


def test_no_two_predictions_share_a_true_partner():
    g = np.random.default_rng(1)
    found, truth, energy = g.integers(-1, 9, 300), g.integers(-1, 7, 300), g.random(300)
    partner = partners(found, truth, energy, 9, 7)
    matched = partner[partner >= 0]
    assert len(matched)
    assert len(set(matched)) == len(matched)
    for f in np.flatnonzero(partner >= 0):
        shared = [energy[(found == f) & (truth == t)].sum() for t in range(7)]
        assert partner[f] == np.argmax(shared)


def test_partners_do_not_depend_on_the_order_of_rows():
    g = np.random.default_rng(2)
    found, truth, energy = g.integers(-1, 9, 300), g.integers(-1, 7, 300), g.random(300)
    mixed = g.permutation(300)
    np.testing.assert_array_equal(
        partners(found, truth, energy, 9, 7), partners(found[mixed], truth[mixed], energy[mixed], 9, 7)
    )


def test_a_cluster_of_rows_that_are_in_none_is_red():
    colors = matched_colors(np.array([0, 0, 1]), np.array([0, 0, -1]), np.ones(3), 2, ["#000001"])
    assert colors == ("#000001", style.UNMATCHED[0])


def test_no_colour_of_a_cluster_is_that_of_a_mistake():
    assert not set(style.CLUSTERS) & set(style.UNMATCHED)
    assert len(set(style.CLUSTERS)) == len(style.CLUSTERS)


def test_clusters_come_by_energy_and_the_small_ones_share_a_line_of_the_legend():
    cluster, energy = np.arange(30), np.linspace(1, 2, 30)
    kinds = cluster_kinds(cluster, energy, [f"c{i}" for i in range(30)], ["#000000"] * 30)
    assert kinds.names[0] == "c29"
    assert kinds.crowd == range(LISTED, 30)
    np.testing.assert_array_equal(by_energy(cluster, energy, 30), np.arange(30)[::-1])
    np.testing.assert_array_equal(kinds.of_rows(), [f"c{i}" for i in range(30)])


def test_low_energy_voxels_are_in_no_true_particle():
    events = true_chain()
    kinds = scene_of(events, 0, FRAME).stages["particles"].truth.kinds
    np.testing.assert_array_equal(kinds.of_rows() == "in none", (events["voxels"]["label"] == LOW).numpy())


def test_particles_are_called_by_what_they_are_and_how_much_energy_they_have():
    particles = Table.from_counts(
        {
            "pdg": torch.tensor([13, 111, 22, 11]),
            "parent": torch.tensor([-1, -1, 1, 0]),
            "momentum": torch.tensor([[0.0, 0.0, 509.56], [0.0, 0.0, 0.0], [1500.0, 0.0, 0.0], [0.0, 3.0, 4.0]]),
        },
        torch.tensor([4]),
    )
    # sqrt(509.56^2 + 105.66^2) - 105.66 MeV
    muon, pion, photon, electron = true_particles(particles)
    assert (muon, pion) == ("muon 415 MeV, primary", "pi0 0 MeV, primary")
    assert (photon, electron) == ("photon 1.5 GeV, primary", "electron 4.52 MeV")  # photons of a primary pi0 are
    assert found_particles(chain()["reco_particles"], CLASSES)[0] == "muon 90 %, 412 MeV, primary"
    assert found_particles(chain()["reco_particles"], CLASSES)[2] == "electron 90 %, 10 MeV seen"


def test_interactions_are_called_by_their_primaries():
    stage = scene_of(chain(), 0, FRAME).stages["interactions"]
    heads = [[name.rsplit(",", 1)[0] for name in side.kinds.names[:2]] for side in (stage.truth, stage.prediction)]
    assert heads[0] == heads[1]
    assert {"muon", "photon, proton"} == set(heads[0])


def test_points_directions_and_vertices_stand_where_they_are():
    events = chain()
    stages = scene_of(events, 0, FRAME).stages
    starts, ends = stages["classes"].prediction.marks
    is_end = events["reco_points"]["end"] > 0.5
    np.testing.assert_allclose(ends.position, events["reco_points"]["position"][is_end])
    np.testing.assert_allclose(starts.position, events["reco_points"]["position"][~is_end])
    for side in (stages["particles"].truth, stages["particles"].prediction):
        arrows = side.marks[0]
        np.testing.assert_allclose(np.linalg.norm(arrows.direction, axis=1), 1, atol=1e-6)
        assert len(arrows.position) == 7  # the neutron shows nothing but low-energy
    (vertices,) = stages["interactions"].prediction.marks
    np.testing.assert_allclose(vertices.position, events["reco_interactions"]["vertex"])


def test_a_photon_is_marked_where_it_begins_to_be_seen():
    events = true_chain()
    points = events["points"]
    moved = torch.where(points["end"][:, None], points["position"], points["position"] + 7)
    events = events.with_table("points", points.with_columns({"position": moved}))
    arrows = scene_of(events, 0, FRAME).stages["particles"].truth.marks[0]
    assert {tuple(p) for p in arrows.position.round(3)} == {
        tuple(p) for p in moved[~points["end"]].double().numpy().round(3)
    }


def test_an_arrow_is_as_long_as_it_should_be_and_points_along_its_direction():
    along = np.array([[0.0, 0.6, 0.8], [1.0, 0.0, 0.0], [np.nan] * 3])
    (marks,) = placed("start", "start", np.ones((3, 3)), ["#000"] * 3, ["a"] * 3, along)
    strokes = marks.strokes(2.0)
    assert len(strokes) == 2 * 5
    np.testing.assert_allclose(strokes[:2, 1] - strokes[:2, 0], 2 * along[:2])
    assert np.isfinite(strokes).all()


def test_marks_whose_place_is_unknown_are_left_out():
    assert placed("vertex", "vertex", np.full((2, 3), np.nan), ["#000"] * 2, ["a"] * 2) == ()
    (one,) = placed("vertex", "vertex", np.array([[np.nan] * 3, [1, 2, 3]]), ["#000", "#fff"], ["a", "b"])
    assert (one.colors, one.texts) == (("#fff",), ("b",))


def test_without_a_detector_there_are_clusters_and_no_marks():
    for stage in scene_of(chain()).stages.values():
        assert stage.truth.marks == stage.prediction.marks == ()


def test_each_button_shows_every_voxel_once_on_either_side():
    scene = scene_of(chain(split=True), 0, FRAME)
    figure = chain_figure(scene)
    assert [b.label for b in figure.layout.updatemenus[0].buttons] == STAGES
    for name in STAGES:
        for place in ("scene", "scene2"):
            voxels = [t for t in chosen(figure, name) if t.scene == place and t.name not in FIXED]
            assert sum(len(trace.x) for trace in voxels) == len(scene.energy)
    assert [t.visible for t in figure.data] == list(figure.layout.updatemenus[0].buttons[0].args[0]["visible"])


def test_the_stages_show_points_then_directions_and_names_then_vertices():
    figure = chain_figure(scene_of(chain(), 0, FRAME))
    marks = {name: {t.name for t in chosen(figure, name)} & set(FIXED) for name in STAGES}
    assert marks["classes"] == {"detector", "start", "end"}
    assert marks["fragments"] == {"detector"}
    assert marks["particles"] == {"detector", "start", "direction", "names"}
    assert marks["interactions"] == {"detector", "vertex"}


def test_a_side_of_which_nothing_is_known_shows_energies():
    for events, unknown in ((true_chain(), "prediction"), (without_truth(chain()), "truth")):
        figure = chain_figure(scene_of(events, 0, FRAME))
        for name in STAGES:
            assert sum(t.name == "energy" for t in chosen(figure, name)) == 1
            button = next(b for b in figure.layout.updatemenus[0].buttons if b.label == name)
            captions = [a["text"] for a in button.args[1]["annotations"]]
            assert f"<b>energy ({unknown} unknown)</b>" in captions


def test_an_event_without_stages_is_refused():
    for draw in (chain_figure, chain_picture):
        with pytest.raises(ValueError, match="this event has no"):
            draw(scene_of(toy_segments(), 0, FRAME))
    with pytest.raises(ValueError, match=r"no stages \['flavour'\], it has \['classes'"):
        chain_picture(scene_of(chain(), 0, FRAME), ["flavour"])


def test_events_that_were_only_segmented_are_shown_as_before():
    assert not scene_of(toy_event(), 0, FRAME).is_chain
    assert not scene_of(toy_segments(), 0, FRAME).is_chain


def test_the_picture_has_a_panel_for_each_side_of_each_stage():
    figure = chain_picture(scene_of(chain(), 0, FRAME), width=2.0)
    assert sum(axes.name == "3d" for axes in figure.axes) == 2 * len(STAGES)
    written = {text.get_text() for legend in figure.legends for text in legend.get_texts()}
    assert "muon 90 %, 412 MeV, primary" in written
    assert to_png(figure, dpi=30).startswith(b"\x89PNG")


@pytest.mark.parametrize("events", DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_events_have_a_page_and_a_picture(events, tmp_path):
    page = show(events, 0, tmp_path / "event.html", DETECTOR).read_text()
    event = re.search(r'class="event">(.*?)</script>', page, re.DOTALL).group(1)
    assert len(json.loads(event)["pictures"][0]["figure"]["data"]) >= 1
    assert show(events, 0, tmp_path / "event.png", DETECTOR).read_bytes().startswith(b"\x89PNG")


def test_a_page_of_the_chain_says_what_colours_mean_and_what_was_found(tmp_path):
    page = show(chain(), 0, tmp_path / "event.html", DETECTOR).read_text()
    assert "A predicted cluster has the colour of the true one" in page
    assert "7 particles found" in page
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=[\"']?(https?:)?//", page)
    alone = show(without_truth(chain()), 0, tmp_path / "alone.html", DETECTOR).read_text()
    assert "A predicted cluster has the colour" not in alone


def test_a_large_event_is_thinned_and_says_so():
    scene = scene_of(enlarged(chain(), 200_000), 0, FRAME)
    assert summary(scene)[0] == f"200,000 voxels, {DRAWN:,} of them drawn"
    few = thinned(scene)
    assert len(few.energy) == len(few.position) == DRAWN
    for stage in few.stages.values():
        assert len(stage.truth.kinds.code) == len(stage.prediction.kinds.code) == DRAWN
    figure = chain_figure(scene)
    voxels = [t for t in chosen(figure, "particles") if t.scene == "scene" and t.name not in FIXED]
    assert sum(len(trace.x) for trace in voxels) == DRAWN
    np.testing.assert_array_equal(few.position, thinned(scene).position)


def test_an_event_looks_the_same_alone_and_among_others():
    alone = scene_of(chain(2), 0, FRAME)
    among = scene_of(Events.concat([chain(1), chain(2)]), 1, FRAME)
    for name in STAGES:
        for side in ("truth", "prediction"):
            one, other = (getattr(scene.stages[name], side) for scene in (alone, among))
            np.testing.assert_array_equal(one.kinds.of_rows(), other.kinds.of_rows())
            assert [m.texts for m in one.marks] == [m.texts for m in other.marks]


def test_the_report_of_a_chain_shows_its_stages():
    page = report_page(toy_report(), chain(), DETECTOR)
    figure = json.loads(re.search(r'id="figure-0">(.*?)</script>', page, re.DOTALL).group(1))
    assert [b["label"] for b in figure["layout"]["updatemenus"][0]["buttons"]] == STAGES
    assert "clusters without such a partner are red" in page
