"""How a user's ratings lie to those of others: a bias, how it moved lately, and what is left for each item.

    rating = item's mean + user's bias + liking

The item's mean is drawn to the mean of all by `RATING_PRIOR` ratings, the bias to nothing by as many. Both
are learned with every rating: the mean in the counters, the bias from the user's own history.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled

LATEST = 5


@compiled
def lean(
    items: NDArray[np.int32],
    liking: NDArray[np.float32],
    rating_sum: NDArray[np.float64],
    rating_count: NDArray[np.int64],
    overall: float,
    prior: float,
    latest: int,
) -> tuple[float, float]:
    """Turn a user's ratings float32 [n], newest first, NaN for none, into what is left of them; the bias and
    its part of the latest ratings (what they lie above the bias), in stars.

    rating_sum, rating_count: of each item. overall: the mean of all ratings; prior: so many of it are added.
    """
    total, count = 0.0, 0
    for k in range(len(items)):
        if not math.isnan(liking[k]):
            item = items[k]
            mean = (rating_sum[item] + prior * overall) / (rating_count[item] + prior)
            liking[k] -= np.float32(mean)
            total += liking[k]
            count += 1
    bias = total / (count + prior)
    recent, seen = 0.0, 0
    for k in range(len(items)):
        if not math.isnan(liking[k]):
            liking[k] -= np.float32(bias)
            if seen < latest:
                recent += liking[k]
                seen += 1
    return bias, recent / (seen + latest)
