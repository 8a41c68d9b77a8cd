"""Figures beside those of a reference that somebody else computed: which agree within both errors and the models'."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nuforge.evaluation.single_particles import Figure

MODEL = 0.03
"""Allowance for both codes being models: relative, and absolute for a fraction of the energy."""
MODEL_OF_INELASTIC_FRACTIONS = 0.04
"""The same for the fraction of hadrons that interact inelastically, absolute."""


@dataclass(frozen=True)
class Entry:
    """One number beside the reference's, each with its standard error; `within` if they agree."""

    name: str
    ours: float
    ours_error: float
    reference: float
    reference_error: float
    allowance: float
    within: bool


def compared(own: Mapping[str, Figure], reference: Mapping[str, Any]) -> Iterator[Entry]:
    """Every figure with an error that both have, side by side; a profile gives an entry for each bin.

    An entry is within if the difference is no more than three combined standard errors plus the allowance.

    Args:
        own: Our figures, as `single_particle_figures` names them.
        reference: {figure: {"value", "error"}}, lists for profiles; contained fractions also as {figure: {radius:
            ...}}. What one of them has not is not compared; `missing` names what we have not.
    """
    for name, value, error in _figures(reference):
        if name not in own:
            continue
        ours, errors = (np.atleast_1d(a) for a in (own[name].value, own[name].error))
        for i, (v, e) in enumerate(zip(np.atleast_1d(value), np.atleast_1d(error), strict=True)):
            allowance = _allowance(name, float(v))
            limit = 3 * float(np.hypot(errors[i], e)) + allowance
            yield Entry(
                name if len(ours) == 1 else f"{name} {i}",
                float(ours[i]),
                float(errors[i]),
                float(v),
                float(e),
                allowance,
                bool(abs(ours[i] - v) <= limit),
            )


def missing(own: Mapping[str, Figure], reference: Mapping[str, Any]) -> list[str]:
    """Names of the figures of the reference that have an error and that are not among our own."""
    return [name for name, _, _ in _figures(reference) if name not in own]


def _allowance(name: str, value: float) -> float:
    """What two models may differ by in a figure of that value."""
    if name.startswith("contained"):
        return MODEL
    if name == "fraction_with_inelastic_interaction":
        return MODEL_OF_INELASTIC_FRACTIONS
    return MODEL * abs(value)


def _figures(reference: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Name, value and error of the figures that have an error."""
    for name, figure in reference.items():
        if name.startswith("contained") and "value" not in figure:
            for radius, inner in figure.items():
                yield f"{name} {float(radius):g}", inner["value"], inner["error"]
        elif isinstance(figure, Mapping) and "error" in figure:
            yield name, figure["value"], figure["error"]
