"""Plots of a report: confusion matrix, reliability, learning curve, figures beside baselines and published."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nuforge.display import style
from nuforge.evaluation.report import Report
from nuforge.evaluation.wording import spelled


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of width x height inches that belongs to no window and no global list."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def to_svg(figure: Figure) -> str:
    """The figure as SVG text, the same bytes each time."""
    buffer = io.StringIO()
    with style.styled():
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def to_png(figure: Figure, dpi: int = 160) -> bytes:
    """The figure as PNG bytes."""
    buffer = io.BytesIO()
    with style.styled():
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def confusion_matrix(counts: Sequence[Sequence[float | int]], classes: Sequence[str], title: str = "") -> Figure:
    """Confusion matrix: each true class a row that adds up to 100 %, so the diagonal is the recall.

    Args:
        counts: (K, K), [true][predicted].
        classes: Names of the K classes.
        title: What it is of.
    """
    matrix = np.asarray(counts, dtype=float)
    if matrix.shape != (len(classes), len(classes)):
        raise ValueError(f"counts must be {len(classes)} x {len(classes)} for {list(classes)}, got {matrix.shape}")
    total = matrix.sum(1, keepdims=True)
    fraction = np.divide(matrix, total, out=np.full_like(matrix, np.nan), where=total > 0)
    with style.styled():
        figure = new_figure(1.9 + 0.72 * len(classes), 1.25 + 0.6 * len(classes))
        axes = figure.add_subplot()
        # square root: an error of 1 % is still seen beside a diagonal of 99 %
        axes.imshow(np.sqrt(fraction.clip(min=0)), cmap=style.count_map, vmin=0, vmax=1, aspect="auto")
        for (i, j), value in np.ndenumerate(fraction):
            _cell(axes, i, j, float(value))
        ticks = range(len(classes))
        axes.set_xticks(ticks, classes, rotation=30, ha="right", rotation_mode="anchor")
        rows = [f"{name}  ({n:,.0f})" for name, n in zip(classes, total[:, 0], strict=True)]
        axes.set_yticks(ticks, rows)
        axes.set(xlabel="predicted", ylabel="true  (rows)", title=title)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xticks(np.arange(len(classes) - 1) + 0.5, minor=True)
        axes.set_yticks(np.arange(len(classes) - 1) + 0.5, minor=True)
        axes.grid(which="minor", color="white", linewidth=2)
        axes.tick_params(which="minor", length=0)
    return figure


def _cell(axes: Axes, row: int, column: int, value: float) -> None:
    """The percentage in a cell, white on dark."""
    text = "-" if np.isnan(value) else f"{100 * value:.1f}"
    weight = "bold" if row == column else "normal"
    axes.text(column, row, text, ha="center", va="center", color="white" if value > 0.3 else style.INK, weight=weight)


def reliability_diagram(curves: Mapping[str, Mapping[str, Sequence[float | int | None]]], title: str = "") -> Figure:
    """Accuracy against confidence, over how often each confidence is given; on the diagonal is honest.

    Args:
        curves: Of each method, lists over equal bins of confidence: `confidence`, `accuracy`, `count`. The first one,
            the model, is drawn strongest.
        title: What it is of.
    """
    colors = _colors(curves)
    with style.styled():
        figure = new_figure(4.9, 4.9)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        top.plot([0, 1], [0, 1], color=style.FAINT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        for i, (name, curve) in enumerate(curves.items()):
            x, y = _floats(curve["confidence"]), _floats(curve["accuracy"])
            top.plot(x, y, **_line(colors[name], strong=i == 0), label=spelled(name))
            n = _floats(curve["count"])
            edges = np.linspace(0, 1, len(n) + 1)
            share = n / max(n.sum(), 1)
            mplhep.histplot(
                share, edges, ax=bottom, histtype="step", color=colors[name], linewidth=1.6 if i == 0 else 1.0
            )
        top.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.02), title=title)
        top.legend(loc="upper left")
        bottom.set(xlabel="confidence", ylabel="fraction", yscale="log")
        for axes in (top, bottom):
            axes.grid(True)
    return figure


def against_number(
    number: Sequence[int], curves: Mapping[str, Mapping[str, Sequence[float | None]]], label: str, figure: str
) -> Figure:
    """A figure of merit of each method on the events of each number, with its intervals.

    Args:
        number: The numbers.
        curves: Of each method lists `value`, `low` and `high` over numbers; the first, the model, is drawn strongest.
        label: What is counted.
        figure: What is measured.
    """
    colors = _colors(curves)
    with style.styled():
        drawing = new_figure(4.2, 3.0)
        axes = drawing.add_subplot()
        for i, (name, curve) in enumerate(curves.items()):
            value, low, high = (_floats(curve[end]) for end in ("value", "low", "high"))
            x = np.asarray(number) + 0.06 * i
            axes.errorbar(x, value, np.abs([value - low, high - value]), **_line(colors[name], strong=i == 0))
            axes.lines[-1].set_label(spelled(name))
        axes.set(xlabel=label, ylabel=spelled(figure), xticks=list(number))
        axes.legend(loc="best")
        axes.grid(True)
    return drawing


def learning_curve(series: Mapping[str, Mapping[str, Sequence[float | int | None]]], title: str = "") -> Figure:
    """Loss (or any figure) against step.

    Args:
        series: Of each curve, lists `step` and `value`. Names with "validation" are drawn with marks.
        title: What it is of.
    """
    with style.styled():
        figure = new_figure(6.2, 3.6)
        axes = figure.add_subplot()
        palette = [style.FAINT, style.MODEL, *style.CLASSES[1:]]
        for (name, curve), color in zip(series.items(), palette, strict=False):
            strong = "validation" in name
            line = _line(color, strong) if strong else {"color": color, "linewidth": 1.3}
            axes.plot(_floats(curve["step"]), _floats(curve["value"]), **line, label=spelled(name))
        axes.set(xlabel="step", title=title)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        axes.grid(True, axis="y")
        axes.legend()
    return figure


def metric_bars(report: Report, names: Sequence[str], title: str = "", labels: Sequence[str] | None = None) -> Figure:
    """Figures of merit of the model beside its baselines, with intervals, and the published value as a mark.

    Args:
        report: Where the numbers are.
        names: The figures to draw, in this order.
        title: What it is of.
        labels: What to call them; by default by their names.
    """
    methods = {"model": report.metrics, **report.baselines}
    colors = style.method_colors(list(report.baselines))
    width = 0.8 / len(methods)
    with style.styled():
        figure = new_figure(max(4.5, 1.2 + 1.15 * len(names)), 3.7)
        axes = figure.add_subplot()
        places = np.arange(len(names))
        for i, (method, figures) in enumerate(methods.items()):
            x = places + (i - (len(methods) - 1) / 2) * width
            value, low, high = (
                np.array([getattr(figures[n], part) for n in names]) for part in ("value", "low", "high")
            )
            axes.bar(x, value, width * 0.92, color=colors[method], label=spelled(method), zorder=2)
            axes.vlines(x, low, high, color=style.INK, linewidth=1.1, zorder=3)
        marks = [(names.index(p.name), p.value) for p in report.published if p.name in names]
        if marks:
            x, y = np.array(marks).T
            axes.hlines(y, x - 0.45, x + 0.45, color=style.PUBLISHED, linewidth=1.4, linestyle=(0, (3, 2)), zorder=4)
            axes.plot([], [], color=style.PUBLISHED, linewidth=1.4, linestyle=(0, (3, 2)), label="published")
        axes.set_xticks(
            places, [spelled(label) for label in labels or names], rotation=20, ha="right", rotation_mode="anchor"
        )
        axes.set_title(title)
        axes.grid(True, axis="y", zorder=0)
        figure.legend(loc="outside upper right", ncols=len(methods) + 1)
    return figure


def _line(color: str, strong: bool) -> dict[str, Any]:
    """How a curve with marks is drawn."""
    if strong:
        return {"color": color, "linewidth": 2.0, "marker": "o", "markersize": 4.5, "zorder": 3}
    return {"color": color, "linewidth": 1.1, "marker": "o", "markersize": 3, "zorder": 2}


def _colors(methods: Mapping[str, object]) -> dict[str, str]:
    first, *rest = methods
    return {first: style.MODEL, **{name: style.method_colors(rest)[name] for name in rest}}


def _floats(values: Sequence[float | int | None]) -> np.ndarray:
    """Numbers with NaN where JSON had null."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)
