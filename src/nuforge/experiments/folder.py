"""The folder of a run: what was asked, which stages are done, and whether the same command may go on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nuforge import __version__
from nuforge.errors import InputError
from nuforge.events.store import write_json

RECORD = "run.json"
SCHEMA = 1


@dataclass(frozen=True)
class RunFolder:
    """A folder that holds one run. `record` is what `run.json` says when the folder is opened."""

    path: Path
    record: Mapping[str, Any]

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.has("report")

    def has(self, stage: str) -> bool:
        """Whether a stage is recorded as done."""
        return stage in read_json(self.path / RECORD)["done"]

    def mark(self, stage: str, **facts: Any) -> None:  # noqa: ANN401
        """Records a stage as done, with what later stages and the report need to know of it."""
        record = read_json(self.path / RECORD)
        write_json(self.path / RECORD, {**record, "done": {**record["done"], stage: facts}})

    def facts(self, stage: str) -> dict[str, Any]:
        """What was recorded with a stage that is done."""
        return dict(read_json(self.path / RECORD)["done"][stage])


def open_folder(path: Path, command: Mapping[str, Any], resume: bool = False) -> RunFolder:
    """The folder of a run, made or found again.

    The same command on a folder whose run was interrupted goes on with it; a finished run stays as it is.

    Args:
        path: Where.
        command: What the result depends on: experiment, arguments, seed, files.
        resume: Insist that there is a run to resume.

    Raises:
        InputError: If the folder cannot be written, holds something else, or holds another run.
    """
    command = json.loads(json.dumps(command))
    if (path / RECORD).exists() and not _is_untouched(path):
        record = read_json(path / RECORD)
        _same_command(path, record, command)
        return RunFolder(path, record)
    if resume:
        raise InputError(f"nothing to resume in '{path}': it has no {RECORD}; leave --resume out to start there")
    (path / RECORD).unlink(missing_ok=True)  # of a command that failed before it made anything
    make_output_folder(path)
    record = {"schema": SCHEMA, "command": command, "version": __version__, "done": {}}
    write_json(path / RECORD, record)
    return RunFolder(path, record)


def make_output_folder(path: Path) -> Path:
    """The folder, made if it is not there.

    Raises:
        InputError: If it cannot be written, or is not empty.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        first = next(iter(sorted(path.iterdir())), None)
    except OSError as error:
        raise InputError(
            f"cannot write to '{path}': {error.strerror}; give --out a folder that can be written"
        ) from None
    if first is not None:
        raise InputError(f"'{path}' is not empty (it has '{first.name}'); give --out a new or empty folder")
    if not os.access(path, os.W_OK):
        raise InputError(f"cannot write to '{path}': no permission; give --out a folder that can be written")
    return path


def read_json(path: Path) -> dict[str, Any]:
    """The object of a JSON file.

    Raises:
        InputError: If the file is not there or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"no file '{path}'; expected a JSON file that NuForge wrote") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"'{path}' is not JSON ({error}); remove it and run again") from None
    if not isinstance(content, dict):
        raise InputError(f"'{path}' holds a {type(content).__name__}; expected a JSON object, remove it and run again")
    return content


def _is_untouched(path: Path) -> bool:
    """Whether a folder holds the record of a run and nothing that it made."""
    return [entry.name for entry in path.iterdir()] == [RECORD] and read_json(path / RECORD).get("done") == {}


def _same_command(path: Path, record: Mapping[str, Any], command: Mapping[str, Any]) -> None:
    if record.get("schema") != SCHEMA:
        raise InputError(
            f"'{path / RECORD}' has schema {record.get('schema')}, expected {SCHEMA}; give --out another folder"
        )
    was, now = _flat(record["command"]), _flat(command)
    other = [f"{key} {was.get(key)!r}, not {now.get(key)!r}" for key in {**was, **now} if was.get(key) != now.get(key)]
    if other:
        raise InputError(
            f"'{path}' holds another run ({'; '.join(other)}); "
            "give --out another folder, or the same arguments to go on"
        )


def _flat(command: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in command.items() if k != "arguments"} | dict(command.get("arguments", {}))
