"""Progress of a training: a bar with step, rate, time left and loss on a terminal, a line per validation elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

import lightning.pytorch as lightning
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nuforge.training.loop import Loop, best_of

_REFRESH = 0.5  # s between looks at the loss, each of which waits for the device


class TerminalProgress(lightning.Callback):
    """A bar on the standard error of a terminal; in a file or a pipe, a line whenever the validation was looked at."""

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
        self._first = self._told = 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Show the bar."""
        assert isinstance(pl_module, Loop)
        self._start, self._first = time.monotonic(), pl_module.step
        self._told = len(pl_module.history)
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

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Tell of the block before: callbacks come before the module, which looks at the validation at its end."""
        if isinstance(pl_module, Loop) and trainer.is_global_zero:
            self._tell(pl_module)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Leave the last state on the screen."""
        if isinstance(pl_module, Loop):
            self._bar.update(self._task, completed=pl_module.step)
            if trainer.is_global_zero:
                self._tell(pl_module)
        self._bar.stop()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Give the terminal back."""
        self._bar.stop()

    def _tell(self, loop: Loop) -> None:
        """A line of the last look at the validation, where no bar shows it, once."""
        if not self._bar.disable or len(loop.history) == self._told:
            return
        self._told = len(loop.history)
        last, monitor = loop.history[-1], loop.options.monitor
        said = {"training loss": last["training loss"], f"validation {monitor}": last.get(monitor)}
        figures = ", ".join(f"{name} {value:.4g}" for name, value in said.items() if value is not None)
        best = " (the best)" if best_of(loop.history, monitor) == len(loop.history) - 1 else ""
        rate = (loop.step - self._first) / (time.monotonic() - self._start)
        print(
            f"nuforge: step {loop.step} of {loop.options.steps}, {figures}{best}, {rate:.1f} steps/s", file=sys.stderr
        )
