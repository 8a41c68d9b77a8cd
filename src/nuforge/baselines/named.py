"""A baseline whose answer has the name of a question, where several are asked of the rows of one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nuforge.baselines.baseline import Baseline
from nuforge.events import Events, Table


@dataclass(frozen=True)
class Named:
    """A baseline whose columns, such as `probability`, begin with the name of a task: `<name>_probability`.

    Args:
        baseline: The method.
        name: Of the task, as in `nuforge.tasks.segmentation.Segmentation`.
    """

    baseline: Baseline
    name: str

    def fit(self, batches: Iterable[Events]) -> None:
        """Fits the method."""
        self.baseline.fit(batches)

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """The method's tables with their columns renamed."""
        return {table: self._renamed(said) for table, said in self.baseline.predict(readout).items()}

    def save(self, folder: Path) -> None:
        """Writes the method into a folder."""
        self.baseline.save(folder)

    def load(self, folder: Path) -> Named:
        """What `save` wrote."""
        return replace(self, baseline=self.baseline.load(folder))

    def _renamed(self, said: Table) -> Table:
        names = {column: f"{self.name}_{column}" for column in said}
        about = {new: said.about[column] for column, new in names.items()}
        return Table({new: said[column] for column, new in names.items()}, said.offsets, about=about)
