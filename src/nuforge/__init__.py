"""NuForge: deep learning for neutrino physics, beside the classical method, on the same events."""

from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nuforge.experiments.predictor import load as load
    from nuforge.formats import read as read

__version__ = _version("nuforge")
__all__ = ["__version__", "load", "read"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """`load` and `read` on first use: importing nuforge alone loads nothing heavy."""
    if name == "read":
        from nuforge.formats import read

        return read
    if name == "load":
        from nuforge.experiments.predictor import load

        return load
    raise AttributeError(f"module 'nuforge' has no attribute {name!r}; it has {__all__}")
