"""Answers: events with what tasks predict for them."""

from nuforge.events import Column, Events
from nuforge.tasks.task import Tables

_PROBABILITY = "probability"
_PREDICTION = Column("", "the most probable class", "prediction")


def with_predictions(events: Events, predictions: Tables) -> Events:
    """Events with predicted columns and tables added, and the most probable class where there are probabilities.

    Args:
        events: What was asked about.
        predictions: Columns for the rows of tables that are there, and tables that are not.
    """
    for name, table in predictions.items():
        classes = {c.replace(_PROBABILITY, "prediction"): table[c].argmax(1) for c in table if c.endswith(_PROBABILITY)}
        said = table.with_columns(classes, dict.fromkeys(classes, _PREDICTION))
        known = events[name].with_columns(said.columns, said.about, said.refers_to) if name in events else said
        events = events.with_table(name, known)
    return events
