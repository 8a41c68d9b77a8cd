import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from nuforge.metrics import clustering
from nuforge.metrics.bootstrap import bootstrap
from nuforge.metrics.clustering import (
    FIGURES,
    Contingency,
    adjusted_mutual_information,
    adjusted_rand_index,
    assigned_fraction,
    cluster_efficiency,
    cluster_purity,
    clustering_figures,
    clustering_sums,
    panoptic_counts,
)

ALL = (adjusted_rand_index, adjusted_mutual_information, cluster_efficiency, cluster_purity, assigned_fraction)


@st.composite
def clusterings(draw, lowest=-1):
    """True and predicted clusters, and the event of each row; events may be empty."""
    counts = draw(st.lists(st.integers(0, 40), min_size=1, max_size=4))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    n, sizes = sum(counts), st.sampled_from([1, 2, 5, 60])
    true = torch.randint(lowest, draw(sizes), (n,), generator=generator)
    other = torch.randint(lowest, draw(sizes), (n,), generator=generator)
    copied = torch.rand(n, generator=generator) < draw(st.sampled_from([0.0, 0.7, 1.0]))
    batch = torch.repeat_interleave(torch.tensor(counts))
    order = torch.randperm(n, generator=generator)
    return true[order], torch.where(copied, true, other)[order], batch[order], len(counts)


@given(clusterings(lowest=0))
def test_index_and_information_are_those_of_scikit_learn(case):
    true, predicted, batch, n_events = case
    table = Contingency.of(*case)
    index, information = adjusted_rand_index(table), adjusted_mutual_information(table)
    for event in range(n_events):
        t, p = true[batch == event], predicted[batch == event]
        if len(t) < 2:
            assert index[event].isnan()
            continue
        assert float(index[event]) == pytest.approx(adjusted_rand_score(t, p), abs=1e-12)
        assert float(information[event]) == pytest.approx(adjusted_mutual_info_score(t, p), abs=1e-10)


def by_hand(true, predicted):
    """Efficiency and purity of one event, cluster by cluster."""
    rows = [true == c for c in true[true >= 0].unique()]
    found = [(predicted == c) & (true >= 0) for c in predicted[(predicted >= 0) & (true >= 0)].unique()]
    shares = [max([int((t & p).sum()) for p in found], default=0) / int(t.sum()) for t in rows]
    purities = [max(int((t & p).sum()) for t in rows) / int(p.sum()) for p in found]
    return [sum(x) / len(x) if x else float("nan") for x in (shares, purities)]


@given(clusterings())
def test_efficiency_and_purity_are_the_best_fractions_averaged_over_clusters(case):
    true, predicted, batch, n_events = case
    table = Contingency.of(*case)
    found = torch.stack([cluster_efficiency(table), cluster_purity(table)], 1)
    expected = torch.tensor([by_hand(true[batch == e], predicted[batch == e]) for e in range(n_events)])
    torch.testing.assert_close(found, expected.double(), equal_nan=True)


@given(clusterings())
def test_names_of_clusters_and_the_order_of_rows_mean_nothing(case):
    true, predicted, batch, n_events = case
    order = torch.randperm(len(true), generator=torch.Generator().manual_seed(1))
    renamed = torch.where(predicted >= 0, 7 + 3 * (60 - predicted), -1)
    straight, moved = Contingency.of(*case), Contingency.of(true[order], renamed[order], batch[order], n_events)
    for figure in ALL:
        torch.testing.assert_close(figure(moved), figure(straight), equal_nan=True)


@given(clusterings(lowest=0))
def test_efficiency_is_the_purity_of_the_exchange_and_the_rest_is_symmetric(case):
    true, predicted, batch, n_events = case
    there, back = Contingency.of(*case), Contingency.of(predicted, true, batch, n_events)
    torch.testing.assert_close(cluster_efficiency(there), cluster_purity(back), equal_nan=True)
    for figure in (adjusted_rand_index, adjusted_mutual_information):
        torch.testing.assert_close(figure(there), figure(back), equal_nan=True)


@given(clusterings())
def test_a_perfect_clustering_has_one_everywhere(case):
    true, _, batch, n_events = case
    table = Contingency.of(true, true, batch, n_events)
    for figure in ALL:
        values = figure(table)
        assert ((values == 1) | values.isnan()).all()


@given(clusterings(), st.sampled_from([5, 50, 4_000_000]))
def test_an_event_alone_has_the_figures_that_it_has_among_others(case, terms):
    true, predicted, batch, n_events = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clustering, "_TERMS", terms)
        together = Contingency.of(*case)
        for event in range(n_events):
            mine = batch == event
            alone = Contingency.of(true[mine], predicted[mine], batch[mine] * 0, 1)
            for figure in ALL:
                torch.testing.assert_close(figure(alone)[0], figure(together)[event], equal_nan=True)


def test_random_clusterings_have_index_and_information_around_zero():
    generator = torch.Generator().manual_seed(0)
    true, predicted = torch.randint(0, 6, (2, 200 * 100), generator=generator)
    table = Contingency.of(true, predicted, torch.arange(200).repeat_interleave(100), 200)
    for figure in (adjusted_rand_index, adjusted_mutual_information):
        values = figure(table)
        assert abs(float(values.mean())) < 5 * float(values.std()) / 200**0.5


def test_rows_without_a_cluster_count_against_efficiency_and_assigned_alone():
    true, predicted = torch.tensor([0, 0, 0, 0, 1, 1, -1]), torch.tensor([4, 4, -1, -1, 5, 5, 5])
    table = Contingency.of(true, predicted, torch.zeros(7, dtype=torch.int64), 1)
    assert [float(figure(table)) for figure in ALL] == pytest.approx([1, 1, 0.75, 1, 4 / 6])


def test_events_without_rows_or_without_clusters_have_no_figures_and_no_weight():
    nothing = torch.zeros(0, dtype=torch.int64)
    table = Contingency.of(nothing, nothing, nothing, 2)
    assert all(figure(table).isnan().all() for figure in ALL)
    assert all((s == 0).all() for s in clustering_sums(table).values())
    true, predicted = torch.tensor([-1, 2, 2]), torch.tensor([0, -1, -1])
    table = Contingency.of(true, predicted, torch.tensor([0, 1, 1]), 3)
    figures = clustering_figures({name: s.sum(0) for name, s in clustering_sums(table).items()})
    assert figures["ARI"].isnan()
    assert figures["purity"].isnan()
    assert figures["efficiency"] == figures["assigned"] == 0


def test_a_class_of_an_event_is_an_event_of_its_own():
    case = torch.randint(0, 5, (3, 300), generator=torch.Generator().manual_seed(3))
    true, predicted, kind = case[0], case[1], case[2] % 2
    batch = torch.arange(3).repeat_interleave(100)
    table = Contingency.of(true, predicted, batch * 2 + kind, 6)
    for k in range(2):
        own = Contingency.of(true[kind == k], predicted[kind == k], batch[kind == k], 3)
        for figure in ALL:
            torch.testing.assert_close(figure(table).reshape(3, 2)[:, k], figure(own))


def test_sums_go_through_the_bootstrap():
    generator = torch.Generator().manual_seed(1)
    true = torch.randint(0, 4, (400,), generator=generator)
    predicted = torch.where(torch.rand(400, generator=generator) < 0.8, true, 5)
    table = Contingency.of(true, predicted, torch.arange(20).repeat_interleave(20), 20)
    found = bootstrap(clustering_sums(table), clustering_figures, replicas=200)
    assert set(found) == set(FIGURES)
    assert found["ARI"].value == pytest.approx(float(adjusted_rand_index(table).mean()))
    assert found["ARI"].low < found["ARI"].value < found["ARI"].high


def test_events_out_of_range_are_refused():
    rows = torch.zeros(2, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"batch must be 0 to 0, got 0 to 1; pass Table\.batch"):
        Contingency.of(rows, rows, torch.tensor([0, 1]), 1)


def test_panoptic_counts_are_those_by_hand():
    true = torch.tensor([0, 0, 0, 0, 1, 1, 1, 2, -1, 5])
    found = torch.tensor([7, 7, 7, 3, 3, 3, 3, -1, 3, 0])
    batch = torch.tensor([0] * 9 + [2])
    overlap, matched, of_true, said = panoptic_counts(Contingency.of(true, found, batch, 3)).unbind(1)
    assert overlap.tolist() == pytest.approx([3 / 4 + 3 / 4, 0, 1])
    assert (matched.tolist(), of_true.tolist(), said.tolist()) == ([2, 0, 1], [3, 0, 1], [2, 0, 1])


@given(clusterings())
def test_a_cluster_is_matched_once_at_most(rows):
    true, found, batch, n = rows
    overlap, matched, of_true, said = panoptic_counts(Contingency.of(true, found, batch, n)).unbind(1)
    assert (matched <= torch.minimum(of_true, said)).all()
    assert ((overlap <= matched) & (overlap >= matched / 2)).all()
