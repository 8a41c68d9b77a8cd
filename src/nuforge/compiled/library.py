"""Compiled libraries: built when the package is installed and a compiler is there, never required.

One source is built for each of three instruction sets, and the best that this processor has is loaded: a package built
on one machine runs on another. They are called through ctypes with pointers and lengths, so one build serves every
version of torch.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

import torch
from torch import Tensor

from nuforge.errors import InputError

POINTER: Final = ctypes.c_void_p
INT64: Final = ctypes.c_int64

_BUILDS = {"AVX512": ("avx512", "avx2", "portable"), "AVX2": ("avx2", "portable")}
"""By what torch finds the processor capable of, the best first; elsewhere only the portable one runs."""


@dataclass(frozen=True)
class Library:
    """The functions of one package's compiled library.

    Args:
        package: The Python package in which its builds lie.
        choice: Environment variable: `torch` chooses the path without it, `compiled` insists on it.
        signatures: Types of the arguments of each function, without its prefix `nuforge_`.
        results: Types of what functions return; nothing if they are not named.
    """

    package: str
    choice: str
    signatures: Mapping[str, list]
    results: Mapping[str, type] = field(default_factory=dict)

    def backend(self) -> Literal["compiled", "torch"]:
        """What runs.

        Raises:
            InputError: If the environment names no backend, or insists on a library that was not built.
        """
        asked = os.environ.get(self.choice, "")
        if asked not in ("", "torch", "compiled"):
            raise InputError(
                f"{self.choice} must be 'torch' or 'compiled', got '{asked}'; unset it to choose by itself"
            )
        if asked == "torch":
            return "torch"
        if self.loaded is None:
            if asked == "compiled":
                raise InputError(
                    f"{self.choice}=compiled, but no kernel was built; install a C++ compiler and nuforge again"
                )
            return "torch"
        return "compiled"

    def call(self, function: str, *arguments: object) -> int | None:
        """What one function of the library returns.

        Args:
            function: Its name, without the prefix.
            arguments: What it takes; of tensors, which must be contiguous, their pointers are passed.
        """
        if self.loaded is None:
            raise InputError("the compiled kernels were not built; install a C++ compiler and nuforge again")
        values = [a.data_ptr() if isinstance(a, Tensor) else a for a in arguments]
        result: int | None = getattr(self.loaded, f"nuforge_{function}")(*values)
        return result

    @cached_property
    def loaded(self) -> ctypes.CDLL | None:
        """The best of the builds that this processor can run, or None if there is none."""
        return next(iter(self.builds().values()), None)

    def builds(self) -> dict[str, ctypes.CDLL]:
        """Every build that this processor can run by its name, the best first."""
        found = {}
        for build in _BUILDS.get(torch.backends.cpu.get_cpu_capability(), ("portable",)):
            spec = find_spec(f"{self.package}._{build}")
            if spec is None or spec.origin is None or not Path(spec.origin).exists():
                continue
            try:
                library = ctypes.CDLL(spec.origin)
            except OSError:  # built for another system
                continue
            for name, types in self.signatures.items():
                function = getattr(library, f"nuforge_{name}")
                function.argtypes, function.restype = types, self.results.get(name)
            found[build] = library
        return found
