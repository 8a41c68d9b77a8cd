"""The chain of networks and the classical one: one body over both, on simulated events and on degenerate ones."""

from dataclasses import replace

import pytest
import torch
from small_bombs import make, small_bombs

from nuforge.detectors import lartpc_cube
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.experiments.chain_stages import chain_of
from nuforge.reconstruction.classical import ClassicalChain
from nuforge.reconstruction.hand_over import near_points, with_kinds
from nuforge.tasks.answer import with_predictions

TABLES = {"voxels", "reco_points", "reco_fragments", "reco_particles", "reco_interactions"}
FINITE = ("position", "score", "probability", "pid_probability", "primary_probability", "energy", "voxels")


@pytest.fixture(scope="module")
def events():
    """Small simulated events with truth."""
    torch.set_num_threads(1)
    return make(6, 0, small_bombs().generator(1))


def networks(events):
    """The chain of networks, hardly trained: enough that scales of norms are those of events."""
    torch.manual_seed(1)
    chain = chain_of(lartpc_cube(), 2, 2)
    with torch.no_grad():
        for _ in range(3):
            chain.train().loss(events)
    return chain.eval()


def classical(events):
    chain = ClassicalChain(lartpc_cube())
    chain.fit([events[:3], events[3:]])
    return chain


@pytest.fixture(scope="module", params=[networks, classical], ids=lambda build: build.__name__)
def chain(request, events):
    return request.param(events)


def asked(chain, events):
    """Events with what a chain says of their readout."""
    with torch.no_grad():
        return with_predictions(events, chain.predict(events.readout()))


def equal(one, other, **tolerance):
    assert set(one.tables) == set(other.tables)
    for name in one.tables:
        for column in one[name]:
            torch.testing.assert_close(one[name][column], other[name][column], equal_nan=True, **tolerance)


def check(events, predicted):
    """Every table is there, of as many events, and its columns are what they say."""
    assert set(predicted) == TABLES
    tables = {**events.tables, **predicted}
    for name, table in predicted.items():
        assert table.n_events == len(events), name
        for column in table:
            about, values = table.about[column], table[column]
            assert about.role == "prediction", (name, column)
            assert about.meaning, (name, column)
            if about.refers_to:
                target, rows = tables[about.refers_to], values >= 0
                assert bool(((values >= -1) & (values < len(target))).all()), (name, column)
                assert torch.equal(target.batch[values[rows]], table.batch[rows]), (name, column)
            if column in FINITE:
                assert bool(values.isfinite().all()), (name, column)
    particles, found = predicted["reco_particles"], predicted["voxels"]["reco_particle"]
    assert torch.equal(torch.bincount(found[found >= 0], minlength=len(particles)), particles["voxels"])


def with_true_kinds(events):
    """Events whose classes of voxels an earlier stage has found, all of them."""
    events = near_points(with_kinds(events), events["reco_points"], lartpc_cube())
    kind = {"kind": events["voxels"]["label"].clamp(min=0)}
    return events.with_table("voxels", events["voxels"].with_columns(kind))


def by_hand(*events):
    """Events of voxel numbers (N, 3), of 0.6 MeV each."""
    index = [torch.as_tensor(voxels, dtype=torch.int32).reshape(-1, 3) for voxels in events]
    counts, together = torch.tensor([len(voxels) for voxels in index]), torch.cat(index)
    columns = {"index": together, "value": torch.full((len(together),), 0.6)}
    return Events({"voxels": Table.from_counts(columns, counts)})


def scattered(n, seed=0):
    """Voxels far from each other."""
    return 7 * torch.unique(torch.randint(0, 100, (n, 3), generator=torch.Generator().manual_seed(seed)), dim=0)


LINE = [[100 + i, 200, 300] for i in range(40)]
DEGENERATE = {
    "no event": lambda: by_hand([])[:0],
    "no voxel": lambda: by_hand([]),
    "one voxel": lambda: by_hand([[5, 6, 7]]),
    "one particle": lambda: by_hand(LINE),
    "low-energy scatters": lambda: by_hand(scattered(30)),
    "a block": lambda: by_hand(torch.cartesian_prod(*(torch.arange(8),) * 3)),
    "corners of the detector": lambda: by_hand([[0, 0, 0], [767, 767, 767]]),
    "several of them": lambda: by_hand([], [[5, 6, 7]], [], LINE, scattered(30), []),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_events_give_valid_tables(name, chain):
    events = DEGENERATE[name]()
    with torch.no_grad():
        check(events, chain.predict(events))


def test_simulated_events_give_valid_tables(chain, events):
    with torch.no_grad():
        predicted = chain.predict(events.readout())
    check(events, predicted)
    assert len(predicted["reco_particles"]) > 0


def test_the_answer_does_not_depend_on_what_else_is_in_the_batch(chain, events):
    readout = Events.concat([by_hand(LINE, []), events.readout().without("event")])
    together = asked(chain, readout)
    for i in range(len(readout)):
        equal(asked(chain, readout.event(i)), together.event(i), rtol=1e-3, atol=1e-3)


def test_the_order_of_events_does_not_matter(chain, events):
    order = torch.tensor([3, 0, 5, 1, 2, 4])
    equal(asked(chain, events[order]), asked(chain, events)[order], rtol=1e-3, atol=1e-3)


def test_truth_is_not_looked_at(chain, events):
    with torch.no_grad():
        said, with_truth = chain.predict(events.readout()), chain.predict(events)
    assert set(said) <= set(with_truth)
    for name in said:
        for column in said[name]:
            torch.testing.assert_close(said[name][column], with_truth[name][column], rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("chain", [networks], indirect=True)
def test_two_hundred_thousand_voxels_are_an_event(chain, events):
    """Many particles on top of each other: the graphs must not grow with the square of their number."""
    voxels, generator = events["voxels"], torch.Generator().manual_seed(0)
    shifts = torch.randint(0, 768, (200_000 // len(voxels) + 2, 1, 3), generator=generator)
    index = torch.unique(((voxels["index"].long() + shifts) % 768).flatten(0, 1), dim=0)
    many = by_hand(index[torch.randperm(len(index), generator=generator)[:200_000].sort()[0]])
    assert len(many["voxels"]) == 200_000
    with torch.no_grad():
        check(many, chain.predict(many))


@pytest.mark.parametrize("chain", [classical], indirect=True)
def test_a_fitted_classical_chain_answers_the_same_after_save_and_load(chain, events, tmp_path):
    chain.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(chain.steps)
    equal(asked(chain, events), asked(ClassicalChain(lartpc_cube()).load(tmp_path), events), rtol=0, atol=0)


def test_the_loss_of_a_chain_has_finite_gradients_in_all_stages(events):
    torch.manual_seed(0)
    chain = chain_of(lartpc_cube(), 2, 2).train()
    chain.links["fragments"] = replace(chain.links["fragments"], given=with_true_kinds)
    chain.loss(events).backward()
    for stage, learner in chain.learners.items():
        grads = [p.grad for p in learner.parameters() if p.grad is not None]
        assert all(bool(grad.isfinite().all()) for grad in grads), stage
        reached = sum(bool(grad.any()) for grad in grads) / len(list(learner.parameters()))
        if stage in ("points", "fragments"):  # an untrained chain may leave the others no pairs of clusters
            assert reached > 0.8, f"{stage}: a gradient reaches {reached:.0%} of the parameters"


def test_the_loss_of_empty_events_is_finite_and_can_be_learned_from(events):
    torch.manual_seed(0)
    chain = chain_of(lartpc_cube(), 2, 2).train()
    empty = events[:2].keep("voxels", torch.zeros(len(events[:2]["voxels"]), dtype=torch.bool))
    loss = chain.loss(empty)
    loss.backward()
    assert loss.isfinite()


def test_a_stage_that_is_not_there_cannot_be_handed_anything():
    with pytest.raises(InputError, match="a chain has the stages"):
        chain_of(lartpc_cube(), 2, 2).eval().handed(by_hand(LINE), "vertices")
