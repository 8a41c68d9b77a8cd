from hashlib import blake2b

import numpy as np
import pytest
import torch
from toys import event_table

from nuforge.events.identity import generator_of, stable_hash
from nuforge.events.split import SIDES, fraction_of, side_of


def test_a_hash_does_not_depend_on_the_order_of_keys_and_fits_int64():
    assert stable_hash({"a": 1, "b": 2.5}) == stable_hash({"b": 2.5, "a": 1})
    assert stable_hash("a", 1) != stable_hash("a1")
    assert all(0 <= stable_hash(i) < 2**63 for i in range(100))


def test_a_hash_is_the_same_for_ever():
    digest = blake2b(b'["sample",{"energy":1.5},3]', digest_size=8).digest()  # written out by hand
    assert stable_hash("sample", {"energy": 1.5}, 3) == int.from_bytes(digest, "little") // 2


def test_a_generator_is_a_mersenne_twister_with_all_its_words_from_the_hash():
    words = generator_of("sample", 1).get_state().numpy()[24 : 24 + 8 * 624].view(np.uint64).astype(np.uint32)
    assert len(np.unique(words)) > 620
    reference = np.random.MT19937()
    reference.state = {"bit_generator": "MT19937", "state": {"key": words, "pos": 624}}
    ours = torch.empty(1000, dtype=torch.int64).random_(0, 2**31, generator=generator_of("sample", 1))
    theirs = reference.random_raw(2000)[1::2] % 2**31  # torch draws 64 bits for each; their lower half is the second
    assert np.array_equal(ours.numpy(), theirs.astype(np.int64))


def test_generators_of_other_parts_differ_and_of_the_same_do_not():
    first, again, other = (torch.rand(5, generator=generator_of("sample", n)) for n in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_fraction_is_blake2b_of_source_run_subrun_and_event():
    event = event_table(3, run=5, source=2**62 + 1)
    for i, fraction in enumerate(fraction_of(event).tolist()):
        message = b"".join(n.to_bytes(8, "little", signed=True) for n in (2**62 + 1, 5, 0, i))
        number = int.from_bytes(blake2b(message, digest_size=8).digest(), "little")
        assert fraction == (number >> 11) / 2**53


def test_copies_of_an_event_are_on_the_same_side():
    event = event_table(500)
    shifted = event.with_columns({"variation": torch.full((500,), 3), "weight": torch.zeros(500)})
    assert torch.equal(side_of(event), side_of(shifted))


def test_sides_have_their_fractions():
    n = 20_000
    side = side_of(event_table(n), validation=0.2, test=0.1)
    for name, fraction in zip(SIDES, (0.7, 0.2, 0.1), strict=True):
        count = int((side == SIDES.index(name)).sum())
        assert abs(count - n * fraction) < 5 * (n * fraction * (1 - fraction)) ** 0.5


def test_another_validation_fraction_moves_no_test_event():
    event = event_table(1000)
    test = SIDES.index("test")
    assert torch.equal(side_of(event, 0.1, 0.2) == test, side_of(event, 0.3, 0.2) == test)


def test_no_events_have_no_side():
    assert len(side_of(event_table(0))) == 0


@pytest.mark.parametrize(("validation", "test"), [(-0.1, 0.1), (0.6, 0.6), (float("nan"), 0.1)])
def test_fractions_that_are_none_are_refused(validation, test):
    with pytest.raises(ValueError, match="validation and test must be fractions"):
        side_of(event_table(1), validation, test)
