"""By how much reading a file grows the memory of a process: the most that is resident, beyond what was before.

Linux resets the high-water mark of a process when 5 is written to /proc/self/clear_refs. What allocators keep of
earlier work is given back before, so that it hides nothing.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MARK = Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Grown:
    """What reading a file took.

    Args:
        peak: Bytes that the process grew by at most.
        largest: Bytes of the largest batch of events.
        batches: How many there were.
    """

    peak: int
    largest: int
    batches: int


KEPT = 1 << 20
"""Bytes of a table that are kept whole while memory is measured, an eighth of what readers keep: files can be short."""


def grown(files: Sequence[tuple[Path, int]], kept: int = KEPT) -> list[Grown]:
    """What reading files takes, so many events at a time, in a process of its own, one after the other."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_measure, args=(list(files), kept, sender))
    child.start()
    sender.close()  # so that a process that dies is heard of
    found = receiver.recv()
    child.join()
    if isinstance(found, str):
        raise RuntimeError(found)
    return found


def _measure(files: Sequence[tuple[Path, int]], kept: int, sender) -> None:
    """In the process: one file after the other."""
    from nuforge.formats import decoded

    decoded.KEPT = kept
    try:
        sender.send([_one(path, batch) for path, batch in files])
    except Exception as error:  # the parent waits for an answer
        sender.send(f"{type(error).__name__}: {error}")


def _one(path: Path, batch: int) -> Grown:
    import pyarrow
    import torch

    from nuforge.experiments.convert import bytes_of
    from nuforge.formats import format_of

    torch.set_num_threads(1)
    pyarrow.set_cpu_count(1)
    found = format_of(path)
    next(found.events(path, 1))  # what is loaded but once
    gc.collect()
    pyarrow.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)
    MARK.write_text("5")
    before, largest, batches = _status("VmRSS"), 0, 0
    for events in found.events(path, batch):
        largest, batches = max(largest, bytes_of(events)), batches + 1
        del events  # or it would be held while the next one is made
    return Grown(_status("VmHWM") - before, largest, batches)


def _status(name: str) -> int:
    """A size of this process, in bytes."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return 1024 * int(found[1]) if found else 0
