"""What the mixture says of a request's candidates: one score each, on the scale of the frozen order."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.learning.experts.mixture import Experts, utilities

F64 = NDArray[np.float64]
ALL = 1.0 - 1e-12
"""An expert with this weight has all of it."""


@compiled
def mixed_score(experts: Experts, weight: F64, x: F64, given: F64, base: F32, out: F32) -> None:
    """Fill out [n] with log(sum over experts of weight * softmax(utility)) of the candidates x [n, K], plus
    what makes it the frozen score where the frozen expert has all weight.

    weight [E]; given [E, n]: scores of experts that are not linear; base [n]: the frozen scores themselves.
    """
    count, n = len(weight), len(x)
    if n == 0:
        return
    if weight[0] >= ALL:
        out[:] = base
        return
    utilities(experts, x, given)
    chance, level = np.zeros(n), 0.0
    for e in range(count):
        highest, total = -math.inf, 0.0
        for i in range(n):
            highest = max(highest, given[e, i])
        for i in range(n):
            given[e, i] -= highest
            total += math.exp(given[e, i])
        total = math.log(total)
        if e == 0:
            level = highest + total
        for i in range(n):
            given[e, i] -= total
    for i in range(n):
        best = -math.inf
        for e in range(count):
            if weight[e] > 0.0:
                given[e, i] += math.log(weight[e])
                best = max(best, given[e, i])
        total = 0.0
        for e in range(count):
            if weight[e] > 0.0:
                total += math.exp(given[e, i] - best)
        chance[i] = best + math.log(total)
        out[i] = np.float32(chance[i] + level)
