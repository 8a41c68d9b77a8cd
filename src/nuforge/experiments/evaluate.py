"""Evaluation: a trained network beside its baselines on labelled events, as a report, a page and a store."""

from __future__ import annotations

import platform
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from nuforge import __version__
from nuforge.detectors import from_description
from nuforge.display.report_html import write_report_page
from nuforge.evaluation.comparison import Comparison
from nuforge.evaluation.report import Report
from nuforge.evaluation.shifts import shifted
from nuforge.evaluation.wording import number_of_events
from nuforge.events import Events
from nuforge.events.store import Store
from nuforge.experiments.catalogue import find
from nuforge.experiments.compare import MODEL, Pass, fitted_baselines
from nuforge.experiments.data import BATCH, events_of, store_written
from nuforge.experiments.folder import make_output_folder
from nuforge.experiments.predictor import Predictor, checkpoint_folder, load
from nuforge.experiments.progress import followed


def report_on(
    predictor: Predictor,
    checkpoint: Path,
    batches: Iterable[Events],
    out: Path,
    *,
    seed: int,
    provenance: Mapping[str, Any],
    split: Mapping[str, Any],
    n_events: int | None = None,
    seeds: Sequence[int] = (),
    timing: Mapping[str, float] | None = None,
    curves: Mapping[str, Any] | None = None,
    shifts: Mapping[str, Iterable[Events]] | None = None,
    tracked: Mapping[str, Iterable[Events]] | None = None,
) -> Report:
    """The report of a network and its baselines, also written: report.json, report.html and predictions/.

    Args:
        predictor: The network.
        checkpoint: Where its baselines are.
        batches: Labelled events, each once.
        out: Output folder.
        seed: Seed of the bootstrap.
        provenance: What made the events and the network.
        split: Which events were held out.
        n_events: Number of events, if it is known.
        seeds: Seeds of the trainings.
        timing: What has taken how long so far, in seconds.
        curves: Curves beside those of the comparison, such as the learning curve.
        shifts: The same events with labels, shifted, by the name of the shift.
        tracked: Those of the experiment's `tracking`, by the names of its samples.
    """
    begin = time.perf_counter()
    one_pass = Pass(predictor, fitted_baselines(predictor, checkpoint))
    batches = followed(batches, "evaluating", n_events)
    store = store_written(out / "predictions", one_pass.over(batches), predictor.built, provenance)
    compared = one_pass.comparison.figures(seed=seed)
    against = {"against": one_pass.against(seed)} if predictor.built.by else {}
    moved, beside = _elsewhere(one_pass, shifts), _elsewhere(one_pass, tracked)
    changed = {shift: shifted(one_pass.comparison, comparison, seed=seed) for shift, comparison in moved}
    changes = {"shifts": {shift: of.curve() for shift, of in changed.items()}} if changed else {}
    look, tracking = predictor.built.look, predictor.built.tracking
    check = {"tracking": one_pass.tracked(tracking, dict(beside), seed)} if tracking and tracked else {}
    seen = look(predictor.predictions, followed(store.batches(BATCH), "looking", len(store)), seed=seed) if look else {}
    entry = find(predictor.experiment).entry if ".py:" not in predictor.experiment else None
    published = entry.published if entry else ()
    report = Report(
        experiment=predictor.experiment,
        arguments=dict(predictor.arguments),
        metrics=compared.metrics,
        baselines=compared.baselines,
        difference=compared.difference,
        published=list(published),
        split=dict(split),
        seeds=list(seeds),
        shifts={shift: of.values[MODEL] for shift, of in changed.items()},
        curves={**one_pass.curves(seed), **against, **changes, **check, **seen, **(curves or {})},
        timing={**(timing or {}), **one_pass.timing(), "evaluation": time.perf_counter() - begin},
        provenance={**provenance, **_machine()},
    )
    report.write(out)
    description = store.description["detector"]
    write_report_page(report, out, _examples(store), from_description(description) if description else None)
    return report


def _elsewhere(one_pass: Pass, others: Mapping[str, Iterable[Events]] | None) -> Iterator[tuple[str, Comparison]]:
    """The comparison on other events by their names, one after the other: each holds the statistics of all."""
    for name, batches in (others or {}).items():
        yield name, one_pass.elsewhere(followed(batches, f"evaluating {name}"))


def evaluate_files(
    checkpoint: Path, files: Sequence[Path], out: Path, *, select: str = "", experiment: str = "", seed: int = 0
) -> str:
    """Reports on a checkpoint and its baselines on files with labels; what to tell the user."""
    predictor = load(checkpoint, experiment)
    make_output_folder(out)
    named, only = [str(path) for path in files], predictor.built.only
    chosen = ["--select", shlex.quote(select)] if select else []
    select = f"({select}) & ({only})" if select and only else select or only
    report = report_on(
        predictor,
        checkpoint_folder(checkpoint),
        events_of(files, predictor.built, seed, select),
        out,
        seed=seed,
        provenance={
            "command": " ".join(["nuforge evaluate", str(checkpoint), *named, *chosen, "--out", str(out)]),
            "checkpoint": str(checkpoint),
            "files": named,
            "select": select,
            "response seed": seed,
        },
        split={"method": f"events of the files with {select}" if select else "all events of the files", "files": named},
    )
    return headline(report, out)


def headline(report: Report, folder: Path) -> str:
    """The means of a report and where the rest is, for people."""
    names = [name for name in report.metrics if " of " not in name] or list(report.metrics)
    width = max(len(name) for name in names)
    rows = [_row(report, name, width) for name in names]
    return "\n".join([f"{report.experiment} on {number_of_events(report)}", *rows, f"report: {folder / 'report.html'}"])


def _row(report: Report, name: str, width: int) -> str:
    ours = report.metrics[name]
    beside = ", ".join(f"{baseline} {figures[name].value:.3f}" for baseline, figures in report.baselines.items())
    return f"  {name:{width}}  {ours.value:.3f} [{ours.low:.3f}, {ours.high:.3f}]" + (f"   {beside}" if beside else "")


def _examples(store: Store, n: int = 3) -> Events:
    """The first events of a store, to be drawn."""
    return next(store.batches(n))


def _machine() -> dict[str, str]:
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "nuforge": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
    }
