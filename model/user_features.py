"""Features of users and their histories, for training and for serving alike."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.logarithm import log1p_of_count
from model.schema import F32


class Moments(NamedTuple):
    """Of B users, each at now_ms int64 [B]: their last times int64 [T] and likings float32 [T] (see
    `streams.signals.histories`), newest first, end to end from offsets int64 [B + 1] on. `liking` is NaN
    where there is none. actions uint8 [T]; weights float32 [codes]: what they add to the counters.

    told float64 [B, 6]: the mean rating, how many ratings and interactions, activity, how much the words
    count, 1 for who searches. bias float64 [B, 2]: see `streams.signals.rating_bias`.
    """

    offsets: NDArray[np.int64]
    now_ms: NDArray[np.int64]
    times: NDArray[np.int64]
    liking: F32
    actions: NDArray[np.uint8]
    weights: F32
    told: NDArray[np.float64]
    bias: NDArray[np.float64]


@compiled
def fill_user_features(moments: Moments, users: F32, histories: F32) -> None:
    """USER_FEATURES into [B, U], and HISTORY_FEATURES into [B, length, H], which is zero: newest first."""
    for b in range(len(users)):
        first, end = moments.offsets[b], moments.offsets[b + 1]
        now_ms, times = moments.now_ms[b], moments.times[first:end]
        gap_s = before_s = 0.0
        tie = 0
        if len(times) > 0:
            gap_s = max(now_ms - times[0], 0) / 1_000.0
            for time in times:
                tie += time == times[0]
        if len(times) > 1:
            before_s = max(times[0] - times[1], 0) / 1_000.0
        told = moments.told[b]
        mean, ratings, interactions, activity, words = told[0], told[1], told[2], told[3], told[4]
        users[b, 0] = log1p_of_count(interactions)
        users[b, 1] = log1p_of_count(gap_s)
        users[b, 2] = log1p_of_count(before_s)
        users[b, 3] = log1p_of_count(tie)
        users[b, 4] = mean
        users[b, 5] = log1p_of_count(ratings)
        users[b, 6] = log1p_of_count(activity)
        users[b, 7] = log1p_of_count(words)
        users[b, 8] = told[5]
        users[b, 9], users[b, 10] = moments.bias[b, 0], moments.bias[b, 1]
        for k in range(min(len(times), histories.shape[1])):
            liking = moments.liking[first + k]
            if not math.isnan(liking):
                histories[b, k, 0] = liking
                histories[b, k, 1] = 1.0
            histories[b, k, 2] = log1p_of_count(max(now_ms - times[k], 0) / 1_000.0)
            histories[b, k, 3] = times[k] == times[0]
            histories[b, k, 4] = moments.weights[moments.actions[first + k]]
