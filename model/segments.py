"""Ranking by segment: users and items with few events apart from those with many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from model.evaluate import Estimate, hit_rate, ndcg


class Bounds(NamedTuple):
    """From `low` events to `high` (None: and more)."""

    low: int
    high: int | None

    @property
    def name(self) -> str:
        """
        >>> [Bounds(0, 0).name, Bounds(1, 4).name, Bounds(20, None).name]
        ['0', '1-4', '20+']
        """
        if self.high is None:
            return f"{self.low}+"
        return str(self.low) if self.high == self.low else f"{self.low}-{self.high}"


USERS = (Bounds(0, 0), Bounds(1, 4), Bounds(5, 19), Bounds(20, None))
ITEMS = (Bounds(0, 0), Bounds(1, 9), Bounds(10, None))


class Segment(NamedTuple):
    """The events of one segment; NaN figures if there are none."""

    name: str
    events: int
    hit_rate: Estimate
    ndcg: Estimate


def segments(ranks: ArrayLike, counts: ArrayLike, bounds: Sequence[Bounds]) -> list[Segment]:
    """HR@10 and NDCG@10 of ranks [n] (0: missed), by counts [n] of earlier events.

    >>> [(each.name, each.events, each.hit_rate.value) for each in segments([1, 0, 3], [0, 2, 1], USERS[:2])]
    [('0', 1, 1.0), ('1-4', 2, 0.5)]
    """
    places, before = np.asarray(ranks), np.asarray(counts)
    found = []
    for bound in bounds:
        inside = (before >= bound.low) & (True if bound.high is None else before <= bound.high)
        found.append(Segment(bound.name, int(inside.sum()), hit_rate(places[inside]), ndcg(places[inside])))
    return found
