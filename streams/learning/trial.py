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
    frozen: Sequence[int], adapted: Sequence[int], places: int, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.int8]]:
    """The first `places` items of a team draft of two orders of so many at least, and which brought each.

    As Radlinski, Kurup and Joachims have it (CIKM 2008, algorithm 2), but where both have the same item next
    it is of neither team: it says nothing, and would be noise. The same seed gives the same slate.

    >>> [each.tolist() for each in drafted([1, 2, 3, 4], [1, 4, 3, 2], 3, seed=1)]
    [[1, 4, 2], [0, 2, 1]]
    """
    coins = np.random.default_rng(seed).random(places) < 0.5
    taken: dict[int, int] = {}
    for coin in coins.tolist():
        if len(taken) == places:
            break
        best = _best(frozen, taken)
        if best == _best(adapted, taken):
            taken[best] = NEITHER
            continue
        for order, team in ((frozen, FROZEN), (adapted, ADAPTED))[:: 1 if coin else -1]:
            if len(taken) < places:
                taken[_best(order, taken)] = team
    return np.array(list(taken), np.intp), np.array(list(taken.values()), np.int8)


def _best(order: Sequence[int], taken: dict[int, int]) -> int:
    """The best item that is left, of an order that has one."""
    return next(item for item in order if item not in taken)


def lead(trial: bytes, choices: Sequence[tuple[int, int, float]]) -> float:
    """What the choices of one slate, each (place, sign, weight), say for the adapted order, from -1 to 1; NaN
    where the slate tried nothing, or nothing was chosen.

    >>> lead(bytes([1, 2, 0]), [(1, 1, 1.0)]), lead(bytes([1, 2, 0]), [(0, 1, 1.0), (1, -1, 1.0)])
    (1.0, -1.0)
    """
    if not trial or not choices:
        return math.nan
    said = (_VOICE.get(trial[place], 0.0) * sign * min(weight, 1.0) for place, sign, weight in choices)
    return sum(said) / len(choices)
