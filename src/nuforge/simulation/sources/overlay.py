"""Overlay: what two sources make, in one event."""

import torch
from torch import Tensor

from nuforge.events import Events, Table


def overlay(first: Events, second: Events) -> Events:
    """Events with the interactions and particles of both, those of the first before those of the second.

    Args:
        first: Its identity, weight and other columns of `event` are kept.
        second: As many events; only `interactions` and `particles` are used, with the columns of the first (`alike`).

    Raises:
        ValueError: If there are not as many events.
    """
    if len(first) != len(second):
        raise ValueError(f"overlay needs as many events of both, got {len(first)} and {len(second)}; draw as many")
    second = alike(second, first)
    interactions, of_interaction = _merged(first["interactions"], second["interactions"])
    particles, of_particle = _merged(first["particles"], second["particles"])
    n_particles, n_interactions = len(first["particles"]), len(first["interactions"])
    from_second = torch.cat(
        [torch.zeros(n_particles, dtype=torch.bool), torch.ones(len(second["particles"]), dtype=torch.bool)]
    )
    order = of_particle.argsort()
    is_second = from_second[order]
    parent = _moved(particles["parent"], is_second, n_particles, of_particle)
    interaction = _moved(particles["interaction"], is_second, n_interactions, of_interaction)
    both = {
        "interactions": interactions,
        "particles": particles.with_columns({"parent": parent, "interaction": interaction}),
    }
    return Events({**first.tables, **both})


def alike(events: Events, model: Events) -> Events:
    """Events with the tables and columns of others; what they do not know is NaN, -1 or false."""
    tables = {}
    for name, wanted in model.tables.items():
        table = events[name]
        columns = {c: table[c] if c in table else _unknown(wanted[c], len(table)) for c in wanted}
        tables[name] = Table(columns, table.offsets, refers_to=wanted.refers_to, about=wanted.about)
    return Events(tables)


def _unknown(like: Tensor, n: int) -> Tensor:
    """A column (n, ...) of a type in which nothing is known."""
    if like.dtype == torch.bool:
        return like.new_zeros((n, *like.shape[1:]))
    return like.new_full((n, *like.shape[1:]), torch.nan if like.is_floating_point() else -1)


def _merged(first: Table, second: Table) -> tuple[Table, Tensor]:
    """Both tables event by event, and the new row of each of their rows (those of the first, then of the second)."""
    event = torch.cat([first.batch, second.batch])
    order = torch.argsort(event, stable=True)
    columns = {name: torch.cat([first[name], second[name]])[order] for name in first}
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    merged = Table.from_counts(columns, first.counts + second.counts, refers_to=first.refers_to, about=first.about)
    return merged, place


def _moved(index: Tensor, is_second: Tensor, n_first: int, place: Tensor) -> Tensor:
    """Numbers of rows of two tables as those of the merged one; -1 stays."""
    row = torch.where(is_second, index + n_first, index)
    return torch.where(index < 0, index, place[row.clamp(min=0)])
