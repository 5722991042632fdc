"""Each signal on a scale of its own: how much it differs between places of one slate.

Only differences within a slate, or within a request's candidates, move an order, so a signal is centred there
and divided by its running deviation within slates. `base` keeps its scale: the weights (1, 0, 0, ...) are the
frozen order.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32

F64 = NDArray[np.float64]

FORGET = 2_000.0
"""Slates after which a deviation that changed is followed by about two thirds."""
SURE = 20.0
"""Slates after which a slate with a much greater spread than usual counts as `USUAL` times the usual one."""
USUAL = 100.0
DEVIATIONS_MAX = 10.0
"""What lies further from the middle than this is no further away: nothing like it was learned."""
VARIANCE_MIN = 1e-10


class Scales:
    """`variance` within slates and the `slates` in which the signal varied at all; float64 [K]."""

    def __init__(self, signals: int) -> None:
        self.variance: F64 = np.zeros(signals)
        self.slates: F64 = np.zeros(signals)

    def follow(self, raw: F32) -> None:
        """Take the signals of one slate's places, [n, K]."""
        follow_slate(raw, self.variance, self.slates)

    def standardised(self, raw: F32, among: int = -1) -> F64:
        """[n, K] of what belongs to one slate or request, around the middle of the first `among` of them (-1:
        of all); what is no number is in the middle.
        """
        out = np.empty(raw.shape)
        standardise(raw, self.variance, len(raw) if among < 0 else among, out)
        return out


@compiled
def follow_slate(raw: F32, variance: F64, slates: F64) -> None:
    """Move the variances towards those of one slate; a signal that is the same everywhere says nothing."""
    n, width = raw.shape
    for k in range(1, width):
        known, total = 0, 0.0
        for i in range(n):
            if math.isfinite(raw[i, k]):
                known += 1
                total += raw[i, k]
        if known < 2:
            continue
        middle, spread = total / known, 0.0
        for i in range(n):
            if math.isfinite(raw[i, k]):
                spread += (raw[i, k] - middle) ** 2
        spread /= known - 1
        if spread < VARIANCE_MIN:
            continue
        if slates[k] >= SURE:
            spread = min(spread, USUAL * variance[k])
        slates[k] += 1.0
        variance[k] += max(1.0 / slates[k], 1.0 / FORGET) * (spread - variance[k])


@compiled
def standardise(raw: F32, variance: F64, among: int, out: F64) -> None:
    """Fill `out` with the signals of one slate or request, standardised."""
    n, width = raw.shape
    middle, scale, known = np.zeros(width), np.zeros(width), np.zeros(width)
    for i in range(among):
        for k in range(width):
            value = raw[i, k]
            if math.isfinite(value):
                middle[k] += value
                known[k] += 1.0
    for k in range(1, width):
        if known[k] > 0:
            middle[k] /= known[k]
        scale[k] = 1.0 / math.sqrt(variance[k]) if variance[k] >= VARIANCE_MIN else 0.0
    for i in range(n):
        out[i, 0] = raw[i, 0]
        for k in range(1, width):
            value = (raw[i, k] - middle[k]) * scale[k]
            value = min(max(value, -DEVIATIONS_MAX), DEVIATIONS_MAX)
            out[i, k] = value if value == value else 0.0
