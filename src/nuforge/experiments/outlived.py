"""Work that a child process does, so that a library of compiled code that breaks off ends in one line."""

from __future__ import annotations

import glob
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

_BROKEN = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)


def outlived(work: Callable[[], int], words: Sequence[str]) -> int:
    """The exit code of work that a child process does: 2, with one line, if a library breaks off in it.

    The HDF5 library writes past its memory on some damaged files; nothing in that process can be trusted then. A fork
    before anything heavy is loaded takes about a millisecond.

    Args:
        work: What is done.
        words: The command line, for the message, and to remove what was begun under a temporary name.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        return work()
    before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGQUIT)}  # the child's
    for each in (signal.SIGTERM, signal.SIGHUP):
        before[each] = signal.signal(each, lambda number, _: os.kill(child, number))
    _, status = os.waitpid(child, 0)
    for each, handler in before.items():
        signal.signal(each, handler)
    if not os.WIFSIGNALED(status):
        return os.waitstatus_to_exitcode(status)
    _tidy(words, child)
    number = os.WTERMSIG(status)
    if number not in _BROKEN:
        return 128 + number
    name = signal.Signals(number).name
    print(
        f"nuforge: a library broke off ({name}) at: {' '.join(words)}; most likely the file is damaged, copy or write "
        "it again",
        file=sys.stderr,
    )
    return 2


def _tidy(words: Sequence[str], child: int) -> None:
    """Removes what a process began to write, under a temporary name with its number, beside the paths it was given."""
    for path in (Path(word) for word in words[1:] if word and not word.startswith("-")):
        for left in path.parent.glob(f".{glob.escape(path.name)}.{child}.tmp"):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
