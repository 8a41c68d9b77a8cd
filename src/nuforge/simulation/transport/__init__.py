"""What is deposited: particles through matter, to `segments` and `particles`.

Two engines behind one function: the built-in `transport`, and Geant4 as `transport_geant4`. They are imported on first
use, so that the processes of the second start without torch.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nuforge.simulation.transport.builtin import transport as transport
    from nuforge.simulation.transport.geant4.engine import transport_geant4 as transport_geant4

__all__ = ["transport", "transport_geant4"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """An engine by the name of its function."""
    if name == "transport":
        from nuforge.simulation.transport.builtin import transport

        return transport
    if name == "transport_geant4":
        from nuforge.simulation.transport.geant4.engine import transport_geant4

        return transport_geant4
    raise AttributeError(f"module 'nuforge.simulation.transport' has no attribute {name!r}; it has {__all__}")
