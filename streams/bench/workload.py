"""The users and items of the load: it draws users evenly, and items by popularity."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import count, cycle
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.events.schema import Click

DRAWN = 65_536
"""So many users and items are drawn; a longer run takes them over again."""


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


def acts(
    users: Sequence[str], items: Sequence[str], popularity: NDArray[np.float64], seed: int, size: int = DRAWN
) -> Iterator[tuple[str, str]]:
    """A user and an item, without an end; `size` of them are drawn, before this returns."""
    draws = draw(size, len(users), popularity, seed)
    drawn = zip(draws.user.tolist(), draws.item.tolist(), strict=True)
    return ((users[user], items[item]) for user, item in cycle(drawn))


def clicks(name: str, drawn: Iterator[tuple[str, str]]) -> Iterator[Click]:
    """Clicks that happen when they are made, each with an id of its own that begins with `name`."""
    for number, (user, item) in zip(count(), drawn, strict=False):
        now_ms = time.time_ns() // 1_000_000
        yield Click(event_id=f"{name}-{number}", ts=now_ms, user_id=user, item_id=item)


def acting(known: Sequence[str], users: int) -> list[str]:
    """`users` ids: those that are known first, then newcomers."""
    return [*known[:users], *(f"newcomer-{n}" for n in range(users - len(known)))]
