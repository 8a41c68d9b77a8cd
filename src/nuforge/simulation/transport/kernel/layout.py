"""What the compiled library reads and fills, as its `medium.h` and `flight.h` declare it."""

from __future__ import annotations

from ctypes import Array, Structure, addressof, c_double, c_float, c_int64, c_void_p
from typing import Final

import torch
from torch import Tensor

from nuforge.physics.constants import KAON_MASS, PION_MASS, SPEED_OF_LIGHT
from nuforge.physics.elastic_transfer import ATOMIC_MASS, PION_SPLIT, exponentials
from nuforge.simulation.transport.charged import FRACTION_OF_RANGE, HARD_SCATTERS, SHORTEST
from nuforge.simulation.transport.flight import Flight
from nuforge.simulation.transport.hadronic import LEAST_RECOIL, THERMAL
from nuforge.simulation.transport.kernel.grid import Grid
from nuforge.simulation.transport.kernel.kinds import kinds
from nuforge.simulation.transport.kernel.nuclei import Nucleus, nuclear_model, nucleus
from nuforge.simulation.transport.medium import ABSORBED, KAPPAS, NORMALS, MediumTables
from nuforge.simulation.transport.nuclear import NuclearTables
from nuforge.simulation.transport.species import MASSES
from nuforge.simulation.transport.tables import EnergyTable
from nuforge.simulation.transport.walls import Box

ROOM: Final = 2
"""Rows that one step fills at most."""


class Element(Structure):
    """A nucleus of the material; exponentials of `elastic_transfer` of what is no pion, of fast pions, of slow ones."""

    _fields_ = (
        ("nucleus", Nucleus),
        ("muon_capture", c_double),
        ("stopping", c_double),
        ("heights_and_slopes", c_double * 12),
    )

    @classmethod
    def all_of(cls, nuclear: NuclearTables) -> Array[Element]:
        """Those of a material."""
        columns = (nuclear.z, nuclear.a, nuclear.muon_capture, nuclear.stopping.cumsum(0))
        elements = []
        for z, a, rate, stopping in zip(*(column.tolist() for column in columns), strict=True):
            mass = torch.tensor([KAON_MASS, PION_MASS, PION_MASS], dtype=torch.float64)
            momentum = torch.tensor([0.0, PION_SPLIT, 0.0], dtype=torch.float64)
            values = torch.stack(exponentials(mass, momentum, torch.full_like(mass, a)), 1).flatten()
            elements.append(cls(nucleus(z, a), rate, stopping, (c_double * 12)(*values.tolist())))
        return (cls * len(elements))(*elements)


_GRIDS = (
    "charged",
    "photons",
    "knock",
    "knock_positron",
    "radiated",
    "pair",
    "compton",
    "rayleigh",
    "photoelectron",
    "fluorescence",
    "annihilation",
)


class Medium(Structure):
    """`MediumTables`, what limits a step, and the box."""

    _fields_ = (
        *((name, Grid) for name in (*_GRIDS, "fluctuation", "nuclear")),
        ("masses", c_void_p),
        ("lines", c_void_p),
        ("nuclei", c_void_p),
        ("elements", c_void_p),
        ("kinds", c_void_p),
        ("decays", c_void_p),
        ("model", c_void_p),
        ("n_lines", c_int64),
        ("n_nuclei", c_int64),
        ("n_elements", c_int64),
        ("n_kinds", c_int64),
        ("lowest_normal", c_float),
        ("per_normal", c_float),
        ("threshold", c_float),
        ("photon_threshold", c_float),
        ("absorbed", c_float),
        ("coherent_scale", c_float),
        ("electron_share", c_float),
        ("longest", c_float),
        ("shortest", c_float),
        ("fraction_of_range", c_float),
        ("hard_scatters", c_float),
        ("lower", c_float * 3),
        ("upper", c_float * 3),
        ("speed_of_light", c_double),
        ("thermal", c_double),
        ("least_recoil", c_double),
        ("pion_split", c_double),
        ("atomic_mass", c_double),
    )

    @classmethod
    def of(cls, tables: MediumTables, nuclear: NuclearTables, box: Box, longest: float) -> Medium:
        """The same as the library reads it; steps are `longest` (cm) at most."""
        lines, nuclei = (torch.tensor(v, dtype=torch.float32).flatten() for v in (tables.lines, tables.nuclei))
        kappas, normals = torch.from_numpy(KAPPAS).log(), torch.from_numpy(NORMALS)
        fluctuation = EnergyTable(float(kappas[0]), float(kappas[1] - kappas[0]), tables.fluctuation)
        elements, model, (particles, decays) = Element.all_of(nuclear), nuclear_model(), kinds()
        medium = cls(
            *(Grid.of(getattr(tables, name)) for name in _GRIDS),
            Grid.of(fluctuation),
            Grid.of(nuclear.rates),
            MASSES.data_ptr(),
            lines.data_ptr(),
            nuclei.data_ptr(),
            *(addressof(part) for part in (elements, particles, decays, model)),
            len(lines),
            len(tables.nuclei),
            len(elements),
            len(particles),
            float(normals[0]),
            1 / float(normals[1] - normals[0]),
            tables.threshold,
            tables.photon_threshold,
            ABSORBED,
            tables.coherent_scale,
            tables.electron_share,
            longest,
            SHORTEST,
            FRACTION_OF_RANGE,
            HARD_SCATTERS,
            (c_float * 3)(*box.lower.tolist()),
            (c_float * 3)(*box.upper.tolist()),
            SPEED_OF_LIGHT,
            THERMAL,
            LEAST_RECOIL,
            PION_SPLIT,
            ATOMIC_MASS,
        )
        medium.kept = (tables, nuclear, lines, nuclei, elements)
        return medium


class Flights(Structure):
    """A `Flight`."""

    _fields_ = (("numbers", c_void_p), ("state", c_void_p), ("time", c_void_p), ("n", c_int64))

    @classmethod
    def of(cls, flight: Flight) -> Flights:
        """The same as the library reads it."""
        parts = tuple(part.contiguous() for part in (flight.numbers, flight.state, flight.time))
        flights = cls(*(part.data_ptr() for part in parts), len(flight))
        flights.kept = parts
        return flights


class Filled(Structure):
    """Columns with room for `capacity` rows, of which the library fills the first `n`."""

    _shapes_: tuple[tuple[str, torch.dtype, tuple[int, ...]], ...] = ()
    columns: tuple[Tensor, ...]

    @classmethod
    def of(cls, capacity: int) -> Filled:
        """Empty columns."""
        columns = tuple(torch.empty((capacity, *shape), dtype=dtype) for _, dtype, shape in cls._shapes_)
        filled = cls(*(column.data_ptr() for column in columns), capacity, 0)
        filled.columns = columns
        return filled

    def __len__(self) -> int:
        return int(self.n)

    def taken(self) -> tuple[Tensor, ...]:
        """Copies of the filled rows, whose places are free again."""
        parts = tuple(column[: len(self)].clone() for column in self.columns)
        self.n = 0
        return parts


def _fields(shapes: tuple[tuple[str, torch.dtype, tuple[int, ...]], ...]) -> tuple[tuple[str, type], ...]:
    return (*((name, c_void_p) for name, _, _ in shapes), ("capacity", c_int64), ("n", c_int64))


class Segments(Filled):
    """Columns of `Record.add_segments`."""

    _shapes_ = (
        ("event", torch.int64, ()),
        ("row", torch.int64, ()),
        ("start", torch.float32, (3,)),
        ("end", torch.float32, (3,)),
        ("time", torch.float64, ()),
        ("energy", torch.float32, ()),
        ("length", torch.float32, ()),
    )
    _fields_ = _fields(_shapes_)


class Births(Filled):
    """Columns of `Record.add_particles`."""

    _shapes_ = (
        ("event", torch.int64, ()),
        ("pdg", torch.int64, ()),
        ("parent", torch.int64, ()),
        ("process", torch.int64, ()),
        ("start", torch.float32, (3,)),
        ("time", torch.float64, ()),
        ("momentum", torch.float32, (3,)),
        ("interaction", torch.int64, ()),
    )
    _fields_ = _fields(_shapes_)


class Escapes(Filled):
    """Who leaves the box, and with which energy."""

    _shapes_ = (("row", torch.int64, ()), ("energy", torch.float32, ()))
    _fields_ = _fields(_shapes_)
