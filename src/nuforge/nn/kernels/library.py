"""The compiled library of the networks' bricks, and the choice between it and plain torch.

`NUFORGE_SPARSE=torch` chooses the plain-torch path, `NUFORGE_SPARSE=compiled` insists on the compiled one.
"""

from __future__ import annotations

import ctypes
from typing import Final, Literal

import torch
from torch import Tensor

from nuforge.compiled import Library
from nuforge.compiled.library import INT64 as _N
from nuforge.compiled.library import POINTER as _P

LANES: Final = 8
"""Channels come in multiples of this."""

_I, _D = ctypes.c_int, ctypes.c_double
LIBRARY: Final = Library(
    "nuforge.nn.kernels",
    "NUFORGE_SPARSE",
    {
        "neighbours": [_P, _N, _P, _N, _P, _I],
        "neighbours_at": [_P, _N, _P, _N, _P, _I],
        "count_pairs": [_P, _N, _N, _N, _P, _I],
        "pairs": [_P, _N, _N, _N, _P, _P, _P, _I],
        "convolve": [_P] * 6 + [_N] * 5 + [_I],
        "weight_gradient": [_P] * 6 + [_N] * 5 + [_I],
        "closest": [_P] * 3 + [_N] + [_P] * 3 + [_N] + [_P] * 2 + [_I],
        "nearest": [_P, _P, _N, _N, _N, _N, _P, _I],
        "others": [_P] * 4 + [_N] * 3 + [_P, _I],
        "norm": [_P] * 8 + [_N, _N, _I, _D, _D, _D, _I],
        "partition": [_P] * 8 + [_N, _P, _I],
        "norm_gradients": [_P] * 9 + [_N, _N, _I, _D, _I],
    },
)


def backend() -> Literal["compiled", "torch"]:
    """What runs in single precision on the CPU.

    Raises:
        InputError: If `NUFORGE_SPARSE` names no backend, or insists on kernels that were not built.
    """
    return LIBRARY.backend()


def usable(*tensors: Tensor) -> bool:
    """Whether the compiled kernels can take these: single precision, on the CPU."""
    return all(t.dtype == torch.float32 and t.device.type == "cpu" for t in tensors) and backend() == "compiled"


def call(function: str, *arguments: Tensor | int | float) -> None:
    """One function of the library, with as many threads as torch has.

    Args:
        function: Its name, without the prefix.
        arguments: What it takes before the number of threads; tensors must be contiguous.
    """
    LIBRARY.call(function, *arguments, torch.get_num_threads())
