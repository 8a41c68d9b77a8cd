"""Detection: a network that learns boxes and masks by losses of its own, and answers for pixels."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from nuforge.events import Events
from nuforge.events.weights import without_weights
from nuforge.models.mask_rcnn import MaskRCNN
from nuforge.tasks.instances import Instances
from nuforge.tasks.task import Tables, Task
from nuforge.training.learner import Learner


class Detection(Learner):
    """Mask R-CNN taught the outlines of particles, and asked which pixels are whose.

    Its losses compare a sample of anchors and boxes with particles, drawn from torch's generator, in training as in
    validation.

    Args:
        model: The network.
        task: What particles are, and how pixels are shared out.
    """

    def __init__(self, model: MaskRCNN, task: Instances) -> None:
        super().__init__()
        self.model, self.task = model, task

    @property
    def asked(self) -> Sequence[Task]:
        """The one question."""
        return [self.task]

    def loss(self, events: Events) -> Tensor:
        """Sum of the losses of anchors, boxes, kinds and masks.

        Raises:
            InputError: If events have different weights.
        """
        events = without_weights(events, "losses of boxes")
        return sum(
            self.model.losses(events.readout(), self.task.outlines(events)).values(), self.task.score.new_zeros(())
        )

    def predict(self, readout: Events) -> Tables:
        """Particles, and the one of each pixel."""
        return self.task.predict(self.task(self.model(readout)))
