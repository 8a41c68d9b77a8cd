"""Fixtures of the store."""

from __future__ import annotations

import numpy as np
from format_fixture import Fixture

from nuforge.events import Events
from nuforge.events.store import finish, write_shard
from nuforge.formats import STORE
from nuforge.formats.identity import event_table


def make_store(path, events, seed, variant):
    path.mkdir()
    write_shard(path, 0, made := Events({"event": event_table(seed, 3 * np.arange(events))}))
    finish(path, made, detector=None, provenance={}, shards=1)
    return path


FIXTURES = [
    Fixture("store", STORE, make_store),
]
