"""Tables as the compiled library reads them in its `grid.h`."""

from __future__ import annotations

from ctypes import Structure, c_float, c_int64, c_void_p

from nuforge.simulation.transport.tables import EnergyTable, Spectrum


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
