"""Samples by name, made in a folder of one's own."""

from __future__ import annotations

import inspect
from pathlib import Path

from nuforge.errors import InputError
from nuforge.experiments.catalogue import unknown_name
from nuforge.samples import SAMPLES


def simulate(
    name: str,
    events: int,
    out: Path,
    *,
    seed: int = 0,
    workers: int = 1,
    shard_size: int = 100,
    engine: str = "builtin",
) -> str:
    """Makes a store of a named sample, or goes on with one; what to tell the user.

    Raises:
        InputError: If there is no such sample, a number cannot be, or the folder holds something else.
    """
    if name not in SAMPLES:
        raise InputError(unknown_name("sample", name, SAMPLES) + "; see nuforge list --samples")
    for what, value in {"events": events, "workers": workers, "shard-size": shard_size}.items():
        if value < 1:
            raise InputError(f"--{what} must be at least 1, got {value}; give a positive number")
    has_engine = "engine" in inspect.signature(SAMPLES[name]).parameters
    if engine != "builtin" and not has_engine:
        raise InputError(f"sample '{name}' has one engine, got --engine {engine}; leave the flag out")
    chosen = {"engine": engine} if has_engine else {}
    sample = SAMPLES[name](events=events, seed=seed, shard_size=shard_size, **chosen)
    store = sample.write(out, workers=workers)
    return f"{len(store)} events in {store.path}"
