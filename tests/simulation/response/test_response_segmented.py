"""The response of a segmented scintillator: walls, light, photo-electrons, hits; conservation, symmetry, gradients."""

from dataclasses import replace

import pytest
import torch

from nuforge.detectors import nova_near
from nuforge.events import Events, Table
from nuforge.physics.media import MINERAL_OIL
from nuforge.simulation.response.cell_pattern import brightness, is_alive
from nuforge.simulation.response.cutting import cut_at_slabs
from nuforge.simulation.response.fibre import delay, transmitted
from nuforge.simulation.response.photoelectrons import digitised, sampled_charge
from nuforge.simulation.response.scintillation import light_of, loss_in_scintillator
from nuforge.simulation.response.segmented import expected_hits, respond
from nuforge.units import Hz


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def deposits(start, end, energy, counts, time=0.0, pdg=13):
    """Events with given deposits of one particle each."""
    n = len(energy)
    time = torch.as_tensor(time, dtype=torch.float64).expand(n)
    columns = {"start": start, "end": end, "time": time, "energy": energy, "length": (end - start).norm(dim=1)}
    ones = torch.ones(len(counts), dtype=torch.int64)
    particles = Table.from_counts({"pdg": pdg * ones}, ones)
    owner = torch.repeat_interleave(torch.tensor(counts))
    segments = Table.from_counts(
        {**columns, "particle": owner}, torch.tensor(counts), refers_to={"particle": "particles"}
    )
    event = Table.from_counts({"event": torch.arange(len(counts))}, ones)
    return Events({"event": event, "segments": segments, "particles": particles})


def quiet(detector, **more):
    """The same without dead cells, noise and differences of cells."""
    sensor = replace(detector.readout.sensor, dark_rate=0.0, noise=0.0, **more)
    return replace(detector, readout=replace(detector.readout, sensor=sensor, dead=0.0, gain_spread=0.0))


def muon(x=1.95, y=1.95, first=300.3, n=80, step=1.1, dtype=torch.float64):
    """A track along z, 2 MeV/cm."""
    z = first + step * torch.arange(n + 1, dtype=dtype)
    place = torch.stack([torch.full_like(z, x), torch.full_like(z, y), z], 1)
    return deposits(place[:-1], place[1:], torch.full((n,), 2.0 * step, dtype=dtype), [n])


def random_deposits(n=3000, seed=0):
    g = generator(seed)
    start = torch.tensor([0.0, 0.0, 600.0]) + 40 * torch.randn(n, 3, generator=g, dtype=torch.float64).clamp(-3, 3)
    way = torch.nn.functional.normalize(torch.randn(n, 3, generator=g, dtype=torch.float64), dim=1)
    length = 2.0 * torch.rand(n, 1, generator=g, dtype=torch.float64) * (torch.rand(n, 1, generator=g) > 0.2)
    energy = 3 * torch.rand(n, generator=g, dtype=torch.float64) ** 3
    return deposits(start, start + way * length, energy, [n // 3, 0, n - n // 3], pdg=11)


def test_parts_of_deposits_in_slabs_make_the_whole_and_follow_one_another():
    g = generator(2)
    start, end = 6 * torch.rand(2, 400, generator=g, dtype=torch.float64) - 3
    end[::5] = start[::5]
    parts = cut_at_slabs(start, end)
    total = torch.zeros(400, dtype=torch.float64).index_add(0, parts.deposit, parts.end - parts.begin)
    torch.testing.assert_close(total, torch.ones_like(total))
    middle = (parts.begin + parts.end) / 2
    place = start[parts.deposit] + middle * (end - start)[parts.deposit]
    assert torch.equal(place.floor().long(), parts.slab)


def test_what_is_seen_and_unread_is_what_was_deposited():
    events = respond(random_deposits(), nova_near(), generator())
    books = events["event"]["seen"] + events["event"]["unread"]
    segments = random_deposits()["segments"]
    expected = torch.zeros(3, dtype=torch.float64).index_add(0, segments.batch, segments["energy"])
    torch.testing.assert_close(books, expected)


def test_scintillator_gets_its_share_of_volume_times_its_share_of_loss():
    detector = quiet(nova_near())
    n = 60_000
    place = torch.rand(n, 3, generator=generator(3), dtype=torch.float64)
    place = torch.tensor([-150.0, -150.0, 66.0]) + place * torch.tensor([300.3, 300.3, 660.0])
    events = deposits(place, place + torch.tensor([0.4, 0.5, 0.7]), torch.ones(n, dtype=torch.float64), [n])
    seen = float(expected_hits(events, detector)["event"]["seen"]) / n
    expected = detector.readout.active_share * loss_in_scintillator(detector.medium)
    assert seen == pytest.approx(expected, abs=5 * 0.45 / n**0.5)
    assert 0.6 < expected < 0.75


def test_a_deposit_in_a_wall_is_not_seen():
    detector = quiet(nova_near())
    wall = torch.tensor([[0.0, 1.95, 330.0], [1.95, 1.95, 330.2], [1.95, 1.95, 333.3]], dtype=torch.float64)
    events = deposits(wall, wall, torch.ones(3, dtype=torch.float64), [1, 1, 1])  # plane 50: side, face, middle
    assert expected_hits(events, detector)["hits"].counts.tolist() == [0, 0, 1]


def test_a_hit_is_in_the_cell_that_its_deposit_is_in():
    hits = expected_hits(muon(x=20.0, y=-33.0), quiet(nova_near()))["hits"]
    upright = hits["view"] == 0
    low = -nova_near().readout.length / 2
    assert (hits["cell"][upright] == int((20.0 - low) // 3.9)).all()
    assert (hits["cell"][~upright] == int((-33.0 - low) // 3.9)).all()
    assert torch.equal(hits["plane"] % 2, hits["view"])
    assert hits["plane"].min() == 300.3 // 6.6


def test_moving_by_a_cell_and_two_planes_moves_the_hits():
    detector, events = quiet(nova_near()), random_deposits()
    segments = events["segments"]
    way = torch.tensor([3.9, 0.0, 13.2], dtype=torch.float64)
    moved = {name: segments[name] + way for name in ("start", "end")}
    here = expected_hits(events, detector)["hits"]
    there = expected_hits(events.with_table("segments", segments.with_columns(moved)), detector)["hits"]
    assert torch.equal(here["plane"] + 2, there["plane"])
    assert torch.equal(here["cell"] + (here["view"] == 0), there["cell"])
    upright = here["view"] == 0  # level cells are lit 3.9 cm nearer to their end
    torch.testing.assert_close(here["charge"][upright], there["charge"][upright], rtol=1e-4, atol=1e-6)
    assert (there["charge"][~upright] >= here["charge"][~upright]).all()


def test_light_falls_along_the_cell_and_comes_later():
    fibre = nova_near().readout.fibre
    distance = torch.linspace(0, 1500, 40, dtype=torch.float64)
    assert (transmitted(distance, 1500.0, fibre).diff() < 0).all()
    assert (delay(distance, fibre).diff() > 0).all()
    at_once = replace(fibre, pigtail=0.0, short=1e12, long=1e12)
    torch.testing.assert_close(transmitted(distance, 1500.0, at_once), torch.full_like(distance, 2.0))


def test_denser_tracks_give_less_light_for_their_energy_and_without_constants_all_of_it():
    medium = nova_near().medium
    energy, loss = torch.ones(30, dtype=torch.float64), torch.linspace(1.0, 80.0, 30, dtype=torch.float64)
    assert (light_of(energy, loss, medium).diff() < 0).all()
    assert torch.equal(light_of(energy, loss, replace(medium, birks=0.0)), energy)
    by_hand = 1 / (1 + 0.0116 * 20.0 / MINERAL_OIL.density)  # a proton of some 50 MeV
    assert float(light_of(energy[:1], torch.tensor([20.0]), medium)) == pytest.approx(by_hand, rel=1e-6)


def test_charges_fluctuate_with_counting_excess_and_noise():
    sensor, n = nova_near().readout.sensor, 200_000
    charge = sampled_charge(torch.full((n,), 40.0, dtype=torch.float64), sensor, generator())
    variance = sensor.excess_noise * 40 + sensor.noise**2
    assert float(charge.mean()) == pytest.approx(40, abs=5 * (variance / n) ** 0.5)
    assert float(charge.var()) == pytest.approx(variance, rel=5 * (2 / n) ** 0.5 + 0.005)  # and a skewness of Poisson's


def test_the_converter_saturates_and_keeps_whole_counts():
    sensor = nova_near().readout.sensor
    told = digitised(torch.tensor([-5.0, 100.0, 9999.0]), sensor)
    assert told[0] == 0
    assert told[2] == pytest.approx(sensor.saturation)
    counts = told * sensor.counts / sensor.saturation
    torch.testing.assert_close(counts, counts.round(), atol=1e-3, rtol=0)


def test_the_mean_of_sampled_charges_is_the_expected_one():
    detector = quiet(nova_near(), threshold=0.0)
    track = muon(n=12)
    mean = expected_hits(track, detector)["hits"]
    many = Events.concat([track] * 400)
    hits = respond(many, detector, generator())["hits"]
    charge = torch.zeros(192 * 96).index_add(0, (hits["plane"] * 96 + hits["cell"]).long(), hits["charge"]) / 400
    got = charge[(mean["plane"] * 96 + mean["cell"]).long()].double()
    sigma = (2.5 * mean["charge"] / 400).sqrt()
    assert ((got - mean["charge"]).abs() < 5 * sigma + 0.01).all()


def test_noise_comes_at_its_rate_everywhere_above_the_threshold_and_belongs_to_nobody():
    detector = nova_near()
    sensor = replace(detector.readout.sensor, dark_rate=2000 * Hz)
    detector = replace(detector, readout=replace(detector.readout, sensor=sensor, dead=0.0))
    events = Events.concat([muon(n=1)] * 50)
    events = events.keep("segments", torch.zeros(50, dtype=torch.bool))
    read = respond(events, detector, generator())
    hits, mean = read["hits"], 2000e-9 * 192 * 96 * 1e4 * 50
    assert len(hits) == pytest.approx(mean, abs=5 * mean**0.5)
    assert (hits["charge"] >= sensor.threshold - 0.7).all()
    assert hits["time"].min() >= sensor.window[0]
    assert hits["time"].max() <= sensor.window[1]
    assert len(read["truth_links"]) == 0


def test_light_that_comes_much_later_is_another_hit():
    place = torch.tensor([[1.95, 1.95, 333.3]], dtype=torch.float64)
    for later, n in ((100.0, 1), (2000.0, 2)):
        two = torch.cat([place, place])
        events = deposits(two, two, torch.ones(2, dtype=torch.float64) * 20, [2], time=torch.tensor([0.0, later]))
        hits = expected_hits(events, quiet(nova_near()))["hits"]
        assert len(hits) == n
        assert (hits["time"].diff() > 0).all()


def test_deposits_outside_the_window_are_not_read():
    place = torch.tensor([[1.95, 1.95, 333.3]], dtype=torch.float64)
    for time in (-2e3, 1e4):
        events = deposits(place, place, torch.ones(1, dtype=torch.float64), [1], time=time)
        read = expected_hits(events, quiet(nova_near()))
        assert len(read["hits"]) == 0
        assert float(read["event"]["unread"]) == 1.0


def test_dead_cells_are_as_many_as_said_and_always_the_same():
    readout = replace(nova_near().readout, dead=0.05)
    channel = torch.arange(192 * 96)
    dead = ~is_alive(channel, readout)
    assert float(dead.double().mean()) == pytest.approx(0.05, abs=5 * (0.05 / len(channel)) ** 0.5)
    assert torch.equal(dead, ~is_alive(channel, readout))
    assert not torch.equal(dead, ~is_alive(channel, replace(readout, pattern=1)))
    bright = brightness(channel, readout)
    assert float(bright.mean()) == pytest.approx(1.0, abs=5 * 0.03 / len(channel) ** 0.5)
    assert float(bright.std()) == pytest.approx(0.03, rel=0.03)
    everything = respond(random_deposits(), replace(nova_near(), readout=readout), generator())["hits"]
    assert not dead[(everything["plane"] * 96 + everything["cell"]).long()].any()


def test_gradients_reach_every_constant_of_light_and_agree_with_finite_differences():
    names = {"light_yield": 21.0, "short": 289.5, "long": 852.3, "short_share": 0.65, "birks": 0.0116, "chou": 1e-5}
    events, nominal = random_deposits(300), quiet(nova_near())

    def figure(values):
        readout = nominal.readout
        sensor = replace(readout.sensor, light_yield=values["light_yield"])
        fibre = replace(readout.fibre, **{name: values[name] for name in ("short", "long", "short_share")})
        medium = replace(nominal.medium, birks=values["birks"], chou=values["chou"])
        detector = replace(nominal, medium=medium, readout=replace(readout, sensor=sensor, fibre=fibre))
        hits = expected_hits(events, detector, soft=3.0)["hits"]
        return (hits["charge"] * (2 + torch.sin(hits["cell"].double()))).sum()

    values = {name: torch.tensor(x, dtype=torch.float64, requires_grad=True) for name, x in names.items()}
    gradients = torch.autograd.grad(figure(values), list(values.values()))
    for (name, x), gradient in zip(names.items(), gradients, strict=True):
        step = 1e-4 * x
        low, high = (figure({**names, name: torch.tensor(x + s, dtype=torch.float64)}) for s in (-step, step))
        assert float(gradient) == pytest.approx(float(high - low) / (2 * step), rel=1e-4), name


def test_gradients_reach_the_energies():
    events = muon(n=20)
    segments = events["segments"]
    energy = segments["energy"].clone().requires_grad_()
    events = events.with_table("segments", segments.with_columns({"energy": energy}))
    expected_hits(events, quiet(nova_near()))["hits"]["charge"].sum().backward()
    assert (energy.grad >= 0).all()
    assert (energy.grad > 0).any()
