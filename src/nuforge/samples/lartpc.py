"""Samples of liquid-argon time projection chambers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

from nuforge.errors import InputError
from nuforge.samples.sample import Sample

if TYPE_CHECKING:
    import torch

    from nuforge.detectors import TimeProjectionChamber
    from nuforge.events import Events

Engine = Literal["builtin", "geant4", "geant4-fine"]
"""What flies the particles: the transport of the package, Geant4 (`nuforge[geant4]`), or Geant4 with finer steps of
electrons than its own choice, with which their ranges are those of the tables."""


def particle_bomb(
    events: int = 1000,
    seed: int = 0,
    shard_size: int = 100,
    engine: Engine = "builtin",
    fewest_vertices: int = 1,
    most_vertices: int = 1,
) -> Sample:
    """Several particles from a vertex and muons from above in a cube of 230.4 cm, read out in voxels of 0.3 cm.

    Args:
        events: Number of events.
        seed: Of everything random.
        shard_size: Events made and written together.
        engine: What flies the particles: "builtin", "geant4" or "geant4-fine". It is one of the sample's arguments,
            for Geant4 with its version and data sets, else with its path, compiled or plain torch: they make other
            events.
        fewest_vertices: Fewest vertices of an event; several make a spill, interactions that are read out together.
        most_vertices: Most of them.

    Raises:
        InputError: If there is no such engine, it is not installed, or the vertices are no range.
    """
    from nuforge.detectors import lartpc_cube

    if not 1 <= fewest_vertices <= most_vertices:
        raise InputError(
            f"fewest_vertices must be between 1 and most_vertices, got {fewest_vertices} and {most_vertices}; "
            "give 1 and 1 for single interactions"
        )
    detector = lartpc_cube()
    arguments: dict[str, str | int] = {**_engine_arguments(engine)}
    if most_vertices > 1:  # not said of single interactions: their random numbers hang on these arguments
        arguments |= {"fewest_vertices": fewest_vertices, "most_vertices": most_vertices}
    make = partial(_particle_bomb, detector=detector, engine=engine, vertices=(fewest_vertices, most_vertices))
    return Sample("lartpc-particle-bomb", arguments, make, events, detector, shard_size, seed)


def engines(
    events: int = 1000, seed: int = 0, shard_size: int = 100, first: Engine = "builtin", second: Engine = "geant4"
) -> Sample:
    """Particle bombs of which every other one is flown by another engine: `event.engine`, 0 or 1, says which.

    The primaries of both are draws of one source, no two of them the same; response and labels are one call for both.

    Args:
        events: Number of events, of both engines together.
        seed: Of everything random.
        shard_size: Events made and written together.
        first: What flies the events of `event.engine` 0.
        second: What flies those of 1. The same engine twice makes a sample in which nothing tells them apart.
    """
    from nuforge.detectors import lartpc_cube

    detector = lartpc_cube()
    arguments: dict[str, str] = {}
    for engine in sorted({first, second}):
        arguments |= _engine_arguments(engine)
    arguments |= {"engine": f"{first}, {second}"}
    make = partial(_engines, detector=detector, pair=(first, second))
    return Sample("lartpc-engines", arguments, make, events, detector, shard_size, seed)


def _engine_arguments(engine: Engine) -> dict[str, str]:
    """What of the engine changes the events.

    Raises:
        InputError: If there is no such engine, or it is not installed.
    """
    if engine == "builtin":
        from nuforge.simulation.transport.kernel.library import LIBRARY

        return {"engine": engine, "path": LIBRARY.backend()}
    if engine not in get_args(Engine):
        raise InputError(f"engine must be one of {get_args(Engine)}, got '{engine}'; choose one of them")
    from nuforge.simulation.transport.geant4.crew import require_geant4
    from nuforge.simulation.transport.geant4.data_sets import physics_name, warn_without_data_sets

    require_geant4()
    warn_without_data_sets()
    return {"engine": engine, "physics": physics_name()}


def _particle_bomb(
    n_events: int,
    shard: int,
    generator: torch.Generator,
    detector: TimeProjectionChamber,
    engine: Engine,
    vertices: tuple[int, int],
) -> Events:
    """One shard: who flies, what is deposited, what is read out, what is true."""
    from nuforge.simulation.readout import read_out
    from nuforge.simulation.sources import particle_bomb
    from nuforge.simulation.truth import prune

    fewest, most = vertices
    flying = particle_bomb(n_events, detector, generator, fewest_vertices=fewest, most_vertices=most)
    return prune(read_out(_fly(flying, detector, generator, engine), detector, generator))


def _engines(
    n_events: int, shard: int, generator: torch.Generator, detector: TimeProjectionChamber, pair: tuple[Engine, Engine]
) -> Events:
    """One shard: even events flown by the first engine, odd ones by the second, then read out together."""
    import torch

    from nuforge.events import Column, Events, Table
    from nuforge.simulation.readout import read_out
    from nuforge.simulation.sources import particle_bomb
    from nuforge.simulation.truth import prune

    flying = particle_bomb(n_events, detector, generator)
    number = torch.arange(n_events)
    engine = number % 2
    mine = [number[engine == i] for i in range(len(pair))]
    flown = [_fly(flying[rows], detector, generator, name) for rows, name in zip(mine, pair, strict=True) if len(rows)]
    deposited = Events.concat(flown)[torch.cat(mine).argsort()]
    events = prune(read_out(deposited, detector, generator))
    about = {"engine": Column("", f"what flew the particles: 0 {pair[0]}, 1 {pair[1]}", "truth")}
    return events.with_table("event", Table({"engine": engine}, torch.arange(n_events + 1), about=about))


def _fly(events: Events, detector: TimeProjectionChamber, generator: torch.Generator, engine: Engine) -> Events:
    """What the particles deposit."""
    from nuforge.simulation.transport import transport, transport_geant4
    from nuforge.simulation.transport.geant4.engine import FINE_STEPS

    match engine:
        case "builtin":
            return transport(events, detector, generator)
        case "geant4":
            return transport_geant4(events, detector, generator)
        case "geant4-fine":
            return transport_geant4(events, detector, generator, electron_steps=FINE_STEPS)
