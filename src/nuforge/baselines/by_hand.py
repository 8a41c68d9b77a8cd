"""Methods made by hand: nothing is fitted, and their numbers are kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

from nuforge.errors import InputError
from nuforge.events import Events


@dataclass(frozen=True)
class ByHand:
    """A baseline whose fields are numbers, all that it is made of."""

    file: ClassVar[str]
    """Where its numbers are kept in a folder."""

    def fit(self, batches: Iterable[Events]) -> None:
        """Nothing: it is made by hand."""

    def save(self, folder: Path) -> None:
        """Write the numbers as JSON into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.file).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The method that `save` wrote.

        Raises:
            InputError: If the folder holds none, or it has other numbers than this one.
        """
        try:
            numbers = json.loads((folder / cls.file).read_text(encoding="utf-8"))
            return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in numbers.items()})
        except (OSError, ValueError, TypeError) as error:
            name = cls.file.removesuffix(".json").replace("_", " ")
            raise InputError(f"no {name} in {folder} ({error}); expected {cls.file}, fit the baselines again") from None
