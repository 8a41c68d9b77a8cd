"""Sparse convolution and its gradients by the compiled kernels."""

from __future__ import annotations

from torch import Tensor

from nuforge.nn.kernels import library
from nuforge.nn.kernels.library import LANES, call
from nuforge.nn.kernels.maps import BLOCK, Pairs


def usable(features: Tensor, weight: Tensor) -> bool:
    """Whether the compiled kernels can take these: single precision, on the CPU, channels in vectors."""
    channels_in, channels_out = weight.shape[1:]
    vectors = channels_out % LANES == 0 and (channels_in % LANES == 0 or not features.requires_grad)
    return vectors and library.usable(features, weight)


def convolve(features: Tensor, weight: Tensor, pairs: Pairs) -> Tensor:
    """Features (N_out, C_out): sums over offsets and pairs of features (N_in, C_in) times weight (K, C_in, C_out)."""
    features, weight = features.contiguous(), weight.contiguous()
    out = features.new_empty(pairs.n_out, weight.shape[2])
    call("convolve", features, weight, out, *_laid_out(pairs), *weight.shape[1:])
    return out


def weight_gradient(features: Tensor, gradient: Tensor, pairs: Pairs) -> Tensor:
    """Gradient of the weight (K, C_in, C_out), of features (N_in, C_in) and the output's gradient (N_out, C_out)."""
    features, gradient = features.contiguous(), gradient.contiguous()
    channels_in, channels_out = features.shape[1], gradient.shape[1]
    out = features.new_empty(pairs.n_offsets, channels_in, channels_out)
    call("weight_gradient", features, gradient, out, *_laid_out(pairs), channels_in, channels_out)
    return out


def _laid_out(pairs: Pairs) -> tuple[Tensor, Tensor, Tensor, int, int, int]:
    """Pairs as the kernels take them."""
    return pairs.source, pairs.target, pairs.starts, pairs.n_offsets, pairs.n_out, BLOCK
