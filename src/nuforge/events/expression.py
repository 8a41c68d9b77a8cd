"""Expressions on events, such as `energy > 100 & interaction == 'CC'`: words, and the tree that they stand for.

    or          and { "|" and }
    and         not { "&" not }
    not         "~" not | comparison
    comparison  sum { ("<" | "<=" | ">" | ">=" | "==" | "!=") sum }      a < b < c is (a < b) & (b < c)
    sum         product { ("+" | "-") product }
    product     sign { ("*" | "/" | "%") sign }
    sign        "-" sign | value
    value       number | string | name [ "[" whole number "]" ] | "(" or ")"

Comparisons bind tighter than & and |, so that cuts need no parentheses. Nothing is ever run as Python.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from nuforge.errors import InputError

_LONGEST = 10_000  # characters
_DEEPEST = 20  # parentheses and signs inside each other
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<string>'[^']*'|"[^"]*")
    | (?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)?)
    | (?P<sign><=|>=|==|!=|[-+*/%<>&|~()\[\]])
    )""",
    re.VERBOSE,
)
_INSTEAD = {"and": "&", "or": "|", "not": "~", "=": "==", "&&": "&", "||": "|", "!": "~"}

Kind = Literal["number", "string", "name", "sign", "end"]
Comparison = Literal["<", "<=", ">", ">=", "==", "!="]
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


@dataclass(frozen=True)
class Token:
    """A word of an expression and where it begins, counted from 0."""

    kind: Kind
    text: str
    at: int


@dataclass(frozen=True)
class Number:
    """A number."""

    value: int | float
    at: int


@dataclass(frozen=True)
class String:
    """A name of a value, between quotes."""

    value: str
    at: int


@dataclass(frozen=True)
class Name:
    """A column, or a component of a vector column."""

    name: str
    component: int | None
    at: int


@dataclass(frozen=True)
class Sign:
    """`-x` or `~x`."""

    sign: str
    inner: Node
    at: int


@dataclass(frozen=True)
class Pair:
    """Two sides with an operator between them: arithmetic, a comparison, & or |."""

    sign: str
    left: Node
    right: Node
    at: int


Node = Number | String | Name | Sign | Pair


def parse(text: str) -> Node:
    """The tree of an expression.

    Raises:
        InputError: If it is none; the message says where.
    """
    if len(text) > _LONGEST:
        raise InputError(f"selection has {len(text)} characters, expected {_LONGEST} at most; make it shorter")
    return _Parser(text).whole()


def wrong(text: str, at: int, what: str) -> InputError:
    """An error that points at a place: `what` begins with what was found there."""
    there = f"at character {at + 1}, '{text[at : at + 20]}'" if text[at:].strip() else "at the end"
    return InputError(" ".join(f"selection '{text[:200]}', {there}: {what}".split()))


def _tokens(text: str) -> list[Token]:
    """The words of an expression, and its end."""
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _no_word(text, len(text) - len(text[at:].lstrip()))
        found.append(Token(_kind(match.lastgroup), match[match.lastgroup], match.start(match.lastgroup)))
        at = match.end()
    return [*found, Token("end", "", len(text))]


def _kind(group: str) -> Kind:
    kinds: dict[str, Kind] = {"number": "number", "string": "string", "name": "name", "sign": "sign"}
    return kinds[group]


def _no_word(text: str, at: int) -> InputError:
    """What to say of characters that are no word."""
    if text[at] in "'\"":
        return wrong(text, at, f"the quote is not closed; write {text[at]} after the name")
    if text[at].isdigit():
        return wrong(text, at, "no number; write it like 12, 0.5 or 1e3")
    instead = _INSTEAD.get(text[at])
    return wrong(text, at, f"unknown sign; write {instead}" if instead else "unknown sign; see the documentation")


class _Parser:
    """One pass over the words, a method for each line of the grammar."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.place, self.depth = text, _tokens(text), 0, 0

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        """The next word, which is passed."""
        self.place += 1
        return self.tokens[self.place - 1]

    def takes(self, *signs: str) -> Token | None:
        """The next word if it is one of these signs, which is passed."""
        return self.take() if self.next.kind == "sign" and self.next.text in signs else None

    def whole(self) -> Node:
        tree = self.disjunction()
        if self.next.kind != "end":
            instead = _INSTEAD.get(self.next.text)
            raise wrong(self.text, self.next.at, f"expected {instead or 'an operator or the end'} here")
        return tree

    def disjunction(self) -> Node:
        left = self.conjunction()
        while sign := self.takes("|"):
            left = Pair("|", left, self.conjunction(), sign.at)
        return left

    def conjunction(self) -> Node:
        left = self.negation()
        while sign := self.takes("&"):
            left = Pair("&", left, self.negation(), sign.at)
        return left

    def negation(self) -> Node:
        if sign := self.takes("~"):
            self.deeper(sign)
            inner = self.negation()
            self.depth -= 1
            return Sign("~", inner, sign.at)
        return self.comparison()

    def comparison(self) -> Node:
        sides, signs = [self.sum()], []
        while sign := self.takes(*_COMPARISONS):
            signs.append(sign)
            sides.append(self.sum())
        if not signs:
            return sides[0]
        pairs: list[Node] = [Pair(s.text, a, b, s.at) for s, a, b in zip(signs, sides, sides[1:], strict=False)]
        tree = pairs[0]
        for pair in pairs[1:]:
            tree = Pair("&", tree, pair, signs[0].at)
        return tree

    def sum(self) -> Node:
        left = self.product()
        while sign := self.takes("+", "-"):
            left = Pair(sign.text, left, self.product(), sign.at)
        return left

    def product(self) -> Node:
        left = self.signed()
        while sign := self.takes("*", "/", "%"):
            left = Pair(sign.text, left, self.signed(), sign.at)
        return left

    def signed(self) -> Node:
        if sign := self.takes("-"):
            self.deeper(sign)
            inner = self.signed()
            self.depth -= 1
            return Sign("-", inner, sign.at)
        return self.value()

    def value(self) -> Node:
        token = self.take()
        if token.kind == "number":
            whole = token.text.isdigit() and len(token.text) <= 19  # digits of an int64
            return Number(int(token.text) if whole else float(token.text), token.at)
        if token.kind == "string":
            return String(token.text[1:-1], token.at)
        if token.kind == "name" and token.text not in _INSTEAD:
            return Name(token.text, self.component(), token.at)
        if token.kind == "sign" and token.text == "(":
            self.deeper(token)
            inner = self.disjunction()
            self.depth -= 1
            if not self.takes(")"):
                raise wrong(self.text, self.next.at, f"expected ) for the ( of character {token.at + 1}")
            return inner
        instead = _INSTEAD.get(token.text)
        raise wrong(self.text, token.at, f"expected {instead or 'a number, a name, a string or ('} here")

    def component(self) -> int | None:
        """The number in brackets after a name."""
        if not self.takes("["):
            return None
        number = self.take()
        if not number.text.isdigit() or not self.takes("]"):
            raise wrong(self.text, number.at, "expected a whole number and ]; vertex[2] is its third component")
        return int(number.text)

    def deeper(self, token: Token) -> None:
        """Counts what is inside each other."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise wrong(self.text, token.at, f"more than {_DEEPEST} levels inside each other; make it simpler")
