"""Batches made ahead: a thread reads and augments the next ones while a device computes."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from queue import Full, Queue

import torch

from nuforge.events import Events

_Made = Queue[Events | BaseException]


class Ahead:
    """The batches of an iterator, made by a thread that is some of them ahead.

    With a CUDA device they lie in pinned memory, from which copies to it do not wait for the processor. The thread ends
    with the batches, or when nobody has this object any more.

    Args:
        batches: What is made; only that thread touches it from now on.
        ahead: Batches that wait, at most.
    """

    def __init__(self, batches: Iterator[Events], ahead: int = 2) -> None:
        self._made: _Made = Queue(ahead)
        self._ended = threading.Event()
        weakref.finalize(self, self._ended.set)
        threading.Thread(target=_make, args=(batches, self._made, self._ended), daemon=True).start()

    def __iter__(self) -> Iterator[Events]:
        return self

    def __next__(self) -> Events:
        if self._ended.is_set():
            raise StopIteration
        batch = self._made.get()
        if isinstance(batch, BaseException):
            self._ended.set()
            raise batch
        return batch


def _make(batches: Iterator[Events], made: _Made, ended: threading.Event) -> None:
    """What the thread does; what ends it is raised where a batch is wanted."""
    pin = torch.cuda.is_available()
    try:
        for batch in batches:
            _put(batch.pin_memory() if pin else batch, made, ended)
            if ended.is_set():
                return
        _put(StopIteration(), made, ended)
    except BaseException as error:  # it is raised again where a batch is wanted
        _put(error, made, ended)


def _put(item: Events | BaseException, made: _Made, ended: threading.Event) -> None:
    """Wait for room, unless nobody will take it."""
    while not ended.is_set():
        try:
            made.put(item, timeout=0.1)
        except Full:
            continue
        return
