"""The histories of a batch of users, end to end, with what each user says of each item: one pass for all.

What a user says is read in three ways. `liking`: how far a rating lies above what was to be expected
(`streams.signals.rating_bias`). `signs`: whether they liked it (`streams.state.action_meaning`). `off`: how
much of the item's part in a signal is to be taken off again, because they did not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.features import RATING_PRIOR
from model.schema import F32
from streams.counters.pairs import check_known
from streams.counters.popularity import Popularity
from streams.signals.rating_bias import LATEST, lean
from streams.state.action_meaning import Meanings, fill_signs
from streams.state.user_state import UserState

T = TypeVar("T", bound=np.generic)

# How far taste goes in pairs and entities where the rating was low: hardly. Who rates an item low has looked
# for items like it (dev/LOG.md). After a dislike (two stars below what was expected) it is 1.
LOW_AWAY = 0.1


class Histories(NamedTuple):
    """B users with T items in all, newest first; those of user b from `offsets[b]` on, int64 [B + 1].

    items int32, actions uint8, times int64: [T].
    liking float32 [T], in stars: of a rating; where there is none, what the action says; NaN for nothing.
    signs int8 [T]: -1, 0 or 1. off float32 [T]: 0 where it was liked, 1 where its user says neither, more
    where they did not like it.
    tied int64 [B]: how many of the newest items share the newest time: among them the order means nothing.
    mixed, negative bool [B]: whether any sign is not 1; whether any is -1.
    bias float64 [B, 2]: how the user rates, and what the latest ratings lie above that, in stars.
    """

    offsets: NDArray[np.int64]
    items: NDArray[np.int32]
    actions: NDArray[np.uint8]
    times: NDArray[np.int64]
    liking: F32
    signs: NDArray[np.int8]
    off: F32
    tied: NDArray[np.int64]
    mixed: NDArray[np.bool_]
    negative: NDArray[np.bool_]
    bias: NDArray[np.float64]

    def part(self, b: int) -> slice:
        """Where the history of user b lies."""
        return slice(int(self.offsets[b]), int(self.offsets[b + 1]))


def histories(states: Sequence[UserState], popularity: Popularity, meanings: Meanings) -> Histories:
    """Of users, as the counters stand. Raises `StoreError` where one holds a row that is not known yet."""
    ends = [0, *accumulate(len(state.items) for state in states)]
    total = ends[-1]
    found = Histories(
        np.array(ends, np.int64),
        _newest_first([state.items for state in states]),
        _newest_first([state.actions for state in states]),
        _newest_first([state.times for state in states]),
        _newest_first([state.ratings for state in states]),
        np.empty(total, np.int8),
        np.empty(total, np.float32),
        np.empty(len(states), np.int64),
        np.empty(len(states), np.bool_),
        np.empty(len(states), np.bool_),
        np.empty((len(states), 2), np.float64),
    )
    known = _read(
        *found, popularity.rating_sum[: popularity.known], popularity.rating_count, popularity.mean_rating(),
        meanings.says, meanings.liking, meanings.low, meanings.high,
    )  # fmt: skip
    if not known:
        check_known(found.items, popularity.known)
    return found


def _newest_first(columns: list[NDArray[T]]) -> NDArray[T]:
    """A copy of them end to end, each turned round."""
    turned = [column[::-1] for column in columns]
    return turned[0].copy() if len(turned) == 1 else np.concatenate(turned)


@compiled
def _read(
    offsets: NDArray[np.int64],
    items: NDArray[np.int32],
    actions: NDArray[np.uint8],
    times: NDArray[np.int64],
    liking: F32,
    signs: NDArray[np.int8],
    off: F32,
    tied: NDArray[np.int64],
    mixed: NDArray[np.bool_],
    negative: NDArray[np.bool_],
    bias: NDArray[np.float64],
    rating_sum: NDArray[np.float64],
    rating_count: NDArray[np.int64],
    mean_rating: float,
    says: NDArray[np.int8],
    liking_of: F32,
    low: np.float32,
    high: np.float32,
) -> bool:
    """Fill `signs` to `bias`; `liking` holds the ratings before, NaN for none. False, and nothing filled,
    where a row is not known.
    """
    for k in range(len(items)):
        if items[k] >= len(rating_sum):
            return False
    for b in range(len(tied)):
        begin, end = offsets[b], offsets[b + 1]
        its_items, its_actions, its_liking = items[begin:end], actions[begin:end], liking[begin:end]
        its_signs = signs[begin:end]
        tied[b] = 0
        for k in range(begin, end):
            tied[b] += times[k] == times[begin]
        mixed[b] = fill_signs(its_items, its_actions, its_liking, says, liking_of, low, high, its_signs)
        negative[b] = False
        for k in range(begin, end):
            off[k] = np.float32(0.0)
            if signs[k] == 0:
                off[k] = np.float32(1.0)
            elif signs[k] < 0:
                negative[b] = True
                away = np.float32(LOW_AWAY)
                if math.isnan(liking[k]):
                    away = min(max(-liking_of[actions[k]] / np.float32(2.0), away), np.float32(1.0))
                off[k] = np.float32(1.0) + away
        bias[b] = lean(its_items, its_liking, rating_sum, rating_count, mean_rating, RATING_PRIOR, LATEST)
        for k in range(begin, end):
            if math.isnan(liking[k]) and liking_of[actions[k]] != 0.0:
                liking[k] = liking_of[actions[k]]
    return True
