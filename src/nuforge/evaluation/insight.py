"""Insight: what a trained network looks at, as data of a report that its page draws.

- *Attention*: how much of a token goes into another, between classes of events and prongs, in the last layer and as
  the mean over heads: 1 is what a token would get if all of the event got the same.
- *Saliency*: gradient times input: by how much the log-odds of the answer would change, to first order, if a pixel were
  not there. It is exact for networks that are linear in the charge, and a hint for others.
- *Embedding*: features of events on the two axes along which they vary most.

None of them is a figure of merit: they show what a network uses, not whether that is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.errors import InputError
from nuforge.evaluation.report import Json
from nuforge.events import Events, Table
from nuforge.events.weights import weights_of
from nuforge.metrics.weights import ratio
from nuforge.models.transformer_cvn import Attention
from nuforge.tasks.classification import Classification
from nuforge.tasks.segmentation import Segmentation
from nuforge.training.learner import Supervised

Score = Callable[[Events], Tensor]
"""From readout to a number (B,) of each event, of that event alone."""


@dataclass(frozen=True)
class Insight:
    """A look into a network that classifies events from pixel maps, as `Experiment.look` takes it.

    Args:
        learner: The trained network with its tasks.
        task: Its question about events.
        attention: What gives the attention among an event and its prongs, if the network has any.
        prongs: Its question about prongs, whose true classes attention is sorted by.
        each: Events of each true class whose saliency is shown.
        points: Events whose features are shown.
    """

    learner: Supervised
    task: Classification
    attention: Callable[[Events], Attention] | None = None
    prongs: Segmentation | None = None
    each: int = 1
    points: int = 600

    def __post_init__(self) -> None:
        if (self.attention is None) != (self.prongs is None) or min(self.each, self.points) < 0:
            raise InputError(
                "attention is sorted by the classes of prongs: give both or neither, and each and points of 0 or more; "
                f"got {self.each} and {self.points}"
            )

    def __call__(
        self, predict: Callable[[Events], Mapping[str, Table]], batches: Iterable[Events], *, seed: int
    ) -> Mapping[str, Json]:
        """`saliency`, `embedding` and, of a network that has it, `attention`, as curves of a report."""
        self.learner.eval()
        maps: list[dict[str, Json]] = []
        wanted = [self.each] * len(self.task.classes)
        features: list[Tensor] = []
        labels: list[Tensor] = []
        sums: list[Tensor] = []
        for events in batches:
            maps += self._maps(events, wanted)
            if sum(len(label) for label in labels) < self.points:
                features.append(self._features(events))
                labels.append(events[self.task.table][self.task.target].cpu())
            if self.attention is not None and self.prongs is not None:
                sums.append(_attended(self.attention, self.task, self.prongs, events))
        curves: dict[str, Json] = {"saliency": {"maps": maps}} if maps else {}
        if features:
            rows, label = torch.cat(features)[: self.points], torch.cat(labels)[: self.points]
            curves |= {"embedding": embedding_curve(rows, label, self.task.classes)}
        if sums and self.prongs is not None:
            curves |= {"attention": attention_curve(torch.stack(sums).sum(0), self.task.classes, self.prongs.classes)}
        return curves

    def _maps(self, events: Events, wanted: list[int]) -> Iterator[dict[str, Json]]:
        """Maps of events of classes of which some are still wanted, which are counted down."""
        label = events[self.task.table][self.task.target].tolist()
        chosen = []
        for i, kind in enumerate(label):
            if kind >= 0 and wanted[kind] > 0:
                wanted[kind] -= 1
                chosen.append(i)
        if not chosen:
            return
        some = events[torch.tensor(chosen)]
        readout = some.readout()
        size = saliency(self._score, readout)
        with torch.no_grad():
            odds, said = self._score(readout), self._logits(readout).argmax(1)
        for i in range(len(some)):
            rows = slice(int(some["pixels"].offsets[i]), int(some["pixels"].offsets[i + 1]))
            kind = int(some[self.task.table][self.task.target][i])
            title = f"{self.task.classes[kind]}, taken for {self.task.classes[int(said[i])]}"
            yield {"title": title, "log-odds": _short(odds[i]), **_map(some["pixels"], rows, size)}

    def _logits(self, readout: Events) -> Tensor:
        """Logits (B, K) of the events."""
        logits: Tensor = self.task(self.learner.model(readout))[self.task.table]["logits"]
        return logits.double()

    def _score(self, readout: Events) -> Tensor:
        """Log-odds (B,) of what is said of each event."""
        logits = self._logits(readout)
        said = logits.argmax(1, keepdim=True)
        others = logits.scatter(1, said, -torch.inf).logsumexp(1)
        return logits.gather(1, said)[:, 0] - others

    @torch.no_grad()
    def _features(self, events: Events) -> Tensor:
        features: Tensor = self.learner.model(events.readout())[self.task.table]["features"]
        return features.double().cpu()


@torch.no_grad()
def _attended(
    attention: Callable[[Events], Attention], task: Classification, prongs: Segmentation, events: Events
) -> Tensor:
    """`attention_sums` of a batch by the true classes of two questions."""
    event, prong = events[task.table][task.target], events[prongs.table][prongs.target]
    seen = attention(events.readout())
    return attention_sums(seen, event, len(task.classes), prong, len(prongs.classes), weights_of(events))


def saliency(score: Score, readout: Events, table: str = "pixels", column: str = "charge") -> Float[Tensor, " n"]:
    """Gradient times input (N,) of a column: what each row adds to the score of its event, to first order.

    Args:
        score: From readout to a number of each event.
        readout: Events, each of which is looked at alone.
        table: The table.
        column: Its column, a number a row.
    """
    with torch.enable_grad():
        value = readout[table][column].detach().float().requires_grad_()
        total = score(readout.with_table(table, readout[table].with_columns({column: value}))).sum()
        (gradient,) = torch.autograd.grad(total, value, allow_unused=True)
    return torch.zeros_like(value).detach() if gradient is None else (gradient * value).detach()


def attention_sums(
    seen: Attention,
    event: Int[Tensor, " b"],
    n_events: int,
    prong: Int[Tensor, " p"],
    n_prongs: int,
    weight: Float[Tensor, " b"],
) -> Float[Tensor, "s k"]:
    """Sums (3, (E + P) P) over pairs of tokens, by class of who takes (events, then prongs) and of the prong it takes.

    The first are of attention times the number of tokens, times weight; the second of weight; the third of pairs.

    Args:
        seen: Attention of a batch.
        event: True class of each event (B,), -1 unknown.
        n_events: Number E of these classes.
        prong: True class of each prong (P,), -1 unknown.
        n_prongs: Number P of these classes.
        weight: Of each event (B,).
    """
    tokens = seen.valid.sum(1)
    value = seen.weights[-1].mean(1).double() * tokens[:, None, None]
    takes = torch.where(seen.rows >= 0, prong[seen.rows] + n_events if len(prong) else -1, -1)
    takes = torch.where((seen.rows >= 0) & (takes < n_events), -1, takes)  # a prong of unknown class
    gives = torch.where(takes >= n_events, takes - n_events, -1)
    takes = torch.cat([event[:, None], takes[:, 1:]], 1)
    itself = torch.eye(takes.shape[1], dtype=torch.bool, device=takes.device)
    known = (takes[:, :, None] >= 0) & (gives[:, None, :] >= 0) & ~itself
    cell = (takes[:, :, None] * n_prongs + gives[:, None, :])[known]
    each = weight[:, None, None].expand_as(value)[known]
    sums = torch.zeros(3, (n_events + n_prongs) * n_prongs, dtype=torch.float64, device=value.device)
    for row, part in zip(sums, (value[known] * each, each, torch.ones_like(each)), strict=True):
        row.index_add_(0, cell, part)
    return sums.cpu()


def attention_curve(sums: Float[Tensor, "s k"], events: tuple[str, ...], prongs: tuple[str, ...]) -> dict[str, Json]:
    """Summed `attention_sums` as a report has them: mean and count, rows who takes, columns the prongs taken from."""
    shape = (len(events) + len(prongs), len(prongs))
    mean = ratio(sums[0], sums[1]).view(shape)
    return {
        "events": list(events),
        "prongs": list(prongs),
        "mean": [[_short(value) for value in row] for row in mean],
        "count": sums[2].view(shape).long().tolist(),
    }


def embedding_curve(
    features: Float[Tensor, "n d"], label: Int[Tensor, " n"], classes: tuple[str, ...]
) -> dict[str, Json]:
    """Places (N,) along the two principal axes of features (N, D), true classes, and the shares of the variance."""
    place, explained = principal_axes(features)
    x, y = ([_short(value) for value in axis] for axis in place.unbind(1))
    return {
        "classes": list(classes),
        "x": x,
        "y": y,
        "label": label.tolist(),
        "explained": [_short(share) for share in explained],
    }


def principal_axes(features: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n 2"], Float[Tensor, " 2"]]:
    """Places (N, 2) of rows (N, D) along the two axes of largest variance, and the shares (2,) of the variance.

    The sign of an axis is that in which its largest component is positive.
    """
    centred = features.double() - features.double().mean(0)
    _, size, axes = torch.linalg.svd(centred, full_matrices=False)
    axes = torch.nn.functional.pad(axes, (0, 0, 0, max(0, 2 - len(axes))))[:2]
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    axes = torch.where(largest < 0, -axes, axes)
    power = torch.nn.functional.pad(size.square(), (0, max(0, 2 - len(size))))
    return centred @ axes.T, power[:2] / power.sum().clamp(min=torch.finfo(torch.float64).tiny)


def _map(pixels: Table, rows: slice, size: Tensor) -> dict[str, Json]:
    """Places, charges and saliency of the pixels of one event."""
    places = {name: pixels[name][rows].long().tolist() for name in ("view", "row", "column")}
    charge = [_short(value) for value in pixels["charge"][rows].double()]
    return {**places, "charge": charge, "saliency": [_short(value) for value in size[rows]]}


def _short(value: Tensor) -> float:
    """A number with three digits, which is what a picture shows."""
    return float(f"{float(value):.3g}")
