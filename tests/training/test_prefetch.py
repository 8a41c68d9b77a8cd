"""Batches made ahead by a thread are those that would have been made one by one."""

import gc
import itertools
import threading
import time

import pytest
import torch
from toy_run import training_batches

from nuforge.errors import InputError
from nuforge.training.prefetch import Ahead
from nuforge.training.stream import TrainingBlocks


def noisy(events, generator):
    """An augmentation that draws."""
    rows = events["voxels"]
    moved = rows["index"] + torch.rand(rows["index"].shape, generator=generator)
    return events.with_table("voxels", rows.with_columns({"index": moved}))


def blocks(ahead):
    """The batches of the steps 3 to 11, in blocks of 4."""
    stream = TrainingBlocks(training_batches, 3, 4, 11, noisy, seed=5, rank=0, workers=0, ahead=ahead)
    return [list(stream) for _ in range(3)]


def threads():
    return {t for t in threading.enumerate() if "_make" in t.name}


def test_blocks_are_the_same_made_ahead_or_not():
    found, expected = blocks(2), blocks(0)
    assert [len(block) for block in found] == [1, 4, 3] == [len(block) for block in expected]
    for a, b in zip(itertools.chain(*found), itertools.chain(*expected), strict=True):
        assert torch.equal(a["voxels"]["index"], b["voxels"]["index"])


def test_it_is_ahead_and_not_too_far():
    made = []

    def source():
        for i in range(100):
            made.append(i)
            yield i

    ahead = Ahead(source(), 3)
    assert [next(ahead), next(ahead)] == [0, 1]
    for _ in range(200):
        time.sleep(0.01)
        if len(made) == 6:
            break
    assert made == [0, 1, 2, 3, 4, 5]  # two taken, three that wait, one in the hand


def test_it_ends_with_its_source_and_stays_ended():
    ahead = Ahead(iter([1, 2]), 2)
    assert list(ahead) == [1, 2]
    assert list(ahead) == []


def test_an_error_of_the_thread_is_raised_where_the_batch_is_wanted():
    def source():
        yield 1
        raise InputError("no more")

    ahead = Ahead(source(), 2)
    assert next(ahead) == 1
    with pytest.raises(InputError, match="no more"):
        next(ahead)


def test_its_thread_ends_when_nobody_has_it_any_more():
    before = threads()
    ahead = Ahead(itertools.count(), 2)
    next(ahead)
    assert len(threads() - before) == 1
    del ahead
    gc.collect()
    for _ in range(300):
        if not threads() - before:
            break
        time.sleep(0.01)
    assert not threads() - before
