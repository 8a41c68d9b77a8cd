"""Plots of what a network looks at: attention between classes, saliency of pixels, features of events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, TwoSlopeNorm
from matplotlib.figure import Figure

from nuforge.display import style
from nuforge.display.plots import new_figure
from nuforge.evaluation.wording import spelled

_VIEWS = ("view X", "view Y")
_LEAST = 20  # pairs below which a mean of attention is drawn in grey


def attention_matrix(curve: Mapping[str, Any]) -> Figure:
    """How much classes of events and prongs take from classes of prongs; 1 is an even share.

    Args:
        curve: `events`, `prongs`, and `mean` and `count` [who takes: events, then prongs][prong taken from].
    """
    takers, givers = [*curve["events"], *curve["prongs"]], curve["prongs"]
    mean = np.array([[np.nan if v is None else v for v in row] for row in curve["mean"]], dtype=float)
    count = np.array(curve["count"])
    drawn = np.where(count >= _LEAST, mean, np.nan)
    spread = max(1.2, float(np.nanmax(np.maximum(drawn, 1 / np.maximum(drawn, 1e-9)), initial=1.2)))
    with style.styled():
        figure = new_figure(3.2 + 0.62 * len(givers), 1.3 + 0.36 * len(takers))
        axes = figure.add_subplot()
        norm = TwoSlopeNorm(1.0, 1 / spread, spread)
        axes.imshow(drawn, cmap="RdBu_r", norm=norm, aspect="auto", alpha=0.75)
        for (i, j), value in np.ndenumerate(mean):
            text = "-" if np.isnan(value) else f"{value:.2f}"
            axes.text(j, i, text, ha="center", va="center", color=style.INK if count[i, j] >= _LEAST else style.FAINT)
        axes.set_xticks(
            range(len(givers)), [spelled(n) for n in givers], rotation=30, ha="right", rotation_mode="anchor"
        )
        axes.set_yticks(range(len(takers)), [spelled(name) for name in takers])
        axes.axhline(len(curve["events"]) - 0.5, color=style.INK, linewidth=1.2)
        axes.set(xlabel="prong that is looked at", ylabel="prongs, and events above them, that look")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    return figure


def saliency_maps(entry: Mapping[str, Any]) -> Figure:
    """The pixel maps of one event: charge, and what each pixel speaks for or against what is said.

    Args:
        entry: `title`, `log-odds`, and of each pixel `view`, `row`, `column`, `charge` and `saliency`.
    """
    columns = {name: np.array(entry[name], dtype=float) for name in ("view", "row", "column", "charge", "saliency")}
    spread = max(float(np.abs(columns["saliency"]).max(initial=0)), 1e-9)
    scales = {
        "charge": {"cmap": "Greys", "norm": LogNorm(0.5, 255)},
        "saliency": {"cmap": "RdBu_r", "norm": TwoSlopeNorm(0.0, -spread, spread)},
    }
    with style.styled():
        figure = new_figure(7.4, 4.6)
        panels = figure.subplots(2, 2, sharex=True)
        for i, view in enumerate(_VIEWS):
            chosen = columns["view"] == i
            for axes, (name, scale) in zip(panels[i], scales.items(), strict=True):
                drawn = _pixels(axes, {key: value[chosen] for key, value in columns.items()}, name, scale)
                if i == 0:
                    label = "charge, counts" if name == "charge" else "for (red) or against what is said"
                    figure.colorbar(drawn, ax=panels[:, list(scales).index(name)], label=label, shrink=0.8)
            panels[i, 0].set_ylabel(f"cell, {view}")
        for axes in panels[1]:
            axes.set_xlabel("plane")
        figure.suptitle(f"{entry['title']}, log-odds {entry['log-odds']:.2g}", x=0.02, ha="left", fontsize=11.5)
    return figure


def _pixels(axes: Axes, columns: Mapping[str, np.ndarray], name: str, scale: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Pixels of one view as squares, with a little room around them."""
    drawn = axes.scatter(columns["row"], columns["column"], c=columns[name], s=9, marker="s", linewidths=0, **scale)
    if len(columns["row"]):
        low, high = columns["column"].min(), columns["column"].max()
        axes.set_ylim(low - 3, max(high + 3, low + 20))
    axes.set_facecolor("#f4f6f8")
    return drawn


def embedding_picture(curve: Mapping[str, Any]) -> Figure:
    """Events on the two axes along which their features vary most, coloured by true class.

    Args:
        curve: `classes`, and lists `x`, `y` and `label` over events; `explained` shares of the variance.
    """
    x, y, label = (np.array(curve[name], dtype=float) for name in ("x", "y", "label"))
    with style.styled():
        figure = new_figure(5.4, 4.4)
        axes = figure.add_subplot()
        axes.scatter(x[label < 0], y[label < 0], s=7, color=style.UNKNOWN, linewidths=0)
        for i, name in enumerate(curve["classes"]):
            mine = label == i
            color = style.CLASSES[i % len(style.CLASSES)]
            axes.scatter(x[mine], y[mine], s=9, color=color, alpha=0.7, linewidths=0, label=spelled(name))
        first, second = (f"{100 * share:.0f} % of the variance" for share in curve["explained"])
        axes.set(xlabel=f"first axis, {first}", ylabel=f"second axis, {second}", xticks=[], yticks=[])
        figure.legend(loc="outside upper left", ncols=3, markerscale=2)
    return figure
