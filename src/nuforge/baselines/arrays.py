"""Baselines on disk: tensors as safetensors, with what they are for beside them as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from nuforge.errors import InputError


def write_arrays(path: Path, arrays: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Writes tensors and a few plain values into a file `path`.safetensors, and its folder if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: tensor.contiguous() for name, tensor in arrays.items()},
        path.with_suffix(".safetensors"),
        metadata={"about": json.dumps(dict(about), sort_keys=True)},
    )


def read_arrays(path: Path, about: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors that `write_arrays` wrote.

    Args:
        path: Without its ending.
        about: What the file must say of itself: a baseline of other features or classes is refused.

    Raises:
        InputError: If there is no such file, or it is of something else.
    """
    file = path.with_suffix(".safetensors")
    try:
        with safe_open(file, "pt") as opened:
            said = json.loads((opened.metadata() or {}).get("about", "{}"))
            found = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise InputError(f"no {path.name} in '{path.parent}' ({error}); fit the baselines again") from None
    wanted = json.loads(json.dumps(dict(about)))
    if said != wanted:
        odd = sorted(name for name in {*said, *wanted} if said.get(name) != wanted.get(name))
        raise InputError(f"'{file}' was fitted with another {', '.join(odd)}; fit the baselines again")
    return found
