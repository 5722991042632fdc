"""What is served to a request of an arm and a segment: a fixed-share mixture of their levels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32

F64 = NDArray[np.float64]


@compiled
def blend(log_weight: F64, scores: F32, out: F32) -> None:
    """Fill out [n] with the logarithm of the mixture of chances whose logarithms, up to one number for all,
    are scores [L, n]; by log_weight [L].
    """
    count, n = scores.shape
    for i in range(n):
        best, total = -math.inf, 0.0
        for level in range(count):
            best = max(best, log_weight[level] + scores[level, i])
        for level in range(count):
            total += math.exp(log_weight[level] + scores[level, i] - best)
        out[i] = np.float32(best + math.log(total))
