"""A metric as an expression over what users did: `count(purchase) / sessions`, `sum(play) / 60`.

    expression = sum of terms, or one such sum divided by another
    term       = a quantity, or a number times or divided into it
    quantity   = count(ACTION), sum(ACTION), places, slates, sessions, users

What an expression says is linear, so that a user's value follows from sums that only grow.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import NamedTuple

from model.actions import code_of
from model.errors import SettingsError
from streams.experiments.quantities import PER_ONE, PLACES, SESSIONS, SLATES, USERS, VALUE

NAMES = {"places": PLACES, "slates": SLATES, "sessions": SESSIONS, "users": USERS}
LONGEST = 500
EXPECTED = (
    "expected numbers, +, -, *, /, count(ACTION), sum(ACTION) and " + ", ".join(NAMES) + ", as in"
    " count(purchase) / sessions"
)

Terms = Mapping[int, Fraction]
"""How often each quantity, by its code, counts."""


class Ratio(NamedTuple):
    """A metric's numerator and denominator."""

    numerator: Terms
    denominator: Terms


PER_USER: Terms = {USERS: Fraction(1)}


def ratio_of(text: str, actions: Collection[str]) -> Ratio:
    """What an expression says; per user, where it divides by no quantity. `actions`: those that are declared.

    Raises `SettingsError` for anything that is not an expression.

    >>> ratio_of("count(click) / places", ["click"]) == Ratio({1: Fraction(1)}, {PLACES: Fraction(1)})
    True
    """
    if len(text) > LONGEST:
        raise SettingsError(f"an expression of {len(text)} characters; {LONGEST} at most")
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise SettingsError(f"{text!r} can't be read ({error}); {EXPECTED}") from None
    reading = _Reading(text, actions)
    if isinstance(body, ast.BinOp) and isinstance(body.op, ast.Div):
        below = reading.value(body.right)
        if isinstance(below, Mapping):
            above = reading.value(body.left)
            return Ratio(above if isinstance(above, Mapping) else reading.users(above), below)
    value = reading.value(body)
    if not isinstance(value, Mapping):
        raise SettingsError(f"{text!r} is a number and counts nothing; {EXPECTED}")
    return Ratio(value, PER_USER)


class _Reading:
    """Reads one expression; `text` is for errors."""

    def __init__(self, text: str, actions: Collection[str]) -> None:
        self.text, self.actions = text, actions

    def value(self, node: ast.expr) -> Terms | Fraction:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return self.number(node, number)
            case ast.Name(id=name) if name in NAMES:
                return {NAMES[name]: Fraction(1)}
            case ast.Call(func=ast.Name(id="count" | "sum" as what), args=[ast.Name(id=action)], keywords=[]):
                return self.of_action(what, action)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                return self.times(self.value(operand), Fraction(-1 if isinstance(sign, ast.USub) else 1))
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
                return self.together(node, self.value(left), self.value(right), isinstance(op, ast.Sub))
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                return self.product(node, self.value(left), self.value(right))
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                divisor = self.value(right)
                if isinstance(divisor, Mapping):
                    raise self.wrong(node, "may be divided by quantities once, on the outside")
                if not divisor:
                    raise self.wrong(node, "is divided by 0")
                return self.times(self.value(left), 1 / divisor)
        raise self.wrong(node, "is not understood")

    def number(self, node: ast.expr, number: float) -> Fraction:
        if not -1e9 <= number <= 1e9:
            raise self.wrong(node, "is out of range (a thousand millions)")
        return Fraction(str(number))

    def of_action(self, what: str, action: str) -> Terms:
        if action not in self.actions:
            raise SettingsError(
                f"{self.text!r} names the action {action!r}; expected one of {', '.join(self.actions)}:"
                f" declare [actions.{action}]"
            )
        code = code_of(action)
        return {code: Fraction(1)} if what == "count" else {VALUE + code: Fraction(1, PER_ONE)}

    def together(
        self, node: ast.expr, left: Terms | Fraction, right: Terms | Fraction, minus: bool
    ) -> Terms | Fraction:
        right = self.times(right, Fraction(-1 if minus else 1))
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            codes = dict.fromkeys([*left, *right])
            return {code: left.get(code, Fraction(0)) + right.get(code, Fraction(0)) for code in codes}
        if isinstance(left, Mapping) or isinstance(right, Mapping):
            raise self.wrong(node, "adds a number to a quantity: multiply the number by users, say")
        return left + right

    def product(self, node: ast.expr, left: Terms | Fraction, right: Terms | Fraction) -> Terms | Fraction:
        if not isinstance(left, Mapping):
            return self.times(right, left)
        if not isinstance(right, Mapping):
            return self.times(left, right)
        raise self.wrong(node, "multiplies two quantities, and may multiply by numbers alone")

    def times(self, value: Terms | Fraction, by: Fraction) -> Terms | Fraction:
        if isinstance(value, Mapping):
            return {code: by * each for code, each in value.items()}
        return by * value

    def users(self, number: Fraction) -> Terms:
        return {USERS: number}

    def wrong(self, node: ast.expr, why: str) -> SettingsError:
        return SettingsError(f"{ast.unparse(node)!r} in {self.text!r} {why}; {EXPECTED}")
