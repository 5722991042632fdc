"""Prices as a few ranges with about as many items each, cut at round numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RANGES_MOST = 6
ROUND = (1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0)


class PriceRange(NamedTuple):
    """`low`, `high`: the lowest and the highest price of its `items`; a filter of these finds just them."""

    low: float
    high: float
    items: int


class PriceFacet(NamedTuple):
    """`low`, `high`: of all prices; None where no item has one."""

    low: float | None = None
    high: float | None = None
    ranges: Sequence[PriceRange] = ()


def price_facet(prices: NDArray[np.float64]) -> PriceFacet:
    """Of some prices, NaN for an item without one.

    >>> price_facet(np.array([5.0, 19.0, 20.0, 21.0, 22.0, 300.0, np.nan])).ranges[0]
    PriceRange(low=5.0, high=19.0, items=2)
    """
    known = np.sort(prices[np.isfinite(prices)])
    if not len(known):
        return PriceFacet()
    cuts = np.searchsorted(known, edges(known))
    ends = [0, *sorted({*cuts.tolist()} - {0, len(known)}), len(known)]
    ranges = [
        PriceRange(float(known[begin]), float(known[end - 1]), end - begin) for begin, end in pairwise(ends)
    ]
    return PriceFacet(float(known[0]), float(known[-1]), ranges)


def edges(known: NDArray[np.float64]) -> list[float]:
    """Round numbers that cut sorted prices into `RANGES_MOST` parts at most, of about one size."""
    at = [len(known) * k // RANGES_MOST for k in range(1, RANGES_MOST)]
    return sorted({rounded(float(known[k])) for k in at})


def rounded(price: float) -> float:
    """The round number that is nearest.

    >>> rounded(47.3), rounded(128.0), rounded(0.0)
    (50.0, 150.0, 0.0)
    """
    if price <= 0.0:
        return 0.0
    size: float = 10.0 ** math.floor(math.log10(price))
    return min((size * each for each in ROUND), key=lambda each: abs(each - price))
