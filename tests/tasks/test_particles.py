"""The question of a whole reconstruction: figures of perfect answers are 1, those of confusions are known by hand."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.metrics.bootstrap import bootstrap
from nuforge.simulation.truth import IDENTITIES
from nuforge.tasks.particles import Particles

PDG = (13, 2212, 22, 11)
PID = torch.tensor([2, 4, 0, 1])
LABEL = torch.tensor([1, 1, 0, 0])
INTERACTION = torch.tensor([0, 0, 0, 1])
SIZE = 10


def event():
    """A muon, a proton and a photon of one interaction, an electron of another: ten voxels each."""
    deposit = torch.arange(4).repeat_interleave(SIZE)
    where, row = torch.arange(4 * SIZE), lambda table: Column("", "", "truth", table)
    index = torch.stack([where, where * 0, where * 0], 1).int()
    columns = {"index": index, "value": torch.ones(len(where)), "label": LABEL[deposit]}
    columns |= {"deposit": deposit, "particle": deposit, "fragment": deposit}
    particles = {
        "pdg": torch.tensor(PDG),
        "parent": torch.full((4,), -1),
        "process": torch.zeros(4, dtype=torch.int64),
        "interaction": INTERACTION,
    }
    fragments = {"label": LABEL, "particle": torch.arange(4), "start": torch.ones(4, dtype=torch.bool)}
    tables = {
        "voxels": (columns, {"deposit": row("particles"), "particle": row("particles"), "fragment": row("fragments")}),
        "particles": (particles, {"interaction": row("interactions")}),
        "fragments": (fragments, {"particle": row("particles")}),
        "interactions": ({"vertex": torch.zeros(2, 3)}, {}),
    }
    return Events(
        {
            name: Table.from_counts(columns, torch.tensor([len(next(iter(columns.values())))]), about=about)
            for name, (columns, about) in tables.items()
        }
    )


def answer(events, found=None, interaction=None, pid=None, starts=None):
    """A reconstruction: the particle of each voxel, interaction and identity of the particles; right if not given.

    Fragments are the true ones; `starts` says of each whether a shower starts in it.
    """
    found = events["voxels"]["deposit"] if found is None else found
    interaction = events["particles"]["interaction"] if interaction is None else interaction
    pid = PID.repeat(len(events)) if pid is None else pid
    columns = {
        "interaction": interaction,
        "pid_probability": torch.nn.functional.one_hot(pid, len(IDENTITIES)).float(),
        "primary_probability": torch.tensor([0.0, 1.0]).repeat(len(pid), 1),
    }
    starts = torch.tensor([torch.nan, torch.nan, 1, 1]).repeat(len(events)) if starts is None else starts
    own = {"reco_particle": found, "reco_fragment": events["voxels"]["fragment"]}
    return {
        "voxels": Table(own, events["voxels"].offsets),
        "reco_fragments": Table({"starts_shower": starts}, events["fragments"].offsets),
        "reco_particles": Table.from_counts(columns, torch.full((len(events),), len(pid) // len(events))),
    }


def figures(events, prediction):
    task = Particles(IDENTITIES)
    found = bootstrap(task.statistics(events, prediction), task.figures, replicas=2)
    return {name: interval.value for name, interval in found.items()}


def test_a_perfect_answer_has_figures_of_one():
    events = Events.concat([event(), event()])
    found = figures(events, answer(events))
    for partition in ("shower", "track", "interaction"):
        for measure in ("ARI", "AMI", "efficiency", "purity", "assigned"):
            assert found[f"{partition} {measure}"] == 1, (partition, measure)
    assert found["pid accuracy"] == found["primary accuracy"] == found["mean pid recall"] == 1
    assert found["interaction ARI at 2"] == 1
    assert torch.tensor(found["interaction ARI at 1"]).isnan()  # no event has one interaction


def test_two_tracks_put_together_keep_their_efficiency_and_lose_half_their_purity():
    events = event()
    found = figures(events, answer(events, torch.tensor([0, 0, 2, 3]).repeat_interleave(SIZE)))
    assert found["track efficiency"] == 1
    assert found["track purity"] == 0.5
    assert found["track ARI"] == 0
    assert found["shower ARI"] == 1
    assert found["interaction ARI"] == 1


def test_voxels_of_no_particle_are_not_assigned():
    events = event()
    found = figures(events, answer(events, torch.tensor([-1, 1, 2, 3]).repeat_interleave(SIZE)))
    assert found["track assigned"] == 0.5
    assert found["shower assigned"] == 1


def test_interactions_put_together_lose_purity_alone():
    events = event()
    found = figures(events, answer(events, interaction=torch.zeros(4, dtype=torch.int64)))
    assert found["interaction efficiency"] == 1
    assert found["interaction purity"] < 1
    assert found["interaction ARI"] == 0
    assert found["shower ARI"] == found["track ARI"] == 1


def test_a_muon_called_a_pion_costs_the_recall_of_muons():
    events = event()
    found = figures(events, answer(events, pid=torch.tensor([3, 4, 0, 1])))
    assert found["pid accuracy"] == 0.75
    assert found["pid recall of muon"] == 0
    assert found["pid recall of proton"] == 1
    assert found["mean pid recall"] == 0.75


def test_a_shower_that_starts_in_the_wrong_fragment_costs_the_accuracy_of_shower_primaries():
    events = event()
    for starts, right in (([0.9, 0.8], 1.0), ([0.9, 0.2], 0.5), ([torch.nan, 0.2], 0.0)):  # NaN: in no shower
        found = figures(events, answer(events, starts=torch.tensor([torch.nan, torch.nan, *starts])))
        assert found["shower primary accuracy"] == right, starts
    assert found["primary accuracy"] == 1


def test_a_piece_cut_off_a_muon_counts_among_all_and_not_among_those_that_match():
    events = event()
    found = torch.arange(4).repeat_interleave(SIZE)
    found[:3] = 4  # three voxels of the muon, called an electron
    both = figures(events, answer(events, found, torch.tensor([0, 0, 0, 1, 0]), torch.tensor([2, 4, 0, 1, 1])))
    assert both["pid recall of muon"] == 0.5
    assert both["matched pid recall of muon"] == both["matched pid accuracy"] == both["mean matched pid recall"] == 1


def test_an_event_without_voxels_counts_for_nothing():
    empty = event().keep("voxels", torch.zeros(4 * SIZE, dtype=torch.bool))
    both = Events.concat([event(), empty])
    nothing = answer(event())
    counts = torch.tensor([4, 0])
    prediction = {"voxels": Table(nothing["voxels"].columns, both["voxels"].offsets)}
    for name in ("reco_particles", "reco_fragments"):
        prediction[name] = Table.from_counts(nothing[name].columns, counts)
    assert figures(both, prediction)["interaction ARI"] == 1


def test_too_few_identities_are_refused():
    with pytest.raises(InputError, match="two identities"):
        Particles(["muon"])
