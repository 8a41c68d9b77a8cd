"""Progress of a training on a terminal: step, rate, time left, loss."""

from __future__ import annotations

import time
from typing import Any

import lightning.pytorch as lightning
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nuforge.training.loop import Loop

_REFRESH = 0.5  # s between looks at the loss, each of which waits for the device


class TerminalProgress(lightning.Callback):
    """One line on the standard error of a terminal; nothing elsewhere."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("training", rate="", figures="")
        self._start = self._looked = time.monotonic()
        self._first = 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Show the bar."""
        assert isinstance(pl_module, Loop)
        self._start, self._first = time.monotonic(), pl_module.step
        self._bar.update(self._task, total=pl_module.options.steps, completed=pl_module.step)
        if trainer.is_global_zero:
            self._bar.start()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Move the bar."""
        now = time.monotonic()
        if self._bar.disable or now - self._looked < _REFRESH or not isinstance(pl_module, Loop):
            return
        self._looked = now
        done = pl_module.step + 1  # callbacks come before the module
        figures = f"loss {float(outputs['loss']):.3f}"
        if pl_module.history:
            monitor = pl_module.options.monitor
            value = pl_module.history[-1].get(monitor)
            figures += f", validation {monitor} {value:.3f}" if value is not None else ""
        rate = f"{(done - self._first) / (now - self._start):.1f} steps/s"
        self._bar.update(self._task, completed=done, rate=rate, figures=figures)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Leave the last state on the screen."""
        if isinstance(pl_module, Loop):
            self._bar.update(self._task, completed=pl_module.step)
        self._bar.stop()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Give the terminal back."""
        self._bar.stop()
