"""A small neural network on a table of features: one hidden layer, as the field used before deep ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class SmallNetwork:
    """Probabilities of classes from standardised features: softmax(b + v tanh(a + w x)).

    Args:
        centre: Mean of each feature (F,).
        spread: Standard deviation of each (F,), 1 where it is 0.
        first: Weights w (F, H).
        first_bias: a (H,).
        second: Weights v (H, K).
        second_bias: b (K,).
    """

    centre: Float[Tensor, " f"]
    spread: Float[Tensor, " f"]
    first: Float[Tensor, "f h"]
    first_bias: Float[Tensor, " h"]
    second: Float[Tensor, "h k"]
    second_bias: Float[Tensor, " k"]

    def probability(self, features: Float[Tensor, "n f"]) -> Float[Tensor, "n k"]:
        """Probability of each class (N, K) for features (N, F)."""
        return _logits(((features - self.centre) / self.spread).clamp(-5, 5), self.parameters()).softmax(1)

    def parameters(self) -> list[Tensor]:
        """What was learned."""
        return [self.first, self.first_bias, self.second, self.second_bias]


def train_small_network(
    features: Float[Tensor, "n f"],
    label: Int[Tensor, " n"],
    weight: Float[Tensor, " n"],
    classes: int,
    *,
    hidden: int = 24,
    steps: int = 800,
    learning_rate: float = 0.02,
    decay: float = 1e-3,
    seed: int = 0,
) -> SmallNetwork:
    """The network after so many steps of Adam on all rows at once; cross entropy and a little decay.

    Args:
        features: (N, F), finite.
        label: (N,), 0 to classes - 1.
        weight: Of each row (N,).
        classes: K.
        hidden: Neurons of the hidden layer.
        steps: Steps.
        learning_rate: That of the first step; it falls to 0 along a cosine.
        decay: Sum of squared weights times this is added to the loss.
        seed: Of the first weights.
    """
    share = (weight / weight.sum()).float()
    centre = (share[:, None] * features).sum(0)
    spread = (share[:, None] * (features - centre).square()).sum(0).sqrt()
    spread = torch.where(spread > 1e-6 * (1 + centre.abs()), spread, 1.0)
    x = ((features - centre) / spread).clamp(-5, 5)
    draw = torch.Generator().manual_seed(seed)
    sizes = [(x.shape[1], hidden), (hidden, classes)]
    weights = [torch.randn(*size, generator=draw) / size[0] ** 0.5 for size in sizes]
    with torch.enable_grad():
        learned = [weights[0], torch.zeros(hidden), weights[1], torch.zeros(classes)]
        learned = [tensor.requires_grad_() for tensor in learned]
        optimizer = torch.optim.Adam(learned, learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(steps):
            optimizer.zero_grad()
            surprise = torch.nn.functional.cross_entropy(_logits(x, learned), label, reduction="none")
            loss = (share * surprise).sum() + decay * (learned[0].square().sum() + learned[2].square().sum())
            loss.backward()
            optimizer.step()
            schedule.step()
    return SmallNetwork(centre, spread, *(tensor.detach() for tensor in learned))


def _logits(x: Tensor, parameters: list[Tensor]) -> Tensor:
    first, first_bias, second, second_bias = parameters
    return torch.tanh(x @ first + first_bias) @ second + second_bias
