"""What is deposited: particles through matter, to `segments` and `particles`."""

from nuforge.simulation.transport.builtin import transport

__all__ = ["transport"]
