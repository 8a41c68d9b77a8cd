"""Answers: what tasks predict for events, together, and beside what was read."""

from collections.abc import Iterable

from nuforge.events import Column, Events, Table
from nuforge.tasks.task import Tables

_PROBABILITY = "probability"
_PREDICTION = Column("", "the most probable class", "prediction")


def merged(parts: Iterable[Tables]) -> Tables:
    """One answer of several; a table that several speak of has the columns of each, the last counts of equal names."""
    tables: dict[str, Table] = {}
    for part in parts:
        for name, table in part.items():
            known = tables.get(name)
            tables[name] = table if known is None else known.with_columns(table.columns, table.about)
    return tables


def predictions_of(events: Events) -> Tables:
    """The columns of role prediction that events have."""
    said = {name: table.with_role("prediction") for name, table in events.tables.items()}
    return {name: table for name, table in said.items() if len(table.columns)}


def with_predictions(events: Events, predictions: Tables) -> Events:
    """Events with predicted columns and tables added, and the most probable class where there are probabilities.

    A table that holds nothing but predictions, of an earlier answer, gives way to the new one.

    Args:
        events: What was asked about.
        predictions: Columns for the rows of tables that are there, and tables that are not.
    """
    tables = dict(events.tables)
    for name, table in predictions.items():
        classes = {c.replace(_PROBABILITY, "prediction"): table[c].argmax(1) for c in table if c.endswith(_PROBABILITY)}
        said = table.with_columns(classes, dict.fromkeys(classes, _PREDICTION))
        known = tables.get(name)
        earlier = known is None or all(known.about[column].role == "prediction" for column in known)
        tables[name] = (
            said if known is None or earlier else known.with_columns(said.columns, said.about, said.refers_to)
        )
    return Events(tables)
