"""Baselines that grow a forest, and forests on disk: safetensors for the trees, JSON for what they were grown on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from nuforge.baselines.forest import Forest

_FORMAT = 1
_DESCRIPTION, _ARRAYS = "boosted_trees.json", "boosted_trees.safetensors"


@dataclass
class Grown:
    """A baseline whose fit grows a forest; its other fields are how.

    Args:
        forest: The trees; None until they are grown.
    """

    features: ClassVar[Sequence[str]]
    """Names of what the trees are grown on."""

    forest: Forest | None = field(default=None, kw_only=True)

    def grown(self) -> Forest:
        """The trees.

        Raises:
            ValueError: If nothing was fitted or loaded.
        """
        if self.forest is None:
            name = type(self).__name__
            raise ValueError(f"boosted trees have no trees yet; call fit(batches) or {name}.load(folder) first")
        return self.forest

    def save(self, folder: Path) -> None:
        """Write the trees as safetensors and their description as JSON into a folder.

        Raises:
            ValueError: If nothing was fitted.
        """
        if self.forest is None:
            raise ValueError("boosted trees have no trees to save; call fit(batches) first")
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "forest"}
        options = {
            name: asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
            for name, value in values.items()
        }
        write_forest(folder, self.forest, self.features, options)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The trees that `save` wrote.

        Raises:
            ValueError: If the folder holds none, or they were grown on other features or by a newer format.
        """
        forest, options = read_forest(folder, cls.features)
        return cls(**options, forest=forest)


def write_forest(folder: Path, forest: Forest, features: Sequence[str], options: Mapping[str, Any]) -> None:
    """Write a forest into a folder.

    Args:
        folder: Made if it is not there.
        forest: The trees.
        features: Names of the features that they were grown on.
        options: How they were grown, as JSON has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {k: np.ascontiguousarray(v) for k, v in vars(forest).items() if isinstance(v, np.ndarray)}
    save_file(arrays, folder / _ARRAYS)
    description = {"format": _FORMAT, "options": dict(options), "features": list(features), "depth": forest.depth}
    (folder / _DESCRIPTION).write_text(json.dumps(description, indent=1))


def read_forest(folder: Path, features: Sequence[str]) -> tuple[Forest, dict[str, Any]]:
    """The forest that `write_forest` wrote, and how it was grown.

    Raises:
        ValueError: If the folder holds none, or it was grown on other features or by a newer format.
    """
    try:
        description = json.loads((folder / _DESCRIPTION).read_text())
        arrays = load_file(folder / _ARRAYS)
    except (OSError, json.JSONDecodeError, SafetensorError) as error:
        raise ValueError(
            f"'{folder}' holds no readable boosted trees ({error}), expected {_DESCRIPTION} and {_ARRAYS}; "
            "give a folder that BoostedTrees.save wrote"
        ) from error
    _check(description, features, folder)
    return Forest(**arrays, depth=description["depth"]), description["options"]


def _check(description: Mapping[str, Any], features: Sequence[str], folder: Path) -> None:
    """Refuse trees that this package cannot use."""
    if description.get("format") != _FORMAT:
        raise ValueError(
            f"boosted trees in '{folder}' have format {description.get('format')}, expected {_FORMAT}; "
            "use the nuforge that wrote them, or fit them again"
        )
    if description["features"] != list(features):
        odd = sorted(set(description["features"]) ^ set(features))
        raise ValueError(
            f"boosted trees in '{folder}' were grown on other features, which differ in {odd or 'their order'}; "
            "fit them again"
        )
