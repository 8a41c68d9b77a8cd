"""Sparse convolutions: submanifold, strided and its inverse, of any size, stride and dilation.

Output row i is the sum over offsets k and the input rows j that meet it there, of x[j] W[k]. In blocks of output rows:
gather the input rows of all pairs, one matrix product per offset into a pair buffer, and a sum over the pairs of each
output row. That is plain torch, and runs wherever torch runs. In single precision on a CPU the compiled kernels do the
same in registers (`nuforge.nn.kernels`). Results do not depend on the number of threads.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import embedding_bag

from nuforge.errors import InputError
from nuforge.nn.kernels import convolution as compiled
from nuforge.nn.kernels.library import backend, usable
from nuforge.nn.sparse.footprint import Footprint
from nuforge.nn.sparse.level import Level
from nuforge.nn.sparse.maps import Block, KernelMap, Pairing
from nuforge.nn.sparse.tensor import SparseTensor


class SubmanifoldConvolution(nn.Module):
    """A convolution whose output is at the occupied voxels of its input: activity does not spread.

    Args:
        channels_in: Channels of the input.
        channels_out: Channels of the output.
        dimension: Axes of space, 2 to 4.
        size: Places of the kernel along each axis, odd.
        dilation: Voxels between two places.

    Source:
        Graham, Engelcke, van der Maaten, arXiv:1711.10275.
    """

    def __init__(
        self, channels_in: int, channels_out: int, dimension: int = 3, size: int = 3, dilation: int = 1
    ) -> None:
        super().__init__()
        self.footprint = Footprint(size, dilation=dilation)
        self.weight = _weight(size**dimension, channels_in, channels_out)

    def forward(self, x: SparseTensor) -> SparseTensor:
        """Features on the same voxels."""
        return x.with_features(convolve(x.features, self.weight, x.level.around(self.footprint)))


class StridedConvolution(nn.Module):
    """A convolution to a coarser level, wherever it meets a voxel: by default to voxels of twice the size.

    Args:
        channels_in: Channels of the input.
        channels_out: Channels of the output.
        dimension: Axes of space, 2 to 4.
        size: Places of the kernel along each axis; see `Footprint` for where they lie.
        stride: Voxels between two outputs.
        dilation: Voxels between two places.
    """

    def __init__(
        self, channels_in: int, channels_out: int, dimension: int = 3, size: int = 2, stride: int = 2, dilation: int = 1
    ) -> None:
        super().__init__()
        self.footprint = Footprint(size, stride, dilation)
        self.weight = _weight(size**dimension, channels_in, channels_out)

    def forward(self, x: SparseTensor) -> SparseTensor:
        """Features on the coarser level."""
        level, kernel_map = x.level.down(self.footprint)
        return SparseTensor(level, convolve(x.features, self.weight, kernel_map))


class InverseConvolution(nn.Module):
    """The way back of a strided convolution: every fine voxel takes the features of the coarse ones that met it.

    Args:
        channels_in: Channels of the input.
        channels_out: Channels of the output.
        dimension: Axes of space, 2 to 4.
        size, stride, dilation: Those of the strided convolution.
    """

    def __init__(
        self, channels_in: int, channels_out: int, dimension: int = 3, size: int = 2, stride: int = 2, dilation: int = 1
    ) -> None:
        super().__init__()
        self.footprint = Footprint(size, stride, dilation)
        met = max(1, size**dimension // stride**dimension)
        self.weight = _weight(size**dimension, channels_in, channels_out, per_output=met)

    def forward(self, x: SparseTensor, finer: Level) -> SparseTensor:
        """Features on the level from which the strided convolution came to that of x."""
        coarser, kernel_map = finer.down(self.footprint)
        if coarser is not x.level:
            raise InputError(
                f"the finer level has {len(coarser)} coarse voxels of its own, the input {len(x.level)} others; "
                "give the level that the strided convolution came from"
            )
        return SparseTensor(finer, convolve(x.features, self.weight, kernel_map.transposed))


def convolve(features: Tensor, weight: Tensor, kernel_map: KernelMap) -> Tensor:
    """Output features (N_out, C_out) of a sparse convolution.

    Args:
        features: Input features (N_in, C_in).
        weight: Kernel (K, C_in, C_out).
        kernel_map: Its pairs.
    """
    n_offsets, channels_in, _ = weight.shape
    if features.shape[1] != channels_in or kernel_map.forward.table.shape[0] != n_offsets:
        raise InputError(
            f"the kernel takes {channels_in} channels and {n_offsets} offsets, got {features.shape[1]} channels and "
            f"{kernel_map.forward.table.shape[0]} offsets; match the channels and dimension of the layers"
        )
    device = features.device.type
    if torch.is_autocast_enabled(device):
        fast = device == "cpu" and backend() == "compiled"  # in single precision, faster than torch in any
        dtype = torch.float32 if fast else torch.get_autocast_dtype(device)
        features, weight = features.to(dtype), weight.to(dtype)
    out: Tensor = _Convolution.apply(features, weight, kernel_map)
    return out


class _Convolution(torch.autograd.Function):
    """The convolution with its gradients with respect to features and weight."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, kernel_map: KernelMap) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(features, weight)
        ctx.kernel_map, ctx.compiled = kernel_map, usable(features, weight)
        if ctx.compiled:
            return compiled.convolve(features, weight, kernel_map.forward.pairs)
        return _gather_multiply_sum(features, weight, kernel_map.forward)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:  # noqa: ANN401
        features, weight = ctx.saved_tensors
        kernel_map: KernelMap = ctx.kernel_map
        if ctx.compiled:
            return *_compiled_gradients(gradient, features, weight, kernel_map, *ctx.needs_input_grad[:2]), None
        with torch.autocast(gradient.device.type, enabled=False):
            gradients = _gradients(gradient.contiguous(), features, weight, kernel_map, *ctx.needs_input_grad[:2])
        return *gradients, None


def _compiled_gradients(
    gradient: Tensor, features: Tensor, weight: Tensor, kernel_map: KernelMap, want_features: bool, want_weight: bool
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of features (N_in, C_in) and weight (K, C_in, C_out) by the compiled kernels."""
    to_features = to_weight = None
    if want_features:
        back = weight.flip(0) if kernel_map.mirrored else weight
        to_features = compiled.convolve(gradient, back.transpose(1, 2), kernel_map.backward.pairs)
    if want_weight:
        to_weight = compiled.weight_gradient(features, gradient, kernel_map.forward.pairs)
    return to_features, to_weight


def _gather_multiply_sum(features: Tensor, weight: Tensor, pairing: Pairing) -> Tensor:
    """Features (N_out, C_out) by blocks of output rows."""
    channels_in, channels_out = weight.shape[1:]
    kernels = weight.unbind(0)
    blocks = pairing.blocks(max(channels_in, channels_out) * features.element_size())
    gathered, products = (_buffer(features, blocks, c) for c in (channels_in, channels_out))
    parts = []
    for block in blocks:
        n = len(block.source)
        pairs = torch.split_with_sizes(torch.index_select(features, 0, block.source, out=gathered[:n]), block.counts)
        results = torch.split_with_sizes(products[:n], block.counts)
        for k, count in enumerate(block.counts):
            if count:
                torch.mm(pairs[k], kernels[k], out=results[k])
        parts.append(_sum_of_pairs(products[:n], block, pairing.single))
    out = _end_to_end(parts, features, channels_out)
    return out if pairing.own is None else out.addmm_(features, kernels[pairing.own])


def _gradients(
    gradient: Tensor, features: Tensor, weight: Tensor, kernel_map: KernelMap, want_features: bool, want_weight: bool
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of features (N_in, C_in) and weight (K, C_in, C_out), by blocks of input rows."""
    pairing, step = kernel_map.backward, -1 if kernel_map.mirrored else 1
    channels_in, channels_out = weight.shape[1:]
    kernels = [kernel.t() for kernel in weight.unbind(0)][::step]
    to_weight = torch.zeros_like(weight)
    to_kernels = to_weight.unbind(0)[::step]
    blocks = pairing.blocks(max(channels_in, channels_out) * gradient.element_size())
    gathered, products = (_buffer(gradient, blocks, c) for c in (channels_out, channels_in))
    parts = []
    for block in blocks:
        n = len(block.source)
        pairs = torch.split_with_sizes(torch.index_select(gradient, 0, block.source, out=gathered[:n]), block.counts)
        results = torch.split_with_sizes(products[:n], block.counts)
        if want_weight:
            torch.index_select(features, 0, block.target, out=products[:n])
            for k, count in enumerate(block.counts):
                if count:
                    to_kernels[k].addmm_(results[k].t(), pairs[k])
        if want_features:
            for k, count in enumerate(block.counts):
                if count:
                    torch.mm(pairs[k], kernels[k], out=results[k])
            parts.append(_sum_of_pairs(products[:n], block, pairing.single))
    to_features = _end_to_end(parts, gradient, channels_in) if want_features else None
    if pairing.own is not None:
        if want_weight:
            to_kernels[pairing.own].addmm_(features.t(), gradient)
        if to_features is not None:
            to_features.addmm_(gradient, kernels[pairing.own])
    return to_features, to_weight if want_weight else None


def _sum_of_pairs(products: Tensor, block: Block, single: bool) -> Tensor:
    """Sum over the pairs of each output row of the block (rows, C)."""
    if single:
        return products.index_select(0, block.bag)
    if not len(products):
        return products.new_zeros(block.rows[1] - block.rows[0], products.shape[1])
    return embedding_bag(block.bag, products, block.starts, mode="sum", include_last_offset=True)


def _buffer(like: Tensor, blocks: list[Block], channels: int) -> Tensor:
    """Room for the pairs of the largest block (P, channels)."""
    return like.new_empty(max((len(block.source) for block in blocks), default=0), channels)


def _end_to_end(parts: list[Tensor], like: Tensor, channels: int) -> Tensor:
    """The rows of all blocks (N, channels)."""
    if len(parts) == 1:
        return parts[0]
    return torch.cat(parts) if parts else like.new_zeros(0, channels)


def _weight(n_offsets: int, channels_in: int, channels_out: int, per_output: int | None = None) -> nn.Parameter:
    """Weights (K, C_in, C_out) that keep the variance through a leaky ReLU of slope .33 (He), from torch's generator.

    `per_output` is the number of offsets that meet an output row, all of them if it is not given.
    """
    fan_in = channels_in * (per_output or n_offsets)
    gain = nn.init.calculate_gain("leaky_relu", 0.33)
    return nn.Parameter(torch.randn(n_offsets, channels_in, channels_out) * (gain / math.sqrt(fan_in)))
