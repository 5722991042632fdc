"""How a user's ratings lie to those of others: a bias, how it moved lately, and what is left for each item.

    rating = item's mean + user's bias + liking

The item's mean is drawn to the mean of all by `RATING_PRIOR` ratings, the bias to nothing by as many. Both
are learned with every rating: the mean in the counters, the bias from the user's own history.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.features import RATING_PRIOR
from streams.counters.popularity import Popularity
from streams.state.user_state import UserState

LATEST = 5


class RatingBias(NamedTuple):
    """liking float32 [n], newest first: of a rating; where there is none, what the action says (NaN:
    nothing); bias and its part of the latest
    ratings (what they lie above the bias), in stars.
    """

    liking: NDArray[np.float32]
    bias: float
    lately: float


def rating_bias(
    state: UserState, popularity: Popularity, liking_of: NDArray[np.float32] | None = None
) -> RatingBias:
    """Of a user with the history in `state`, as the counters stand. `liking_of` [CODES]: what actions say in
    stars; 0: nothing.
    """
    liking = state.ratings[::-1].copy()
    bias, lately = lean(
        state.items[::-1].copy(), liking, popularity.rating_sum, popularity.rating_count,
        popularity.mean_rating(), RATING_PRIOR, LATEST,
    )  # fmt: skip
    if liking_of is not None and len(liking):
        told = liking_of[state.actions[::-1]]
        np.copyto(liking, told, where=np.isnan(liking) & (told != 0))
    return RatingBias(liking, bias, lately)


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
    """Turn ratings, newest first, into what is left of them; the bias, and how far the latest lie above."""
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
