"""What the command line makes of files in a process of its own: its answer, time and memory."""

from __future__ import annotations

import io
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import torch

from nuforge.cli import main
from nuforge.experiments import convert, describe
from nuforge.training import checkpoint

LOADED = (checkpoint, convert, describe)
"""Loaded here, so that the forked processes need not."""

MEMORY = 600
"""MB above those of Python, torch and the libraries (some 350), so that a process stays below 1 GB."""

SECONDS = 10


@dataclass(frozen=True)
class Answer:
    """What became of one file.

    Args:
        file: Its path.
        code: The exit code.
        said: What was printed for errors.
        seconds: Of the processor.
        memory: MB, the most that was in use above what was before.
    """

    file: str
    code: int
    said: str
    seconds: float
    memory: float


def answers(make: Callable[[], Iterable[Path]], verb: str = "info", hang: float = 600) -> list[Answer]:
    """The answers of the command line to files, made one after the other in a forked process.

    Raises:
        AssertionError: If it died, or hung for more seconds than `hang` on one file.
    """
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(make, verb, theirs))
    child.start()
    theirs.close()
    found: list[Answer] = []
    try:
        while mine.poll(hang):
            answer = mine.recv()
            if answer is None:
                return found
            found.append(answer)
    except EOFError:
        child.join()
    finally:
        child.kill()
        child.join()
    raise AssertionError(f"the process ended with {child.exitcode} after {found[-1:]}")


def _child(make: Callable[[], Iterable[Path]], verb: str, pipe: multiprocessing.connection.Connection) -> None:
    torch.set_num_threads(1)
    now = _memory("VmSize") << 20
    resource.setrlimit(resource.RLIMIT_AS, (now + (6 << 30), now + (6 << 30)))  # the machine is not to suffer
    for path in make():
        pipe.send(_answer(path, verb))
    pipe.send(None)


def _answer(path: Path, verb: str) -> Answer:
    words = {"info": [], "convert": [f"{path}.out"], "show": ["--out", f"{path}.html"]}[verb]
    Path("/proc/self/clear_refs").write_text("5")  # the most memory is what it is now
    before, begin, said = _memory("VmHWM"), time.process_time(), io.StringIO()
    with redirect_stderr(said), redirect_stdout(io.StringIO()):
        code = main([verb, str(path), *words])
    lines = said.getvalue()
    return Answer(str(path), code, lines, time.process_time() - begin, _memory("VmHWM") - before)


def _memory(name: str) -> int:
    """MB of this process, by the kernel."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) >> 10


def faults(found: Iterable[Answer], refused: bool = False) -> list[Answer]:
    """Answers that are not as they must be: read, or one line and exit code 2; soon, and in little memory."""
    return [
        each
        for each in found
        if each.code not in ((2,) if refused else (0, 2))
        or (each.code == 2 and (each.said.count("\n") != 1 or not each.said.startswith("nuforge: ")))
        or each.seconds > SECONDS
        or each.memory > MEMORY
    ]
