"""Energies and vertices: losses, flat spectra, figures, and which events count."""

import math

import pytest
import torch

from nuforge.errors import InputError
from nuforge.events import Column, Table
from nuforge.samples.nova_neutrinos import MODES
from nuforge.tasks.energy import Energy
from nuforge.tasks.vertex import VERTEX, Vertex
from toy_slices import toy_slices
from toy_weights import weighing

EDGES = (500.0, 1000.0, 2000.0, 4500.0)
PREDICTION = Column("", "", "prediction")


def energy(**options):
    return Energy("nu_e energy", 6, "neutrino_energy", 1, EDGES, **options)


def said(events, column, values):
    return {"event": Table({column: values}, torch.arange(len(events) + 1), about={column: PREDICTION})}


def guessed(events, relative):
    """Energies that are wrong by relative errors (B,)."""
    return said(events, "reco_neutrino_energy", events["event"]["neutrino_energy"].double() * (1 + relative))


def figures(task, events, prediction):
    sums = {name: s.sum(0, keepdim=True) for name, s in task.statistics(events, prediction).items()}
    return {name: float(value) for name, value in task.figures(sums).items()}


def features(n, width=6, seed=0):
    values = torch.randn(n, width, generator=torch.Generator().manual_seed(seed))
    return Table({"features": values}, torch.arange(n + 1), about={"features": PREDICTION})


def test_a_perfect_answer_has_no_bias_and_no_width():
    task, events = energy(), toy_slices(400, flavour=1)
    found = figures(task, events, guessed(events, torch.zeros(400)))
    assert set(found) == {*task.lower_is_better, *task.neutral}
    assert all(abs(value) < 1e-4 for value in found.values() if math.isfinite(value))


def test_gaussian_errors_have_their_own_mean_and_width():
    task, n = energy(), 20000
    events = toy_slices(n, flavour=1)
    noise = torch.randn(n, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = figures(task, events, guessed(events, 0.02 + 0.1 * noise))
    five = 5 * 0.1 / n**0.5
    assert found["nu_e energy bias"] == pytest.approx(0.02, abs=five)
    assert found["nu_e energy half-width"] == pytest.approx(0.1, abs=1.3 * five)  # 1.3: error of that width
    assert found["nu_e energy RMS"] == pytest.approx(math.hypot(0.1, 0.02), abs=five)
    size = 0.1 * (math.sqrt(2 / math.pi) * math.exp(-0.02) + 0.2 * math.erf(0.2 / math.sqrt(2)))  # folded normal
    assert found["nu_e energy mean absolute error"] == pytest.approx(size, abs=five)
    for kind in (*MODES, "0.5-1 GeV", "1-2 GeV", "2-4.5 GeV"):
        assert found[f"nu_e energy bias of {kind}"] == pytest.approx(0.02, abs=8 * five)


def test_bins_and_modes_have_the_errors_of_their_own_events():
    task, events = energy(), toy_slices(1000, flavour=1)
    event = events["event"]
    wrong = torch.where(event["mode"] == 2, 0.3, 0.0) + torch.where(event["neutrino_energy"] < 1000, 0.1, 0.0)
    found = figures(task, events, guessed(events, wrong))
    assert found["nu_e energy bias of 2-4.5 GeV"] == pytest.approx(0.3 * 0.2, abs=0.03)
    assert found["nu_e energy bias of 0.5-1 GeV"] == pytest.approx(0.1 + 0.3 * 0.2, abs=0.1)
    assert 0.3 <= found["nu_e energy bias of resonance"] < 0.33
    assert found["nu_e energy half-width of resonance"] < 0.06
    assert 0 <= found["nu_e energy bias of coherent"] < 0.03


def test_other_flavours_and_energies_do_not_count():
    task, events = energy(), toy_slices(300)
    event = events["event"]
    true = event["neutrino_energy"]
    asked = (event["flavour"] == 1) & (true >= EDGES[0]) & (true < EDGES[-1])
    task.meet(task.count(events).sum(0))
    lie = guessed(events, torch.where(asked, 0.1, 5.0)), guessed(events, torch.full((300,), 0.1))
    lied, told = (figures(task, events, prediction) for prediction in lie)
    assert lied == pytest.approx(told, nan_ok=True)
    assert float(task.loss(lie[0], events)) == pytest.approx(float(task.loss(lie[1], events)))
    assert float(task.count(events)[:, :-1].sum()) == int(asked.sum())
    others = events.select(~asked)
    assert float(task.loss(guessed(others, torch.zeros(len(others))), others)) == 0


def test_weights_make_the_spectrum_of_the_training_events_flat():
    task, events = energy(flat=500.0, clip=1e6), toy_slices(4000, flavour=1)
    counts = task.count(events).sum(0)
    task.meet(counts)
    spectrum = counts[:-1]
    assert (spectrum.max() / spectrum.min()) > 3
    flat = task.of_bin * spectrum
    torch.testing.assert_close(flat, flat.mean().expand_as(flat))
    assert float(flat.sum()) == pytest.approx(float(spectrum.sum()))
    clipped = energy(flat=500.0, clip=2.0)
    clipped.meet(counts)
    assert float(clipped.of_bin.max() / clipped.of_bin.min()) == pytest.approx(2.0)


def test_the_flat_spectrum_counts_events_by_their_weights():
    events = toy_slices(200, flavour=1)
    twice, weighed = energy(), energy()
    number = torch.arange(200) % 3
    repeated = events.select(torch.repeat_interleave(number))
    twice.meet(twice.count(repeated).sum(0))
    weighed.meet((weighed.count(events) * number[:, None]).sum(0))
    torch.testing.assert_close(twice.of_bin, weighed.of_bin)
    torch.testing.assert_close(twice.center, weighed.center)


@pytest.mark.parametrize(("loss", "power"), [("absolute", 1), ("squared", 2)])
def test_the_loss_is_of_relative_errors_and_counts_events_by_their_weights(loss, power):
    task, events = energy(loss=loss, flat=0.0), toy_slices(40, flavour=1)
    wrong = torch.linspace(-0.5, 0.5, 40, dtype=torch.float64)
    true = events["event"]["neutrino_energy"]
    kept = (true >= EDGES[0]) & (true < EDGES[-1])
    want = wrong.abs()[kept].pow(power).mean()
    assert float(task.loss(guessed(events, wrong), events)) == pytest.approx(float(want), rel=1e-5)
    number = torch.arange(40) % 4
    weighed = weighing(events, number.double().tolist())
    rows = torch.repeat_interleave(number)
    repeated = events.select(rows)
    got = task.loss(guessed(weighed, wrong), weighed)
    assert float(got) == pytest.approx(float(task.loss(guessed(repeated, wrong[rows]), repeated)), rel=1e-5)


def test_an_untrained_answer_is_near_the_mean_of_the_training_events():
    task, events = energy(), toy_slices(100, flavour=1)
    task.meet(task.count(events).sum(0))
    with torch.no_grad():
        task.head.weight.zero_()
        task.head.bias.zero_()
    answer = task.predict(task({"event": features(4)}))["event"]
    assert answer.about["reco_neutrino_energy"].unit == "MeV"
    true = events["event"]["neutrino_energy"]
    kept = true[(true >= EDGES[0]) & (true < EDGES[-1])]
    torch.testing.assert_close(answer["reco_neutrino_energy"], kept.log().mean().exp().expand(4))


def test_what_is_learned_from_the_training_events_travels_with_the_weights():
    task, other, events = energy(), energy(), toy_slices(100, flavour=1)
    task.meet(task.count(events).sum(0))
    other.load_state_dict(task.state_dict())
    torch.testing.assert_close(other.of_bin, task.of_bin)
    assert float(other.center) > 5


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"edges": (1000.0, 500.0)}, "edges of energies must be positive and rise"),
        ({"clip": 0.5}, "clip must be 1 at least"),
    ],
)
def test_what_makes_no_question_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        Energy("energy", 6, "neutrino_energy", 1, **{"edges": EDGES, **wrong})


def test_training_events_of_another_flavour_alone_are_refused():
    task, events = energy(), toy_slices(20, flavour=0)
    with pytest.raises(InputError, match="no training events with flavour == 1"):
        task.meet(task.count(events).sum(0))


def off(events, error):
    return said(events, VERTEX, events["event"]["true_vertex"] + error)


def test_the_right_vertex_is_nowhere_away():
    task, events = Vertex(6), toy_slices(200, flavour=0)
    found = figures(task, events, off(events, torch.zeros(200, 3)))
    assert set(found) == set(task.lower_is_better)
    assert all(abs(value) < 0.01 for value in found.values())
    assert set(task.units.values()) == {"cm"}


def test_gaussian_errors_of_a_vertex_have_their_widths_and_distances():
    task, n = Vertex(6), 20000
    events = toy_slices(n, flavour=0)
    noise = torch.randn(n, 3, generator=torch.Generator().manual_seed(4)) * torch.tensor([2.0, 2.0, 2.0])
    found = figures(task, events, off(events, noise))
    for axis in "xyz":
        assert found[f"vertex half-width of {axis}"] == pytest.approx(2.0, rel=0.05)
    assert found["median vertex distance"] == pytest.approx(2 * 1.5382, rel=0.03)  # median of a chi of 3 degrees
    assert found["68 % vertex distance"] == pytest.approx(2 * 1.8779, rel=0.03)  # its 68.27 % quantile


def test_the_distance_of_a_mode_is_that_of_its_events_and_cosmic_muons_do_not_count():
    task, events = Vertex(6), toy_slices(500)
    event = events["event"]
    far = torch.where(event["mode"] == 3, 30.0, 1.0)[:, None] * torch.tensor([0.0, 0.0, 1.0])
    far[event["flavour"] == 4] = 1e4
    found = figures(task, events, off(events, far))
    assert found["median vertex distance of deep inelastic"] == pytest.approx(30.0, rel=0.02)
    assert found["median vertex distance of coherent"] == pytest.approx(1.0, rel=0.02)
    assert found["68 % vertex distance"] < 30.0


def test_the_loss_of_a_vertex_is_smooth_l1_over_coordinates():
    task, events = Vertex(6, beta=5.0), toy_slices(50, flavour=3)
    small, large = (off(events, torch.tensor([error, 0.0, 0.0])) for error in (1.0, 50.0))
    assert float(task.loss(small, events)) == pytest.approx(0.5 * (1 / 5) ** 2, rel=1e-2)
    assert float(task.loss(large, events)) == pytest.approx(50 / 5 - 0.5, rel=1e-3)
    cosmic = toy_slices(10, flavour=4)
    assert float(task.loss(off(cosmic, torch.ones(10, 3)), cosmic)) == 0


def test_a_vertex_is_told_from_the_place_that_the_model_knows():
    task, place = Vertex(6), torch.tensor([[100.0, -200.0, 3000.0]])
    with torch.no_grad():
        task.head.weight.zero_()
        task.head.bias.copy_(torch.tensor([0.0, 0.5, -1.0]))
    table = features(1).with_columns({"place": place}, about={"place": PREDICTION})
    answer = task.predict(task({"event": table}))["event"]
    torch.testing.assert_close(answer[VERTEX], torch.tensor([[100.0, -150.0, 2900.0]]))
    assert answer.about[VERTEX].unit == "cm"
