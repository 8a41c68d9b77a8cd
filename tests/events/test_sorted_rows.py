"""The fast search and sort agree with torch's."""

import pytest
import torch

from nuforge.events.rows import rows_where, sort_codes


def test_rows_where_finds_what_torch_finds():
    mask = torch.rand(50, 7, generator=torch.Generator().manual_seed(0)) > 0.6
    assert torch.equal(rows_where(mask), mask.flatten().nonzero().flatten())
    assert len(rows_where(mask[:0])) == 0


@pytest.mark.parametrize("largest", [10, 2**40, 2**55, 2**62])
def test_codes_are_sorted_and_equal_ones_keep_their_order(largest):
    code = torch.randint(0, largest, (1000,), generator=torch.Generator().manual_seed(1))
    rising, order = sort_codes(code, largest)
    expected, expected_order = torch.sort(code, stable=True)
    assert torch.equal(rising, expected)
    assert torch.equal(order, expected_order)


def test_no_codes_are_sorted_too():
    assert [len(part) for part in sort_codes(torch.zeros(0, dtype=torch.int64), 5)] == [0, 0]
