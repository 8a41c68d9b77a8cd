"""How the numbers of a report are said: decimals, signs, the command that made it, where it falls short."""

import math

from nuforge.evaluation.report import Json, Report
from nuforge.metrics.interval import Interval


def command_of(report: Report) -> str:
    """The command that makes the report again: the recorded one, or the experiment with its arguments."""
    recorded = report.provenance.get("command")
    if isinstance(recorded, str):
        return recorded
    return " ".join(["nuforge run", report.experiment, *(_flag(k, v) for k, v in report.arguments.items())])


def number_of_events(report: Report) -> str:
    """On how many events the figures are, as "412 test events" or "412 test events (effective number 230.5)"."""
    most = max(report.metrics.values(), key=lambda interval: interval.n, default=None)
    n, effective = (0, None) if most is None else (most.n, most.effective)
    return f"{n:,} test events" + ("" if effective is None else f" (effective number {effective:,.1f})")


def shortfalls(report: Report) -> list[str]:
    """Where the model is behind: its better baseline, or the published figure of the same name."""
    out = []
    for name, difference in report.difference.items():
        if difference.verdict == "behind":
            out.append(
                f"{spelled(name)} is behind {difference.against} by {bracketed(difference.interval, absolute=True)}"
            )
        elif difference.verdict == "undecided":
            out.append(f"{spelled(name)} is not told apart from {difference.against}")
    for published in report.published:
        ours = report.metrics.get(published.name)
        if ours is None:
            continue
        better = report.difference[published.name].better if published.name in report.difference else "higher"
        worse = ours.high < published.value if better == "higher" else ours.low > published.value
        if worse:
            out.append(
                f"{spelled(published.name)} {decimals(ours.value)} against {decimals(published.value)} published"
            )
    return out


def spelled(name: str) -> str:
    """A name as people write it: no underscores."""
    return name.replace("_", " ")


def decimals(value: float) -> str:
    """A number as a table shows it: three decimals for fractions, four digits otherwise, a dash for no number."""
    if math.isnan(value):
        return "-"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"


def bracketed(interval: Interval, signed: bool = False, absolute: bool = False) -> str:
    """Value and interval, as 0.912 [0.901, 0.923].

    Args:
        interval: The number.
        signed: Whether a positive value gets its plus sign.
        absolute: Whether a negative value is turned into its size.
    """
    value, low, high = interval.value, interval.low, interval.high
    if absolute and value < 0:
        value, low, high = -value, -high, -low
    plus = "+" if signed and value > 0 else ""
    return f"{plus}{decimals(value)} [{decimals(low)}, {decimals(high)}]"


def _flag(name: str, value: Json) -> str:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag} {value}"
