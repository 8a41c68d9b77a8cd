"""Predictor: a trained network that answers for events, loaded from a checkpoint with everything that it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.experiments.catalogue import Recipe, find
from nuforge.experiments.data import CHUNK, answered, detector_of, events_of, given, in_pieces, store_written
from nuforge.experiments.experiment import Experiment, Value
from nuforge.experiments.folder import make_output_folder
from nuforge.experiments.progress import followed
from nuforge.experiments.shipped import shipped
from nuforge.tasks.answer import with_predictions
from nuforge.training.checkpoint import DESCRIPTION, load_weights, read_description


@dataclass(frozen=True)
class Predictor:
    """A trained network.

    Args:
        experiment: Name of the experiment it comes from.
        arguments: Its arguments.
        built: The experiment with the trained weights in its learner.
        columns: Unit of the columns that it was trained on, by table.column.
    """

    experiment: str
    arguments: Mapping[str, Value]
    built: Experiment
    columns: Mapping[str, str]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of the first task that tells some apart, in the order of its `probability`."""
        return next((task.classes for task in self.built.learner.asked if task.classes), ())

    def predict(self, events: Events, seed: int = 0) -> Events:
        """The events with what the tasks predict: columns of their tables, and tables of their own.

        Where there is a `probability` (N, K) of classes, `prediction` (N,) is the most probable one.

        Energy deposits without voxels first get the response of the experiment's detector.

        Args:
            events: What was read; truth is not looked at.
            seed: Seed of that response.

        Raises:
            InputError: If the columns that the network reads are not there, or have another unit.
        """
        return Events.concat([self._with_predictions(part) for part in in_pieces(answered(events, self.built, seed))])

    def _with_predictions(self, events: Events) -> Events:
        """Read-out events, as many as a network takes, with what the tasks predict."""
        events = given(events, self.built)
        _check_columns(events, self.columns)
        return with_predictions(events, self.predictions(events.readout()))

    @torch.inference_mode()
    def predictions(self, readout: Events) -> Mapping[str, Table]:
        """Probabilities for the rows of readout tables."""
        return self.built.learner.eval().predict(readout)


def _check_columns(events: Events, units: Mapping[str, str]) -> None:
    """Raises if a column that the network was trained on is missing or in another unit."""
    for name, unit in units.items():
        table, column = name.split(".", 1)
        if table not in events or column not in events[table]:
            raise InputError(f"events have no '{name}', which the network was trained on; see nuforge info")
        if (other := events[table].about[column].unit) != unit:
            raise InputError(f"'{name}' is in '{other}', the network was trained on '{unit}'; convert it")


def card_of(recipe: Recipe, arguments: Mapping[str, Value], built: Experiment, like: Events) -> dict[str, Any]:
    """What a checkpoint says of itself.

    Args:
        recipe: The experiment function with its name.
        arguments: Its complete arguments.
        built: What it returned.
        like: Any events as the network reads them.
    """
    columns = {
        f"{name}.{column}": {"unit": table.about[column].unit, "meaning": table.about[column].meaning}
        for name, table in like.readout().tables.items()
        if name != "event"
        for column in table
    }
    return {
        "experiment": recipe.name,
        "arguments": dict(arguments),
        "columns": columns,
        "classes": built.classes,
        "detector": detector_of(built),
    }


def load(checkpoint: str | Path, experiment: str = "") -> Predictor:
    """The network of a checkpoint, or of the folder of a run.

    Args:
        checkpoint: The folder, or the name of a network that comes with the package.
        experiment: file.py:function, for an experiment of one's own: a checkpoint never runs code that it names.

    Raises:
        InputError: If there is no checkpoint, or it does not fit this version or the experiment.
    """
    path = checkpoint_folder(Path(checkpoint))
    card = read_card(path)
    name = experiment or card["experiment"]
    if ".py:" in name and not experiment:
        raise InputError(
            f"checkpoint '{path}' is of an experiment of your own, '{name}'; name it: --experiment {name}, "
            "or load(checkpoint, experiment=...)"
        )
    recipe = find(name)
    arguments = recipe.arguments(card["arguments"])
    built = recipe.function(**arguments)
    said = card["classes"] if isinstance(card["classes"], dict) else {"": card["classes"]}  # of one task, once
    if built.classes != said:
        raise InputError(
            f"checkpoint '{path}' has the classes {said}, experiment '{recipe.name}' has {built.classes}; "
            "train it again with this version"
        )
    load_weights(built.learner, path)
    units = {name: column["unit"] for name, column in card["columns"].items()}
    return Predictor(recipe.name, arguments, built, units)


def checkpoint_folder(path: Path) -> Path:
    """The checkpoint at a path: the folder itself, the one in the folder of a run, or the shipped one of that name.

    Raises:
        InputError: If there is none.
    """
    for folder in (path, path / "checkpoint"):
        if (folder / DESCRIPTION).exists():
            return folder
    known = shipped()
    if str(path) in known:
        return known[str(path)]
    if not path.exists():
        comes = f", or take {' or '.join(known)}, which the package has" if known else ""
        raise InputError(f"no checkpoint '{path}': there is no such folder; nuforge run makes one{comes}")
    raise InputError(
        f"'{path}' holds no checkpoint: it has no {DESCRIPTION}; give the folder 'checkpoint' of a finished run"
    )


def read_card(folder: Path) -> dict[str, Any]:
    """What a checkpoint says of itself.

    Raises:
        InputError: If it is of a newer format, or something is missing.
    """
    card = read_description(folder)
    missing = sorted({"experiment", "arguments", "columns", "classes"} - set(card))
    if missing:
        raise InputError(f"checkpoint '{folder}' does not say its {', '.join(missing)}; copy or train it again")
    return card


def predict_files(
    checkpoint: Path, files: Sequence[Path], out: Path, *, select: str = "", experiment: str = "", seed: int = 0
) -> str:
    """Writes a store of predictions for files; what to tell the user."""
    predictor = load(checkpoint, experiment)
    make_output_folder(out)

    read = followed(events_of(files, predictor.built, seed, select), "predicting")
    predicted = (predictor.predict(events, seed) for events in read)
    provenance = {
        "checkpoint": str(checkpoint),
        "experiment": predictor.experiment,
        "arguments": dict(predictor.arguments),
        "files": [str(path) for path in files],
        "select": select,
        "seed": seed,
        "chunk": CHUNK,
    }
    store = store_written(out, predicted, predictor.built, provenance)
    return f"{len(store)} events with predictions in {out}"
