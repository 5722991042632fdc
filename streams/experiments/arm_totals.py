"""An arm's sums of one metric as they are kept: whole numbers of units, which grow by differences."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

PAIRS = tuple((i, j) for i in range(4) for j in range(i, 4))
"""The different products of two of a user's four values."""
TERMS = 1 + 4 + len(PAIRS)
"""How many numbers there are: users, sums, products."""


class ArmTotals(NamedTuple):
    """The same as `ArmSums`, exactly. `products`: one for each of `PAIRS`."""

    users: int = 0
    sums: tuple[int, ...] = (0,) * 4
    products: tuple[int, ...] = (0,) * len(PAIRS)

    @property
    def square(self) -> list[list[int]]:
        """The products as a symmetric matrix, [4][4]."""
        at = dict(zip(PAIRS, self.products, strict=True))
        return [[at[min(i, j), max(i, j)] for j in range(4)] for i in range(4)]


Values = tuple[int, int, int, int]
"""A user's x, y, x before and y before, in units."""


def terms_of(values: Values) -> tuple[int, ...]:
    """What a user with these values adds to each of the `TERMS`."""
    a, b, c, d = values
    return (1, a, b, c, d, a * a, a * b, a * c, a * d, b * b, b * c, b * d, c * c, c * d, d * d)


Increments = Mapping[str, Mapping[str, int]]
"""For each experiment what is added to which number, by the name of each (`fields_of`)."""


@lru_cache(4_096)
def fields_of(arm: str, metric: str) -> tuple[str, ...]:
    """The names of a metric's numbers in an arm, in the order of `terms_of`.

    >>> fields_of("bold", "click_through@00112233")[2]
    'bold:click_through@00112233:2'
    """
    return tuple(f"{arm}:{metric}:{term}" for term in range(TERMS))


def totals_of(fields: Mapping[str, int]) -> dict[tuple[str, str], ArmTotals]:
    """The numbers of an experiment, put together by arm and metric.

    >>> totals_of({"bold:m:0": 2, "bold:m:1": 5})["bold", "m"].sums
    (5, 0, 0, 0)
    """
    numbers: dict[tuple[str, str], list[int]] = {}
    for name, number in fields.items():
        arm, metric, term = name.split(":")
        numbers.setdefault((arm, metric), [0] * TERMS)[int(term)] = number
    return {
        key: ArmTotals(each[0], tuple(each[1:5]), tuple(each[5:])) for key, each in sorted(numbers.items())
    }
