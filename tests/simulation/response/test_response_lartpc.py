"""The whole response of a liquid-argon chamber: conservation, symmetries, scale, gradients, refusals."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from nuforge.detectors import Detector, EllipsoidalBox, ModifiedBox, lartpc_cube
from nuforge.detectors.voxels import voxel_center
from nuforge.events import Events, Table
from nuforge.simulation.response.diffusion import diffusion_variance
from nuforge.simulation.response.drift import drift_length, drift_time, drift_velocity
from nuforge.simulation.response.lartpc import expected_voxels, respond
from nuforge.simulation.response.recombination import escaping_fraction, modified_box
from nuforge.units import cm, ms, s

W = 23.6e-6


def deposits(
    start: Tensor,
    end: Tensor,
    energy: Tensor,
    counts: list[int],
    pdg: int = 13,
    n_particles: int = 3,
    time: float = 0.0,
) -> Events:
    """Events with given deposits, by particles of one kind in turn."""
    n = len(energy)
    segments = Table.from_counts(
        {
            "start": start,
            "end": end,
            "time": torch.full((n,), time, dtype=torch.float64),
            "energy": energy,
            "length": (end - start).norm(dim=1),
            "particle": torch.zeros(n, dtype=torch.int64),
        },
        torch.tensor(counts),
        refers_to={"particle": "particles"},
    )
    particles = Table.from_counts(
        {"pdg": torch.full((n_particles * len(counts),), pdg)}, torch.full((len(counts),), n_particles)
    )
    owner = particles.offsets[segments.batch] + torch.arange(n) % n_particles
    event = Table.from_counts({"event": torch.arange(len(counts))}, torch.ones(len(counts), dtype=torch.int64))
    return Events({"event": event, "segments": segments.with_columns({"particle": owner}), "particles": particles})


def track(x: float = 0.0, n: int = 60, loss: float = 2.1, dtype: torch.dtype = torch.float32) -> Events:
    """A straight track along z with one deposit in each voxel's length, through the middle of voxels (voxel 0.3 cm)."""
    start = torch.tensor([x + 0.15, 0.15, -9.0], dtype=dtype) + torch.arange(n)[:, None] * torch.tensor([0, 0, 0.3])
    start = start.to(dtype)
    end = start + torch.tensor([0, 0, 0.3], dtype=dtype)
    return deposits(start, end, torch.full((n,), 0.3 * loss, dtype=dtype), [n])


def shower(n: int = 4000, n_events: int = 3, seed: int = 0, dtype: torch.dtype = torch.float32) -> Events:
    """Deposits at random places and directions, from points to 0.6 cm."""
    g = torch.Generator().manual_seed(seed)
    start = 20 * torch.randn(n, 3, generator=g, dtype=dtype).clamp(-4, 4)
    length = 0.6 * torch.rand(n, 1, generator=g, dtype=dtype) * (torch.rand(n, 1, generator=g) > 0.3)
    way = torch.nn.functional.normalize(torch.randn(n, 3, generator=g, dtype=dtype), dim=1) * length
    energy = 0.6 * torch.rand(n, generator=g, dtype=dtype) ** 4 + 1e-5
    counts = [n // 4, 0, n - n // 4] if n_events == 3 else [n]
    return deposits(start, start + way, energy, counts, pdg=11)


def still(detector: Detector) -> Detector:
    """A detector without diffusion, loss, noise and threshold."""
    medium = replace(detector.medium, lifetime=1e15, longitudinal_diffusion=0.0, transverse_diffusion=0.0)
    return replace(detector, medium=medium, readout=replace(detector.readout, noise=0.0, threshold=0.0))


def silent(detector: Detector) -> Detector:
    """A detector without noise and threshold."""
    return replace(detector, readout=replace(detector.readout, noise=0.0, threshold=0.0))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def electrons(events: Events, detector: Detector) -> Tensor:
    """Electrons (B,) collected from each event, by undoing the conversion of voxels to energy."""
    voxels, medium = events["voxels"], detector.medium
    distance = drift_length(detector) / 2 - voxel_center(voxels["index"], detector)[:, 0].double()
    kept = torch.exp(-drift_time(distance, detector.readout.field, medium.temperature) / medium.lifetime)
    kept = kept * escaping_fraction(torch.tensor([2.1]).double(), torch.tensor([0.0]), detector.readout.field, medium)
    charge = voxels["value"].double() * kept / medium.ionisation_energy
    return torch.zeros(len(events), dtype=torch.float64).index_add(0, voxels.batch, charge)


# --- conservation


def test_without_threshold_the_expected_charge_is_that_of_the_deposits():
    events, detector = shower(dtype=torch.float64), still(lartpc_cube())
    events = replace_energy_by_minimum_ionising(events)
    collected = electrons(expected_voxels(events, detector), detector)
    energy = torch.zeros(3, dtype=torch.float64).index_add(0, events["segments"].batch, events["segments"]["energy"])
    loss = modified_box(torch.tensor([2.1], dtype=torch.float64), 0.5, 1.396, ModifiedBox())
    torch.testing.assert_close(collected, energy / W * loss)


def replace_energy_by_minimum_ionising(events: Events) -> Events:
    """The same deposits by a muon of 2.1 MeV/cm."""
    segments, particles = events["segments"], events["particles"]
    energy = 2.1 * segments["length"]
    muons = particles.with_columns({"pdg": torch.full_like(particles["pdg"], 13)})
    return events.with_table("segments", segments.with_columns({"energy": energy})).with_table("particles", muons)


def test_sampled_charge_is_the_expected_one_within_its_fluctuation():
    events, detector = shower(), silent(lartpc_cube())
    expected = electrons(expected_voxels(events, detector), detector)
    sampled = electrons(respond(events, detector, generator(1)), detector)
    # binomial with survival near 0.5: standard deviation below sqrt(n); float32 sums are good to 1e-6
    assert ((sampled - expected).abs() <= 5 * expected.sqrt()).all()
    assert sampled[1] == expected[1] == 0


def test_fractions_of_a_voxel_add_up_to_one_and_every_voxel_is_there_once():
    out = respond(shower(), lartpc_cube(), generator(2))
    voxels, links = out["voxels"], out["truth_links"]
    sums = torch.zeros(len(voxels)).index_add(0, links["row"], links["fraction"])
    torch.testing.assert_close(sums, torch.ones(len(voxels)))
    assert (links["fraction"] > 0).all()
    pairs = torch.stack([links["row"], links["particle"]], 1)
    assert len(pairs.unique(dim=0)) == len(pairs)
    index = torch.cat([voxels.batch[:, None], voxels["index"]], 1)
    key = ((index[:, 0] * 768 + index[:, 1]) * 768 + index[:, 2]) * 768 + index[:, 3]
    assert (key.diff() > 0).all()


def test_links_name_the_particles_of_their_own_event():
    out = respond(shower(), lartpc_cube(), generator(2))
    links = out["truth_links"]
    assert torch.equal(out["voxels"].batch[links["row"]], links.batch)
    assert torch.equal(out["particles"].batch[links["particle"]], links.batch)
    assert len(links["particle"].unique()) == 6


def test_two_particles_share_a_voxel_by_their_charge():
    start = torch.tensor([[50.1, 0.15, 0.1], [50.1, 0.15, 0.1]])
    end = start + torch.tensor([0.0, 0.0, 0.1])
    events = deposits(start, end, torch.tensor([0.21, 0.63]), [2])
    out = expected_voxels(events, still(lartpc_cube()))
    links = out["truth_links"]
    loss = modified_box(torch.tensor([2.1, 6.3]), 0.5, 1.396, ModifiedBox()) * torch.tensor([1.0, 3.0])
    middle = links["row"] == out["voxels"]["value"].argmax()
    torch.testing.assert_close(links["fraction"][middle], loss / loss.sum())


# --- scale


def test_minimum_ionising_voxel_shows_its_energy_at_any_drift_distance():
    quiet = lartpc_cube()
    quiet = replace(quiet, medium=replace(quiet.medium, longitudinal_diffusion=0.0, transverse_diffusion=0.0))
    for x in (-114.0, 0.0, 114.0):
        value = respond(track(x), quiet, generator(3))["voxels"]["value"]
        assert len(value) == 60
        # noise of 500 e, binomial 100 e; attenuation raises both by 1.6 at the far end
        assert abs(value.mean() - 0.63) < 5 * 0.028 / 60**0.5


def test_diffusion_and_threshold_take_some_of_a_muon_and_more_far_from_the_anode():
    far, near = (
        respond(track(x, n=300), lartpc_cube(), generator(4))["voxels"]["value"].sum() / (300 * 0.63)
        for x in (-114.0, 114.0)
    )
    assert 0.85 < far < near < 1.02


def test_dense_deposits_appear_quenched():
    mild, dense = (
        expected_voxels(track(loss=loss), still(lartpc_cube()))["voxels"]["value"].sum() / (60 * 0.3 * loss)
        for loss in (2.1, 20.0)
    )
    assert mild.item() == pytest.approx(1.0, abs=0.003)
    assert dense.item() == pytest.approx(0.3204 / 0.7050, abs=0.003)


def test_a_wrong_calibration_shifts_the_scale():
    truth = still(lartpc_cube())
    truth = replace(truth, medium=replace(truth.medium, lifetime=2.0 * ms))
    believed = replace(truth, medium=replace(truth.medium, lifetime=3.0 * ms))
    events = track(0.0)
    shown = expected_voxels(events, truth, calibration=believed)["voxels"]["value"].sum() / (60 * 0.63)
    time = float(drift_time(torch.tensor([115.05]).double(), 0.5, 87.3))
    assert shown.item() == pytest.approx(float(torch.tensor(-time * (1 / 2e6 - 1 / 3e6)).exp()), rel=0.005)


# --- diffusion


@pytest.mark.parametrize("answer", ["expected", "sampled"])
def test_clouds_have_the_width_of_diffusion(answer):
    detector, n = silent(lartpc_cube(voxel=0.1)), 4000
    place = torch.rand(n, 3, generator=generator(5)) * 0.1 + torch.tensor([-110.0, 0.0, 0.0])
    out = deposits(place, place, torch.full((n,), 0.5), [n], pdg=11)
    out = expected_voxels(out, detector) if answer == "expected" else respond(out, detector, generator(6))
    position, value = voxel_center(out["voxels"]["index"], detector).double(), out["voxels"]["value"].double()
    mean = (position * value[:, None]).sum(0) / value.sum()
    variance = ((position - mean) ** 2 * value[:, None]).sum(0) / value.sum()
    time = drift_time(torch.tensor([115.2 + 109.95]).double(), 0.5, 87.3)
    # the place in the voxel adds 0.3^2/12 of its own and the voxel as much again
    expected = diffusion_variance(time, detector)[0] + 0.01 / 12 + 0.01 / 12
    torch.testing.assert_close(variance, expected, rtol=0.02, atol=0)
    # 4000 places, each rounded to a voxel
    assert ((mean - place.double().mean(0)).abs() < 5 * (0.01 / 12 / n) ** 0.5).all()


# --- symmetry


@pytest.mark.parametrize("shift", [(0, 7, 0), (0, 0, -12), (0, 30, 5)])
def test_shifting_across_the_drift_by_whole_voxels_shifts_the_voxels(shift):
    detector, move = silent(lartpc_cube()), torch.tensor(shift)
    events = shower(400, 1, dtype=torch.float64)
    here = expected_voxels(events, detector)["voxels"]
    segments = events["segments"]
    moved = {name: segments[name] + 0.3 * move.double() for name in ("start", "end")}
    there = expected_voxels(events.with_table("segments", segments.with_columns(moved)), detector)["voxels"]
    big_here, big_there = here["value"] > 1e-6, there["value"] > 1e-6
    assert torch.equal(here["index"][big_here] + move, there["index"][big_there].long())
    torch.testing.assert_close(here["value"][big_here], there["value"][big_there])


def test_shifting_along_the_drift_only_changes_what_drift_does():
    detector = still(lartpc_cube())
    events = shower(400, 1, dtype=torch.float64)
    segments = events["segments"]
    move = torch.tensor([5, 0, 0])
    moved = {name: segments[name] + 0.3 * move.double() for name in ("start", "end")}
    here = expected_voxels(events, detector)["voxels"]
    there = expected_voxels(events.with_table("segments", segments.with_columns(moved)), detector)["voxels"]
    big_here, big_there = here["value"] > 1e-6, there["value"] > 1e-6
    assert torch.equal(here["index"][big_here] + move, there["index"][big_there].long())
    torch.testing.assert_close(here["value"][big_here], there["value"][big_there])


@pytest.mark.parametrize("drift", [(-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0)])
def test_the_anode_is_where_the_drift_points(drift):
    quiet = silent(lartpc_cube())
    detector = replace(quiet, readout=replace(quiet.readout, drift=drift))
    axis, sign = detector.readout.axis, sum(drift)
    near, far = torch.zeros(1, 3), torch.zeros(1, 3)
    near[0, axis], far[0, axis] = 110.0 * sign, -110.0 * sign
    n_near, n_far = (
        len(respond(deposits(p, p, torch.tensor([0.5]), [1], pdg=11), lartpc, generator())["voxels"])
        for p, lartpc in ((near, detector), (far, detector))
    )
    assert n_near < n_far


def test_an_event_alone_is_expected_to_look_as_in_a_batch():
    events, detector = shower(dtype=torch.float64), lartpc_cube()
    together = expected_voxels(events, detector, soft=0.01)
    for i in range(3):
        alone = expected_voxels(events.event(i), detector, soft=0.01)
        of_batch = together.event(i)
        for table in ("voxels", "truth_links"):
            for name in alone[table]:
                torch.testing.assert_close(alone[table][name], of_batch[table][name])


def test_an_event_fluctuates_as_much_alone_as_in_a_batch():
    one = track(n=40)
    alone = torch.stack([respond(one, lartpc_cube(), generator(i))["voxels"]["value"].sum() for i in range(200)])
    batch = respond(Events.concat([one] * 200), lartpc_cube(), generator(7))["voxels"]
    sums = torch.zeros(200).index_add(0, batch.batch, batch["value"])
    assert abs(alone.mean() - sums.mean()) < 5 * (2 * alone.var() / 200) ** 0.5
    assert abs((sums.var() / alone.var()).log()) < 5 * (4 / 200) ** 0.5
    neighbours = torch.corrcoef(torch.stack([sums[:-1], sums[1:]]))[0, 1]
    assert abs(neighbours) < 5 / 200**0.5


def test_the_same_generator_gives_the_same_voxels():
    first, second = (respond(shower(), lartpc_cube(), generator(8)) for _ in range(2))
    assert torch.equal(first["voxels"]["value"], second["voxels"]["value"])
    other = respond(shower(), lartpc_cube(), generator(9))
    assert not torch.equal(first["voxels"]["value"][:50], other["voxels"]["value"][:50])


# --- gradients


def test_the_whole_expectation_has_the_gradient_of_its_finite_differences():
    events, nominal = shower(60, 1, dtype=torch.float64), lartpc_cube()
    names = {
        "field": 0.5,
        "temperature": 87.3,
        "ionisation_energy": W,
        "lifetime": 3e6,
        "longitudinal_diffusion": 4.0 * cm**2 / s,
        "transverse_diffusion": 8.8 * cm**2 / s,
        "alpha": 0.904,
        "beta": 0.204,
        "ratio": 1.25,
    }

    def figure(values: dict[str, Tensor]) -> Tensor:
        constants = dict(values)
        field = constants.pop("field")
        model = EllipsoidalBox(*(constants.pop(name) for name in ("alpha", "beta", "ratio")))
        medium = replace(nominal.medium, recombination=model, **constants)
        detector = replace(nominal, medium=medium, readout=replace(nominal.readout, field=field))
        voxels = expected_voxels(events, detector, soft=0.02, calibration=nominal)["voxels"]
        weight = torch.sin(0.7 * voxels["index"].double()).sum(1)
        return (voxels["value"] ** 2 * (2 + weight)).sum()

    values = {name: torch.tensor(x, dtype=torch.float64, requires_grad=True) for name, x in names.items()}
    gradients = dict(zip(names, torch.autograd.grad(figure(values), list(values.values())), strict=True))
    plain = {name: value.detach() for name, value in values.items()}
    for name, value in plain.items():
        up, down = (figure({**plain, name: value * (1 + h)}) for h in (1e-5, -1e-5))
        assert gradients[name].item() == pytest.approx(((up - down) / (2e-5 * value)).item(), rel=1e-4), name


def test_gradient_reaches_the_energy_of_every_deposit():
    events = shower(100, 1, dtype=torch.float64)
    energy = events["segments"]["energy"].clone().requires_grad_()
    events = events.with_table("segments", events["segments"].with_columns({"energy": energy}))
    expected_voxels(events, lartpc_cube())["voxels"]["value"].sum().backward()
    assert energy.grad is not None
    assert (energy.grad > 0).all()


# --- what is not read, and what is refused


def test_every_voxel_is_above_threshold_and_has_its_type():
    voxels = respond(shower(), lartpc_cube(), generator(10))["voxels"]
    assert (voxels["value"] > 0.05).all()
    assert voxels["value"].dtype == torch.float32
    assert voxels["index"].dtype == torch.int32


def test_segments_are_gone_and_the_rest_stays():
    events = shower()
    out = respond(events, lartpc_cube(), generator())
    assert set(out.tables) == {"event", "particles", "voxels", "truth_links"}
    assert torch.equal(out["particles"]["pdg"], events["particles"]["pdg"])
    assert set(out.readout().tables) == {"event", "voxels"}


def test_deposits_outside_are_not_read_but_their_energy_is_told():
    place = torch.tensor([[0.0, 0.0, 0.0], [0.0, 200.0, 0.0], [115.3, 0.0, 0.0], [0.0, 0.0, 5.0]])
    events = deposits(place, place, torch.tensor([0.5, 1.0, 2.0, 4.0]), [3, 1], pdg=11)
    out = respond(events, lartpc_cube(), generator())
    torch.testing.assert_close(out["event"]["unread"], torch.tensor([3.0, 0.0]))
    assert (out["voxels"]["index"][: out["voxels"].counts[0]].sub(384).abs() < 5).all()


def test_late_deposits_are_not_read():
    events, detector = shower(), lartpc_cube()
    segments = events["segments"]
    full_drift = 230.4 / float(drift_velocity(0.5, 87.3))
    for time, is_read in ((0.99 * full_drift, True), (1.01 * full_drift, False)):
        late = segments.with_columns({"time": torch.full_like(segments["time"], time)})
        assert bool(len(respond(events.with_table("segments", late), detector, generator())["voxels"])) is is_read
    short = replace(detector, readout=replace(detector.readout, window=100.0))
    late = segments.with_columns({"time": torch.full_like(segments["time"], 101.0)})
    assert len(respond(events.with_table("segments", late), short, generator())["voxels"]) == 0


def test_events_without_deposits_have_no_voxels():
    nothing = deposits(torch.zeros(0, 3), torch.zeros(0, 3), torch.zeros(0), [0, 0])
    for out in (respond(nothing, lartpc_cube(), generator()), expected_voxels(nothing, lartpc_cube())):
        assert out["voxels"].counts.tolist() == [0, 0]
        assert out["truth_links"].counts.tolist() == [0, 0]
    without_energy = deposits(torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(2), [2])
    assert len(respond(without_energy, lartpc_cube(), generator())["voxels"]) == 0
    assert len(expected_voxels(without_energy, lartpc_cube())["voxels"]) == 0


def test_a_deposit_by_nobody_keeps_its_link_to_nobody():
    events = track(n=5)
    segments = events["segments"]
    nobody = segments.with_columns({"particle": torch.full_like(segments["particle"], -1)})
    out = respond(events.with_table("segments", nobody), lartpc_cube(), generator())
    assert (out["truth_links"]["particle"] == -1).all()
    assert (out["truth_links"]["fraction"] == 1).all()


def test_a_detector_smaller_than_a_cloud_still_works():
    detector = silent(lartpc_cube(side=0.6))
    place = torch.zeros(1, 3)
    out = respond(deposits(place, place, torch.tensor([0.5]), [1], pdg=11), detector, generator())
    assert 1 <= len(out["voxels"]) <= 8


def test_bad_numbers_are_refused_with_their_place():
    events = shower(n=8)  # events of 2, 0 and 6 deposits
    segments = events["segments"]
    for name, value, message in (
        ("energy", float("nan"), r"2 of 8 segments have energies .*MeV\), first in row 3 of event 2: nan"),
        ("energy", -0.5, r"first in row 3 of event 2: -0.5; drop them"),
        ("start", float("inf"), r"2 of 8 segments have start not finite \(cm\), first in row 3 of event 2"),
    ):
        column = segments[name].clone()
        column[[3, 5]] = value
        bad = events.with_table("segments", segments.with_columns({name: column}))
        with pytest.raises(ValueError, match=message):
            respond(bad, lartpc_cube(), generator())


def test_two_volumes_are_refused():
    detector = lartpc_cube()
    with pytest.raises(ValueError, match="reads one volume, got 2"):
        respond(shower(), replace(detector, volumes=detector.volumes * 2), generator())
