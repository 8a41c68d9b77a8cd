"""What calls of the compiled library share: a seed, and room for products whose number is not known."""

from __future__ import annotations

from typing import Any

import torch

from nuforge.simulation.nucleus import Products
from nuforge.simulation.transport.kernel.library import LIBRARY


def drawn_seed(generator: torch.Generator) -> int:
    """A number of 64 bits, from which all random numbers of a call follow."""
    return int(torch.randint(-(2**63), 2**63 - 1, (), generator=generator)) % 2**64


def products_of(name: str, *begin: Any, room: int) -> Products:  # noqa: ANN401
    """The products that a function says, called again with more room if they did not fit.

    Args:
        name: Of the function.
        begin: Its first arguments; those after are columns of products, and how many fit.
        room: For how many products there is room at first.
    """
    capacity, found = 0, room
    while found > capacity:
        capacity = found
        owner, number = torch.empty((2, capacity), dtype=torch.int64)
        four = torch.empty((capacity, 4), dtype=torch.float64)
        found = LIBRARY.call(name, *begin, owner, number, four, capacity) or 0
    return Products(owner[:found], number[:found], four[:found])
