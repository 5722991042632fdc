"""A metric: a ratio of two values of a user, numerator x and denominator y. Each is a multiple of a unit, and
never beyond a cap (values are winsorised at it): one user can't carry an arm, and sums stay exact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm

import numpy as np

from model.errors import SettingsError
from streams.experiments import quantities as q
from streams.experiments.arm_sums import ArmSums
from streams.experiments.arm_totals import ArmTotals
from streams.experiments.metric_expression import Terms

UNITS_MOST = 100_000
"""A cap in units. So 900 million users, all at it, still sum up within 63 bits."""
ANY = -1
Sums = Mapping[int, int]
"""Of quantities by their codes, how much there was; 0 where there is nothing."""


@dataclass(frozen=True)
class Part:
    """A numerator or a denominator: `terms`, in multiples of `unit`, at most `most` of them."""

    terms: Terms
    unit: Fraction = Fraction(1)
    most: int = UNITS_MOST

    def __post_init__(self) -> None:
        if not 1 <= self.most <= UNITS_MOST:
            raise SettingsError(
                f"a cap of {self.most} units of {float(self.unit):g}; expected 1 to {UNITS_MOST}: choose a"
                " coarser unit or a lower cap"
            )

    @cached_property
    def counts(self) -> int:
        """The code of the quantity that it is in units, where it is one and no more; `ANY` else. Its value is
        then what there is of it, within the cap.
        """
        ((code, weight),) = self.terms.items() if len(self.terms) == 1 else ((q.USERS, 0),)
        return code if code != q.USERS and weight == self.unit else ANY

    @cached_property
    def value(self) -> Callable[[Sums, Sums], int]:
        """From a user's quantities, and what of them does not count, to this in units: rounded half up, then
        within the cap.
        """
        weights = {code: weight / self.unit for code, weight in self.terms.items()}
        parts = lcm(*(weight.denominator for weight in weights.values()))
        whole = {code: int(weight * parts) for code, weight in weights.items()}
        constant, most = whole.pop(q.USERS, 0), self.most

        def capped(value: int) -> int:
            if parts > 1:
                value = (2 * value + parts) // (2 * parts)
            return min(value, most) if value > 0 else max(value, -most)

        if not whole:
            always = capped(constant)
            return lambda totals, base: always
        if list(whole.values()) == [1] and parts == 1 and not constant:  # as most are
            ((code, _),) = whole.items()

            def count(totals: Sums, base: Sums) -> int:
                value = totals.get(code, 0) - base.get(code, 0)
                return value if -most <= value <= most else capped(value)

            return count
        terms = tuple(whole.items())

        def value(totals: Sums, base: Sums) -> int:
            return capped(
                constant + sum(weight * (totals.get(code, 0) - base.get(code, 0)) for code, weight in terms)
            )

        return value


@dataclass(frozen=True)
class Metric:
    """`says`: in words. `x` and `y`: numerator and denominator."""

    name: str
    says: str
    x: Part
    y: Part

    @cached_property
    def codes(self) -> frozenset[int]:
        """The quantities it needs."""
        return frozenset({*self.x.terms, *self.y.terms}) - {q.USERS}

    @cached_property
    def digest(self) -> bytes:
        """4 bytes that name its definition."""
        parts = [(sorted(part.terms.items()), part.unit, part.most) for part in (self.x, self.y)]
        return hashlib.blake2b(repr((self.name, parts)).encode(), digest_size=4).digest()

    @cached_property
    def key(self) -> str:
        """Under which its sums are kept. A metric that is defined anew begins anew."""
        return f"{self.name}@{self.digest.hex()}"

    def plain(self, totals: ArmTotals) -> ArmSums:
        """An arm's sums in the metric's own measure, such as money, in place of units."""
        unit = np.array([float(self.x.unit), float(self.y.unit)] * 2)
        return ArmSums(
            totals.users,
            np.array(totals.sums, np.float64) * unit,
            np.array(totals.square, np.float64) * np.outer(unit, unit),
        )
