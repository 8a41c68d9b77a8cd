"""Labels: rows coloured by their class or particle, true and predicted, where a table says them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from nuforge.display import style
from nuforge.display.drawing import Labelling
from nuforge.display.kinds import Kinds, particle_kinds
from nuforge.display.seen import array
from nuforge.events import Events, Table

_MOST = 12  # classes of a labelling: a column of more is a number


def labellings(table: Table, rows: np.ndarray, but: Sequence[str] = ()) -> list[Labelling]:
    """A colouring for each column of a table that is a class, true or predicted.

    Args:
        table: Of one event.
        rows: Which rows are drawn.
        but: Columns that are no classes.
    """
    found = []
    for name in table:
        about = table.about[name]
        if about.role == "readout" or name in table.refers_to or name in but:
            continue
        word = {"truth": "true ", "prediction": "predicted "}[about.role] + name.replace("_", " ")
        values = table[name]
        if name == "probability" and values.ndim == 2 and values.shape[1] > 1:
            found.append(Labelling("predicted class", _kinds(values.argmax(1).numpy()[rows], about.names)))
        elif values.ndim == 1 and not values.dtype.is_floating_point and values.dtype != torch.bool:
            code = values.numpy()[rows]
            if len(code) and code.max() < _MOST and code.min() >= -1 and code.max() >= 0:
                found.append(Labelling(word, _kinds(code, about.names)))
    return found


def _kinds(code: np.ndarray, names: tuple[str, ...]) -> Kinds:
    """Classes by name or number, what is unknown in grey."""
    n = max(int(code.max(initial=0)) + 1, len(names))
    called = [names[k] if k < len(names) and names[k] else f"class {k}" for k in range(n)]
    colors = [style.class_color(k) for k in range(n)]
    return Kinds(np.where(code < 0, n, code), (*called, "unknown"), (*colors, style.UNKNOWN))


def particle_labelling(event: Events, name: str, rows: np.ndarray, weight: np.ndarray) -> list[Labelling]:
    """A colouring by true particle, if the table or the links say it.

    Args:
        event: One event.
        name: Of the table that is drawn.
        rows: Which of its rows.
        weight: How much each row counts when the foremost particles are chosen, (len(rows),).
    """
    if "particles" not in event:
        return []
    table = event[name]
    particle = table["particle"].numpy() if table.refers_to.get("particle") == "particles" else _linked(event, name)
    if particle is None:
        return []
    kinds, _ = particle_kinds(particle[rows], np.nan_to_num(np.abs(weight)), event["particles"])
    named = tuple(text.removesuffix(" MeV").rsplit("  ", 1)[0] for text in kinds.names)  # sums are not energies here
    return [Labelling("true particle", Kinds(kinds.code, named, kinds.colors))]


def _linked(event: Events, name: str) -> np.ndarray | None:
    """The particle that gave most to each row, by `truth_links`."""
    if "truth_links" not in event:
        return None
    links = event["truth_links"]
    if links.refers_to.get("row") != name or links.refers_to.get("particle") != "particles":
        return None
    particle = np.full(len(event[name]), -1)
    order = np.argsort(array(links, "fraction"), kind="stable")  # the largest is set last
    row, who = links["row"].numpy()[order], links["particle"].numpy()[order]
    particle[row[row >= 0]] = who[row >= 0]
    return particle
