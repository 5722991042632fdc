"""A user's history with one more event, in its place by time; and what stood around that place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.state.action_meaning import Meanings, fill_signs
from streams.state.user_state import NO_ROWS, Rows, UserState


class Grown(NamedTuple):
    """`columns`: the history with the event, as `UserState` names them; empty where the event is older than
    all that a full history holds, for what came in between is not known. `end`: before which event of the
    history as it was the event stands. `previous`, `tied` and `following`: as in `Interaction`.
    """

    columns: dict[str, NDArray[np.generic]]
    end: int
    previous: Rows
    tied: int
    following: Rows


def grown(
    state: UserState, row: int, action: int, rating: float, ts: int, most: int, meanings: Meanings
) -> Grown:
    """Put one event into the history of a user, of which the `most` newest stay. rating: NaN for none."""
    n = len(state.items)
    length = min(n + 1, most)
    items, actions = np.empty(length, np.int32), np.empty(length, np.uint8)
    ratings, times = np.empty(length, np.float32), np.empty(length, np.int64)
    around = np.empty(n, np.int32)
    end, before, tied, behind = _grow(
        state.items, state.actions, state.ratings, state.times, row, action, rating, ts,
        meanings.says, meanings.liking, meanings.low, meanings.high,
        items, actions, ratings, times, around,
    )  # fmt: skip
    columns: dict[str, NDArray[np.generic]] = {}
    if end >= n + 1 - length:
        columns = {"items": items, "actions": actions, "ratings": ratings, "times": times}
    following = around[before : before + behind] if behind else NO_ROWS
    return Grown(columns, end, around[:before], tied, following)


@compiled
def _grow(
    items: Rows,
    actions: NDArray[np.uint8],
    ratings: F32,
    times: NDArray[np.int64],
    row: int,
    action: int,
    rating: float,
    ts: int,
    says: NDArray[np.int8],
    liking: F32,
    low: np.float32,
    high: np.float32,
    new_items: Rows,
    new_actions: NDArray[np.uint8],
    new_ratings: F32,
    new_times: NDArray[np.int64],
    around: Rows,
) -> tuple[int, int, int, int]:
    """Fill the new columns, and `around` with the rows before the event, newest first, then with those after
    it, oldest first, but for those that the user did not like. Where the event stands, how many are before
    it, how many of these share its time, how many are after it.
    """
    n, skip = len(items), len(items) + 1 - len(new_items)
    end = n
    while end > 0 and times[end - 1] > ts:
        end -= 1
    newest_first = np.empty(n, np.int32), np.empty(n, np.uint8), np.empty(n, np.float32)
    for k in range(n):
        at = n - 1 - k
        newest_first[0][k], newest_first[1][k], newest_first[2][k] = items[at], actions[at], ratings[at]
    signs = np.ones(n, np.int8)
    mixed = fill_signs(
        newest_first[0], newest_first[1], newest_first[2], says, liking, low, high, signs
    )  # fmt: skip
    before, tied = 0, 0
    for k in range(end - 1, -1, -1):
        if not mixed or signs[n - 1 - k] >= 0:
            around[before] = items[k]
            before += 1
            tied += times[k] == ts
    if end < skip:
        return end, before, tied, 0
    behind = 0
    for k in range(end, n):
        if not mixed or signs[n - 1 - k] >= 0:
            around[before + behind] = items[k]
            behind += 1
    for k in range(len(new_items)):
        at = skip + k if skip + k < end else skip + k - 1
        new_items[k], new_actions[k], new_ratings[k], new_times[k] = (
            items[at], actions[at], ratings[at], times[at],
        )  # fmt: skip
        if skip + k == end:
            new_items[k], new_actions[k], new_ratings[k], new_times[k] = row, action, rating, ts
    return end, before, tied, behind
