"""The chemical elements from hydrogen to uranium: molar masses and mean excitation energies."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from nuforge.physics.material import Element
from nuforge.units import eV


@dataclass(frozen=True)
class Entry:
    """What the table says of an element: Z, molar mass A (g/mol), its mean excitation energy when alone (MeV)."""

    Z: int
    A: float
    mean_excitation: float


def element(symbol: str, mass_fraction: float = 1.0) -> Element:
    """The element of a symbol ("Ar") with natural isotopes, as a part of a material.

    Raises:
        ValueError: If there is no such element.
    """
    entry = tabulated(symbol)
    return Element(symbol, entry.Z, entry.A, mass_fraction)


def tabulated(symbol: str) -> Entry:
    """The table's entry of a symbol.

    Source: IUPAC 2021 (molar masses), ICRU Report 37 (1984) (excitation energies).

    Raises:
        ValueError: If there is no such element.
    """
    table = _table()
    if symbol not in table:
        raise ValueError(f"no element {symbol!r}; symbols from H to U are known, with one capital, as in 'Ar'")
    return table[symbol]


@cache
def _table() -> dict[str, Entry]:
    text = (files("nuforge.physics") / "data" / "elements.json").read_text(encoding="utf-8")
    return {symbol: Entry(Z, A, energy * eV) for symbol, Z, A, energy in json.loads(text)["elements"]}
