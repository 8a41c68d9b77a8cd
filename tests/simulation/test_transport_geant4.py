"""Geant4 as a transport. What needs geant4-pybind is skipped without it."""

import dataclasses
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from nuforge.detectors import Volume, lartpc_cube
from nuforge.errors import InputError
from nuforge.evaluation.references import compared
from nuforge.evaluation.single_particles import single_particle_figures
from nuforge.events import Events, Process
from nuforge.events.store import Store
from nuforge.physics.material import Element
from nuforge.samples.lartpc import particle_bomb as bomb_sample
from nuforge.simulation.response.lartpc import respond
from nuforge.simulation.sources import particle_bomb, particle_gun
from nuforge.simulation.transport import transport, transport_geant4
from nuforge.simulation.transport.geant4 import crew
from nuforge.simulation.transport.geant4.engine import FINE_STEPS
from nuforge.simulation.truth import label_voxels, prune

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "geant4_lar.json"

needs_geant4 = pytest.mark.skipif(
    importlib.util.find_spec("geant4_pybind") is None, reason="needs geant4-pybind: pip install 'nuforge[geant4]'"
)
pytestmark = pytest.mark.filterwarnings("ignore::nuforge.simulation.transport.geant4.data_sets.WithoutDataSetsWarning")


@pytest.fixture(autouse=True)
def no_data_sets(monkeypatch):
    monkeypatch.delenv("GEANT4_DATA_DIR", raising=False)


def fly(events, detector=None, seed=1, **options) -> Events:
    return transport_geant4(events, detector or lartpc_cube(), torch.Generator().manual_seed(seed), **options)


def bombs(n, seed=5) -> Events:
    return particle_bomb(n, lartpc_cube(), torch.Generator().manual_seed(seed))


def with_particles(events, **columns) -> Events:
    return events.with_table("particles", events["particles"].with_columns(columns))


def with_material(**changes):
    detector = lartpc_cube()
    material = dataclasses.replace(detector.medium.material, **changes)
    return dataclasses.replace(detector, medium=dataclasses.replace(detector.medium, material=material))


def deposit(events) -> torch.Tensor:
    segments = events["segments"]
    return torch.zeros(len(events), dtype=torch.float64).index_add(0, segments.batch, segments["energy"].double())


@pytest.fixture(scope="module")
def flown() -> Events:
    return fly(bombs(12))


@needs_geant4
def test_the_same_seed_gives_the_same_bytes_with_any_number_of_workers_and_size_of_task(flown):
    other = fly(bombs(12), workers=2, at_once=3)
    for name in ("segments", "particles"):
        assert torch.equal(flown[name].offsets, other[name].offsets)
        for column in flown[name]:
            assert torch.equal(flown[name][column], other[name][column]), column
    assert not torch.equal(deposit(flown), deposit(fly(bombs(12), seed=2)))


@needs_geant4
def test_primaries_keep_rows_and_order_as_with_the_built_in_transport(flown):
    given = bombs(12)
    builtin = transport(given, lartpc_cube(), torch.Generator().manual_seed(1))
    counts = given["particles"].counts
    for events in (flown, builtin):
        particles = events["particles"]
        place = torch.arange(len(particles)) - particles.offsets[particles.batch]
        first = place < counts[particles.batch]
        assert (particles["parent"][first] == -1).all()
        assert (particles["parent"][~first] >= 0).all()
        for column in given["particles"]:
            torch.testing.assert_close(particles[column][first], given["particles"][column])
    assert set(flown["particles"]) == set(builtin["particles"])
    assert set(flown["segments"]) == set(builtin["segments"])
    for name in ("particles", "segments"):
        for column in flown[name]:
            assert flown[name][column].dtype == builtin[name][column].dtype


@needs_geant4
def test_parents_come_before_their_children_in_the_same_event_and_interaction(flown):
    particles = flown["particles"]
    child = (particles["parent"] >= 0).nonzero().squeeze(1)
    parent = particles["parent"][child]
    assert (parent < child).all()
    assert torch.equal(particles.batch[parent], particles.batch[child])
    assert torch.equal(particles["interaction"][parent], particles["interaction"][child])
    assert (particles["time"][parent] <= particles["time"][child]).all()
    assert (particles["process"] != Process.UNKNOWN).all()


@needs_geant4
def test_segments_are_short_finite_inside_and_no_shorter_than_their_ends_are_apart(flown):
    segments, volume = flown["segments"], lartpc_cube().volumes[0]
    distance = (segments["end"] - segments["start"]).norm(dim=1)
    assert (segments["length"] <= 0.3 + 1e-5).all()
    assert (distance <= segments["length"] + 1e-4).all()
    assert (segments["energy"] > 0).all()
    for column in ("start", "end"):
        assert (segments[column].abs() <= torch.tensor(volume.upper) + 1e-3).all()
    assert torch.isfinite(segments["time"]).all()
    assert torch.equal(flown["particles"].batch[segments["particle"]], segments.batch)


@needs_geant4
def test_energy_of_stopping_positive_muons_is_kept():
    events = fly(particle_gun(40, -13, 200.0))
    particles = events["particles"]
    neutrino = torch.isin(particles["pdg"].abs(), torch.tensor([12, 14, 16]))
    energy = particles["momentum"].double().norm(dim=1) * neutrino
    carried_off = torch.zeros(40, dtype=torch.float64).index_add(0, particles.batch, energy)
    gained = deposit(events) + carried_off - (200.0 + 105.6583755)
    # the positron of the decay takes an electron with it, whose mass is gained; what escapes is lost
    assert (gained <= 0.51099895 + 0.01).all()
    assert float(gained.median()) == pytest.approx(0.51099895, abs=0.01)


@needs_geant4
def test_what_leaves_and_what_is_deposited_is_what_a_muon_had():
    events = fly(particle_gun(20, 13, 2000.0, position=(0.0, 0.0, 0.0)))
    particles = events["particles"]
    out = torch.zeros(20).index_add(0, particles.batch, particles["escaped"].clamp(min=0))
    torch.testing.assert_close(out + deposit(events).float(), torch.full((20,), 2000.0), rtol=0.01, atol=0)
    assert (particles["escaped"][particles.offsets[:-1]] > 1000).all()


@needs_geant4
def test_primaries_outside_leave_with_what_they_have_and_neutrinos_do_not_count():
    outside = fly(particle_gun(2, 13, 100.0, position=(0.0, 0.0, 500.0)))["particles"]
    torch.testing.assert_close(outside["escaped"], torch.full((2,), 100.0))
    neutrinos = fly(particle_gun(2, -13, 50.0, position=(0.0, 0.0, 0.0)))["particles"]
    assert (neutrinos["escaped"][torch.isin(neutrinos["pdg"].abs(), torch.tensor([12, 14]))] == -1).all()


@needs_geant4
def test_a_shower_in_a_small_cube_leaves_less_than_its_energy():
    inside, small = (deposit(fly(particle_gun(10, 11, 300.0), lartpc_cube(side))) for side in (230.4, 30.0))
    assert (inside <= 300.0 + 3.0).all()
    assert float(inside.mean()) > 260.0
    assert float(small.mean()) < 200.0


@needs_geant4
@pytest.mark.skipif(not REFERENCE.exists(), reason=f"needs ../shared/reference/{REFERENCE.name}")
@pytest.mark.parametrize(
    ("name", "pdg", "energy"), [("e-", 11, 100), ("gamma", 22, 100), ("proton", 2212, 200), ("pi+", 211, 200)]
)
def test_figures_agree_with_an_independent_geant4_program(name, pdg, energy):
    reference = dict(json.loads(REFERENCE.read_text())["reference"][name][f"{energy} MeV"])
    inelastic = reference.pop("fraction_with_inelastic_interaction", None)
    detector = lartpc_cube()
    entry = detector.volumes[0].lower[2]
    events = fly(particle_gun(500, pdg, float(energy), position=(0.0, 0.0, entry + 1e-4)), seed=7)
    entries = list(compared(single_particle_figures(events, entry, bin_width=7.0), reference))
    assert [e for e in entries if not e.within] == []
    if inelastic is not None:
        particles = events["particles"]
        born = (particles["process"] == Process.INELASTIC) & (particles["parent"] >= 0)
        born &= particles["parent"] == particles.offsets[particles.batch]
        hit = torch.bincount(particles.batch[born], minlength=500) > 0
        error = (0.25 / 500 + inelastic["error"] ** 2) ** 0.5
        assert float(hit.double().mean()) == pytest.approx(inelastic["value"], abs=3 * error + 0.04)


@needs_geant4
@needs_geant4
def test_with_fine_steps_electrons_go_farther():
    """Tabata's extrapolated range of 1 MeV is 0.28 cm in liquid argon; with Geant4's own steps it is 0.19 cm."""

    def farthest(**options):
        electrons = particle_gun(200, 11, 1.0, position=(0.0, 0.0, 0.0))
        segments = fly(electrons, step=0.01, **options)["segments"]
        near = segments["end"].norm(dim=1) < 0.4  # without those of radiated photons
        out = torch.zeros(200).scatter_reduce(0, segments.batch[near], segments["end"][near].norm(dim=1), "amax")
        return float(out.mean())

    assert farthest(electron_steps=FINE_STEPS) > 1.2 * farthest()


def test_any_medium_of_elements_is_flown_and_more_of_it_stops_a_muon_sooner():
    water = (Element("H", 1, 1.008, 0.111894), Element("O", 8, 15.999, 0.888106))
    gas = with_material(name="thin water", elements=water, density=0.001, mean_excitation=75e-6)
    liquid = with_material(name="water", elements=water, density=1.0, mean_excitation=75e-6)
    thin, dense = (deposit(fly(particle_gun(10, 13, 1000.0), d)) for d in (gas, liquid))
    assert float(dense.mean()) / 115.2 == pytest.approx(2.0, abs=0.3)  # 2.0 MeV/cm: minimum-ionising in water
    assert float(thin.mean()) == pytest.approx(float(dense.mean()) / 1000, rel=0.3)


@needs_geant4
def test_all_volumes_are_filled_and_nothing_is_between_them():
    cube = lartpc_cube(60.0)
    volumes = (Volume((-30, -30, -30), (30, 30, 30)), Volume((-30, -30, 50), (30, 30, 80)))
    two = dataclasses.replace(cube, volumes=volumes)
    segments = fly(particle_gun(5, 13, 1000.0, position=(0, 0, -29)), two)["segments"]
    z = segments["start"][:, 2]
    assert (z > 50).any()
    assert not ((z > 30.01) & (z < 49.9)).any()
    overlapping = dataclasses.replace(cube, volumes=(cube.volumes[0], Volume((0, 0, 0), (50, 50, 50))))
    with pytest.raises(InputError, match="volumes must not overlap"):
        fly(particle_gun(1, 13, 100.0), overlapping)


@needs_geant4
def test_a_bomb_goes_through_response_and_labels(flown):
    detector = lartpc_cube()
    events = prune(label_voxels(respond(flown, detector, torch.Generator().manual_seed(1)), detector))
    labels = events["voxels"]["label"]
    assert set(labels.unique().tolist()) >= {0, 1, 4}
    assert (labels >= 0).double().mean() > 0.99


@needs_geant4
def test_neutrinos_and_particles_outside_are_left_alone_and_others_beside_them_are_flown():
    gun = particle_gun(3, 13, 100.0)
    events = fly(
        with_particles(gun, pdg=torch.tensor([14, 13, 13]), start=torch.tensor([[0.0] * 3, [0.0] * 3, [500.0] * 3]))
    )
    assert (events["segments"].counts > 0).tolist() == [False, True, False]
    assert len(fly(particle_gun(0, 13, 100.0))["segments"]) == 0


@needs_geant4
def test_nuclei_neutrons_and_kaons_are_flown():
    pdg = torch.tensor([1000020040, 2112, 321, -321, 130, 310, 3122, -2112])
    gun = particle_gun(len(pdg), 13, 300.0)
    events = fly(with_particles(gun, pdg=pdg))
    assert events["segments"].counts[0] > 0
    assert (events["particles"].counts[2:4] > 1).all()


@needs_geant4
def test_without_recording_nothing_is_noted():
    events = fly(bombs(3), record=False)
    assert len(events["segments"]) == 0
    assert len(events["particles"]) == len(bombs(3)["particles"])


@needs_geant4
def test_an_unknown_particle_is_refused_by_name():
    with pytest.raises(InputError, match="Geant4 does not know the particle 9999999"):
        fly(with_particles(particle_gun(1, 13, 100.0), pdg=torch.tensor([9999999])))


@needs_geant4
def test_it_says_once_that_there_are_no_data_sets():
    with pytest.warns(UserWarning, match="GEANT4_DATA_DIR is not set"):
        fly(particle_gun(0, 13, 100.0))


def test_incomplete_data_sets_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(crew, "require_geant4", lambda: None)
    monkeypatch.setenv("GEANT4_DATA_DIR", str(tmp_path))
    (tmp_path / "G4EMLOW8.8").mkdir()
    with pytest.raises(InputError, match=r"data sets \['G4PARTICLEXS', .*missing"):
        crew.environment(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"elements": (Element("X", 120, 300.0),)}, "Z of X must be from 1 to 98, got 120"),
        ({"elements": (Element("Ar", 18, 3.0),)}, "A of Ar must be its molar mass"),
        ({"density": 1e-26}, "density of liquid argon must be above"),
        ({"mean_excitation": 0.0}, "mean_excitation of liquid argon must be positive"),
    ],
)
def test_an_impossible_medium_is_one_line(changes, message):
    with pytest.raises(InputError, match=message) as error:
        fly(particle_gun(1, 13, 100.0), with_material(**changes))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "workers must be 1"),
        ({"at_once": 0}, "at_once must be 1"),
        ({"step": 0.0}, "step must be positive"),
        ({"electron_steps": (1.5, 0.1)}, "electron_steps must be a share up to 1"),
    ],
)
def test_arguments_out_of_range_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        fly(particle_gun(1, 13, 100.0), **options)


def test_without_geant4_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=re.escape("pip install 'nuforge[geant4]'")):
        fly(particle_gun(1, 13, 100.0))
    with pytest.raises(InputError, match=re.escape("pip install 'nuforge[geant4]'")):
        bomb_sample(2, engine="geant4")


def wait_for(condition, seconds):
    """What a condition gives as soon as it holds, or in the end."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def children(of) -> list[int]:
    """The Geant4 processes of a process."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
            line = (path.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(words[1]) == of and b"geant4.worker" in line and words[0] != "Z":
            found.append(int(path.parent.name))
    return found


@needs_geant4
def test_a_worker_that_dies_is_an_error_and_leaves_no_process_behind():
    def kill():
        for pid in wait_for(lambda: children(os.getpid()), seconds=10):
            time.sleep(0.5)
            os.kill(pid, signal.SIGSEGV)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(ChildProcessError, match="a Geant4 process ended with code -11 in task") as error:
        fly(bombs(2000))
    killer.join()
    assert "\n" not in str(error.value)
    assert children(os.getpid()) == []


@needs_geant4
def test_what_geant4_said_last_is_in_the_error(monkeypatch):
    monkeypatch.setattr(
        crew, "environment", lambda folder: {"GEANT4_DATA_DIR": str(folder)}
    )  # it wants data and aborts
    with pytest.raises(ChildProcessError, match=r"ended with code -6 .*G4"):
        fly(particle_gun(1, 13, 100.0))


@needs_geant4
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_its_processes_end_with_the_one_that_began_them(by):
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import torch; from nuforge.simulation.sources import particle_gun as g\n"
        "from nuforge.detectors import lartpc_cube\n"
        "from nuforge.simulation.transport import transport_geant4 as t\n"
        "print('go', flush=True); t(g(3000, 11, 1000.0), lartpc_cube(), torch.Generator(), at_once=3000)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as parent:
        try:
            parent.stdout.readline()
            mine = wait_for(lambda: children(parent.pid), seconds=20)
            assert mine
            time.sleep(1.0)
            parent.send_signal(by)
            parent.wait(timeout=10)
            assert wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in mine), seconds=5)
        finally:
            parent.kill()


@needs_geant4
def test_a_sample_of_geant4_events_knows_its_engine_and_is_the_same_with_any_number_of_workers(tmp_path):
    stores = [bomb_sample(4, shard_size=2, engine="geant4").write(tmp_path / str(n), workers=n) for n in (1, 2)]
    for one, two in zip(*(sorted(s.path.glob("*.parquet")) for s in stores), strict=True):
        assert one.read_bytes() == two.read_bytes()
    arguments = Store(tmp_path / "1").description["provenance"]["arguments"]
    assert arguments == {"engine": "geant4", "physics": "geant4-pybind 0.1.3, models that need no data sets"}
    assert bomb_sample(4, engine="geant4").key != bomb_sample(4).key
    with pytest.raises(InputError, match=r"engine must be one of .*, got 'fluka'"):
        bomb_sample(4, engine="fluka")
