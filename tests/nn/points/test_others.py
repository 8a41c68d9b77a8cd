"""The nearest of other points, small clusters joined and numbers inside events, beside brute force."""

import pytest
import torch
from clouds import clouds
from hypothesis import given
from hypothesis import strategies as st

from nuforge.errors import InputError
from nuforge.nn.kernels import library
from nuforge.nn.points import join_small, nearest_other, number_inside

needs_kernel = pytest.mark.skipif(library.backend() == "torch", reason="the compiled kernel was not built")


def brute(position, batch, others, others_batch, within):
    """Distances to the nearest other point, infinite where there is none."""
    step = position[:, None] - others[None]
    away = (step * step).sum(2).sqrt()
    away = torch.where(batch[:, None] == others_batch[None], away, torch.inf)
    best = torch.cat([away, torch.full((len(position), 1), torch.inf)], 1).amin(1)
    return best if within is None else torch.where(best <= within, best, torch.inf)


@given(clouds(), st.integers(0, 2**31), st.sampled_from([None, 0.5, 2.0, 1000.0]))
def test_the_nearest_other_point_is_that_of_brute_force(cloud, seed, within):
    position, batch, _ = cloud
    generator = torch.Generator().manual_seed(seed)
    pick = torch.rand(len(batch), generator=generator) < 0.4
    row, distance = nearest_other(position, batch, position[pick], batch[pick], within)
    torch.testing.assert_close(distance, brute(position, batch, position[pick], batch[pick], within))
    found = row >= 0
    assert torch.equal(found, distance.isfinite())
    assert torch.equal(batch[found], batch[pick][row[found]])
    torch.testing.assert_close((position[found] - position[pick][row[found]]).norm(dim=1), distance[found])


def test_a_point_just_at_the_length_is_found_and_one_beyond_is_not():
    here, there = torch.zeros(1, 3), torch.tensor([[3.0, 0, 0]])
    event = torch.zeros(1, dtype=torch.int64)
    assert nearest_other(here, event, there, event, 3.0)[0].item() == 0
    assert nearest_other(here, event, there, event, 2.999)[0].item() == -1


def test_of_equally_distant_points_it_is_the_first_whatever_else_is_there():
    generator = torch.Generator().manual_seed(0)
    position = torch.randint(0, 6, (400, 3), generator=generator).double()
    batch = (torch.arange(400) // 100).long()
    pick = torch.rand(400, generator=generator) < 0.1
    row, distance = nearest_other(position, batch, position[pick], batch[pick])
    away = torch.cdist(position, position[pick])
    away = torch.where(batch[:, None] == batch[pick][None], away, torch.inf)
    assert torch.equal(row, (away <= distance[:, None] + 1e-9).int().argmax(1))
    mine = batch == 2
    before = int((batch[pick] < 2).sum())
    alone, _ = nearest_other(position[mine], batch[mine], position[mine & pick], batch[mine & pick])
    assert torch.equal(alone + before, row[mine])


def test_small_clusters_join_the_nearest_large_one_of_their_group():
    position = torch.tensor([[0.0], [1], [2], [4], [9], [10], [11], [5]])
    cluster = torch.tensor([0, 0, 0, 1, 2, 2, 2, 3])
    group = torch.tensor([0, 0, 0, 0, 0, 0, 0, 1])
    assert join_small(cluster, position, group, 3).tolist() == [0, 0, 0, 0, 2, 2, 2, 3]  # 3 has nobody of its group


def test_points_of_no_cluster_stay_without_and_draw_nobody():
    position = torch.tensor([[0.0], [1], [1.1], [9], [10]])
    cluster = torch.tensor([0, -1, -1, 1, 1])
    assert join_small(cluster, position, torch.zeros(5, dtype=torch.int64), 2).tolist() == [1, -1, -1, 1, 1]


def test_numbers_begin_at_zero_in_every_event_in_the_order_of_first_points():
    cluster = torch.tensor([7, 3, -1, 7, 9, 3, 0])
    batch = torch.tensor([0, 0, 0, 0, 2, 2, 2])
    assert number_inside(cluster, batch).tolist() == [0, 1, -1, 0, 0, 1, 2]
    assert number_inside(cluster[:0], batch[:0]).tolist() == []


def test_clusters_of_another_length_are_refused():
    with pytest.raises(InputError, match=r"clusters must be int64 of shape \(3,\)"):
        number_inside(torch.zeros(2, dtype=torch.int64), torch.zeros(3, dtype=torch.int64))


@needs_kernel
@pytest.mark.parametrize("within", [None, 2.5])
@pytest.mark.parametrize(("n", "m"), [(0, 5), (5, 0), (1, 1), (300, 7), (40, 900)])
def test_the_kernel_and_the_tree_find_equally_near_points(n, m, within, monkeypatch):
    generator = torch.Generator().manual_seed(n + m)
    here, there = (torch.rand(k, 3, generator=generator) * 20 for k in (n, m))
    batches = [torch.randint(0, 4, (k,), generator=generator) for k in (n, m)]
    found = []
    for backend in ("torch", "compiled"):
        monkeypatch.setenv("NUFORGE_SPARSE", backend)
        found.append(nearest_other(here, batches[0], there, batches[1], within))
    (row, distance), (other_row, other_distance) = found
    assert torch.equal(row, other_row)
    torch.testing.assert_close(distance, other_distance, rtol=0, atol=1e-12)


@needs_kernel
def test_of_equally_near_points_the_first_is_taken(monkeypatch):
    monkeypatch.setenv("NUFORGE_SPARSE", "compiled")
    generator = torch.Generator().manual_seed(0)
    here, there = (torch.randint(0, 4, (k, 3), generator=generator).double() for k in (50, 400))
    none = torch.zeros(400, dtype=torch.int64)
    row, distance = nearest_other(here, none[:50], there, none)
    gaps = torch.cdist(here, there)
    assert torch.equal(row, (gaps == gaps.amin(1, keepdim=True)).int().argmax(1))
    torch.testing.assert_close(distance, gaps.amin(1))
