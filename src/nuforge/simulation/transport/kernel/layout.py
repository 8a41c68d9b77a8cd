"""What the compiled library reads and fills, as its `medium.h` and `flight.h` declare it."""

from __future__ import annotations

from ctypes import Structure, addressof, c_double, c_float, c_int64, c_void_p
from typing import Final

import torch
from torch import Tensor

from nuforge.physics.constants import KAON_MASS, LONG_KAON_LIFETIME, PION_MASS, SPEED_OF_LIGHT
from nuforge.physics.elastic_transfer import PION_SPLIT, exponentials
from nuforge.physics.nuclei import nuclear_mass
from nuforge.physics.particles import mass_of
from nuforge.simulation.transport.charged import FRACTION_OF_RANGE, HARD_SCATTERS, SHORTEST
from nuforge.simulation.transport.flight import Flight
from nuforge.simulation.transport.hadronic import LEAST_RECOIL, THERMAL
from nuforge.simulation.transport.medium import ABSORBED, KAPPAS, NORMALS, MediumTables
from nuforge.simulation.transport.nuclear import HADRONS, NuclearTables
from nuforge.simulation.transport.species import MASSES
from nuforge.simulation.transport.tables import EnergyTable, Spectrum
from nuforge.simulation.transport.walls import Box

ROOM: Final = 4
"""Rows that one step fills at most."""


class Grid(Structure):
    """An `EnergyTable` or a `Spectrum`."""

    _fields_ = (
        ("values", c_void_p),
        ("rows", c_int64),
        ("columns", c_int64),
        ("lowest", c_float),
        ("per_unit", c_float),
    )

    @classmethod
    def of(cls, table: EnergyTable | Spectrum) -> Grid:
        """The same table, which must outlive this."""
        rows, columns = table.values.shape[-2:]
        return cls(table.values.data_ptr(), rows, columns, table.lowest, 1 / table.step)


class Element(Structure):
    """A nucleus, and the exponentials of `elastic_transfer` of what is no pion, of fast pions, of slow ones."""

    _fields_ = (("z", c_double), ("a", c_double), ("mass", c_double), ("heights_and_slopes", c_double * 12))

    @classmethod
    def of(cls, z: int, a: int) -> Element:
        """The nucleus of z protons and a nucleons."""
        mass = torch.tensor([KAON_MASS, PION_MASS, PION_MASS], dtype=torch.float64)
        momentum = torch.tensor([0.0, PION_SPLIT, 0.0], dtype=torch.float64)
        values = torch.stack(exponentials(mass, momentum, torch.full_like(mass, a)), 1).flatten()
        rest = nuclear_mass(torch.tensor([z]), torch.tensor([a]))
        return cls(z, a, float(rest), (c_double * 12)(*values.tolist()))


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
        ("hadrons", c_void_p),
        ("hadron_masses", c_void_p),
        ("n_lines", c_int64),
        ("n_nuclei", c_int64),
        ("n_elements", c_int64),
        ("n_hadrons", c_int64),
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
        ("long_kaon_lifetime", c_double),
        ("thermal", c_double),
        ("least_recoil", c_double),
        ("pion_split", c_double),
    )

    @classmethod
    def of(cls, tables: MediumTables, nuclear: NuclearTables, box: Box, longest: float) -> Medium:
        """The same as the library reads it; steps are `longest` (cm) at most."""
        lines, nuclei = (torch.tensor(v, dtype=torch.float32).flatten() for v in (tables.lines, tables.nuclei))
        kappas, normals = torch.from_numpy(KAPPAS).log(), torch.from_numpy(NORMALS)
        fluctuation = EnergyTable(float(kappas[0]), float(kappas[1] - kappas[0]), tables.fluctuation)
        elements = [Element.of(z, a) for z, a in zip(nuclear.z.tolist(), nuclear.a.tolist(), strict=True)]
        array = (Element * len(elements))(*elements)
        hadrons = torch.tensor(HADRONS)
        masses = mass_of(hadrons)
        medium = cls(
            *(Grid.of(getattr(tables, name)) for name in _GRIDS),
            Grid.of(fluctuation),
            Grid.of(nuclear.rates),
            MASSES.data_ptr(),
            lines.data_ptr(),
            nuclei.data_ptr(),
            addressof(array),
            hadrons.data_ptr(),
            masses.data_ptr(),
            len(lines),
            len(tables.nuclei),
            len(elements),
            len(hadrons),
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
            LONG_KAON_LIFETIME,
            THERMAL,
            LEAST_RECOIL,
            PION_SPLIT,
        )
        medium.kept = (tables, nuclear, lines, nuclei, array, hadrons, masses)
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


class Endings(Filled):
    """Who is handed back: numbers, how they end, state and time as in `Flight`, a particle a row."""

    _shapes_ = (
        ("numbers", torch.int64, (5,)),
        ("end", torch.int64, ()),
        ("state", torch.float32, (7,)),
        ("time", torch.float64, ()),
    )
    _fields_ = _fields(_shapes_)
