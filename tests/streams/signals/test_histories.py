"""Histories of a batch: each user as if they were alone, and what they say as the tables say it."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.counters.popularity import Popularity
from streams.counters.settings import CounterSettings
from streams.signals.histories import LOW_AWAY, histories
from streams.state.action_meaning import BUILT_IN
from streams.state.user_state import UserState

ITEMS = 5
ACTIONS = ["click", "view", "skip", "dislike", "like", "review"]
CODES = [BUILT_IN.codes[name] for name in ACTIONS]
events = st.lists(
    st.tuples(
        st.integers(0, ITEMS - 1),
        st.sampled_from(CODES),
        st.one_of(st.just(math.nan), st.integers(1, 5).map(float)),
        st.integers(0, 3),
    ),
    max_size=12,
)


def state(met: list[tuple[int, int, float, int]]) -> UserState:
    """A user who met these items: row, action, rating, and how much later than the one before."""
    return UserState(
        items=np.array([row for row, *_ in met], np.int32),
        actions=np.array([action for _, action, *_ in met], np.uint8),
        ratings=np.array([rating for *_, rating, _ in met], np.float32),
        times=np.cumsum([0, *(later for *_, later in met)], dtype=np.int64)[1:],
    )


def popularity() -> Popularity:
    counts = Popularity(CounterSettings())
    counts.grow(ITEMS)
    for ts, row in enumerate([0, 1, 1, 2, 3, 3, 3], 1):
        counts.observe(row, ts, 1.0, float(1 + ts % 5))
    return counts


@given(st.lists(events, min_size=1, max_size=5))
def test_each_user_is_read_as_if_alone(users: list[list[tuple[int, int, float, int]]]) -> None:
    counts, states = popularity(), [state(met) for met in users]
    together = histories(states, counts, BUILT_IN)
    for b, each in enumerate(states):
        alone, part = histories([each], counts, BUILT_IN), together.part(b)
        for name in ("items", "actions", "times", "liking", "signs", "off"):
            assert getattr(together, name)[part].tobytes() == getattr(alone, name).tobytes()
        for name in ("tied", "mixed", "negative", "bias"):
            assert getattr(together, name)[b].tobytes() == getattr(alone, name)[0].tobytes()


@given(events)
def test_what_a_user_says_is_what_the_meanings_say(met: list[tuple[int, int, float, int]]) -> None:
    user = state(met)
    found = histories([user], popularity(), BUILT_IN)
    signs = BUILT_IN.signs(user.items, user.actions, user.ratings)
    newest_first = np.ones(len(met), np.int8) if signs is None else signs[::-1]
    assert found.items.tolist() == user.items[::-1].tolist()
    assert found.signs.tolist() == newest_first.tolist()
    assert found.mixed.tolist() == [signs is not None]
    assert found.negative.tolist() == [bool((newest_first < 0).any())]
    assert found.tied.tolist() == [int((user.times == user.times[-1]).sum()) if met else 0]
    for sign, off, (_, action, rating, _) in zip(newest_first, found.off, met[::-1], strict=True):
        stars = -float(BUILT_IN.liking[action]) / 2
        away = LOW_AWAY if not math.isnan(rating) else min(max(stars, LOW_AWAY), 1.0)
        assert math.isclose(off, {1: 0.0, 0: 1.0, -1: 1.0 + away}[int(sign)], rel_tol=1e-6)


def test_nobody_has_a_history() -> None:
    found = histories([UserState(), UserState()], popularity(), BUILT_IN)
    assert found.offsets.tolist() == [0, 0, 0]
    assert not found.mixed.any()
    assert not found.bias.any()


@given(st.sampled_from(CODES), st.one_of(st.just(math.nan), st.floats(0, 6, width=32)))
def test_one_event_says_by_itself_what_a_history_of_it_says(code: int, rating: float) -> None:
    one = np.zeros(1, np.int32), np.array([code], np.uint8), np.array([rating], np.float32)
    signs = BUILT_IN.signs(*one)
    assert BUILT_IN.sign(code, rating) == (1 if signs is None else signs[0])
