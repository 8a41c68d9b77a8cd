"""The compiled library: built when the package is installed and a compiler is there, never required.

One source is built for each of three instruction sets, and the best that this processor has is loaded: a package built
on one machine runs on another. `NUFORGE_SPARSE=torch` chooses the plain-torch path, `NUFORGE_KERNELS=compiled` insists
on the compiled one.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

import torch
from torch import Tensor

from nuforge.errors import InputError

CHOICE: Final = "NUFORGE_SPARSE"
LANES: Final = 8
"""Channels come in multiples of this."""

_BUILDS = {"AVX512": ("avx512", "avx2", "portable"), "AVX2": ("avx2", "portable")}
"""By what torch finds the processor capable of, the best first; elsewhere only the portable one runs."""

_P, _N, _I, _D = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int, ctypes.c_double
_SIGNATURES = {
    "nuforge_neighbours": [_P, _N, _P, _N, _P, _I],
    "nuforge_count_pairs": [_P, _N, _N, _N, _P, _I],
    "nuforge_pairs": [_P, _N, _N, _N, _P, _P, _P, _I],
    "nuforge_convolve": [_P] * 6 + [_N] * 5 + [_I],
    "nuforge_weight_gradient": [_P] * 6 + [_N] * 5 + [_I],
    "nuforge_norm": [_P] * 8 + [_N, _N, _I, _D, _D, _D, _I],
    "nuforge_norm_gradients": [_P] * 9 + [_N, _N, _I, _D, _I],
}


def backend() -> Literal["compiled", "torch"]:
    """What runs in single precision on the CPU.

    Raises:
        InputError: If `NUFORGE_SPARSE` names no backend, or insists on kernels that were not built.
    """
    asked = os.environ.get(CHOICE, "")
    if asked not in ("", "torch", "compiled"):
        raise InputError(f"{CHOICE} must be 'torch' or 'compiled', got '{asked}'; unset it to choose by itself")
    if asked == "torch":
        return "torch"
    if _library() is None:
        if asked == "compiled":
            raise InputError(f"{CHOICE}=compiled, but no kernel was built; install a C++ compiler and nuforge again")
        return "torch"
    return "compiled"


def usable(*tensors: Tensor) -> bool:
    """Whether the compiled kernels can take these: single precision, on the CPU."""
    return all(t.dtype == torch.float32 and t.device.type == "cpu" for t in tensors) and backend() == "compiled"


def call(function: str, *arguments: Tensor | int | float) -> None:
    """One function of the library, with as many threads as torch has.

    Args:
        function: Its name, without the prefix.
        arguments: What it takes before the number of threads; tensors must be contiguous.
    """
    library = _library()
    if library is None:
        raise InputError("the compiled kernels were not built; install a C++ compiler and nuforge again")
    values = [a.data_ptr() if isinstance(a, Tensor) else a for a in arguments]
    getattr(library, f"nuforge_{function}")(*values, torch.get_num_threads())


@cache
def _library() -> ctypes.CDLL | None:
    """The best of the built libraries that this processor can run, or None if there is none."""
    for build in _BUILDS.get(torch.backends.cpu.get_cpu_capability(), ("portable",)):
        spec = find_spec(f"nuforge.nn.kernels._{build}")
        if spec is None or spec.origin is None or not Path(spec.origin).exists():
            continue
        try:
            library = ctypes.CDLL(spec.origin)
        except OSError:  # built for another system
            continue
        for name, types in _SIGNATURES.items():
            function = getattr(library, name)
            function.argtypes, function.restype = types, None
        return library
    return None
