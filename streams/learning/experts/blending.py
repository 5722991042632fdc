"""What is served to a request of an arm and a segment: a fixed-share mixture of their levels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.learning.experts.exponentials import exponentials
from streams.learning.experts.mixture import share_weights

F64 = NDArray[np.float64]
ABSENT = -1e30
"""In place of the logarithm of a weight: there is no such level."""


@compiled
def blend(log_weight: F64, scores: F32, worth: float, divisor: float, out: F32) -> None:
    """Fill out [n] with scores: the logarithm of the mixture, by log_weight [L], of chances whose logarithms
    are scores [L, n]. What makes scores of them: see `scoring.mixed_score`.
    """
    count, n = scores.shape
    best, total, here = np.full(n, -math.inf), np.zeros(n), np.empty(n)
    for level in range(count):
        for i in range(n):
            best[i] = max(best[i], log_weight[level] + scores[level, i])
    for level in range(count):
        if log_weight[level] <= ABSENT:
            continue
        for i in range(n):
            here[i] = log_weight[level] + scores[level, i] - best[i]
        exponentials(here)
        for i in range(n):
            total[i] += here[i]
    for i in range(n):
        out[i] = np.float32((best[i] + math.log(total[i]) + divisor) / worth)


@compiled
def weigh(
    log_weight: F64, everyone: float, arm: float, segment: float, loss_max: float, share: float
) -> None:
    """Move the weights [3] of the levels that are served together by the loss of each on one slate."""
    losses, best, there = (everyone, arm, segment), math.inf, 0
    for level in range(3):
        if log_weight[level] > ABSENT:
            best = min(best, losses[level])
            there += 1
    moved, at = np.empty(there), 0
    for level in range(3):
        if log_weight[level] > ABSENT:
            moved[at] = log_weight[level] - min(losses[level] - best, loss_max)
            at += 1
    share_weights(moved, share)
    at = 0
    for level in range(3):
        if log_weight[level] > ABSENT:
            log_weight[level] = moved[at]
            at += 1
