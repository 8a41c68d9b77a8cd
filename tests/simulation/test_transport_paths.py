"""The compiled path of the transport: it agrees with plain torch, and nothing but the seed changes a byte."""

import math

import pytest
import torch
from scipy.stats import ks_2samp

from nuforge.detectors import box, lartpc_cube
from nuforge.errors import InputError
from nuforge.events import Process
from nuforge.physics.media import LEAD, LIQUID_ARGON, POLYSTYRENE, xenon_gas
from nuforge.physics.particles import mass_of
from nuforge.simulation.sources import particle_bomb, particle_gun
from nuforge.simulation.transport import transport
from nuforge.simulation.transport.flight import Flight, Record, sorted_by_event
from nuforge.simulation.transport.kernel import gather
from nuforge.simulation.transport.kernel.fly import Kernel
from nuforge.simulation.transport.kernel.library import LIBRARY
from nuforge.simulation.transport.medium import medium_tables
from nuforge.simulation.transport.nuclear import nuclear_tables
from nuforge.simulation.transport.species import species_of
from nuforge.simulation.transport.walls import Box

pytestmark = pytest.mark.skipif(LIBRARY.loaded is None, reason="the compiled kernel was not built")

MANY_AT_ONCE = (Process.INELASTIC, Process.CAPTURE, Process.NEUTRON_CAPTURE)
"""What makes several particles that are not independent."""

IMPROBABLE = 1e-6
"""Of one comparison, of which there are two hundred."""


@pytest.fixture(autouse=True)
def compiled(monkeypatch):
    monkeypatch.setenv(LIBRARY.choice, "compiled")


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def sums(table, values, n):
    return torch.zeros(n, dtype=torch.float64).index_add_(0, table.batch, values.double())


def event_figures(events):
    """Numbers of each event, which are independent of one another."""
    particles, segments, n = events["particles"], events["segments"], len(events)
    primary = segments["particle"] == particles.offsets[:-1][segments.batch]
    moved = (segments["end"] - segments["start"]).double()
    figures = {
        "deposit": sums(segments, segments["energy"], n),
        "segments": segments.counts.double(),
        "path": sums(segments, segments["length"], n),
        "path of the primary": sums(segments, segments["length"] * primary, n),
        "deposit of the primary": sums(segments, segments["energy"] * primary, n),
        "depth": sums(segments, segments["energy"] * segments["end"][:, 2], n),
        "width": sums(segments, segments["energy"] * segments["end"][:, :2].norm(dim=1), n),
        "bends": sums(segments, (segments["length"] - moved.norm(dim=1)).clamp(min=0), n),
        "escaped": sums(particles, particles["escaped"].clamp(min=0), n),
        "time": sums(segments, segments["energy"] * segments["time"].clamp(max=100.0), n),
    }
    for process in Process:
        figures[process.name] = sums(particles, particles["process"] == process, n)
    return figures


def spectra(events):
    """Of what the primary made itself: energies, angles, depths, each by process and kind."""
    particles = events["particles"]
    child = particles["parent"] == particles.offsets[:-1][particles.batch]
    figures = {}
    for process, pdg in torch.stack([particles["process"][child], particles["pdg"][child]], 1).unique(dim=0).tolist():
        rows = (child & (particles["process"] == process) & (particles["pdg"] == pdg)).nonzero().squeeze(1)
        if len(rows) < 40 or process in MANY_AT_ONCE:
            continue
        if process == Process.ELASTIC:  # a slow neutron scatters a hundred times where it is
            event = particles.batch[rows]
            rows = rows[torch.cat([torch.ones(1, dtype=torch.bool), event[1:] != event[:-1]])]
        vector = particles["momentum"][rows].double()
        size = vector.norm(dim=1)
        mass = mass_of(particles["pdg"][rows])
        name = f"{Process(process).name} {pdg}"
        figures[f"{name} energy"] = size**2 / (torch.sqrt(size**2 + mass**2) + mass)
        figures[f"{name} angle"] = vector[:, :2].norm(dim=1) / size
        figures[f"{name} depth"] = particles["start"][rows, 2].double()
    return figures


CASES = [
    (LIQUID_ARGON, 200.0, 11, 60.0, 400, {}),
    (LIQUID_ARGON, 200.0, -11, 20.0, 600, {}),
    (LIQUID_ARGON, 200.0, 22, 30.0, 600, {}),
    (LIQUID_ARGON, 200.0, -13, 400.0, 200, {}),
    (LIQUID_ARGON, 100.0, 2212, 1000.0, 200, {"threshold": 0.1}),
    (LEAD, 30.0, -11, 5.0, 600, {"photon_threshold": 0.05}),
    (xenon_gas(10.0), 300.0, 22, 0.2, 1500, {"threshold": 0.02, "step": 3.0}),
    (LIQUID_ARGON, 100.0, 2112, 8.0, 300, {}),
    (POLYSTYRENE, 40.0, 2112, 2.0, 300, {}),
    (LIQUID_ARGON, 100.0, -211, 150.0, 150, {}),
    (LEAD, 60.0, 130, 100.0, 300, {}),
    (LIQUID_ARGON, 60.0, 2212, 100.0, 300, {}),
]


@pytest.mark.parametrize(
    ("material", "side", "pdg", "kinetic", "n", "options"), CASES, ids=lambda v: v.name if hasattr(v, "name") else None
)
def test_both_paths_make_the_same_distributions(material, side, pdg, kinetic, n, options, monkeypatch):
    found = []
    for path in ("torch", "compiled"):
        monkeypatch.setenv(LIBRARY.choice, path)
        events = transport(particle_gun(n, pdg, kinetic), box(material, side), seeded(7), **options)
        found.append(event_figures(events) | spectra(events))
    plain, fast = found
    assert len(plain) > 10
    unlike = {}
    for name in plain.keys() & fast.keys():
        # lines of energy, which are no distribution, differ in the last digits
        rounded = [torch.round(figure, decimals=4).numpy() for figure in (plain[name], fast[name])]
        p = ks_2samp(*rounded, method="asymp").pvalue
        error = math.hypot(*(float(v.std()) / math.sqrt(len(v)) for v in (plain[name], fast[name])))
        difference = float(fast[name].mean() - plain[name].mean())
        if p < IMPROBABLE or abs(difference) > 5 * error + 1e-5 * abs(float(plain[name].mean())):
            unlike[name] = (p, difference, error)
    assert unlike == {}
    for name in plain.keys() ^ fast.keys():  # seldom enough to be in one alone
        assert len(plain.get(name, fast.get(name))) < 150


def same(one, two):
    return all(torch.equal(one[table][c], two[table][c]) for table in ("segments", "particles") for c in one[table])


def test_small_buffers_give_the_same_bytes_as_large_ones():
    gun = particle_gun(4, 11, 80.0)
    whole, *others = (transport(gun, lartpc_cube(), seeded(), at_once=rows) for rows in (200_000, 1, 2, 37, 1000))
    assert all(same(whole, other) for other in others)


def test_the_same_state_of_the_generator_gives_the_same_bytes_and_another_does_not():
    detector = lartpc_cube()
    one, two, other = (transport(particle_bomb(5, detector, seeded()), detector, seeded(s)) for s in (3, 3, 4))
    assert same(one, two)
    assert len(one["segments"]) != len(other["segments"])


def crowd(pdg, kinetic, n):
    """n particles at the middle of one event."""
    generator = seeded(11)
    number = torch.full((n,), pdg)
    direction = torch.nn.functional.normalize(torch.randn((n, 3), generator=generator), dim=1)
    numbers = (number, species_of(number), torch.arange(n), torch.zeros_like(number), torch.full((n,), -1))
    return Flight.of(numbers, torch.zeros(n, 3), direction, torch.full((n,), kinetic), torch.zeros(n).double())


def flown(flight, material=LIQUID_ARGON, seed=5):
    """The record of a flight, and segments of its rows, by row."""
    n = len(flight)
    record = Record(particle_gun(n, 11, 1.0))
    wall = torch.full((3,), 50.0)
    kernel = Kernel(medium_tables(material), nuclear_tables(material), Box(-wall, wall), 0.3, record, 1000)
    kernel.fly(flight, seeded(seed))
    if not record._segments:
        return record, []
    segments = [torch.cat(c) for c in zip(*record._segments, strict=True)]
    own = segments[1] < n
    order = torch.argsort(segments[1][own], stable=True)
    return record, [column[own][order] for column in segments]


def test_a_particle_has_the_same_fate_in_any_order():
    flight = crowd(13, 100.0, 50)
    forth, back = (flown(flight[order])[1] for order in (torch.arange(50), torch.arange(49, -1, -1)))
    assert all(torch.equal(a, b) for a, b in zip(forth, back, strict=True))


def test_who_is_born_comes_after_its_parent_and_after_its_elder_siblings():
    events = transport(particle_bomb(3, lartpc_cube(), seeded()), lartpc_cube(), seeded())
    particles = events["particles"]
    row, parent = torch.arange(len(particles)), particles["parent"]
    born = parent >= 0
    assert (parent[born] < row[born]).all()
    for who in parent[born].unique().tolist():
        children = (parent == who).nonzero().squeeze(1)
        if int(particles["pdg"][who]) in (11, -11):  # what a track makes on its way
            assert (particles["time"][children].diff() >= 0).all()


def test_pions_that_stop_decay_or_meet_nuclei_all_have_children():
    for pdg in (-211, 211):
        events = transport(particle_gun(200, pdg, 60.0), lartpc_cube(), seeded())
        particles = events["particles"]
        primary = particles.offsets[:-1]
        assert torch.isin(primary, particles["parent"]).all()
        made = particles["process"][torch.isin(particles["parent"], primary)]
        ends = Process.CAPTURE if pdg < 0 else Process.DECAY
        assert int((made == ends).sum()) > 100
        assert int((made == Process.INELASTIC).sum()) > 20


@pytest.mark.parametrize("pdg", [11, -11, 22, 13, 2212, 2112, 130, -321])
@pytest.mark.parametrize("kinetic", [1e-9, 1e-3, 0.0105, 0.3, 1.022, 2e5])
def test_nothing_is_ever_not_finite(pdg, kinetic):
    record, columns = flown(crowd(pdg, kinetic, 3 if kinetic > 1e3 else 200))
    for column in (*columns, *(column for part in record._particles + record._escapes for column in part)):
        assert torch.isfinite(column.double()).all()


@pytest.mark.parametrize("pdg", [11, -11, 22, -13, 13, 2212, 2112])
def test_particles_at_rest_stay_where_they_are(pdg):
    gun = particle_gun(20, pdg, 1.0)
    particles = gun["particles"].with_columns({"momentum": torch.zeros(20, 3)})
    events = transport(gun.with_table("particles", particles), lartpc_cube(), seeded())
    for name in ("segments", "particles"):
        for column in events[name].columns.values():
            assert torch.isfinite(column.double()).all()
    if pdg in (-11, -13):
        born = events["particles"]["parent"] == events["particles"].offsets[:-1][events["particles"].batch]
        assert torch.bincount(events["particles"].batch[born]).tolist() == [2 if pdg == -11 else 3] * 20


def test_particles_on_walls_and_along_axes_leave_the_box_or_stay_within():
    axes = torch.cat([torch.eye(3), -torch.eye(3)]).repeat(6, 1)
    corners = 50.0 * torch.cat([torch.eye(3), -torch.eye(3)]).repeat_interleave(6, 0)
    for pdg in (11, 22, 13, 2112):
        flight = crowd(pdg, 5.0, 36)
        state = torch.cat([corners.T, axes.T, flight.state[6:]])
        _, columns = flown(Flight(flight.numbers, state, flight.time))
        for end in columns[2:4]:
            assert (end.abs() <= 50.0).all()


def test_nobody_in_flight_is_no_work():
    record = Record(particle_gun(1, 11, 1.0))
    box_of_one = Box(-torch.ones(3), torch.ones(3))
    kernel = Kernel(medium_tables(LIQUID_ARGON), nuclear_tables(LIQUID_ARGON), box_of_one, 0.3, record, 1000)
    kernel.fly(crowd(13, 100.0, 1)[:0], seeded())
    assert record.n_particles == 1
    empty = transport(particle_gun(0, 11, 10.0), lartpc_cube(), seeded())
    assert len(empty["segments"]) == len(empty["particles"]) == 0


@pytest.mark.parametrize("sizes", [(0,), (1,), (0, 5, 0, 300), (1000, 1, 1000)])
def test_rows_sorted_run_by_run_are_those_that_plain_torch_sorts(sizes):
    generator = seeded()
    parts = []
    for size in sizes:
        event = torch.randint(0, 6, (size,), generator=generator)
        vectors = torch.randn((3, size), generator=generator).T  # not contiguous
        parts.append((event, vectors, torch.randn(size, generator=generator).double(), event * 7))
    plain, fast = (sort(parts, 8) for sort in (sorted_by_event, gather.sorted_by_event))
    assert torch.equal(plain[0], fast[0])
    assert all(torch.equal(a, b) for a, b in zip(plain[1], fast[1], strict=True))


def test_the_path_can_be_chosen_and_a_wrong_name_is_refused(monkeypatch):
    detector, gun = lartpc_cube(), particle_gun(2, 11, 10.0)
    monkeypatch.setenv(LIBRARY.choice, "fortran")
    with pytest.raises(InputError, match="NUFORGE_TRANSPORT must be 'torch' or 'compiled', got 'fortran'"):
        transport(gun, detector, seeded())
    monkeypatch.setenv(LIBRARY.choice, "compiled")
    monkeypatch.setitem(LIBRARY.__dict__, "loaded", None)
    with pytest.raises(InputError, match="NUFORGE_TRANSPORT=compiled, but no kernel was built"):
        transport(gun, detector, seeded())
    monkeypatch.delenv(LIBRARY.choice)
    assert len(transport(gun, detector, seeded())["segments"]) > 0
