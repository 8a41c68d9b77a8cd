"""Events of a run: from the built-in simulation, or from files, with the experiment's response on energy deposits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from nuforge import formats
from nuforge.errors import InputError
from nuforge.events import Events, Selection
from nuforge.events.identity import generator_of
from nuforge.events.split import SIDES, side_of
from nuforge.events.store import DESCRIPTION, Store, finish, read_shard, shard_path, write_shard_of_parts
from nuforge.events.weights import COLUMN, finite_weights, mean_weight, non_negative
from nuforge.events.write_store import write_store
from nuforge.experiments.experiment import Experiment
from nuforge.experiments.progress import followed
from nuforge.metrics.weights import effective_number

CHUNK = 100
"""Events that are read, and get the response, together; the seed of the response counts in these."""

READOUT = ("voxels", "hits", "pixels", "prongs")
"""Tables that a detector's readout and its own software make."""

BATCH = 16
"""Events that a network sees at once; the answer for an event does not depend on it."""


def events_of(files: Sequence[Path], experiment: Experiment, seed: int, select: str = "") -> Iterator[Events]:
    """Events of files in their order, `BATCH` at a time at most, as the experiment's learner reads them."""
    for events in read_out_of(files, experiment, seed, select):
        yield from _given_in_pieces(events, experiment)


def read_out_of(files: Sequence[Path], experiment: Experiment, seed: int, select: str = "") -> Iterable[Events]:
    """Events of files in their order, some at a time, as the experiment's detector reads them out.

    Files with energy deposits and no readout get the experiment's response and labels; the generator of each chunk
    depends on the seed, the file's events and the chunk's number, not on what else is read or on the selection.

    Args:
        files: Files or stores.
        experiment: Whose response is applied to energy deposits.
        seed: Seed of the response.
        select: Expression that events must fulfil (see `nuforge.events.selection`), all if empty.

    Raises:
        InputError: If no file is given, a file cannot be read, one has no events, or none is selected.
    """
    selection, left = Selection(select) if select else None, 0
    if not files:
        raise InputError("no files, expected at least one with events; name it after the checkpoint")
    for path in files:
        found = False
        for number, events in enumerate(formats.stream(path, CHUNK)):
            found = True
            try:
                mask = selection.mask(events) if selection else torch.ones(len(events), dtype=torch.bool)
                if not bool(mask.any()):
                    continue
                answer = answered(events, experiment, seed, number)
            except InputError as error:
                raise InputError(f"'{path}': {error}") from None
            left += int(mask.sum())
            yield answer if bool(mask.all()) else answer.select(mask)
        if not found:
            raise InputError(f"'{path}' has no events, expected at least one; leave it out")
    if not left:
        raise InputError(f"no event fulfils '{select}'; see nuforge info for what they have")


def answered(events: Events, experiment: Experiment, seed: int, chunk: int = 0) -> Events:
    """Events as the experiment's detector reads them out: energy deposits without a readout get its response.

    Args:
        events: Events with the readout that the experiment reads, which stay as they are, or with `segments`.
        experiment: Whose response it is.
        seed: Seed of the response.
        chunk: Which chunk of its file this is.

    Raises:
        InputError: If there is neither table.
    """
    wanted = read_out(experiment)
    if all(name in events for name in wanted):
        return events
    if "segments" not in events:
        said = " and ".join(f"'{name}'" for name in wanted)
        raise InputError(
            f"events have the tables {sorted(events.tables)}; expected {said}, or 'segments' with energy deposits; "
            "see nuforge info"
        )
    source = events["event"]["source"][:1].tolist()
    return experiment.respond(events, generator_of("response", source, chunk, seed))


def read_out(experiment: Experiment) -> tuple[str, ...]:
    """The tables of a detector's readout that an experiment reads; voxels, if it says none."""
    tables = dict.fromkeys(column.split(".")[0] for column in experiment.reads)
    return tuple(name for name in tables if name in READOUT) or READOUT[:1]


def given(events: Events, experiment: Experiment) -> Events:
    """Read-out events as the experiment's learner reads them; those that it has read before stay as they are.

    Args:
        events: `BATCH` of them at most, for earlier stages may be networks.
        experiment: What stands between readout and learner.
    """
    known = {name for table in events.tables for name in (table, *(f"{table}.{c}" for c in events[table]))}
    return events if known.issuperset(experiment.reads) else _given(events, experiment)


def in_pieces(events: Events) -> Iterator[Events]:
    """The same events, as many at a time as a network takes."""
    return (events[first : first + BATCH] for first in range(0, len(events), BATCH))


def _given_in_pieces(events: Events, experiment: Experiment) -> Iterator[Events]:
    return (_given(piece, experiment) for piece in in_pieces(events))


def _given(events: Events, experiment: Experiment) -> Events:
    if experiment.given is None:
        return events
    with torch.no_grad():
        return experiment.given(events)


def store_of(files: Sequence[Path], experiment: Experiment, folder: Path, seed: int, select: str = "") -> Store:
    """A store of the events of files; a single store that has the readout is taken as it is.

    Args:
        files: Files or stores.
        experiment: Whose response is applied to energy deposits.
        folder: Where the store is made, whole or not at all.
        seed: Seed of the response.
        select: Expression that events must fulfil, all if empty.
    """
    if not select and len(files) == 1 and (files[0] / DESCRIPTION).exists():
        store = Store(files[0])
        if all(name in store.description["tables"] for name in read_out(experiment)):
            return store
    if (folder / DESCRIPTION).exists():
        return Store(folder)
    provenance = {"files": [str(path) for path in files], "select": select, "seed": seed, "chunk": CHUNK}
    return store_written(folder, read_out_of(files, experiment, seed, select), experiment, provenance)


def store_given(store: Store, experiment: Experiment, folder: Path) -> Store:
    """A store of events as the experiment's learner reads them; what was made before an interruption is kept.

    Args:
        store: Events as the detector reads them out.
        experiment: What is between.
        folder: Where the store is made; it belongs to this store and experiment alone.
    """
    if experiment.given is None:
        return store
    if (folder / DESCRIPTION).exists():
        return Store(folder)
    folder.mkdir(parents=True, exist_ok=True)
    shards = 0
    for events in followed(store.batches(CHUNK), "earlier stages", len(store)):
        if not shard_path(folder, shards).exists():
            write_shard_of_parts(folder, shards, _given_in_pieces(events, experiment))
        shards += 1
    like = read_shard(shard_path(folder, 0))
    finish(folder, like, detector=detector_of(experiment), provenance=store.description["provenance"], shards=shards)
    return Store(folder)


def weights_by_side(store: Store, only: str = "") -> dict[str, torch.Tensor]:
    """The weights of the events of each side of the split, none of them negative where something is learned or chosen.

    Args:
        store: Events.
        only: Expression on the columns of `event` that those that count fulfil, all if empty.

    Raises:
        InputError: If a weight is not finite, negative outside the test side, or all of the training side are 0.
    """
    event = store.identity()
    weight = finite_weights(event[COLUMN] if COLUMN in event else torch.ones(len(store)))
    side = side_of(event)
    if only:
        side = torch.where(Selection(only).mask(Events({"event": event})), side, -1)
    weights = {name: weight[side == i] for i, name in enumerate(SIDES)}
    for name in ("train", "validation"):
        non_negative(weights[name])
    if len(weights["train"]):
        mean_weight(weights["train"])
    return weights


def effective_numbers(weights: Mapping[str, torch.Tensor]) -> dict[str, float]:
    """Effective numbers of events of the sides, where weights differ."""
    if all(bool((weight == weight[0]).all()) for weight in weights.values()):
        return {}
    return {f"effective number, {side}": effective_number(weight) for side, weight in weights.items()}


def store_written(
    folder: Path, parts: Iterable[Events], experiment: Experiment, provenance: Mapping[str, Any]
) -> Store:
    """The store of events, some at a time, of the experiment's detector."""
    write_store(folder, parts, detector=detector_of(experiment), provenance=provenance)
    return Store(folder)


def detector_of(experiment: Experiment) -> Mapping[str, Any] | None:
    """The description of the experiment's detector."""
    detector = experiment.sample.detector
    return None if detector is None else detector.description()
