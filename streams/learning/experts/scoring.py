"""What the mixture says of a request's candidates: one score each, on the scale of the frozen order."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.learning.experts.exponentials import exponentials
from streams.learning.experts.mixture import Experts, utilities

F64 = NDArray[np.float64]
LOG_ALL = -1e-12
"""The logarithm of a weight from which on an expert has all of it."""
TINY, HIGH = 1e-200, 600.0


@compiled
def frozen_score(scale: float, base: F32, among: int, out: F32) -> float:
    """Fill out [n] with the logarithms of the chances that the frozen order gives; the logarithm of their
    divisor.
    """
    highest, total = -math.inf, 0.0
    for i in range(among):
        highest = max(highest, scale * base[i])
    for i in range(among):
        total += math.exp(scale * base[i] - highest)
    divisor = highest + math.log(total) if among else 0.0
    for i in range(len(base)):
        out[i] = np.float32(scale * base[i] - divisor)
    return divisor


@compiled
def mixed_score(
    experts: Experts, x: F64, given: F64, base: F32, among: int, scaled: bool, out: F32
) -> tuple[float, float]:
    """Fill out [n] with log(sum over experts of weight * softmax(utility)) of the candidates x [n, K].

    given [E, n]: scores of experts that are not linear; the rows of the others are filled. base [n]: the
    frozen scores themselves. The chances are those among the first `among` candidates; the others' are
    compared with theirs.

    It gives what a point of the frozen score is worth to the mixture, in nats, and the logarithm of the
    divisor of the frozen chances. Where the scores shall be `scaled`, the second is added to them, and they
    are divided by the first: then they are the frozen scores where the frozen expert has all weight, and what
    is taken off a score later means the same as without it. Where experts make little of the frozen order, it
    is worth its own scale.
    """
    count, n = len(experts.discount), len(x)
    scale = experts.mean[0, 0]
    utilities(experts, x, given)
    if among == 0 or experts.log_weight[0] >= LOG_ALL:
        divisor_of_all = frozen_score(scale, base, among, out)
        if scaled:
            out[:] = base
        return scale, divisor_of_all
    weight, worth = np.empty(count), 0.0
    for e in range(count):
        weight[e] = math.exp(experts.log_weight[e])
        linear = e == 0 or experts.discount[e] > 0.0
        worth += weight[e] * (experts.mean[e, 0] if linear else scale)
    worth = max(scale, worth)
    divisor, odds, here = np.empty(count), np.zeros(n), np.empty(n)
    for e in range(count):
        highest, total = -math.inf, 0.0
        for i in range(among):
            highest = max(highest, given[e, i])
        for i in range(n):
            here[i] = min(given[e, i] - highest, HIGH)
        exponentials(here)
        for i in range(among):
            total += here[i]
        divisor[e] = highest + math.log(total)
        part = weight[e] / total
        for i in range(n):
            odds[i] += part * here[i]
    for i in range(n):
        if odds[i] > TINY:
            score = math.log(odds[i])
        else:  # so unlikely that only logarithms hold it
            best, total = -math.inf, 0.0
            for e in range(count):
                best = max(best, given[e, i] - divisor[e] + experts.log_weight[e])
            for e in range(count):
                total += math.exp(given[e, i] - divisor[e] + experts.log_weight[e] - best)
            score = best + math.log(total)
        out[i] = np.float32((score + divisor[0]) / worth if scaled else score)
    return worth, divisor[0]
