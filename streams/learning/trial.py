"""A trial: a slate that is drafted of the frozen and of the adapted order, so that its answers say which of
them is better.

The slates of one order can't say that of another: places are looked at by an unknown curve, and what no slate
shows has no answers. In a draft a coin says of each pair of places which order chooses first. So whatever the
curve is, and whoever the users are, each order's places are looked at alike, and where neither order is
better each is as likely as the other to have brought what is chosen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled

NEITHER, FROZEN, ADAPTED = 0, 1, 2
"""Which order brought a place; neither, where both had the same item next."""

_VOICE = {FROZEN: -1.0, ADAPTED: 1.0}


def number_of(occasion: str) -> int:
    """A number from 0 to 2 ** 48, a function of what a request is known by; so the same again."""
    return int.from_bytes(blake2b(occasion.encode(), digest_size=6).digest(), "big")


def is_drawn(occasion: str, share: float) -> bool:
    """Whether a request is one of the `share` of all that take part.

    >>> 950 < sum(is_drawn(f"event-{k}", 0.1) for k in range(10_000)) < 1_050
    True
    """
    return number_of(occasion) < share * 2.0**48


def drafted(
    frozen: NDArray[np.intp], adapted: NDArray[np.intp], places: int, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.int8]]:
    """The first `places` items of a team draft of two orders of so many at least, and which brought each.

    As Radlinski, Kurup and Joachims have it (CIKM 2008, algorithm 2), but where both have the same item next
    it is of neither team: it says nothing, and would be noise. The same seed gives the same slate.

    >>> orders = np.array([[1, 2, 3, 4], [1, 4, 3, 2]])
    >>> [each.tolist() for each in drafted(*orders, 3, seed=1)]
    [[1, 4, 2], [0, 2, 1]]
    """
    items, teams = np.empty(places, np.intp), np.empty(places, np.int8)
    _draft(frozen, adapted, np.random.default_rng(seed).random(places), items, teams)
    return items, teams


@compiled
def _draft(
    frozen: NDArray[np.intp],
    adapted: NDArray[np.intp],
    coins: NDArray[np.float64],
    items: NDArray[np.intp],
    teams: NDArray[np.int8],
) -> None:
    """Fill `items` and `teams` [n]. coins [n], each from 0 to 1: which order is first to choose a pair."""
    n, pairs = 0, 0
    while n < len(items):
        of_frozen, of_adapted = _best(frozen, items[:n]), _best(adapted, items[:n])
        frozen_first = coins[pairs] < 0.5
        pairs += 1
        if of_frozen == of_adapted:
            items[n], teams[n] = of_frozen, NEITHER
            n += 1
            continue
        items[n], teams[n] = (of_frozen, FROZEN) if frozen_first else (of_adapted, ADAPTED)
        n += 1
        if n < len(items):  # the other's best is another item, so it is still there
            items[n], teams[n] = (of_adapted, ADAPTED) if frozen_first else (of_frozen, FROZEN)
            n += 1


@compiled
def _best(order: NDArray[np.intp], taken: NDArray[np.intp]) -> int:
    """The best item that is left, of an order that has one."""
    at, met = 0, 0
    while met < len(taken):
        if taken[met] == order[at]:
            at, met = at + 1, 0
        else:
            met += 1
    return int(order[at])


def lead(trial: bytes, choices: Sequence[tuple[int, int, float]]) -> float:
    """What the choices of one slate, each (place, sign, weight), say for the adapted order, from -1 to 1; NaN
    where the slate tried nothing, or nothing was chosen.

    >>> lead(bytes([1, 2, 0]), [(1, 1, 1.0)]), lead(bytes([1, 2, 0]), [(0, 1, 1.0), (1, -1, 1.0)])
    (1.0, -1.0)
    """
    if not trial or not choices:
        return math.nan
    said = (_VOICE.get(trial[place], 0.0) * sign * min(weight, 1.0) for place, sign, weight in choices)
    return math.fsum(said) / len(choices)  # `sum` rounds otherwise since Python 3.12
