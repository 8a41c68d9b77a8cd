"""The compiled sparse convolution: built when the package is installed and a compiler is there, never required.

`NUFORGE_SPARSE=torch` chooses the plain-torch path, `NUFORGE_SPARSE=compiled` insists on the compiled one.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from nuforge.errors import InputError
from nuforge.nn.sparse.maps import Pairing

_LIBRARY = "nuforge.nn.sparse._kernels"
_LANES = 8  # output channels come in multiples of this

_P, _N, _I = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int


def backend() -> Literal["compiled", "torch"]:
    """What runs convolutions in single precision on the CPU.

    Raises:
        InputError: If `NUFORGE_SPARSE` names no backend, or insists on a kernel that was not built.
    """
    asked = os.environ.get("NUFORGE_SPARSE", "")
    if asked not in ("", "torch", "compiled"):
        raise InputError(f"NUFORGE_SPARSE must be 'torch' or 'compiled', got '{asked}'; unset it to choose by itself")
    if asked == "torch":
        return "torch"
    if _library() is None:
        if asked == "compiled":
            raise InputError(
                "NUFORGE_SPARSE=compiled, but no kernel was built; install a C++ compiler and nuforge again"
            )
        return "torch"
    return "compiled"


def usable(features: Tensor, weight: Tensor) -> bool:
    """Whether the compiled kernels can take these: single precision, on the CPU, channels in vectors."""
    single = features.dtype == weight.dtype == torch.float32
    here = features.device.type == "cpu"
    channels_in, channels_out = weight.shape[1:]
    vectors = channels_out % _LANES == 0 and (channels_in % _LANES == 0 or not features.requires_grad)
    return single and here and vectors and backend() == "compiled"


def convolve(features: Tensor, weight: Tensor, pairing: Pairing) -> Tensor:
    """Features (N_out, C_out): sums over offsets and pairs of features (N_in, C_in) times weight (K, C_in, C_out)."""
    features, weight = features.contiguous(), weight.contiguous()
    source, target, starts = pairing.pairs
    out = features.new_empty(pairing.n_out, weight.shape[2])
    k, channels_in, channels_out = weight.shape
    _loaded().nuforge_convolve(
        *(t.data_ptr() for t in (features, weight, out, source, target, starts)),
        k,
        channels_in,
        channels_out,
        pairing.n_out,
        torch.get_num_threads(),
    )
    return out


def weight_gradient(features: Tensor, gradient: Tensor, pairing: Pairing) -> Tensor:
    """Gradient of the weight (K, C_in, C_out), of features (N_in, C_in) and the output's gradient (N_out, C_out)."""
    features, gradient = features.contiguous(), gradient.contiguous()
    source, target, starts = pairing.pairs
    k, channels_in, channels_out = len(starts) - 1, features.shape[1], gradient.shape[1]
    out = features.new_empty(k, channels_in, channels_out)
    _loaded().nuforge_weight_gradient(
        *(t.data_ptr() for t in (features, gradient, out, source, target, starts)),
        k,
        channels_in,
        channels_out,
        torch.get_num_threads(),
    )
    return out


def _loaded() -> ctypes.CDLL:
    library = _library()
    if library is None:
        raise InputError("the compiled kernel was not built; install a C++ compiler and nuforge again")
    return library


@cache
def _library() -> ctypes.CDLL | None:
    """The built kernels, or None if there are none."""
    spec = find_spec(_LIBRARY)
    if spec is None or spec.origin is None or not Path(spec.origin).exists():
        return None
    try:
        library = ctypes.CDLL(spec.origin)
    except OSError:  # built for another machine
        return None
    library.nuforge_convolve.argtypes = [_P] * 6 + [_N] * 4 + [_I]
    library.nuforge_weight_gradient.argtypes = [_P] * 6 + [_N] * 3 + [_I]
    for function in (library.nuforge_convolve, library.nuforge_weight_gradient):
        function.restype = None
    return library
