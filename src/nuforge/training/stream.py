"""The endless stream of training batches, cut into blocks, and the validation batches."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator

import torch
from torch.utils.data import DataLoader, IterableDataset

from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.events.weights import over_mean
from nuforge.training.augmentation import generator_at
from nuforge.training.prefetch import Ahead

TrainingBatches = Callable[[int], Iterable[Events]]
"""From a step k, the batches of steps k, k + 1, ... without end; each depends on seed and step alone."""
ValidationBatches = Callable[[], Iterable[Events]]
"""The validation events, the same each time."""
Augment = Callable[[Events, torch.Generator], Events]

_START = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
# A fork of a process whose other threads hold locks can wait for ever.


class TrainingBlocks:
    """Each pass gives the batches up to the next multiple of `block`, where the last one ended.

    Args:
        batches: The stream.
        start: First step.
        block: Steps between validations.
        steps: Step after the last.
        augment: Applied to each batch with the generator of its step.
        seed: Of the augmentation.
        rank: Of this process.
        workers: Processes that load data, if the stream is an `IterableDataset`.
        ahead: Batches that a thread makes ahead; 0 to make each when it is wanted.
        mean_weight: Of the training events; their weights are given over it.
    """

    def __init__(
        self,
        batches: TrainingBatches,
        start: int,
        block: int,
        steps: int,
        augment: Augment | None,
        seed: int,
        rank: int,
        workers: int,
        ahead: int = 0,
        mean_weight: float = 1.0,
    ) -> None:
        self._step, self._block, self._steps = start, block, steps
        weighed = (over_mean(batch, mean_weight) for batch in _loaded(batches(start), workers))
        made = _augmented(weighed, start, augment, seed, rank)
        self._made = Ahead(made, ahead) if ahead else made

    def __iter__(self) -> Iterator[Events]:
        end = min((self._step // self._block + 1) * self._block, self._steps)
        while self._step < end:
            try:
                batch = next(self._made)
            except StopIteration:
                raise InputError(
                    f"training batches ended at step {self._step} of {self._steps}; give an endless stream of events, "
                    "and more than none"
                ) from None
            self._step += 1
            yield batch


class ValidationPass:
    """Each pass gives all validation batches, loaded by this process: starting others would take longer."""

    def __init__(self, batches: ValidationBatches, mean_weight: float = 1.0) -> None:
        self._batches, self._mean_weight = batches, mean_weight

    def __iter__(self) -> Iterator[Events]:
        return (over_mean(batch, self._mean_weight) for batch in self._batches())


def _augmented(
    batches: Iterable[Events], start: int, augment: Augment | None, seed: int, rank: int
) -> Iterator[Events]:
    """The batches, each changed with the generator of its step."""
    for step, batch in enumerate(batches, start):
        yield batch if augment is None else augment(batch, generator_at(seed, step, rank))


def _loaded(batches: Iterable[Events], workers: int) -> Iterable[Events]:
    """The batches, loaded by worker processes if they can be."""
    if workers and isinstance(batches, IterableDataset):
        return DataLoader(
            batches,
            batch_size=None,
            num_workers=workers,
            worker_init_fn=_ignore_interrupts,
            generator=torch.Generator(),  # else it draws from the generator of dropout
            multiprocessing_context=_START,
        )
    return batches


def _ignore_interrupts(_: int) -> None:
    """Ctrl-C reaches every process of a terminal; only the one that trains shall act on it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def rank_and_world() -> tuple[int, int]:
    """Number of this process and of all, once `fit` has started them: for the streams of `fit`'s callers."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1
