"""NuRadioMC's HDF5: a row a shower, of which one or several make an event group; stations that saw them (m, ns, eV)."""

from __future__ import annotations
