"""Geant4 processes: begun, given tasks, listened to, and ended, whatever happens."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuforge.errors import InputError
from nuforge.simulation.transport.geant4.data_sets import environment

VERSION = "0.1.3"
"""The geant4-pybind that this engine is made for: it uses functions that this one exports."""

_WORKER = "nuforge.simulation.transport.geant4.worker"
_LAST_WORDS = 6
_FRAME = ("EEEE", "Fatal Exception", "not available at this moment", "Aborting execution")
"""What Geant4 says about every fatal error."""
_GRACE = 5.0  # s for a process that has closed its pipe to end

Arrays = Mapping[str, NDArray[Any]]


def require_geant4() -> None:
    """Refuses to go on without Geant4.

    Raises:
        InputError: If geant4-pybind is not installed, or is another version.
    """
    if importlib.util.find_spec("geant4_pybind") is None:
        raise InputError(
            "the Geant4 engine needs geant4-pybind, which is not installed; "
            "pip install 'nuforge[geant4]' (Linux on x86-64 only)"
        )
    version = importlib.metadata.version("geant4-pybind")
    if version != VERSION:
        raise InputError(f"geant4-pybind {version} is installed, expected {VERSION}; pip install 'nuforge[geant4]'")


@dataclass
class _Worker:
    """A process, the file of what Geant4 says in it, and the task that it has."""

    process: subprocess.Popen[str]
    log: Path
    task: int = -1

    def tell(self, line: str) -> None:
        """Write a line to it."""
        if self.process.stdin is not None:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def end(self) -> None:
        """Wait for its end, and close its pipes."""
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):  # the other end is gone
                    pipe.close()


@contextmanager
def working(setup: Mapping[str, Any], size: int) -> Iterator[Crew]:
    """Some Geant4 processes that share a setup, which end with the `with`.

    Args:
        setup: What all tasks share, as JSON has it (see `worker`).
        size: Number of processes.
    """
    workers: list[_Worker] = []
    with tempfile.TemporaryDirectory(prefix="nuforge-geant4-") as home:
        folder = Path(home)
        (folder / "setup.json").write_text(json.dumps(setup))
        variables = {**os.environ, **environment(folder / "data")}
        variables["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        try:
            for number in range(size):
                workers.append(_begun(folder, folder / f"worker{number}.log", variables))
            yield Crew(folder, workers)
        finally:
            for worker in workers:
                worker.process.kill()
            for worker in workers:
                worker.end()


class Crew:
    """Geant4 processes at work in a folder (see `working`)."""

    def __init__(self, folder: Path, workers: Sequence[_Worker]) -> None:
        self._folder, self._workers = folder, workers

    def work(self, n_tasks: int, task_of: Callable[[int], Arrays]) -> Iterator[tuple[int, dict[str, NDArray[Any]]]]:
        """The results of all tasks with their numbers, as they are done.

        Args:
            n_tasks: Number of tasks.
            task_of: The arrays of a task by its number.

        Raises:
            InputError: If a worker refuses what it was given.
            ChildProcessError: If a worker ends before its task does.
        """
        waiting = iter(range(n_tasks))
        with selectors.DefaultSelector() as selector:
            for worker in self._workers:
                self._give(worker, waiting, task_of, selector)
            while selector.get_map():
                for key, _ in selector.select():
                    worker = key.data
                    yield worker.task, self._result(worker)
                    selector.unregister(key.fileobj)
                    self._give(worker, waiting, task_of, selector)

    def _give(
        self,
        worker: _Worker,
        waiting: Iterator[int],
        task_of: Callable[[int], Arrays],
        selector: selectors.BaseSelector,
    ) -> None:
        """Gives a worker its next task, if there is one."""
        task = next(waiting, None)
        if task is None:
            return
        worker.task = task
        np.savez(self._folder / f"{task}.npz", **task_of(task))  # type: ignore[arg-type]
        try:
            worker.tell(str(task))
        except OSError:
            raise self._dead(worker) from None
        selector.register(_pipe(worker), selectors.EVENT_READ, worker)

    def _result(self, worker: _Worker) -> dict[str, NDArray[Any]]:
        """What a worker that has something to say made of its task."""
        line = _pipe(worker).readline()
        if not line.endswith("\n"):
            raise self._dead(worker)
        answer = json.loads(line)
        if "error" in answer:
            raise InputError(answer["error"])
        path = self._folder / f"{worker.task}.out.npz"
        with np.load(path) as arrays:
            result = dict(arrays)
        path.unlink()
        (self._folder / f"{worker.task}.npz").unlink()
        return result

    def _dead(self, worker: _Worker) -> ChildProcessError:
        """The error of a worker that has ended, with the last that Geant4 said."""
        try:
            code = worker.process.wait(timeout=_GRACE)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            code = worker.process.wait()
        words = _last_words(worker.log.read_text(errors="replace"))
        return ChildProcessError(
            f"a Geant4 process ended with code {code} in task {worker.task}, expected a result; its last words: {words}"
        )


def _begun(folder: Path, log: Path, variables: Mapping[str, str]) -> _Worker:
    """A process that waits for tasks in a folder."""
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", _WORKER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            env=dict(variables),
            text=True,
            start_new_session=True,
        )
    return _Worker(process, log)


def _last_words(text: str) -> str:
    """The end of what Geant4 said, as one line."""
    lines = [line.strip(" *-\t") for line in text.splitlines()]
    said = [line for line in lines if any(map(str.isalnum, line)) and not any(word in line for word in _FRAME)]
    return " | ".join(said[-_LAST_WORDS:]) or "none"


def _pipe(worker: _Worker) -> Any:  # noqa: ANN401
    """What a worker says."""
    if worker.process.stdout is None:
        raise RuntimeError("a Geant4 process has no standard output; it was begun without")
    return worker.process.stdout
