import base64
import json
import re
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from format_fixture import DATA, all_fixtures
from toy_pictures import HALF, RADIUS, TOYS, wall

from nuforge.display.cylinder import Cylinder
from nuforge.display.drawing import Bins, Curve, Dots, Image, Scale
from nuforge.display.interactive import packed
from nuforge.display.pictures import PICTURES, fitting
from nuforge.display.pictures.sensors import hit_sensors
from nuforge.display.quantity import Unit
from nuforge.display.seen import Seen
from nuforge.display.show import Choice, show
from nuforge.display.still import binned, envelope
from nuforge.errors import InputError
from nuforge.experiments.show import show as show_file
from nuforge.formats import read
from nuforge.formats.geometry import read_sensors

FIXTURES = {fixture.name: fixture for fixture in all_fixtures()}
EXPECTED = {
    "store": "histograms",
    "segments": "energy deposits",
    "spine": "voxels",
    "larcv2": "voxels",
    "larcv3": "images",
    "pilarnet-v1": "voxels",
    "pilarnet-v2": "voxels",
    "larpix": "channels",
    "larpix-simulated": "channels",
    "charge-events": "points",
    "wire-cell-frames": "images",
    "wire-cell-depos": "points",
    "dune-cvn": "images",
    "dune-cvn-file": "images",
    "nova": "images",
    "numl": "wire planes",
    "nugraph": "graph",
    "graphnet sqlite": "sensors",
    "graphnet parquet": "sensors",
    "graphnet nested": "sensors",
    "prometheus": "sensors",
    "icecube kaggle": "points",  # the made file has one sensor alone
    "km3net": "channels",  # not calibrated: no positions
    "km3pipe": "channels",
    "hese": "histograms",
    "pisa": "histograms",
    "liquido": "sensors",
    "watchmal": "channels",
    "wcsim": "unrolled tank",
    "rootracker": "momenta",
    "gst": "momenta",
    "nuisance": "momenta",
    "gibuu": "momenta",
    "minerva": "momenta",
    "nuhepmc": "momenta",
    "kin": "momenta",
    "miniboone": "histograms",
    "next-extents": "points",
    "next-rows": "points",
    "next-waveforms": "waveforms",
    "lh5": "waveforms",
    "nuradiomc": "in space",
    "dayabay": "spectrum",
}
REAL = {
    "geant4_lar/particle_bomb_400.h5": "energy deposits",
    "larndsim/edepsim-output.h5": "energy deposits",
    "larndsim/jax_input_0.h5": "energy deposits",
    "larndsim/evd_qc_tpc.h5": "points",
    "larndsim/qc_tpc_cosmics.h5": "channels",
    "wirecell/protodunehd_apa1_evt40896_gauss_sparse.npz": "images",
    "wirecell/protodunehd-sp-frames-anode1.tar.bz2": "images",
    "wirecell/muon-depos.npz": "points",
    "dune_cvn": "images",
    "nova/sample_input_2.h5": "histograms",
    "nova/sample_r11981_s07.h5": "histograms",
    "wcsim/wcsim.root": "unrolled tank",
    "wcsim/wcsim_e500MeV_digihits.h5": "channels",
    "graphnet/oscNext_genie_level7_v02_first_5_frames.db": "sensors",
    "graphnet/oscNext_genie_level7_v02_first_5_frames.parquet": "sensors",
    "graphnet/upgrade_genie_first_5_frames.db": "sensors",
    "graphnet/prometheus-events.db": "sensors",
    "graphnet/prometheus_parquet": "sensors",
    "graphnet/liquido_electrons.h5": "sensors",
    "prometheus/example_photons.parquet": "sensors",
    "prometheus/gtrac_1_nue.root": "momenta",
    "next/electrons_2500keV_z250_RWF.h5": "waveforms",
    "next/tl_rwf_mctracks_test_3evts.h5": "waveforms",
    "next/6229_000_trg_type.h5": "waveforms",
    "next/Kr83_nexus_v5_03_00_ACTIVE_7bar_10evts.sim.h5": "energy deposits",
    "next/electron_26keV_nexus.h5": "energy deposits",
    "next/Tl_v1_00_05_nexus_v5_02_08_7bar_pmaps_5evts_0.h5": "pulses",
    "next/dst_NEXT_v1_00_05_Kr_ACTIVE_0_0_7bar_HDST_10evt.h5": "points",
    "next/KrDST_MC.h5": "histograms",
    "legend/l200-p03-r001-cal-20230318T012144Z-tier_raw.lh5": "waveforms",
    "legend/l200-p03-r001-cal-20230318T012144Z-tier_hit.lh5": "histograms",
    "miniboone/miniboone_numunuefullosc_ntuple.txt": "histograms",
    "hese/HESE_data.json": "histograms",
    "nuhepmc/test.v1.0.0.hepmc3": "momenta",
    "pisa/events__PINGU__V47__unjoined.hdf5": "histograms",
}


class _Loads(HTMLParser):
    """What a page would load, and the JSON in it; raises if tags do not match."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.loads, self.json, self.inside, self.open = [], [], False, []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.loads += [found[name] for name in ("src", "href", "data", "action") if name in found]
        self.inside = found.get("type") == "application/json"
        if tag not in ("meta", "img", "input", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.json.append(json.loads(data))


def parsed(path):
    """Events and sample of a page, which loads nothing and is closed."""
    page = _Loads()
    page.feed(path.read_text())
    assert not page.open
    assert all(target.startswith("data:") for target in page.loads)
    assert "default-src 'none'" in path.read_text()
    *events, sample = page.json
    return events, sample


def names(page):
    return [picture["name"] for picture in page["pictures"]]


def traces(page, picture=0):
    return page["pictures"][picture]["figure"]["data"]


def unpacked(spec):
    return np.frombuffer(base64.b64decode(spec["bdata"]), spec["dtype"])


@lru_cache
def toy_page(name, folder):
    return show(TOYS[name], 0, Path(folder) / f"{name.replace(' ', '-')}.html", choice=Choice(n=2))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tmp_path_factory.mktemp("pages"))


def test_every_kind_of_picture_has_made_events_that_it_fits_first():
    assert set(TOYS) == {picture.name for picture in PICTURES}
    assert {name: fitting(events)[0].name for name, events in TOYS.items()} == {name: name for name in TOYS}


@pytest.mark.parametrize("name", TOYS)
def test_a_page_has_all_its_events_and_a_picture_on_paper(name, folder):
    events, sample = parsed(toy_page(name, folder))
    made = TOYS[name]
    pictures = fitting(made)
    own = [p.name for p in pictures if not p.of_sample]
    assert [names(event) for event in events] == [own] * (min(2, len(made)) if own else len(events))
    assert names(sample) == [p.name for p in pictures if p.of_sample]
    if name not in ("voxels", "energy deposits", "histograms"):
        assert "run 3, event 7" in events[0]["title"]
    png = show(made, 0, Path(folder) / "event.png")
    assert png.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["unrolled tank", "sensors", "points"])
def test_a_picture_of_hits_holds_their_charges(name, folder):
    events, _ = parsed(toy_page(name, folder))
    hit = hit_sensors(TOYS[name].event(0)["hits"])
    (shown,) = [
        t
        for t in traces(events[0])
        if t["name"] == "hits"
        and t["meta"]["coloring"] == "charge"
        and t.get("scene", t.get("xaxis", "x")) in ("scene", "x")
    ]
    values = unpacked(shown["customdata"]).reshape(-1, len(shown["hovertemplate"].split("<br>")))
    charges = [column for column in values.T if np.isclose(column.sum(), hit.charge.sum(), rtol=1e-5)]
    assert len(charges) == 1
    total = TOYS[name]["hits"]["charge"].double().sum()
    assert charges[0].sum() == pytest.approx(float(total), rel=1e-5)


def test_sensors_have_the_time_of_their_first_hit_and_the_sum_of_their_charges():
    table = TOYS["unrolled tank"].event(0)["hits"]
    hit = hit_sensors(table)
    sensor = int(hit.number[np.argmax(hit.n)])
    rows = table["sensor"] == sensor
    k = int(np.flatnonzero(hit.number == sensor)[0])
    assert hit.n[k] == int(rows.sum()) > 1
    assert hit.first[k] == pytest.approx(float(table["time"][rows].min()))
    assert hit.charge[k] == pytest.approx(float(table["charge"][rows].sum()), rel=1e-6)


def test_truth_and_reconstruction_can_be_told_apart_and_hidden():
    drawing = next(p for p in PICTURES if p.name == "sensors").draw(Seen(TOYS["sensors"])).drawing
    roles = {part.name: part.role for part in drawing.panels[0].parts}
    assert roles["true interactions"] == "truth"
    assert roles["reconstructed reconstructed"] == "prediction"
    figure = json.loads(fitting(TOYS["sensors"])[0].draw(Seen(TOYS["sensors"])).interactive().to_json())
    assert {trace["meta"]["role"] for trace in figure["data"]} == {"readout", "truth", "prediction"}


def test_maps_are_in_the_page_cell_by_cell(folder):
    events, _ = parsed(toy_page("images", folder))
    table = TOYS["images"].event(0)["pixels"]
    maps = [trace["meta"]["cells"] for trace in traces(events[0]) if trace["type"] == "heatmap"]
    assert len(maps) == 2
    for view, cells in enumerate(maps):
        rows = table["view"] == view
        np.testing.assert_array_equal(unpacked(cells["value"]), table["charge"][rows].numpy())
        first = {name: cells[name[0]]["first"] + 0.5 for name in ("x", "y")}
        np.testing.assert_array_equal(unpacked(cells["column"]) + first["x"], table["row"][rows].numpy())
        np.testing.assert_array_equal(unpacked(cells["row"]) + first["y"], table["column"][rows].numpy())
    named = {trace["name"] for trace in traces(events[0]) if trace["meta"]["coloring"] == "true label"}
    assert named == {"cosmic", "neutrino"}


def test_waveforms_are_in_the_page_sample_by_sample(folder):
    events, _ = parsed(toy_page("waveforms", folder))
    lines = [trace for trace in traces(events[0]) if "samples" in trace["meta"]]
    adc = TOYS["waveforms"].event(0)["waveforms"]["adc"].numpy()
    for line, expected in zip(lines, adc, strict=True):
        np.testing.assert_array_equal(unpacked(line["meta"]["samples"]["value"]), expected)
        assert line["meta"]["samples"]["step"] == pytest.approx(0.025)  # 25 ns in us


def test_a_list_of_particles_stands_under_an_interaction(folder):
    events, _ = parsed(toy_page("momenta", folder))
    picture = events[0]["pictures"][0]
    assert [row[1] for row in picture["listing"]["rows"]][2:] == ["mu-", "p", "pi+"]
    assert picture["listing"]["rows"][2][5:8] == ["120.00", "300.00", "900.00"]
    assert "CC quasi-elastic (mode 200)" in picture["facts"]


def test_histograms_count_every_event_once():
    drawn = fitting(TOYS["histograms"])[0].draw(Seen(TOYS["histograms"])).drawing
    assert [len(panel.parts) for panel in drawn.panels] == [2]  # truth and reconstruction share a panel
    assert all(495 <= part.content.sum() <= 500 for part in drawn.panels[0].parts)  # but for the outermost thousandths
    assert drawn.panels[0].x == "energy / GeV"


# --- the parts


def test_the_unrolled_wall_keeps_lengths():
    place = wall().double().numpy()
    tank = Cylinder.around(place)
    assert tank.axis == 2
    assert (tank.radius, tank.half) == pytest.approx((RADIUS, HALF))
    flat = tank.unrolled(place)
    cap = place[:, 2] == HALF
    distances = [np.linalg.norm(p[cap][:, None] - p[cap][None], axis=2) for p in (place, flat)]
    np.testing.assert_allclose(*distances, atol=0.2)  # single precision
    np.testing.assert_allclose(flat[~cap & (place[:, 2] > -HALF), 1], place[~cap & (place[:, 2] > -HALF), 2], atol=0.1)
    barrel = np.abs(place[:, 2]) < HALF
    level = barrel & (place[:, 2] == place[barrel][0, 2])
    steps = np.diff(np.sort(flat[level, 0]))
    np.testing.assert_allclose(steps, 2 * np.pi * RADIUS / level.sum(), rtol=1e-4)
    assert flat[cap, 1].min() > HALF
    assert flat[place[:, 2] == -HALF, 1].max() < -HALF


def test_the_wall_is_seen_from_inside():
    tank = Cylinder.around(wall().double().numpy())
    right, left = tank.unrolled(np.array([[RADIUS, -10.0, 0.0], [RADIUS, 10.0, 0.0]]))  # who looks along +x has +y left
    assert right[0] > 0 > left[0]


def test_a_full_volume_is_no_tank():
    g = torch.Generator().manual_seed(0)
    assert Cylinder.around((1000 * torch.rand(2000, 3, generator=g)).numpy()) is None


def test_rays_meet_the_wall_in_front_of_them():
    tank = Cylinder.around(wall().double().numpy())
    start = np.array([[0.0, 0, 0], [100.0, 0, 0], [0, 0, 0], [2 * RADIUS, 0, 0]])
    way = np.array([[1.0, 0, 0], [0, 0, 1.0], [-0.6, 0, -0.8], [1.0, 0, 0]])
    met = tank.met(start, way)
    np.testing.assert_allclose(met[0], [RADIUS, 0, 0], rtol=1e-4)
    np.testing.assert_allclose(met[1], [100, 0, HALF])
    np.testing.assert_allclose(met[2], [-0.75 * HALF, 0, -HALF])
    assert np.isnan(met[3]).all()


def test_a_thinned_curve_keeps_every_pulse():
    value = np.zeros(100_000)
    value[[7, 50_001, 99_999]] = [5.0, -3.0, 2.0]
    x, y = envelope(Curve(value, 10.0, 0.5, "", "#000000"))
    assert len(y) < 10_000
    assert set(y.tolist()) == {0.0, 5.0, -3.0, 2.0}
    assert x[y == 5.0].tolist() == [13.5]
    assert (np.diff(x) >= 0).all()


def test_a_binned_map_keeps_the_value_of_largest_size():
    column, row, charge = np.array([0, 1, 999]), np.array([0, 0, 5]), np.array([1.0, -4.0, 2.0])
    image = Image(column, row, charge, Bins(0, 1, 1000), Bins(0, 1, 6), Scale("", -4, 4))
    value, (left, right, low, high) = binned(image, most=100)
    assert (value[0, 0], value[99, 5]) == (-4.0, 2.0)
    assert value.count() == 2
    assert (left, right, low, high) == (0, 1000, 0, 6)


def test_scales_are_symmetric_where_charge_has_both_signs_and_logarithmic_over_decades():
    signed = Scale.of("", np.linspace(-5, 20, 100))
    assert signed.palette == "signed"
    assert signed.low == -signed.high
    assert Scale.of("", np.geomspace(1, 1e4, 100)).log
    assert not Scale.of("", np.linspace(1, 5, 100)).log
    empty = Scale.of("", np.full(3, np.nan))
    assert empty.high > empty.low


@pytest.mark.parametrize(
    ("unit", "value", "title"),
    [("cm", 250.0, "x / cm"), ("cm", 2e4, "x / m"), ("ns", 5e4, "x / µs"), ("MeV", 2e3, "x / GeV"), ("", 3.0, "x")],
)
def test_quantities_have_the_unit_in_which_one_writes_them(unit, value, title):
    assert Unit.of(unit, np.array([value])).titled("x") == title


@pytest.mark.parametrize("low", [0, -1])
def test_packed_numbers_are_small_and_exact(low):
    for high in (100, 60_000, 2_000_000):
        values = np.array([low, 5, high])
        np.testing.assert_array_equal(unpacked(packed(values)), values)


def test_a_picture_that_does_not_fit_is_refused_with_those_that_do(tmp_path):
    with pytest.raises(ValueError, match=r"no picture 'tank', they have \['unrolled tank', 'sensors'\]"):
        show(TOYS["unrolled tank"], 0, tmp_path / "x.html", choice=Choice(picture="tank"))
    chosen = show(TOYS["unrolled tank"], 0, tmp_path / "x.html", choice=Choice(picture="sensors"))
    assert names(parsed(chosen)[0][0]) == ["sensors", "unrolled tank"]


def test_geometry_places_hits_by_their_numbers_and_shows_the_other_sensors(tmp_path):
    place, events = wall().numpy(), TOYS["unrolled tank"]
    np.savez(tmp_path / "geometry.npz", tube_no=np.arange(1, len(place) + 1), position=place)
    sensors = read_sensors(tmp_path / "geometry.npz")
    nowhere = events["hits"].with_columns({"position": torch.full_like(events["hits"]["position"], torch.nan)})
    placed = sensors.placed(events.with_table("hits", nowhere))
    torch.testing.assert_close(placed["hits"]["position"], events["hits"]["position"])
    drawing = fitting(placed)[0].draw(Seen(placed, sensors=sensors.position)).drawing
    dots = [part for part in drawing.panels[0].parts if isinstance(part, Dots)]
    assert sum(len(d.position) for d in dots if d.role in ("detector", "readout")) == len(place)
    (tmp_path / "words.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="has no table of sensors; expected WatChMaL"):
        read_sensors(tmp_path / "words.csv")
    (tmp_path / "sensors.csv").write_text("sensor_id,x,y,z\n3,1,2,-3\n")
    assert read_sensors(tmp_path / "sensors.csv").position.tolist() == [[100.0, 200.0, -300.0]]


# --- formats and files


def test_every_format_is_shown():
    assert set(EXPECTED) == set(FIXTURES)


@pytest.mark.parametrize("name", EXPECTED)
def test_files_of_every_format_show_the_right_picture(name, tmp_path):
    path = FIXTURES[name].made(tmp_path / "file")
    show_file(path, 0, tmp_path / "event.html", 3)  # with a picture on paper inside, for browsers without scripts
    events, sample = parsed(tmp_path / "event.html")
    first = (events or [sample])[0]
    chosen = names(first) or names(sample)
    assert chosen[0] == EXPECTED[name]
    made = read(path)
    if "event" in made and events:
        assert [event["title"] for event in events] == [
            f"run {int(made['event']['run'][i])}, event {int(made['event']['event'][i])}" for i in range(len(events))
        ]


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_real_files_show_the_right_picture(name, tmp_path):
    if not (DATA / name).exists():
        pytest.skip(f"{DATA / name} is not there")
    show_file(DATA / name, 0, tmp_path / "event.html", 1)
    events, sample = parsed(tmp_path / "event.html")
    assert [*(names(event) for event in events if event["pictures"]), names(sample)][0][0] == REAL[name]
    assert (tmp_path / "event.html").stat().st_size < 14_000_000


def test_watchmal_is_a_tank_with_its_geometry(tmp_path):
    path, geometry = (DATA / "wcsim" / f"wcsim_e500MeV_digihits{end}" for end in (".h5", "_geo.npz"))
    if not path.exists():
        pytest.skip(f"{path} is not there")
    show_file(path, 0, tmp_path / "event.html", 1, "", geometry)
    events, _ = parsed(tmp_path / "event.html")
    assert names(events[0]) == ["unrolled tank", "sensors"]
    assert re.search(r"2,135 hits", " ".join(events[0]["pictures"][0]["facts"]))
