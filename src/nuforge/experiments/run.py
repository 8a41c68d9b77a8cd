"""A whole run: simulate or read, fit the baselines, train, evaluate beside them, report. Every stage can be resumed."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from nuforge.baselines.baseline import Choosing
from nuforge.errors import InputError
from nuforge.evaluation.report import read_report
from nuforge.events import Events, Selection
from nuforge.events.loader import Loader
from nuforge.events.store import Store
from nuforge.events.weights import has_weights, mean_weight, over_mean, weights_of
from nuforge.experiments.catalogue import Recipe, find
from nuforge.experiments.compare import baseline_folder
from nuforge.experiments.data import (
    BATCH,
    detector_of,
    effective_numbers,
    store_given,
    store_of,
    weights_by_side,
)
from nuforge.experiments.evaluate import headline, report_on
from nuforge.experiments.experiment import Experiment, Value
from nuforge.experiments.folder import RunFolder, open_folder
from nuforge.experiments.predictor import card_of, checkpoint_folder, load
from nuforge.experiments.progress import followed, say
from nuforge.experiments.tuning import tune
from nuforge.metrics.weights import weighted
from nuforge.samples import Sample
from nuforge.samples.prepare import Workers
from nuforge.training.checkpoint import load_weights, read_description, save_weights, write_weights
from nuforge.training.fit import fit
from nuforge.training.interrupt import Interrupted
from nuforge.training.options import Precision
from nuforge.training.stream import rank_and_world


@dataclass(frozen=True)
class Run:
    """One run on its way: what was asked, what the experiment function returned, and where it goes."""

    recipe: Recipe
    arguments: Mapping[str, Value]
    experiment: Experiment
    folder: RunFolder
    seed: int
    precision: Precision | None = None

    @property
    def checkpoint(self) -> Path:
        """Where the trained network and the fitted baselines are."""
        return self.folder.path / "checkpoint"


def run(
    name: str,
    arguments: Mapping[str, Value],
    out: Path,
    *,
    data: Sequence[Path] = (),
    select: str = "",
    init: Path | None = None,
    seed: int = 0,
    devices: int = 1,
    workers: int = 1,
    precision: Precision | None = None,
    resume: bool = False,
) -> str:
    """Runs an experiment to its report, or goes on with an interrupted run; what to tell the user.

    Args:
        name: Name of the experiment, or file.py:function.
        arguments: Its arguments; those left out have their defaults.
        out: Output folder: report.json, report.html, checkpoint/, predictions/ (a store), run.json.
        data: Files or stores in place of the built-in simulation.
        select: Expression that their events must fulfil, all if empty.
        init: Checkpoint whose weights training begins with.
        seed: Seed of the weights, of the order of the events and of the bootstrap.
        devices: Number of devices to train on.
        workers: Processes that simulate; the result does not depend on it.
        precision: What layers compute in while they learn, in place of the experiment's own.
        resume: Insist that there is a run to resume.

    Raises:
        InputError: If the folder holds something else, or an argument or file cannot be used.
    """
    for what, value in {"devices": devices, "workers": workers}.items():
        if value < 1:
            raise InputError(f"--{what} must be at least 1, got {value}; give a positive number")
    if select and not data:
        raise InputError(f"--select '{select}' chooses among events of files, and there are none; give --data")
    recipe = find(name)
    arguments = recipe.arguments(arguments)
    command = {
        "experiment": recipe.name,
        "arguments": arguments,
        "data": [str(Path(path).resolve()) for path in data],
        "init": str(Path(init).resolve()) if init else None,
        "seed": seed,
    }
    if select:
        command["select"] = Selection(select).text
    if precision:
        command["precision"] = precision
    beginning = checkpoint_folder(Path(init)) if init else None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # the entry point: weights begin from the seed, the caller's own state is left alone
        experiment = recipe.function(**arguments)
    if beginning:
        load_weights(experiment.learner, beginning)
    folder = open_folder(Path(out), command, resume)
    if folder.finished:
        say(f"'{out}' holds this run, finished; remove it or give another --out to run it again")
        return headline(read_report(folder.path), folder.path)
    this = Run(recipe, arguments, experiment, folder, seed, precision)
    tracking = experiment.tracking
    with Workers(workers) as processes:
        store = _events(this, data, select, processes)
        shifts = {} if data else _others(this, "shifts", experiment.shifts, processes)
        tracked = _others(this, "tracking", tracking.samples, processes) if tracking and not data else {}
    passed = store
    for stage, part in experiment.stages.items():
        passed = _train_stage(this, stage, part, passed, devices)
    store = store_given(store, experiment, folder.path / "given")
    _train(this, store, devices)
    _fit_baselines(this, store)
    return _evaluate(this, store, shifts, tracked)


def _events(this: Run, data: Sequence[Path], select: str, workers: Workers) -> Store:
    """The store of the run's events: the cached sample, or what the files hold."""
    begin = time.perf_counter()
    if data:
        store = store_of([Path(path) for path in data], this.experiment, this.folder.path / "data", this.seed, select)
    else:
        store = this.experiment.sample.prepare(None, workers)
    weights = weights_by_side(store, this.experiment.only)
    split = {side: len(weight) for side, weight in weights.items()}
    empty = [side for side, n in split.items() if not n]
    if empty:
        raise InputError(f"{len(store)} events leave none for {' and '.join(empty)}; give more events")
    effective = effective_numbers(weights)
    if not this.folder.has("events"):
        this.folder.mark("events", seconds=time.perf_counter() - begin, store=str(store.path), split=split | effective)
    counts = ", ".join(f"{n} {side}" for side, n in split.items())
    asked = f", of which are asked {only}" if (only := this.experiment.only) else ""
    weighed = "".join(f"; {name} {n:.1f}" for name, n in effective.items())
    say(f"{len(store)} events in {store.path}{asked}: {counts}{weighed}")
    return store


def _others(this: Run, stage: str, samples: Mapping[str, Sample], workers: Workers) -> dict[str, Store]:
    """The cached samples that nothing is trained on: of the experiment's shifts, or of its tracking."""
    begin = time.perf_counter()
    others = {name: sample.prepare(None, workers) for name, sample in samples.items()}
    if others and not this.folder.has(stage):
        stores = {name: str(store.path) for name, store in others.items()}
        this.folder.mark(stage, seconds=time.perf_counter() - begin, stores=stores)
    return others


def _side(this: Run, store: Store, side: str | None, tables: Sequence[str] | None = None) -> Loader:
    """One side of the split, or all events, in order, once."""
    only = this.experiment.only
    return Loader(store, BATCH, side=side, tables=tables, seed=this.seed, shuffle=False, select=only)


def _train_stage(this: Run, stage: str, part: Experiment, store: Store, devices: int) -> Store:
    """Trains a stage in a folder of its own, on a store made from that of the stage before; its store.

    The learner, which is a part of the run's, ends with what was best.
    """
    folder = _stage_folder(this, stage)
    of_stage = replace(this, experiment=part, folder=folder)
    given = store_given(store, part, folder.path / "given")
    if folder.has("training"):
        load_weights(part.learner, of_stage.checkpoint)
    else:
        say(f"stage {stage}")
        _train(of_stage, given, devices)
    return given


def _stage_folder(this: Run, stage: str) -> RunFolder:
    """The folder of a stage, inside that of the run."""
    return open_folder(this.folder.path / "stages" / stage, {**this.folder.record["command"], "stage": stage})


def _train(this: Run, store: Store, devices: int) -> None:
    """Trains the network and keeps the best of it as the run's checkpoint."""
    if this.folder.has("training"):
        return
    options = this.experiment.options
    if options is None:
        _keep(this, store)
        return
    if this.precision:
        options = replace(options, precision=this.precision)
    begin = time.perf_counter()
    experiment, tables = this.experiment, this.experiment.tables
    mean = mean_weight(weights_by_side(store, experiment.only)["train"])

    def training_batches(step: int) -> Loader:
        rank, world = rank_and_world()
        return Loader(
            store,
            experiment.batch,
            side="train",
            tables=tables,
            seed=this.seed,
            rank=rank,
            world=world,
            endless=True,
            start=step,
            select=experiment.only,
        )

    _meet(experiment, (over_mean(events, mean) for events in _side(this, store, "train", tables)))
    like = next(iter(_side(this, store, "test", tables)))
    try:
        best = fit(
            experiment.learner,
            training_batches,
            lambda: _side(this, store, "validation", tables),
            options,
            this.folder.path / "training",
            about=card_of(this.recipe, this.arguments, experiment, like),
            augment=experiment.augment,
            resume=True,
            seed=this.seed,
            devices=devices,
            mean_weight=mean,
        )
    except Interrupted as stop:
        raise KeyboardInterrupt(str(stop)) from None
    learning = _learning_curves(read_description(best.with_name("last"))["history"])
    if best.exists():  # else it was put in place before an interruption
        best.rename(this.checkpoint)
    _tune(this, lambda: _side(this, store, "validation", tables))
    this.folder.mark("training", seconds=time.perf_counter() - begin, learning=learning)
    shutil.rmtree(this.folder.path / "training")


def _keep(this: Run, store: Store) -> None:
    """Keeps the network as its stages were trained."""
    experiment = this.experiment
    like = next(iter(_side(this, store, "test", experiment.tables)))
    write_weights(experiment.learner, this.checkpoint, card_of(this.recipe, this.arguments, experiment, like))
    this.folder.mark("training", seconds=0.0, learning={})


def _tune(this: Run, validation: Callable[[], Iterable[Events]]) -> None:
    """Sets what is chosen on validation events, in the checkpoint."""
    learner = this.experiment.learner
    load_weights(learner, this.checkpoint)
    tune(learner, validation)
    save_weights(learner, this.checkpoint)


def _meet(experiment: Experiment, batches: Iterable[Events]) -> None:
    """Looks for labels in the training events, and tells the tasks what they count there, events with their weights."""
    tasks, needs = experiment.learner.asked, [column.split(".") for column in experiment.needs]
    sums: list[torch.Tensor | int] = [0] * len(tasks)
    for events in batches:
        for table, target in needs:
            if table not in events or target not in events[table]:
                raise InputError(f"events for training have no '{target}' in '{table}'; give events with labels")
        counts = [task.count(events) for task in tasks]
        if has_weights(events):
            counts = [weighted(count, weights_of(events)) for count in counts]
        sums = [total + count.sum(0) for total, count in zip(sums, counts, strict=True)]
    for task, total in zip(tasks, sums, strict=True):
        if isinstance(total, torch.Tensor):
            task.meet(total)


def _learning_curves(history: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    """Losses and figures that are not of one class by step, as a report has them."""
    names = {"training loss": "training loss", "loss": "validation loss"}
    names |= dict.fromkeys((name for entry in history for name in entry if _is_general(name) and name not in names), "")
    steps = [entry["step"] for entry in history]
    return {
        shown or name: {"step": steps, "value": [entry.get(name) for entry in history]}
        for name, shown in names.items()
        if any(entry.get(name) is not None for entry in history)
    }


def _is_general(figure: str) -> bool:
    """Whether a figure of merit belongs into a learning curve: a mean or an index, not of one class."""
    words = ("mean", "AUC", "ARI", "efficiency", "purity")
    return " of " not in figure and any(word in figure.split() for word in words)


def _fit_baselines(this: Run, store: Store) -> None:
    """Fits the classical methods on the training side and keeps them beside the network."""
    if this.folder.has("baselines"):
        return
    seconds = {}
    for name, baseline in this.experiment.baselines.items():
        begin = time.perf_counter()
        train = _side(this, store, "train", this.experiment.tables)
        n = min(this.experiment.baseline_events or train.n_events, train.n_events)
        baseline.fit(followed(_first(n, train), f"fitting {name}", n))
        if isinstance(baseline, Choosing):
            validation = _side(this, store, "validation", this.experiment.tables)
            baseline.choose(followed(validation, f"choosing for {name}", validation.n_events))
        baseline.save(baseline_folder(this.checkpoint, name))
        seconds[name] = time.perf_counter() - begin
    this.folder.mark("baselines", seconds=seconds)


def _first(n: int, batches: Iterable[Events]) -> Iterator[Events]:
    """The first n events of some batches."""
    for events in batches:
        yield events[:n]
        n -= len(events)
        if n <= 0:
            return


def _evaluate(this: Run, store: Store, shifts: Mapping[str, Store], tracked: Mapping[str, Store]) -> str:
    """The report on the test side."""
    facts = {stage: this.folder.facts(stage) for stage in ("events", "baselines", "training")}
    stages = {stage: _stage_folder(this, stage).facts("training") for stage in this.experiment.stages}
    learned = {f"{stage}_learning": of["learning"] for stage, of in stages.items()}
    test, others = _side(this, store, "test"), {"shifts": shifts, "tracking": tracked}
    report = report_on(
        load(this.checkpoint, this.recipe.name),
        this.checkpoint,
        test,
        this.folder.path,
        seed=this.seed,
        provenance={
            "command": command_line(this),
            "question": this.recipe.entry.task if this.recipe.entry else "",
            "sample": store.description["provenance"],
            **{
                stage: {name: other.description["provenance"] for name, other in stores.items()}
                for stage, stores in others.items()
                if stores
            },
            "detector": detector_of(this.experiment),
        },
        split={"method": _method(this.experiment.only), **facts["events"]["split"]},
        n_events=test.n_events,
        seeds=[this.seed],
        timing={
            "events": facts["events"]["seconds"],
            **{
                f"{name} events": this.folder.facts(stage)["seconds"]
                for stage, name in (("shifts", "shifted"), ("tracking", "tracking"))
                if others[stage]
            },
            **{f"fit of {name}": seconds for name, seconds in facts["baselines"]["seconds"].items()},
            **{f"training of {stage}": of["seconds"] for stage, of in stages.items()},
            "training": facts["training"]["seconds"],
        },
        curves={name: curve for name, curve in {**learned, "learning": facts["training"]["learning"]}.items() if curve},
        shifts={name: _side(this, moved, "test") for name, moved in shifts.items()},
        tracked={name: _side(this, other, None) for name, other in tracked.items()},
    )
    this.folder.mark("report")
    return headline(report, this.folder.path)


def _method(only: str) -> str:
    """How events were divided, and which of them."""
    return "blake2b of source, run, subrun, event" + (f", of events with {only}" if only else "")


def command_line(this: Run) -> str:
    """The command that makes the run again."""
    command = this.folder.record["command"]
    words = [f"--{name.replace('_', '-')} {value}" for name, value in this.arguments.items()]
    words += [f"--data {' '.join(command['data'])}"] if command["data"] else []
    words += [f"--select {shlex.quote(command['select'])}"] if "select" in command else []
    words += [f"--init {command['init']}"] if command["init"] else []
    words += [f"--precision {this.precision}"] if this.precision else []
    return " ".join(["nuforge run", this.recipe.name, *words, f"--seed {this.seed}"])
