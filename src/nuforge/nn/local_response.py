"""Local response normalisation: bright channels dim their neighbours."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d


class LocalResponseNorm(nn.Module):
    """x / (1 + alpha / size x sum of x^2 over the `size` channels around)^(3/4).

    As `torch.nn.LocalResponseNorm`, which is several times slower on a CPU; the power is 3/4, as published.

    Args:
        size: Channels of the sum, odd.
        alpha: Of the sum.

    Source:
        Krizhevsky, Sutskever, Hinton, NeurIPS 2012, section 3.3; size 5 and alpha 1e-4 there, for pixels up to 255.
    """

    def __init__(self, size: int = 5, alpha: float = 1e-4) -> None:
        super().__init__()
        self.size, self.alpha = size, alpha

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Images (N, C, H, W), normalised."""
        y: Tensor = _Normalised.apply(x, self.size // 2, self.alpha / self.size)
        return y


class _Normalised(torch.autograd.Function):
    """With what it gives for the gradient kept once: input and scale."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, reach: int, alpha: float) -> Tensor:
        root = _around(x * x, reach).mul_(alpha).add_(1).rsqrt_()
        ctx.save_for_backward(x, root)
        ctx.reach, ctx.alpha = reach, alpha  # type: ignore[attr-defined]
        return root.sqrt().mul_(root).mul_(x)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> tuple[Tensor, None, None]:
        x, root = ctx.saved_tensors  # type: ignore[attr-defined]
        part = root.sqrt().mul_(root).mul_(gradient)
        shared = _around(part * x * (root * root), ctx.reach)  # type: ignore[attr-defined]
        return part.addcmul_(x, shared, value=-1.5 * ctx.alpha), None, None  # type: ignore[attr-defined]


def _around(x: Tensor, reach: int) -> Tensor:
    """Sums (N, C, H, W) over each channel and those up to `reach` from it: a convolution with a band of ones."""
    channel = torch.arange(x.shape[1], device=x.device)
    band = (channel - channel[:, None]).abs() <= reach
    return conv2d(x, band.to(x.dtype)[:, :, None, None])
