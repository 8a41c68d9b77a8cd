"""Report: what an experiment found, as `report.json`.

Every number has an interval, a count and a method; the model stands beside every baseline, with the paired difference
to the better one, and beside the published figure. The JSON has exactly these fields:

| field | content |
|---|---|
| `schema` | 1 |
| `experiment`, `arguments` | the recipe's name and arguments: together they are the configuration |
| `split`, `seeds` | which events were held out, and the seeds of the trainings |
| `metrics` | figure -> interval of the model |
| `baselines` | baseline -> figure -> interval |
| `difference` | figure -> interval of model minus the better baseline, `against` which, `better` "higher" or "lower" |
| `published` | list of `name` (a figure, where one is the same), `value`, `source` |
| `shifts` | systematic shift -> figure -> interval of the model on the same events, shifted |
| `curves` | `confusion`, `reliability` (see `Comparison.curves`) and `learning`: series -> `step`, `value` |
|  | `shifts`: shift -> `values` of the baselines, `changes` of all (see `nuforge.evaluation.shifts.Shifted`) |
|  | `equal_purity`, `left_over` of selections and rejections (see `nuforge.evaluation.equal_purity`) |
|  | `tracking` of a check of a selection: method -> figure -> interval (see `nuforge.evaluation.tracking`) |
|  | of one of several tasks or stages with its name before, as `points_learning` |
|  | of a domain test `separation` and `occlusion` (see `nuforge.evaluation.domain`) |
|  | of what a network looks at `attention`, `saliency` and `embedding` (see `nuforge.evaluation.insight`) |
| `timing` | what -> seconds |
| `provenance` | versions, machine, sample, dates; `question` and `command`, where given, head the HTML report |

An interval is `value`, `low`, `high`, `n`, `method`, `unit`, and where events have different weights `effective`, their
effective number. What is not a finite number is written as null.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from nuforge.errors import InputError
from nuforge.metrics.interval import Interval

SCHEMA = 1
FILE = "report.json"

Json = Any
"""What JSON can hold: None, bool, int, float, str, and lists and mappings of these; checked when it is written."""

Figures = Mapping[str, Interval]


class ReportError(InputError):
    """A document that is no report; the message says where and what to do."""


@dataclass(frozen=True)
class Difference:
    """Model minus the better baseline on the same events.

    Args:
        interval: The difference, in the unit of the figure.
        against: The baseline whose figure is the better one.
        better: Whether a higher or a lower figure is the better one.
    """

    interval: Interval
    against: str
    better: Literal["higher", "lower"] = "higher"

    @property
    def verdict(self) -> Literal["ahead", "behind", "undecided"]:
        """The model's place: undecided if the interval contains zero or is unknown."""
        low, high = self.interval.low, self.interval.high
        if self.better == "lower":
            low, high = -high, -low
        return "ahead" if low > 0 else "behind" if high < 0 else "undecided"


@dataclass(frozen=True)
class Published:
    """A published figure: `name` is that of our figure where the two mean the same."""

    name: str
    value: float
    source: str


@dataclass(frozen=True)
class Report:
    """What an experiment found; the fields are described at the top of this file."""

    experiment: str
    arguments: Mapping[str, Json]
    metrics: Figures
    baselines: Mapping[str, Figures] = field(default_factory=dict)
    difference: Mapping[str, Difference] = field(default_factory=dict)
    published: Sequence[Published] = ()
    split: Mapping[str, Json] = field(default_factory=dict)
    seeds: Sequence[int] = ()
    shifts: Mapping[str, Figures] = field(default_factory=dict)
    curves: Mapping[str, Json] = field(default_factory=dict)
    timing: Mapping[str, Json] = field(default_factory=dict)
    provenance: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, figures in self.baselines.items():
            if set(figures) != set(self.metrics):
                raise ReportError(
                    f"baseline '{name}' has the figures {sorted(figures)}, the model {sorted(self.metrics)}; "
                    "measure both with the same task"
                )
        for name, difference in self.difference.items():
            if name not in self.metrics or difference.against not in self.baselines:
                raise ReportError(
                    f"difference '{name}' against '{difference.against}' compares with nothing in this report; "
                    f"it has the baselines {sorted(self.baselines)} and the figures {sorted(self.metrics)}"
                )

    def to_json(self) -> dict[str, Json]:
        """This report as a document of the schema, safe for any JSON parser."""
        order = ("experiment", "arguments", "split", "seeds", "metrics", "baselines", "difference", "published")
        rest = ("shifts", "curves", "timing", "provenance")
        return {"schema": SCHEMA, **{name: _plain(name, getattr(self, name)) for name in order + rest}}

    @classmethod
    def from_json(cls, document: object) -> Report:
        """The report of a document of the schema.

        Raises:
            ReportError: If the document does not follow the schema: where, what was expected, what to do.
        """
        top = _mapping("report", document)
        _check_fields(top)
        published = [_published(f"published[{i}]", p) for i, p in enumerate(_list("published", top["published"]))]
        seeds = _list("seeds", top["seeds"])
        if not all(isinstance(seed, int) for seed in seeds):
            raise ReportError(f"seeds are {seeds}, expected whole numbers; correct the file")
        return cls(
            experiment=_text("experiment", top["experiment"]),
            seeds=seeds,
            metrics=_figures("metrics", top["metrics"]),
            baselines={k: _figures(f"baselines.{k}", v) for k, v in _mapping("baselines", top["baselines"]).items()},
            difference={
                k: _difference(f"difference.{k}", v) for k, v in _mapping("difference", top["difference"]).items()
            },
            published=published,
            shifts={k: _figures(f"shifts.{k}", v) for k, v in _mapping("shifts", top["shifts"]).items()},
            **{name: _mapping(name, top[name]) for name in ("arguments", "split", "curves", "timing", "provenance")},
        )

    def write(self, folder: Path) -> Path:
        """Writes `report.json` into a folder, whole or not at all, and returns its path."""
        text = json.dumps(self.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        return write_whole(Path(folder) / FILE, text)


def read_report(path: Path) -> Report:
    """The report of a `report.json`, or of the folder that holds one.

    Raises:
        ReportError: If there is none, it is no JSON, or it does not follow the schema.
    """
    path = Path(path)
    path = path / FILE if path.is_dir() else path
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ReportError(f"no report at {path}; 'nuforge run' and 'nuforge evaluate' write one") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ReportError(f"{path} is no JSON ({error}); write it again with 'nuforge evaluate'") from None
    try:
        return Report.from_json(document)
    except ReportError as error:
        raise ReportError(f"{path}: {error}") from None


def write_whole(path: Path, content: str | bytes) -> Path:
    """Writes a file under a temporary name, then renames it: nothing half-written looks whole. Text is UTF-8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _plain(where: str, value: object) -> Json:
    """A value as JSON knows it: no tuples, no NaN, no objects."""
    if isinstance(value, Difference):
        return {**_interval_json(value.interval), "against": value.against, "better": value.better}
    if isinstance(value, Interval):
        return _interval_json(value)
    if isinstance(value, Published):
        return {"name": value.name, "value": _number(value.value), "source": value.source}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return {str(k): _plain(f"{where}.{k}", v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(f"{where}[{i}]", v) for i, v in enumerate(value)]
    raise ReportError(
        f"{where} is a {type(value).__name__}, expected plain numbers, text, lists; use .tolist() or str()"
    )


def _interval_json(interval: Interval) -> dict[str, Json]:
    ends = {name: _number(getattr(interval, name)) for name in ("value", "low", "high")}
    effective = {} if interval.effective is None else {"effective": _number(interval.effective)}
    return {**ends, "n": interval.n, "method": interval.method, "unit": interval.unit, **effective}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _check_fields(top: Mapping[str, Any]) -> None:
    schema = top.get("schema")
    if not isinstance(schema, int) or schema < 1:
        raise ReportError(f"schema is {schema!r}, expected the number {SCHEMA}; this is no report of nuforge")
    if schema > SCHEMA:
        raise ReportError(f"schema is {schema}, this version reads up to {SCHEMA}; update nuforge")
    known = {"schema", *(f.name for f in fields(Report))}
    if set(top) != known:
        raise ReportError(
            f"missing fields {sorted(known - set(top))}, unknown fields {sorted(set(top) - known)}; "
            "write it again with 'nuforge evaluate'"
        )


def _figures(where: str, value: object) -> dict[str, Interval]:
    return {name: _interval(f"{where}.{name}", entry) for name, entry in _mapping(where, value).items()}


def _interval(where: str, document: object, more: frozenset[str] = frozenset()) -> Interval:
    entry = _mapping(where, document)
    expected = {f.name for f in fields(Interval) if f.name != "effective"} | more
    if set(entry) - {"effective"} != expected:
        raise ReportError(f"{where} has the keys {sorted(entry)}, expected {sorted(expected)}; correct the file")
    n = entry["n"]
    if not isinstance(n, int) or isinstance(n, bool) or n < 0:
        raise ReportError(f"{where}.n is {n!r}, expected a number of events; correct the file")
    value, low, high = (_float(f"{where}.{name}", entry[name]) for name in ("value", "low", "high"))
    effective = _float(f"{where}.effective", entry["effective"]) if "effective" in entry else None
    method, unit = (_text(f"{where}.{name}", entry[name]) for name in ("method", "unit"))
    return Interval(value, low, high, n, method, unit, effective)


def _difference(where: str, value: object) -> Difference:
    interval = _interval(where, value, frozenset({"against", "better"}))
    entry = _mapping(where, value)
    better = entry["better"]
    if better not in ("higher", "lower"):
        raise ReportError(f"{where}.better is {better!r}, expected 'higher' or 'lower'; correct the file")
    return Difference(interval, _text(f"{where}.against", entry["against"]), better)


def _published(where: str, value: object) -> Published:
    entry = _mapping(where, value)
    if set(entry) != {"name", "value", "source"}:
        raise ReportError(f"{where} has the keys {sorted(entry)}, expected name, source, value; correct the file")
    number = _float(f"{where}.value", entry["value"])
    return Published(_text(f"{where}.name", entry["name"]), number, _text(f"{where}.source", entry["source"]))


def _mapping(where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ReportError(
            f"{where} is a {type(value).__name__}, expected an object with named fields; correct the file"
        )
    return value


def _list(where: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ReportError(f"{where} is a {type(value).__name__}, expected a list; correct the file")
    return value


def _text(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise ReportError(f"{where} is {value!r}, expected text; correct the file")
    return value


def _float(where: str, value: object) -> float:
    if value is None:
        return math.nan
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ReportError(f"{where} is {value!r}, expected a number or null; correct the file")
    return float(value)
