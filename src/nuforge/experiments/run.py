"""A whole run: simulate or read, fit the baselines, train, evaluate beside them, report. Every stage can be resumed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from nuforge.errors import InputError
from nuforge.evaluation.report import read_report
from nuforge.events.loader import Loader
from nuforge.events.split import SIDES, side_of
from nuforge.events.store import Store, write_json
from nuforge.experiments.catalogue import Recipe, find
from nuforge.experiments.compare import baseline_folder
from nuforge.experiments.data import detector_of, store_of
from nuforge.experiments.evaluate import headline, report_on
from nuforge.experiments.experiment import Experiment, Value
from nuforge.experiments.folder import RunFolder, open_folder
from nuforge.experiments.predictor import CARD, card_of, load
from nuforge.experiments.progress import say
from nuforge.training.fit import fit


@dataclass(frozen=True)
class Run:
    """One run on its way: what was asked, what the experiment function returned, and where it goes."""

    recipe: Recipe
    arguments: Mapping[str, Value]
    experiment: Experiment
    folder: RunFolder
    seed: int

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
    init: Path | None = None,
    seed: int = 0,
    devices: int = 1,
    workers: int = 1,
    resume: bool = False,
) -> str:
    """Runs an experiment to its report, or goes on with an interrupted run; what to tell the user.

    Args:
        name: Name of the experiment, or file.py:function.
        arguments: Its arguments; those left out have their defaults.
        out: Output folder: report.json, report.html, checkpoint/, predictions/ (a store), run.json.
        data: Files or stores in place of the built-in simulation.
        init: Checkpoint whose weights training begins with.
        seed: Seed of the weights, of the order of the events and of the bootstrap.
        devices: Number of devices to train on.
        workers: Processes that simulate; the result does not depend on it.
        resume: Insist that there is a run to resume.

    Raises:
        InputError: If the folder holds something else, or an argument or file cannot be used.
    """
    for what, value in {"devices": devices, "workers": workers}.items():
        if value < 1:
            raise InputError(f"--{what} must be at least 1, got {value}; give a positive number")
    recipe = find(name)
    arguments = recipe.arguments(arguments)
    command = {
        "experiment": recipe.name,
        "arguments": arguments,
        "data": [str(Path(path).resolve()) for path in data],
        "init": str(Path(init).resolve()) if init else None,
        "seed": seed,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # the entry point: weights begin from the seed, the caller's own state is left alone
        experiment = recipe.function(**arguments)
    folder = open_folder(Path(out), command, resume)
    if folder.finished:
        say(f"'{out}' holds this run, finished; remove it or give another --out to run it again")
        return headline(read_report(folder.path), folder.path)
    this = Run(recipe, arguments, experiment, folder, seed)
    store = _events(this, data, workers)
    _fit_baselines(this, store)
    _train(this, store, init, devices)
    return _evaluate(this, store)


def _events(this: Run, data: Sequence[Path], workers: int) -> Store:
    """The store of the run's events: the cached sample, or what the files hold."""
    begin = time.perf_counter()
    if data:
        store = store_of([Path(path) for path in data], this.experiment, this.folder.path / "data", this.seed)
    else:
        store = this.experiment.sample.prepare(None, workers)
    counts = torch.bincount(side_of(store.identity()), minlength=len(SIDES)).tolist()
    split = dict(zip(SIDES, counts, strict=True))
    empty = [side for side, n in split.items() if not n]
    if empty:
        raise InputError(f"{len(store)} events leave none for {' and '.join(empty)}; give more events")
    if not this.folder.has("events"):
        this.folder.mark("events", seconds=time.perf_counter() - begin, store=str(store.path), split=split)
    say(f"{len(store)} events in {store.path}: " + ", ".join(f"{n} {side}" for side, n in split.items()))
    return store


def _side(this: Run, store: Store, side: str) -> Loader:
    """One side of the split, in order, once."""
    return Loader(store, BATCH, side=side, seed=this.seed, shuffle=False)


def _fit_baselines(this: Run, store: Store) -> None:
    if this.folder.has("baselines"):
        return
    seconds = {}
    for name, baseline in this.experiment.baselines.items():
        say(f"fitting {name}")
        begin = time.perf_counter()
        baseline.fit(_side(this, store, "train"))
        baseline.save(baseline_folder(this.checkpoint, name))
        seconds[name] = time.perf_counter() - begin
    this.folder.mark("baselines", seconds=seconds)


def _train(this: Run, store: Store, init: Path | None, devices: int) -> None:
    if this.folder.has("training"):
        return
    begin = time.perf_counter()
    learner = this.experiment.learner
    best = fit(
        learner,
        store,
        this.experiment.options,
        this.folder.path / "training",
        resume=True,
        init=init,
        seed=this.seed,
        devices=devices,
    )
    shutil.copytree(best, this.checkpoint, dirs_exist_ok=True)
    like = next(iter(_side(this, store, "test")))
    write_json(this.checkpoint / CARD, card_of(this.recipe, this.arguments, this.experiment, like))
    this.folder.mark("training", seconds=time.perf_counter() - begin)


def _evaluate(this: Run, store: Store) -> str:
    """The report on the test side."""
    facts = {stage: this.folder.facts(stage) for stage in ("events", "baselines", "training")}
    test = _side(this, store, "test")
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
            "detector": detector_of(this.experiment),
        },
        split={"method": "blake2b of source, run, subrun, event", **facts["events"]["split"]},
        n_events=test.n_events,
        seeds=[this.seed],
        timing={
            "events": facts["events"]["seconds"],
            **{f"fit of {name}": seconds for name, seconds in facts["baselines"]["seconds"].items()},
            "training": facts["training"]["seconds"],
        },
        curves={"learning": facts["training"]["learning"]},
    )
    this.folder.mark("report")
    return headline(report, this.folder.path)


def command_line(this: Run) -> str:
    """The command that makes the run again."""
    command = this.folder.record["command"]
    words = [f"--{name.replace('_', '-')} {value}" for name, value in this.arguments.items()]
    words += [f"--data {' '.join(command['data'])}"] if command["data"] else []
    words += [f"--init {command['init']}"] if command["init"] else []
    return " ".join(["nuforge run", this.recipe.name, *words, f"--seed {this.seed}"])
