"""Optimizers: AdamW for all weights, or Muon for the kernels of convolutions and AdamW for the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn

from nuforge.nn.sparse import InverseConvolution, StridedConvolution, SubmanifoldConvolution

Choice = Literal["adamw", "muon"]

_OUTPUTS: Final[dict[type[nn.Module], int]] = {
    SubmanifoldConvolution: -1,
    StridedConvolution: -1,
    InverseConvolution: -1,
    nn.Conv1d: 0,
    nn.Conv2d: 0,
    nn.Conv3d: 0,
}
"""Which axis of the kernel of a convolution counts the output channels."""


def optimizer_of(
    module: nn.Module, choice: Choice, learning_rate: float, weight_decay: float, fused: bool
) -> torch.optim.Optimizer:
    """The optimizer of what a module learns. Biases, scales and shifts do not decay.

    Args:
        module: Whose parameters are learned.
        choice: `adamw`, or `muon`, which turns the kernels of convolutions.
        learning_rate: Of AdamW; `Muon` says what it means there.
        weight_decay: Of tensors of two axes or more, as in AdamW.
        fused: Whether AdamW's arithmetic is done in one pass.
    """
    learned = [p for p in module.parameters() if p.requires_grad]
    kernels = _kernels(module) if choice == "muon" else {}
    groups: list[dict[str, Any]] = [
        {"params": [p for p in learned if kernels.get(p) == axis], "outputs": axis} for axis in set(kernels.values())
    ]
    others = [p for p in learned if p not in kernels]
    groups += [
        {"params": [p for p in others if p.ndim > 1]},
        {"params": [p for p in others if p.ndim <= 1], "weight_decay": 0.0},
    ]
    kind = Muon if choice == "muon" else torch.optim.AdamW
    return kind([g for g in groups if g["params"]], lr=learning_rate, weight_decay=weight_decay, fused=fused)


class Muon(torch.optim.AdamW):
    """AdamW, but for groups that say which axis of their kernels counts `outputs`: those move as far in all directions.

    A kernel is a matrix, of inputs at all places by outputs. Its gradient, averaged over steps, is replaced by the
    nearest matrix whose singular values are all one, so that directions that matter little to the present batches are
    learned as fast as the others. The step of each is `MOVE` x learning rate in the spectral norm.

    Source:
        Jordan et al., Muon (2024): momentum 0.95 with look-ahead, five rounds of a fifth-order polynomial; here on the
        Gram matrices, of all kernels of a size at once.
    """

    MOMENTUM: Final = 0.95
    MOVE: Final = 32.0
    ROUNDS: Final = 5
    STRETCH: Final = 3.4445, -4.7750, 2.0315

    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # noqa: ANN401
        """One step; the gradients of kernels are used up."""
        with torch.enable_grad():
            loss = None if closure is None else closure()
        for group in self.param_groups:
            if "outputs" in group:
                self._turn(group)
        super().step()
        return loss

    @torch.no_grad()
    def _turn(self, group: dict[str, Any]) -> None:
        """A step of kernels, after which they have no gradients: AdamW passes over them."""
        kernels = [p for p in group["params"] if p.grad is not None]
        gradients = [p.grad for p in kernels]
        if not kernels:
            return
        for p in kernels:
            if not self.state[p]:
                self.state[p] = {"step": torch.zeros(()), "mean": torch.zeros_like(p)}  # AdamW looks for a step in each
        mean = [self.state[p]["mean"] for p in kernels]
        torch._foreach_mul_(mean, self.MOMENTUM)
        torch._foreach_add_(mean, gradients)
        torch._foreach_add_(gradients, mean, alpha=self.MOMENTUM)
        axis, rate = group["outputs"], group["lr"]
        moved = [g.movedim(axis, -1) for g in gradients]
        turned = _orthogonal([m.flatten(0, -2) for m in moved], self.ROUNDS, self.STRETCH)
        steps = [t.view(m.shape).movedim(-1, axis) for t, m in zip(turned, moved, strict=True)]
        torch._foreach_mul_(kernels, 1 - rate * group["weight_decay"])
        torch._foreach_add_(kernels, steps, alpha=-rate * self.MOVE)
        for p in kernels:
            p.grad = None


def _orthogonal(matrices: list[Tensor], rounds: int, stretch: tuple[float, float, float]) -> list[Tensor]:
    """Matrices (R, C) with the singular vectors of the given ones, and singular values near one.

    X (a + b G + c G^2) with the Gram matrix G = X^T X has the singular values a s + b s^3 + c s^5. The rounds are done
    on the Gram matrices alone, those of one size together, and each X is multiplied once.
    """
    tall = [m if m.shape[0] >= m.shape[1] else m.T for m in matrices]
    sides = [m.shape[1] for m in tall]
    turned = list(tall)
    for side in set(sides):
        places = [i for i, own in enumerate(sides) if own == side]
        gram = torch.stack([tall[i].T @ tall[i] for i in places])
        for i, product in zip(places, _stretched(gram, rounds, stretch), strict=True):
            turned[i] = tall[i] @ product
    return [t if m.shape[0] >= m.shape[1] else t.T for t, m in zip(turned, matrices, strict=True)]


def _stretched(gram: Tensor, rounds: int, stretch: tuple[float, float, float]) -> Tensor:
    """What matrices with these Gram matrices (M, C, C) are multiplied by to have singular values near one."""
    size = gram.diagonal(dim1=1, dim2=2).sum(1).clamp(min=torch.finfo(gram.dtype).tiny)[:, None, None]
    gram = gram / size
    one = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    product = one / size.sqrt()
    a, b, c = stretch
    for left in reversed(range(rounds)):
        factor = torch.baddbmm(b * gram, gram, gram, alpha=c).add_(one, alpha=a)
        product = product @ factor
        if left:
            gram = factor @ gram @ factor
    return product


def _kernels(module: nn.Module) -> dict[nn.Parameter, int]:
    """The kernels of convolutions that are learned, and the axis of their output channels."""
    kernels = {}
    for part in module.modules():
        axis = _OUTPUTS.get(type(part))
        if axis is not None and part.get_parameter("weight").requires_grad:
            kernels[part.get_parameter("weight")] = axis
    return kernels
