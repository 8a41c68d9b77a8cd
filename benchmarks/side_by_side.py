"""Draws events of two stores beside each other, and compares their distributions: what to look at before training.

    nuforge simulate lartpc-particle-bomb --events 500 --out builtin
    nuforge simulate lartpc-particle-bomb --events 500 --engine geant4 --out geant4
    python benchmarks/side_by_side.py builtin geant4

Writes docs/side-by-side-events.png, the first 50 events of either seen along y, and
docs/side-by-side-distributions.png.
"""

import argparse
from pathlib import Path

import numpy as np

from nuforge.detectors import lartpc_cube
from nuforge.display import style
from nuforge.display.plots import new_figure, to_png
from nuforge.events.store import Store
from nuforge.simulation.truth import CLASSES

DOCS = Path(__file__).parents[1] / "docs"
ROWS, COLUMNS = 10, 5
SIDE = round(2 * lartpc_cube().volumes[0].upper[0] / lartpc_cube().readout.voxel)  # voxels along an edge


def main():
    """The pictures of the two stores that the command line names."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("first", type=Path)
    arguments.add_argument("second", type=Path)
    arguments.add_argument("--names", nargs=2, default=("built-in transport", "Geant4"))
    chosen = arguments.parse_args()
    stores = [Store(path) for path in (chosen.first, chosen.second)]
    n = min(len(store) for store in stores)
    sides = {name: voxels_of(store, n) for name, store in zip(chosen.names, stores, strict=True)}
    with style.styled():
        pictures = {"events": draw_events(sides), "distributions": draw_distributions(sides)}
    for name, figure in pictures.items():
        path = DOCS / f"side-by-side-{name}.png"
        path.write_bytes(to_png(figure, dpi=75 if name == "events" else 110))
        print(path)


def voxels_of(store, n):
    """Event, place, value and label of the voxels of the first n events."""
    voxels = next(store.batches(n, tables=["voxels"]))["voxels"]
    columns = {name: voxels[name].numpy() for name in ("index", "value", "label")}
    return {"event": voxels.batch.numpy(), "events": n, **columns}


def draw_events(sides):
    """Small pictures of events, those of either store in a block of its own."""
    figure = new_figure(4 * COLUMNS, 2 * ROWS)
    for block, (name, voxels) in zip(figure.subfigures(1, 2), sides.items(), strict=True):
        block.suptitle(name, x=0.02, ha="left", fontsize=18)
        for i, axes in enumerate(block.subplots(ROWS, COLUMNS).flat):
            draw_event(axes, voxels, i)
    handles = [figure.axes[0].scatter([], [], color=style.class_color(c), label=name) for c, name in enumerate(CLASSES)]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(CLASSES), fontsize=14)
    return figure


def draw_event(axes, voxels, i):
    """Voxels of event i along x and z, a point each."""
    mine = voxels["event"] == i
    index, label = voxels["index"][mine], voxels["label"][mine]
    colors = np.array([style.class_color(c) for c in range(len(CLASSES))])
    axes.scatter(index[:, 0], index[:, 2], s=0.4, c=colors[label], linewidths=0, rasterized=True)
    axes.set(xlim=(0, SIDE), ylim=(0, SIDE), xticks=[], yticks=[], aspect="equal")


def draw_distributions(sides):
    """Histograms of voxels, energy and classes."""
    figure = new_figure(11, 6.5)
    grid = figure.subplots(2, 3).flat
    histogram(next(grid), sides, "voxels of an event", lambda v: np.bincount(v["event"], minlength=v["events"]), 25)
    histogram(next(grid), sides, "energy of an event / MeV", lambda v: per_event(v, v["value"]), 25)
    histogram(next(grid), sides, "lg(value of a voxel / MeV)", lambda v: np.log10(v["value"]), 50)
    for c in (0, 2, 3):
        title = f"lg(1 + {CLASSES[c]} voxels of an event)"
        histogram(next(grid), sides, title, lambda v, c=c: np.log10(1 + per_event(v, v["label"] == c)), 20)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


def per_event(voxels, weights):
    """Sums over the voxels of each event."""
    return np.bincount(voxels["event"], weights=weights, minlength=voxels["events"])


def histogram(axes, sides, label, quantity, bins):
    """One quantity of both stores, as shares of the entries with their statistical errors."""
    values = [quantity(voxels) for voxels in sides.values()]
    edges = np.linspace(*np.quantile(np.concatenate(values), [0, 0.998]), bins + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    for name, x, color in zip(sides, values, (style.MODEL, style.BASELINES[1]), strict=True):
        counts = np.histogram(x, edges)[0]
        axes.errorbar(middle, counts / len(x), np.sqrt(counts) / len(x), drawstyle="steps-mid", color=color, label=name)
    axes.set(xlabel=label, ylabel="share", ylim=(0, None))


if __name__ == "__main__":
    main()
