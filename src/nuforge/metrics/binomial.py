"""Binomial intervals, for fractions of events: one trial is one event (or spill), never a voxel, hit or prong.

Events with weights are no trials: their fractions have the interval of the event bootstrap.
"""

import math
from statistics import NormalDist

from scipy.stats import beta

from nuforge.metrics.interval import Interval


def wilson(successes: float, trials: float, level: float = 0.95) -> Interval:
    """Fraction of events with the Wilson score interval: near its level on average, never empty at 0 or 1.

    Args:
        successes: Events that passed, a whole number.
        trials: Independent events, a whole number.
        level: Confidence level, 0 to 1.

    Returns:
        The fraction; NaN between 0 and 1 without trials.

    Raises:
        ValueError: If successes are no whole number from 0 to trials, or the level is not between 0 and 1.

    Source:
        E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209; L. Brown, T. Cai, A. DasGupta, Stat. Sci. 16 (2001) 101.
    """
    _check(successes, trials, level)
    method = f"Wilson score, {level:.0%}"
    if trials == 0:
        return Interval(math.nan, 0.0, 1.0, 0, method)
    z = NormalDist().inv_cdf((1 + level) / 2)
    p, w = successes / trials, z * z / trials
    centre = (p + w / 2) / (1 + w)
    half = math.sqrt(w * (p * (1 - p) + w / 4)) / (1 + w)
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == trials else centre + half
    return Interval(p, low, high, int(trials), method)


def clopper_pearson(successes: float, trials: float, level: float = 0.95) -> Interval:
    """Fraction of events with the Clopper-Pearson interval: never covers less than its level, so it is wide.

    Args:
        successes: Events that passed, a whole number.
        trials: Independent events, a whole number.
        level: Confidence level, 0 to 1.

    Returns:
        The fraction; NaN between 0 and 1 without trials.

    Raises:
        ValueError: If successes are no whole number from 0 to trials, or the level is not between 0 and 1.

    Source:
        C. Clopper, E. Pearson, Biometrika 26 (1934) 404; Review of Particle Physics, "Statistics", equation 40.82.
    """
    _check(successes, trials, level)
    method = f"Clopper-Pearson, {level:.0%}"
    if trials == 0:
        return Interval(math.nan, 0.0, 1.0, 0, method)
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, successes, trials - successes + 1)) if successes else 0.0
    high = float(beta.ppf(1 - tail, successes + 1, trials - successes)) if successes < trials else 1.0
    return Interval(successes / trials, low, high, int(trials), method)


def upper_limit(successes: float, trials: float, level: float = 0.9) -> float:
    """The fraction of events that is exceeded by no more than what was counted allows: one-sided Clopper-Pearson.

    With none of n it is 1 - (1 - level)^(1/n), about 2.3 / n at 90 %.

    Args:
        successes: Events that passed, a whole number.
        trials: Independent events (or spills), a whole number.
        level: Confidence level, 0 to 1.

    Returns:
        The limit; 1 without trials.

    Raises:
        ValueError: If successes are no whole number from 0 to trials, or the level is not between 0 and 1.
    """
    _check(successes, trials, level)
    return float(beta.ppf(level, successes + 1, trials - successes)) if successes < trials else 1.0


def _check(successes: float, trials: float, level: float) -> None:
    if not (float(successes).is_integer() and float(trials).is_integer()):
        raise ValueError(
            f"successes and trials must be whole numbers of events, got {successes} of {trials}; "
            "sums of weights have an interval by nuforge.metrics.bootstrap"
        )
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must be between 0 and the {trials} trials, got {successes}; count each event once")
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}; write 0.95 for 95 %")
