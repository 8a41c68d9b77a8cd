"""GraphNeT's SQLite: a table of pulses for each pulse map, a table of truth, and what others made of them.

All have a column `event_no`. Each table is read once, in the order of its events: by its index if it has one, else
SQLite sorts it in a temporary file; rows need be in no order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nuforge.detectors import Detector
from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.formats.format import Format
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.graphnet_columns import (
    KEY,
    Flat,
    check_columns,
    events_of,
    is_pulses,
    nothing_for,
    number_twice,
    truth_among,
    without_events,
)
from nuforge.formats.graphnet_written import columns_of
from nuforge.formats.identity import source_of
from nuforge.formats.ragged import ids
from nuforge.formats.whole import written_whole

_MOST_CELL = 1 << 20  # bytes of a value
_STEPS, _STEPS_PER_BYTE = 100_000, 1000  # of the machine that runs queries
_FETCH = 20_000  # rows
_SAMPLE = 1000  # rows by which a column of words is told
_EXACT = 2**53  # whole numbers that real ones hold


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    """A database open for reading; what goes wrong inside becomes one line."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as base:
            base.execute("PRAGMA trusted_schema = OFF")
            base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_CELL)
            left = iter(range(_STEPS_PER_BYTE * path.stat().st_size // _STEPS + 10))
            base.set_progress_handler(lambda: next(left, None) is None, _STEPS)  # a page may be named often
            yield base
    except (sqlite3.Error, OverflowError) as error:
        reason = (str(error).splitlines() or ["damaged"])[0][:200]
        raise InputError(f"{path} is no readable SQLite file ({reason}); copy it again") from None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _tables(base: sqlite3.Connection) -> dict[str, list[str]]:
    """Tables with a column of events, and their columns."""
    names = [row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid")]
    found = {name: [row[1] for row in base.execute(f"PRAGMA table_info({_quoted(name)})")] for name in names}
    return {name: columns for name, columns in found.items() if KEY in columns}


@dataclass
class _Cursor:
    """The rows of a table in the order of their events, as batches ask for them."""

    path: Path
    name: str
    columns: list[str]
    rows: sqlite3.Cursor
    left: NDArray[np.float64] = field(init=False)
    ended: bool = False

    def __post_init__(self) -> None:
        self.left = np.zeros((0, 1 + len(self.columns)))

    @classmethod
    def of(cls, path: Path, base: sqlite3.Connection, name: str, columns: Iterable[str]) -> _Cursor:
        """A table from its start; columns of words are left out."""
        wanted = [column for column in columns if column != KEY]
        kinds = base.execute(f"SELECT {', '.join(map(_quoted, wanted)) or 1} FROM {_quoted(name)} LIMIT {_SAMPLE}")
        words = {i for row in kinds for i, value in enumerate(row) if isinstance(value, (str, bytes))}
        kept = [column for i, column in enumerate(wanted) if i not in words]
        chosen = ", ".join(map(_quoted, [KEY, *kept]))
        rows = base.execute(
            f"SELECT {chosen} FROM {_quoted(name)} WHERE {KEY} IS NOT NULL ORDER BY {KEY}, rowid"  # quoted names only
        )
        return cls(path, name, kept, rows)

    def until(self, events: NDArray[np.int64]) -> Flat:
        """The rows of the next events (B,), sorted."""
        parts = [self.left]
        while not self.ended and (not len(parts[-1]) or parts[-1][-1, 0] <= events[-1]):
            some = self.rows.fetchmany(_FETCH)
            self.ended = len(some) < _FETCH
            if some:
                parts.append(self._numbers(some))
        rows = np.concatenate(parts)
        end = int(np.searchsorted(rows[:, 0], events[-1], side="right"))
        mine, self.left = rows[:end], rows[end:].copy()
        key = ids(mine[:, 0], f"'{KEY}' of table '{self.name}' of {self.path}")
        columns = {name: np.ascontiguousarray(mine[:, 1 + i]) for i, name in enumerate(self.columns)}
        return Flat.of(columns, key, events)

    def _numbers(self, rows: list[tuple[float | None, ...]]) -> NDArray[np.float64]:
        """Rows of numbers, NaN for what is missing."""
        try:
            return np.array(rows, dtype=np.float64)
        except (ValueError, TypeError, OverflowError) as error:
            raise InputError(
                f"table '{self.name}' of {self.path} must hold numbers ({str(error)[:80]}); drop its words"
            ) from None


def read_graphnet_sqlite(path: str | Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a file in the order of their numbers, some at a time, in bounded memory.

    Args:
        path: The database.
        batch_events: Events at a time.

    Yields:
        Events with `event`, `hits` (the longest table of pulses), `interactions` and `truth` if there are any, and
        other tables under their own names.

    Raises:
        InputError: If the file is not as expected.
    """
    path = Path(path)
    with _open(path) as base:
        tables = _tables(base)
        numbers = _numbers_of_events(path, base, tables)
        longest = sorted(tables, key=lambda name: -_size(base, name) if is_pulses(tables[name]) else 0)
        cursors = {name: _Cursor.of(path, base, name, tables[name]) for name in longest}
        source = source_of(path)
        for first in range(0, len(numbers), batch_events):
            chosen = numbers[first : first + batch_events]
            yield events_of(chosen, {name: cursor.until(chosen) for name, cursor in cursors.items()}, source)


def _size(base: sqlite3.Connection, name: str) -> int:
    """About how many rows a table has."""
    return int(base.execute(f"SELECT max(rowid) FROM {_quoted(name)}").fetchone()[0] or 0)


def _numbers_of_events(path: Path, base: sqlite3.Connection, tables: Mapping[str, list[str]]) -> NDArray[np.int64]:
    """The numbers of all events, sorted, those that are missing from a table too."""
    parts = " UNION ".join(f"SELECT {KEY} FROM {_quoted(name)}" for name in tables)
    cursor = base.execute(f"SELECT * FROM ({parts}) WHERE {KEY} IS NOT NULL ORDER BY {KEY}")
    blocks = [np.zeros(0, np.int64)]
    while some := cursor.fetchmany(_FETCH):
        try:
            values = np.array(some)[:, 0]
        except (ValueError, OverflowError):
            values = np.array(["a word"])
        if values.dtype.kind not in "iuf":
            raise InputError(f"'{KEY}' of {path} must be numbers, got {some[0][0]!r}; write integers")
        blocks.append(ids(values, f"'{KEY}' of {path}"))
    numbers = np.concatenate(blocks)
    if not len(numbers):
        raise without_events(path, tables)
    return numbers


def write_graphnet_sqlite(path: str | Path, parts: Iterable[Events], detector: Detector | None = None) -> None:
    """Writes events, part by part, as a database of `truth` and `pulses`, each with an index on `event_no`.

    Args:
        path: The database; it is replaced when the new one is whole.
        parts: Events with hits (see `graphnet_written.columns_of`).
        detector: Not written, for these files have no place for it.

    Raises:
        InputError: If there are no events, two have one number, or they cannot be held.
    """
    with written_whole(Path(path)) as part, closing(sqlite3.connect(part)) as base:
        made: dict[str, list[str]] = {}
        for events in parts:
            for name, columns in columns_of(events).items():
                if name not in made:
                    made[name] = list(columns)
                    base.execute(_create(name, columns))
                _insert(base, name, made[name], columns)
        if not made:
            raise nothing_for(Path(path))
        base.execute(f"CREATE INDEX {KEY}_pulses ON pulses ({KEY})")
        base.commit()


def _create(name: str, columns: Mapping[str, NDArray]) -> str:
    kinds = {c: "INTEGER" if values.dtype.kind == "i" else "FLOAT" for c, values in columns.items()}
    if name == "truth":
        kinds[KEY] = "INTEGER PRIMARY KEY NOT NULL"
    return f"CREATE TABLE {name} ({', '.join(f'{_quoted(c)} {kind}' for c, kind in kinds.items())})"


def _insert(base: sqlite3.Connection, name: str, names: list[str], columns: Mapping[str, NDArray]) -> None:
    check_columns(list(columns), names)
    wrong = [c for c, values in columns.items() if values.dtype.kind == "i" and (np.abs(values) > _EXACT).any()]
    if wrong:
        raise InputError(f"columns {wrong} have numbers above {_EXACT}, which SQLite's readers make inexact; renumber")
    marks = ",".join("?" * len(names))
    rows = zip(*(columns[n].tolist() for n in names), strict=True)
    try:
        base.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    except sqlite3.IntegrityError:
        raise number_twice() from None


def _recognises(seen: Glimpse) -> bool:
    if seen.kind is not Kind.SQLITE:
        return False
    with _open(seen.path) as base:
        tables = _tables(base)
        return truth_among(tables) is not None or any(map(is_pulses, tables.values()))


GRAPHNET_SQLITE = Format(
    "graphnet-sqlite",
    "GraphNeT's SQLite (pulses and truth of neutrino telescopes)",
    "seen",
    _recognises,
    read_graphnet_sqlite,
    write_graphnet_sqlite,
)
