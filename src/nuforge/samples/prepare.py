"""Making a sample: shards in any number of processes, resumed after any interruption, the same bytes in the end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Self

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text
from torch import Tensor

from nuforge import __version__
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.events.identity import identity_columns
from nuforge.events.store import (
    DESCRIPTION,
    PLAN,
    Store,
    finish,
    read_json,
    read_shard,
    remove_temporaries,
    shard_path,
    write_json,
    write_shard,
)
from nuforge.samples.cache import LOCK, locked
from nuforge.samples.sample import Sample


def prepare(sample: Sample, folder: Path, workers: int | Workers = 1, progress: bool | None = None) -> Store:
    """The store of a sample in a folder; shards that are there and whole are kept, the others made.

    Args:
        sample: What to make.
        folder: The store's folder, empty, absent, or begun by the same call.
        workers: Processes that make shards: how many, or those that made other samples.
        progress: A progress bar on stderr; None shows it if that is a terminal.

    Raises:
        InputError: If the folder holds something else, cannot be written, or workers is less than 1.
        RuntimeError: If a worker process died.
    """
    if isinstance(workers, int):
        with Workers(workers) as own:
            return prepare(sample, folder, own, progress)
    key = sample.key
    if _is_made(folder, key) and not (folder / PLAN).exists():
        return Store(folder)
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LOCK).touch()
    with locked(folder):
        if not _is_made(folder, key):
            _make(sample, folder, key, workers, progress)
        for name in (PLAN, LOCK):
            (folder / name).unlink(missing_ok=True)
    return Store(folder)


def _is_made(folder: Path, key: str) -> bool:
    """Whether the store is whole. Refuses a folder that belongs to something else."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file, expected a folder or nothing; give another folder")
    for name in (DESCRIPTION, PLAN):
        if (folder / name).exists():
            other = read_json(folder / name)
            if other.get("key", other.get("provenance", {}).get("key")) != key:
                raise InputError(f"{folder} holds another sample, or one made by other code; give an empty folder")
            return name == DESCRIPTION
    if folder.exists() and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise InputError(f"{folder} is not empty and holds no sample; give an empty folder")
    return False


def _make(sample: Sample, folder: Path, key: str, workers: Workers, progress: bool | None) -> None:
    """Make what is missing and then, last, the description that makes the folder a store."""
    provenance = {name: value for name, value in sample.provenance().items() if name != "detector"}
    with _writing(folder):
        remove_temporaries(folder)
        write_json(folder / PLAN, {"key": key, "shards": sample.shards, "provenance": provenance})
    missing = [n for n in range(sample.shards) if not _is_whole(sample, folder, n)]
    with _bar(sample, missing, progress) as advance:
        for shard in workers.made(sample, folder, missing):
            advance(sample.drawn(shard))
    versions = {"nuforge": __version__, "torch": torch.__version__}
    finish(
        folder,
        read_shard(shard_path(folder, 0)),
        detector=None if sample.detector is None else sample.detector.description(),
        provenance={**provenance, **versions, "key": key},
        shards=sample.shards,
    )


def _is_whole(sample: Sample, folder: Path, shard: int) -> bool:
    """Whether a shard is there, readable to its last byte, and of this sample."""
    path = shard_path(folder, shard)
    if not path.exists():
        return False
    try:
        event = read_shard(path)["event"]
        return torch.equal(event["event"], sample.numbers(shard)) and bool((event["source"] == sample.source).all())
    except (InputError, KeyError):
        return False


class Workers:
    """Processes that make shards of one sample after another, begun when there is work for two.

    They keep what making a sample needs once, such as tables of cross sections.

    Args:
        number: Of processes; with one, shards are made in this process.

    Raises:
        InputError: If there is not one at least.
    """

    def __init__(self, number: int) -> None:
        if number < 1:
            raise InputError(f"workers must be 1 process at least, got {number}")
        self.number = number
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def made(self, sample: Sample, folder: Path, shards: list[int]) -> Iterator[int]:
        """Makes shards, giving the number of each as it is done.

        Raises:
            RuntimeError: If a process died.
        """
        if min(self.number, len(shards)) <= 1:
            with _one_thread():
                for shard in shards:
                    yield make_shard(sample, folder, shard)
            return
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.number, context, initializer=_start_worker)
        waiting = [self._pool.submit(make_shard, sample, folder, shard) for shard in shards]
        try:
            for done in as_completed(waiting):
                yield done.result()
        except BrokenProcessPool:
            raise RuntimeError(
                "a worker process died, perhaps for lack of memory; whole shards are kept, "
                "run the same command again with fewer workers"
            ) from None
        finally:
            for one in waiting:
                one.cancel()


def make_shard(sample: Sample, folder: Path, shard: int) -> int:
    """Make and write one shard, and return its number."""
    numbers = sample.numbers(shard)
    events = sample.made(shard)
    if len(events) != len(numbers):
        raise ValueError(f"sample '{sample.name}' made {len(events)} events in shard {shard}, expected {len(numbers)}")
    with _writing(folder):
        write_shard(folder, shard, with_identity(events, sample.source, shard, numbers))
    return shard


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Say in one line that a folder cannot be written, or that the disk is full."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot write to {folder} ({error.strerror or error}); make room or give another folder"
        ) from None


def with_identity(events: Events, source: int, run: int, numbers: Tensor | None = None) -> Events:
    """Events that know who they are: source and run as given, subrun 0, event 0 to B - 1 unless numbers (B,) are given.

    Other columns of `event` are kept; variation is 0 and a weight 1 unless there is one.
    """
    n = len(events)
    identity = identity_columns(source, run, torch.arange(n) if numbers is None else numbers)
    free = {"variation": torch.zeros(n, dtype=torch.int64), "weight": torch.ones(n, dtype=torch.float64)}
    if "event" not in events:
        return events.with_table("event", Table(identity | free, torch.arange(n + 1)))
    event = events["event"]
    missing = {name: column for name, column in free.items() if name not in event}
    return events.with_table("event", event.with_columns(identity | missing))


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread for torch, because the order of a sum depends on how many share it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _start_worker() -> None:
    """One thread; leave Ctrl-C to the parent, and end with it even if it is killed."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """End this process when the one behind the sentinel has ended."""
    wait([sentinel])
    os._exit(1)


class _Rate(ProgressColumn):
    """Events a second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.3g} events/s")


@contextmanager
def _bar(sample: Sample, missing: list[int], progress: bool | None) -> Iterator[Any]:
    """A function that moves a progress bar by some events; it shows nothing unless wanted."""
    show = sys.stderr.isatty() if progress is None else progress
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not show) as bar:
        done = sample.events - sum(sample.drawn(n) for n in missing)
        task = bar.add_task(sample.name, total=sample.events, completed=done)
        yield lambda n: bar.advance(task, n)
