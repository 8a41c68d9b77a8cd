"""The catalogue: experiments by name, and a user's own by file and function."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args, get_origin

from nuforge import experiments as package
from nuforge.errors import InputError
from nuforge.experiments.experiment import Entry, Experiment, Value, entry_of
from nuforge.experiments.shipped import shipped
from nuforge.samples import SAMPLES

_MACHINERY = {
    "catalogue",
    "chain_stages",
    "compare",
    "convert",
    "data",
    "describe",
    "evaluate",
    "experiment",
    "folder",
    "nova_slices",
    "predictor",
    "progress",
    "rival",
    "run",
    "shipped",
    "show",
    "simulate",
    "tuning",
}
"""Modules of this room that hold no experiments; everything else is looked through, and imports nothing heavy."""


@dataclass(frozen=True)
class Recipe:
    """An experiment function with the name it is called by."""

    name: str
    function: Callable[..., Experiment]
    entry: Entry | None = None

    def defaults(self, quick: bool = False) -> dict[str, Value]:
        """Its arguments when nothing is said, with those of `--quick` in place if asked for."""
        values = {name: p.default for name, p in inspect.signature(self.function).parameters.items()}
        missing = [name for name, value in values.items() if value is inspect.Parameter.empty]
        if missing:
            raise InputError(
                f"experiment '{self.name}' has no default for {missing}; every argument needs one, for it is a flag"
            )
        if quick and self.entry:
            values |= self.entry.quick
        return values

    def arguments(self, given: Mapping[str, Value]) -> dict[str, Value]:
        """The complete arguments of a call, checked against the signature.

        Raises:
            InputError: If a name is not an argument, or a value is not of its type.
        """
        values = self.defaults()
        unknown = sorted(set(given) - set(values))
        if unknown:
            raise InputError(f"experiment '{self.name}' has no argument {unknown}; it has {sorted(values)}")
        types = inspect.signature(self.function, eval_str=True).parameters
        for name, value in given.items():
            _check(self.name, name, value, types[name].annotation)
        return values | dict(given)


def experiments() -> dict[str, Recipe]:
    """All experiments of the package by name, in alphabetical order."""
    found = {}
    for module in _modules():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            entry = entry_of(function)
            if entry and function.__module__ == module.__name__:
                found[name.replace("_", "-")] = Recipe(name.replace("_", "-"), function, entry)
    return dict(sorted(found.items()))


def find(name: str) -> Recipe:
    """The experiment called `name`, or `file.py:function` of one's own.

    Raises:
        InputError: If there is none; the message lists what there is.
    """
    path, colon, function = name.rpartition(":")
    if colon and path.endswith(".py"):
        return _own(Path(path), function)
    known = experiments()
    if name not in known:
        raise InputError(unknown_name("experiment", name, known) + "; or give file.py:function")
    return known[name]


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """The message about a name that is not there, with the nearest one that is."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f", did you mean '{near[0]}'?" if near else ""
    return f"no {kind} '{name}'{hint} - there is {', '.join(known)}"


def _modules() -> list[ModuleType]:
    names = sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name not in _MACHINERY)
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def _own(path: Path, function: str) -> Recipe:
    """The function of a user's file."""
    if not path.is_file():
        raise InputError(f"no file '{path}'; expected file.py:function with the path of a Python file")
    path = path.resolve()
    spec = importlib.util.spec_from_file_location(f"nuforge_own_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"'{path}' is not a Python file; expected file.py:function")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"'{path}' does not run: {type(error).__name__}: {error}; correct it") from error
    own = {name: f for name, f in inspect.getmembers(module, inspect.isfunction) if f.__module__ == spec.name}
    if function not in own:
        raise InputError(unknown_name(f"function in '{path.name}'", function, own))
    return Recipe(f"{path}:{function}", own[function], entry_of(own[function]))


def _check(experiment: str, name: str, value: Value, expected: object) -> None:
    """Raises if a value is not of the annotated type: int, float, str, bool or a Literal."""
    if get_origin(expected) is Literal:
        fits = value in get_args(expected)
    elif expected is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    elif expected is int:
        fits = isinstance(value, int) and not isinstance(value, bool)
    else:
        fits = not isinstance(expected, type) or isinstance(value, expected)
    if not fits:
        wanted = getattr(expected, "__name__", str(expected)) if isinstance(expected, type) else str(expected)
        raise InputError(f"argument '{name}' of '{experiment}' is {value!r}; expected {wanted}, give --{name} another")


def rows() -> list[dict[str, Any]]:
    """The catalogue, one row an experiment."""
    known = shipped()
    return [
        {
            "name": recipe.name,
            "system": recipe.entry.system,
            "detector": recipe.entry.detector,
            "task": recipe.entry.task,
            "reference": recipe.entry.reference,
            "published": [asdict(figure) for figure in recipe.entry.published],
            "trained": f"nuforge predict {recipe.name} FILE" if recipe.name in known else "nuforge run trains it",
        }
        for recipe in experiments().values()
        if recipe.entry
    ]


def sample_rows() -> list[dict[str, Any]]:
    """The samples, one row each."""
    return [
        {
            "name": name,
            "events": (inspect.getdoc(recipe) or "").partition("\n")[0],
            "arguments": list(inspect.signature(recipe).parameters),
        }
        for name, recipe in SAMPLES.items()
    ]


def as_text(rows: list[dict[str, Any]]) -> str:
    """Rows as text for people: a block each."""
    return "\n\n".join(
        "\n".join([row["name"], *(f"  {key:10} {_shown(value)}" for key, value in row.items() if key != "name")])
        for row in rows
    )


def _shown(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, list):
        return ", ".join(f"{v['name']} {v['value']:g}" if isinstance(v, dict) else str(v) for v in value)
    return str(value)
