"""Samples by name, made in a folder of one's own."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from nuforge.errors import InputError
from nuforge.experiments.catalogue import unknown_name
from nuforge.experiments.experiment import Value
from nuforge.samples import SAMPLES


def simulate(
    name: str,
    events: int,
    out: Path,
    *,
    seed: int = 0,
    workers: int = 1,
    shard_size: int = 100,
    chosen: Mapping[str, Value] = MappingProxyType({}),
) -> str:
    """Makes a store of a named sample, or goes on with one; what to tell the user.

    Args:
        name: Of the sample.
        events: Number of events.
        out: The store's folder.
        seed: Of everything random.
        workers: Processes that make shards.
        shard_size: Events that are simulated together.
        chosen: Further arguments of the sample, its own defaults in place of others.

    Raises:
        InputError: If there is no such sample, a number cannot be, or the folder holds something else.
    """
    if name not in SAMPLES:
        raise InputError(unknown_name("sample", name, SAMPLES) + "; see nuforge list --samples")
    for what, value in {"events": events, "workers": workers, "shard-size": shard_size}.items():
        if value < 1:
            raise InputError(f"--{what} must be at least 1, got {value}; give a positive number")
    own = inspect.signature(SAMPLES[name]).parameters
    for argument, choice in chosen.items():
        if argument not in own:
            flag = argument.replace("_", "-")
            raise InputError(f"sample '{name}' has no choice of {flag}, got --{flag} {choice}; leave the flag out")
    sample = SAMPLES[name](events=events, seed=seed, shard_size=shard_size, **chosen)
    store = sample.write(out, workers=workers)
    return f"{len(store)} events in {store.path}"
