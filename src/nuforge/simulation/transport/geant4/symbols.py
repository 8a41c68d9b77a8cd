"""Geant4's C++ objects that geant4-pybind does not bind, made and called by the names that its library exports."""

from __future__ import annotations

import ctypes
from typing import Any

Pointer = ctypes.c_void_p

_SMALL = 32  # bytes of a std::string of libstdc++: address, length, 16 bytes of short text


class MissingSymbolError(RuntimeError):
    """A function that the installed geant4-pybind does not have."""


class Symbols:
    """The functions of a shared library by their mangled names.

    Args:
        path: The library, already loaded.
    """

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)
        self._allocate = self._find(ctypes.CDLL("libstdc++.so.6"), "_Znwm")
        self._allocate.restype, self._allocate.argtypes = Pointer, [ctypes.c_size_t]
        self._kept: list[Any] = []

    def call(self, name: str, *arguments: Any, returns: Any = None) -> Any:  # noqa: ANN401
        """What a function gives.

        Args:
            name: Mangled.
            arguments: ctypes values; a C++ object is its `Pointer`.
            returns: ctypes type of the result, None for void.

        Raises:
            MissingSymbolError: If there is no such function.
        """
        function = self._find(self._library, name)
        function.restype = returns
        return function(*arguments)

    def construct(self, constructor: str, *arguments: Any, room: int = 65536) -> Pointer:  # noqa: ANN401
        """A C++ object on the heap, which belongs to Geant4 from then on.

        Args:
            constructor: Mangled name.
            arguments: Its arguments after `this`.
            room: Bytes set aside, more than any object here has; sizes are not exported.
        """
        address = self._allocate(room)
        ctypes.memset(address, 0, room)
        self.call(constructor, Pointer(address), *arguments)
        return Pointer(address)

    def string(self, text: str) -> Pointer:
        """A `const std::string&` that lives as long as this object."""
        characters = ctypes.create_string_buffer(text.encode())
        words = (ctypes.c_size_t * (_SMALL // 8))(ctypes.addressof(characters), len(characters) - 1)
        self._kept += [characters, words]
        return Pointer(ctypes.addressof(words))

    @staticmethod
    def _find(library: ctypes.CDLL, name: str) -> Any:  # noqa: ANN401
        try:
            return getattr(library, name)
        except AttributeError:
            raise MissingSymbolError(
                f"Geant4's library has no function {name}; install geant4-pybind==0.1.3, which this engine is made for"
            ) from None
