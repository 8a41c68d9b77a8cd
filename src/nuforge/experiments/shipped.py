"""Networks that come trained with the package: checkpoints by the names of their experiments."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "trained"
"""Where they are: a folder each, as `benchmarks/make_shipped.py` writes it."""


def shipped() -> dict[str, Path]:
    """The networks that come with the package: name -> folder of the checkpoint, in alphabetical order."""
    return {card.parent.name: card.parent for card in sorted(FOLDER.glob("*/checkpoint.json"))}
