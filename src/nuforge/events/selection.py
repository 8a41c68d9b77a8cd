"""Selection: events for which an expression on their columns holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nuforge.events.expression import Name, Node, Number, Pair, Sign, String, parse, wrong

if TYPE_CHECKING:
    from nuforge.events.events import Events

_COMPARE: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "<": torch.lt,
    "<=": torch.le,
    ">": torch.gt,
    ">=": torch.ge,
    "==": torch.eq,
    "!=": torch.ne,
}


def _remainder(left: Tensor, right: Tensor) -> Tensor:
    """What is left of a division, with the sign of `right`; NaN for a division by 0."""
    return torch.remainder(left, right.double() if bool((right == 0).any()) else right)


_ARITHMETIC: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "+": torch.add,
    "-": torch.sub,
    "*": torch.mul,
    "/": torch.true_divide,
    "%": _remainder,
}
_COUNT = "n_"
_EXACT = 2**63  # integers below are compared as such


@dataclass(frozen=True)
class _Value:
    """Values of events, one each or one for all, and the names of the whole numbers if they have some."""

    values: Tensor
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Selection:
    """A condition on events.

    A name is a column of the table `event`; `table.column` is the value of an event's first row of another table (NaN,
    or -1 for whole numbers, if it has none); `n_table` the number of its rows. `name[2]` is the third component of a
    vector. A column whose values have names is compared with a name between quotes. Numbers are in the units of the
    columns. A comparison with NaN is false, != is true.

    Args:
        text: Such as `energy > 100 & interaction == 'CC'` (see `nuforge.events.expression`).

    Raises:
        InputError: If it is no expression; the message says where.
    """

    text: str

    def __post_init__(self) -> None:
        parse(self.text)

    def mask(self, events: Events) -> Tensor:
        """Whether it holds, (B,) bool.

        Raises:
            InputError: If a name is unknown, or the expression does not answer yes or no.
        """
        tree = parse(self.text)
        values = _Evaluation(self.text, events).of(tree).values
        if values.dtype != torch.bool:
            raise wrong(self.text, tree.at, "a number where yes or no is needed; compare it with something")
        return values.expand(len(events))

    def of(self, events: Events) -> Events:
        """The events for which it holds."""
        mask = self.mask(events)
        return events if bool(mask.all()) else events.select(mask)

    def over(self, batches: Iterable[Events]) -> Iterator[Events]:
        """Of each batch the events for which it holds; batches without any are left out."""
        for events in batches:
            chosen = self.of(events)
            if len(chosen):
                yield chosen


@dataclass(frozen=True)
class _Evaluation:
    """The value of a tree on events."""

    text: str
    events: Events

    def of(self, node: Node) -> _Value:
        match node:
            case Number(value):
                small = isinstance(value, float) or value >= _EXACT
                return _Value(torch.tensor(value, dtype=torch.float64 if small else torch.int64))
            case String():
                raise wrong(self.text, node.at, "a name of a value stands alone; compare a column with it by == or !=")
            case Name():
                return self.column(node)
            case Sign("-", inner):
                return _Value(-self.number(inner))
            case Sign(_, inner):
                return _Value(~self.truth(inner))
            case Pair("&", left, right):
                return _Value(self.truth(left) & self.truth(right))
            case Pair("|", left, right):
                return _Value(self.truth(left) | self.truth(right))
            case Pair(sign, left, right) if sign in _ARITHMETIC:
                return _Value(_ARITHMETIC[sign](self.number(left), self.number(right)))
            case Pair():
                return _Value(self.comparison(node))

    def truth(self, node: Node) -> Tensor:
        """The value of a node that must answer yes or no."""
        values = self.of(node).values
        if values.dtype != torch.bool:
            raise wrong(self.text, node.at, "a number where yes or no is needed; compare it with something")
        return values

    def number(self, node: Node) -> Tensor:
        """The value of a node that must be a number."""
        values = self.of(node).values
        if values.dtype == torch.bool and not isinstance(node, Name):
            raise wrong(self.text, node.at, "yes or no where a number is needed; put the comparison in parentheses")
        return values.to(torch.int64) if values.dtype == torch.bool else values

    def comparison(self, node: Pair) -> Tensor:
        """A comparison of numbers, or of a column with the name of a value."""
        left, right = node.left, node.right
        if isinstance(left, String) and not isinstance(right, String):
            left, right = right, left
        if isinstance(right, String):
            return self.named(node, left, right)
        return _COMPARE[node.sign](self.number(left), self.number(right))

    def named(self, node: Pair, column: Node, name: String) -> Tensor:
        """A comparison of a column with the name of a value."""
        if node.sign not in ("==", "!="):
            raise wrong(self.text, node.at, "names have no order; use == or !=")
        if isinstance(column, String):
            raise wrong(self.text, column.at, "two names of values; compare a column with one")
        value = self.of(column)
        if not value.names:
            raise wrong(self.text, column.at, "these values have no names; compare with a number")
        if name.value not in value.names:
            known = ", ".join(repr(each) for each in value.names if each)
            raise wrong(self.text, name.at, f"no value of that name; there is {known}")
        return _COMPARE[node.sign](value.values, torch.tensor(value.names.index(name.value)))

    def column(self, node: Name) -> _Value:
        """The values of a name: (B,) float64, int64 or bool."""
        table, _, column = node.name.rpartition(".")
        home = self.events.tables.get(table or "event")
        if home is None or column not in home:
            counted = self.events.tables.get(node.name.removeprefix(_COUNT))
            if node.name.startswith(_COUNT) and counted is not None:
                return _Value(counted.counts)
            raise wrong(self.text, node.at, f"unknown name; there is {', '.join(self.known())}")
        about, values = home.about[column], home[column]
        if values.ndim > 1:
            if node.component is None or node.component >= values.shape[1] or values.ndim > 2:
                raise wrong(self.text, node.at, f"a vector of {list(values.shape[1:])}; name a component like name[0]")
            values = values[:, node.component]
        elif node.component is not None:
            raise wrong(self.text, node.at, "no vector; leave the brackets out")
        if bool((home.counts != 1).any()):
            first = home.offsets[:-1].clamp(max=max(0, len(home) - 1))
            nothing = torch.full((len(home.counts),), torch.nan if values.is_floating_point() else -1.0)
            values = torch.where(home.counts > 0, values[first] if len(home) else nothing, nothing.to(values.dtype))
        if values.dtype != torch.bool:
            values = values.to(torch.float64 if values.is_floating_point() else torch.int64)
        return _Value(values, about.names)

    def known(self) -> list[str]:
        """All names."""
        tables = self.events.tables
        names = [column if name == "event" else f"{name}.{column}" for name, t in tables.items() for column in t]
        return names + [f"{_COUNT}{name}" for name in tables if name != "event"]
