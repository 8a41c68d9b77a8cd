"""Experiment: what a recipe function returns, and the decorator that says which published system it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from nuforge.evaluation.report import Published

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from nuforge.baselines.baseline import Baseline
    from nuforge.evaluation.tracking import Tracking
    from nuforge.events import Events, Table
    from nuforge.samples import Sample
    from nuforge.training.learner import Learner
    from nuforge.training.options import FitOptions

Value = int | float | str | bool
"""What an argument of an experiment may be."""


class Look(Protocol):
    """What can be seen in a trained network beyond its figures."""

    def __call__(
        self, predict: Callable[[Events], Mapping[str, Table]], batches: Iterable[Events], *, seed: int
    ) -> Mapping[str, Any]:
        """Curves of a report by name, as JSON has them, intervals among them."""


@dataclass(frozen=True)
class Experiment:
    """One whole run, ready to go: what is simulated, what learns, and what it is compared with.

    Args:
        sample: The events of the built-in simulation; `--data` takes files in its place.
        learner: The model with its tasks, weights not trained yet; the tasks are what a report measures.
        baselines: The classical methods by name, not fitted yet.
        options: How the learner is fitted; None if its stages are all there is to fit.
        batch: Events in a training step.
        respond: From segments and particles to readout and labels, with the detector of the sample.
        augment: What a batch of training events is changed to, by symmetries of the detector.
        baseline_events: Training events that the baselines are fitted on; None for all.
        reads: What the learner and the baselines read: tables, or a column that `given` makes as table.column.
        given: From readout to what the learner reads, if earlier stages stand between them; it keeps the truth and
            adds what the tasks need of it. Made once for all events of a run.
        only: Expression on the columns of `event` (`nuforge.events.selection`) that labelled events must fulfil to be
            learned from, fitted on and measured; all if empty. Predictions are for all events.
        stages: Experiments by name whose learners are parts of this one's: they are trained first, in this order, the
            `given` of each from what the one before it was given. Also those of networks that are baselines
            (`nuforge.experiments.rival`).
        by: Numbers of events, such as that of their interactions, against which every figure is given too.
        shifts: Samples by the name of a systematic shift: the same events in a detector or by a generator that the
            training did not know. The trained network and the baselines answer for their test side too, and the
            report says how every figure changes. Left out where files take the place of the simulation.
        tracking: A check of a selection among the tasks and what it is for, on samples of its own: the report says for
            the trained network and the baselines whether the one follows the other. Left out with files, like shifts.
        look: What a report shows beyond the figures, by name: a function of the trained network's prediction from
            readout, the test events and the seed of the bootstrap.
    """

    sample: Sample
    learner: Learner
    baselines: Mapping[str, Baseline]
    options: FitOptions | None
    batch: int
    respond: Callable[[Events, torch.Generator], Events]
    augment: Callable[[Events, torch.Generator], Events] | None = None
    baseline_events: int | None = None
    reads: tuple[str, ...] = ("voxels",)
    given: Callable[[Events], Events] | None = None
    only: str = ""
    stages: Mapping[str, Experiment] = field(default_factory=dict)
    by: Mapping[str, Callable[[Events], Tensor]] = field(default_factory=dict)
    shifts: Mapping[str, Sample] = field(default_factory=dict)
    tracking: Tracking | None = None
    look: Look | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        """Tables that training needs: what is read and what is asked about."""
        return tuple(dict.fromkeys(column.split(".")[0] for column in (*self.reads, *self.needs)))

    @property
    def needs(self) -> tuple[str, ...]:
        """The truth that training and a report need, as table.column."""
        return tuple(dict.fromkeys(column for task in self.learner.asked for column in task.needs))

    @property
    def classes(self) -> dict[str, list[str]]:
        """Names of the classes that the tasks tell apart, by the task's name."""
        return {task.name: list(task.classes) for task in self.learner.asked if task.classes}


@dataclass(frozen=True)
class Entry:
    """What the catalogue says of an experiment; `quick` are the arguments of a run of minutes."""

    system: str
    detector: str
    task: str
    reference: str
    published: tuple[Published, ...] = ()
    quick: Mapping[str, Value] = field(default_factory=dict)


_Function = TypeVar("_Function", bound=Callable[..., Experiment])
_ATTRIBUTE = "nuforge_entry"


def experiment(
    *,
    system: str,
    detector: str,
    task: str,
    reference: str,
    published: tuple[Published, ...] = (),
    quick: Mapping[str, Value] | None = None,
) -> Callable[[_Function], _Function]:
    """A decorator that attaches a catalogue entry to an experiment function and changes nothing else.

    Args:
        system: The published system in a few words.
        detector: Where it runs.
        task: What is asked.
        reference: The paper.
        published: Its figures.
        quick: Arguments that `--quick` puts in place of the defaults; a flag given explicitly wins.
    """
    entry = Entry(system, detector, task, reference, published, MappingProxyType(dict(quick or {})))

    def attach(function: _Function) -> _Function:
        setattr(function, _ATTRIBUTE, entry)
        return function

    return attach


def entry_of(function: Callable[..., Experiment]) -> Entry | None:
    """The catalogue entry of a decorated function, None of another."""
    entry = getattr(function, _ATTRIBUTE, None)
    return entry if isinstance(entry, Entry) else None
