"""One event more in a history: against sorting, and `Meanings.signs`."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.actions import ACTIONS
from streams.state.action_meaning import BUILT_IN
from streams.state.history import _grow, grown
from streams.state.user_state import UserState
from streams.state.user_state_codec import decode, encode

Event = tuple[int, int, float, int]

events = st.tuples(
    st.integers(0, 6),
    st.sampled_from(range(len(ACTIONS))),
    st.just(math.nan) | st.sampled_from([1.0, 2.5, 3.0, 4.5]),
    st.integers(0, 9),
)


def of(history: list[Event]) -> UserState:
    items, actions, ratings, times = zip(*history, strict=True) if history else ((), (), (), ())
    return UserState(
        items=np.array(items, np.int32),
        actions=np.array(actions, np.uint8),
        ratings=np.array(ratings, np.float32),
        times=np.array(times, np.int64),
    )


@given(st.lists(events, max_size=9), events, st.integers(1, 9))
def test_an_event_stands_where_its_time_belongs(history: list[Event], event: Event, most: int) -> None:
    history = sorted(history, key=lambda each: each[3])
    state, (row, action, rating, ts) = of(history), event
    got = grown(state, row, action, rating, ts, most, BUILT_IN)

    times = [each[3] for each in history]
    tie, end = bisect_left(times, ts), bisect_right(times, ts)
    assert got.end == end
    newest = [*history[:end], event, *history[end:]][-most:]
    kept = end >= len(history) + 1 - most
    assert bool(got.columns) == kept
    if kept:
        after = msgspec.structs.replace(state, **got.columns)
        for name in ("items", "actions", "ratings", "times"):
            expected = getattr(of(newest), name)
            assert getattr(after, name).dtype == expected.dtype
            np.testing.assert_array_equal(getattr(after, name), expected)
    signs = BUILT_IN.signs(state.items, state.actions, state.ratings)
    liked = [signs is None or signs[at] >= 0 for at in range(len(history))]
    rows = [each[0] for each in history]
    assert got.previous.tolist() == [rows[at] for at in range(end - 1, -1, -1) if liked[at]]
    assert got.tied == sum(liked[tie:end])
    later = [rows[at] for at in range(end, len(rows)) if liked[at]]
    assert got.following.tolist() == (later if kept else [])


@pytest.mark.parametrize("stored", [False, True])
def test_a_state_from_the_store_is_folded_by_the_same_compiled_loop(stored: bool) -> None:
    """Numba compiles anew for memory that is read-only, which would stall a worker amid its work."""
    state = of([(1, 1, math.nan, 5), (2, 1, 4.0, 6)])
    grown(state, 3, 1, math.nan, 7, 50, BUILT_IN)
    compiled_for = len(_grow.signatures)  # type: ignore[attr-defined]  # numba's
    again = decode(encode(state)) if stored else state.until(5)
    assert grown(again, 3, 1, math.nan, 7, 50, BUILT_IN).columns["items"][-1] == 3
    assert len(_grow.signatures) == compiled_for  # type: ignore[attr-defined]  # numba's
