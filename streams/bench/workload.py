"""The users and items of the load: it draws users evenly, and items by popularity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Draws(NamedTuple):
    """For each event the number of its user and of its item, and a rating (NaN: the event is a click)."""

    user: NDArray[np.int64]
    item: NDArray[np.int64]
    rating: NDArray[np.float64]


def draw(count: int, users: int, popularity: NDArray[np.float64], seed: int, clicks: float = 0.5) -> Draws:
    """`count` events; items by their share of `popularity`; a share of `clicks` has no rating."""
    rng = np.random.default_rng(seed)
    chance = np.cumsum(popularity)
    items = np.searchsorted(chance, rng.uniform(0.0, chance[-1], count), side="right")
    ratings = rng.integers(1, 6, count).astype(np.float64)
    ratings[rng.uniform(size=count) < clicks] = np.nan
    return Draws(rng.integers(0, users, count), np.minimum(items, len(popularity) - 1), ratings)


def zipf(items: int, exponent: float = 1.0) -> NDArray[np.float64]:
    """Popularity by rank: 1, 1/2, 1/3, ... for an exponent of 1.

    >>> zipf(4).round(2).tolist()
    [1.0, 0.5, 0.33, 0.25]
    """
    weights: NDArray[np.float64] = np.arange(1, items + 1, dtype=np.float64) ** -exponent
    return weights
