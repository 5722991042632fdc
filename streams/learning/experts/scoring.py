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
TINY, HIGH = 1e-200, 600.0


@compiled
def base_worth(experts: Experts, log_weight: F64) -> float:
    """What a point of the frozen score is worth to the mixture, in nats: what makes scores of the logarithms of
    its chances. Where experts make nothing of the frozen order, it is its own scale.
    """
    scale, worth = experts.mean[0, 0], 0.0
    for e in range(len(log_weight)):
        linear = e == 0 or experts.discount[e] > 0.0
        worth += math.exp(log_weight[e]) * (experts.mean[e, 0] if linear else scale)
    return max(scale, worth)


@compiled
def mixed_score(experts: Experts, weight: F64, x: F64, given: F64, base: F32, among: int, out: F32) -> None:
    """Fill out [n] with log(sum over experts of weight * softmax(utility)) of the candidates x [n, K], plus
    what makes it the scaled frozen score where the frozen expert has all weight.

    weight [E]; given [E, n]: scores of experts that are not linear; base [n]: the frozen scores themselves.
    The chances are those among the first `among` candidates; the others' are compared with theirs.
    """
    count, n = len(weight), len(x)
    if among == 0 or weight[0] >= ALL:
        for i in range(n):
            out[i] = np.float32(experts.mean[0, 0] * base[i])
        return
    utilities(experts, x, given)
    divisor, odds = np.empty(count), np.zeros(n)
    for e in range(count):
        highest, total = -math.inf, 0.0
        for i in range(among):
            highest = max(highest, given[e, i])
        here = np.empty(n)
        for i in range(among):
            here[i] = math.exp(given[e, i] - highest)
            total += here[i]
        for i in range(among, n):
            here[i] = math.exp(min(given[e, i] - highest, HIGH))
        divisor[e] = highest + math.log(total)
        part = weight[e] / total
        for i in range(n):
            odds[i] += part * here[i]
    for i in range(n):
        if odds[i] > TINY:
            out[i] = np.float32(math.log(odds[i]) + divisor[0])
        else:  # so unlikely that only logarithms hold it
            best, total = -math.inf, 0.0
            for e in range(count):
                best = max(best, given[e, i] - divisor[e] + math.log(weight[e]))
            for e in range(count):
                total += math.exp(given[e, i] - divisor[e] + math.log(weight[e]) - best)
            out[i] = np.float32(best + math.log(total) + divisor[0])
