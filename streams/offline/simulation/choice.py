"""The choice model: which places of a slate a user looks at, and which of these they click.

    looks at place k         with probability k^-eta                       (position bias, k from 1)
    is tempted by an item    with probability 1 / (1 + exp(level - utility))
    clicks place k           if they look at it and it tempts them

What tempts is a race. The outside option, all else that the user may do, rings after an exponential time of
rate 1; each item that they look at after one of rate exp(utility - level). An item is clicked if it rings
before the outside option, in the order in which they ring. So the first one is a choice by a multinomial
logit among what was looked at and the outside option, and the further ones a choice among what is left
(Plackett-Luce), while the chance of each place has the closed form above: nothing about a slate's true value
has to be estimated. As chances are products, the items with the greatest utilities, in this order, are
the best slate (the rearrangement inequality).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.offline.simulation.draws import F64, Draws

Rows = NDArray[np.int64]


def looked_at(places: int, eta: float) -> F64:
    """The probability that each place is looked at, [places].

    >>> looked_at(4, 0.5).round(3).tolist()
    [1.0, 0.707, 0.577, 0.5]
    """
    return np.asarray(np.arange(1, places + 1, dtype=np.float64) ** -eta)


def tempts(utility: F64, level: float) -> F64:
    """The probability that each item is clicked once it is looked at."""
    return np.asarray(1.0 / (1.0 + np.exp(level - utility)))


def value_of(looked: F64, tempting: F64) -> float:
    """The expected clicks of a slate, of whose places these are the probabilities.

    >>> value_of(np.array([1.0, 0.5]), np.array([0.2, 0.4]))
    0.4
    """
    return float(looked[: len(tempting)] @ tempting)


def best(tempting: F64, free: NDArray[np.bool_], places: int) -> Rows:
    """The rows of the best slate of `places` among the items that are `free`; equal ones in their order."""
    rows = np.flatnonzero(free)
    if len(rows) > places:
        bound = np.partition(tempting[rows], len(rows) - places)[len(rows) - places]
        rows = rows[tempting[rows] >= bound]
    return np.asarray(rows[np.argsort(-tempting[rows], kind="stable")][:places], np.int64)


def ndcg(tempting: F64, ideal: F64) -> float:
    """The gain of a slate, discounted by the logarithm of the place, as a share of that of the best slate.

    The gain of an item is the probability that it tempts.

    >>> ndcg(np.array([0.5, 0.1]), np.array([0.5, 0.1])), ndcg(np.array([]), np.array([0.5]))
    (1.0, 0.0)
    """
    discount = 1.0 / np.log2(np.arange(2, len(ideal) + 2))
    whole = float(discount @ ideal)
    return float(discount[: len(tempting)] @ tempting) / whole if whole > 0 else 0.0


def clicked(
    utility: F64, level: float, looked: F64, rows: Rows, draws: Draws, user: int, visit: int
) -> tuple[list[int], NDArray[np.bool_]]:
    """The places that are clicked on a visit, in their order in time, and which ones are looked at.

    `utility`, `looked` and `rows` (which name the items) are of the places. An item's race is the same
    wherever it stands, and so is a place's look whatever stands there.
    """
    seen = draws.uniforms("examine", user, visit, each=np.arange(len(rows))) < looked[: len(rows)]
    rings = draws.exponentials("tempt", user, visit, each=rows) * np.exp(level - utility)
    outside = draws.exponential("wait", user, visit)
    chosen = np.flatnonzero(seen & (rings < outside))
    return chosen[np.argsort(rings[chosen], kind="stable")].tolist(), seen
