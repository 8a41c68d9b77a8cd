"""The constants of the recombination models in liquid argon; the formulas are in simulation.response.recombination."""

from dataclasses import dataclass
from typing import TypeAlias

from nuforge.detectors.constant import Constant, require_positive

_ADVICE = "it is a fitted constant of the model"


@dataclass(frozen=True)
class Birks:
    """Constants of Birks' law: `a` (no unit) and `k` in (kV/cm)(g/cm^2)/MeV.

    Source: ICARUS, NIM A 523 (2004) 275: a = 0.800 +- 0.003, k = 0.0486 +- 0.0006.
    """

    a: Constant = 0.800
    k: Constant = 0.0486

    def __post_init__(self) -> None:
        require_positive("a of Birks' law", "no unit", self.a, _ADVICE)
        require_positive("k of Birks' law", "(kV/cm)(g/cm^2)/MeV", self.k, _ADVICE)


@dataclass(frozen=True)
class ModifiedBox:
    """Constants of the modified box model: `alpha` (no unit) and `beta` in (kV/cm)(g/cm^2)/MeV.

    Source: ArgoNeuT, JINST 8 (2013) P08005.
    """

    alpha: Constant = 0.93
    beta: Constant = 0.212

    def __post_init__(self) -> None:
        require_positive("alpha of the box model", "no unit", self.alpha, _ADVICE)
        require_positive("beta of the box model", "(kV/cm)(g/cm^2)/MeV", self.beta, _ADVICE)


@dataclass(frozen=True)
class EllipsoidalBox:
    """Constants of the box model that knows the angle of track and field: `alpha`, `beta` (as ModifiedBox), `ratio`.

    Source: ICARUS, arXiv:2407.12969: alpha = 0.904 +- 0.008, beta = 0.204 +- 0.008, ratio = 1.25 +- 0.02.
    """

    alpha: Constant = 0.904
    beta: Constant = 0.204
    ratio: Constant = 1.25

    def __post_init__(self) -> None:
        require_positive("alpha of the box model", "no unit", self.alpha, _ADVICE)
        require_positive("beta of the box model", "(kV/cm)(g/cm^2)/MeV", self.beta, _ADVICE)
        require_positive("ratio of the box model", "no unit", self.ratio, _ADVICE)


Recombination: TypeAlias = Birks | ModifiedBox | EllipsoidalBox
