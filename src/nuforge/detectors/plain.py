"""Frozen dataclasses as plain JSON values."""

from dataclasses import fields, is_dataclass
from typing import cast

from nuforge.detectors.constant import Constant, number


def plain(value: object) -> object:
    """Dicts, lists, strings and numbers; the dict of a dataclass names its kind, and a scalar tensor is a number."""
    if is_dataclass(value):
        return {"kind": type(value).__name__} | {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | None) else number(cast(Constant, value))
