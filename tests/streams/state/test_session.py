"""What was done in a session counts as its user's."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.state.session import with_session
from streams.state.user_state import EMPTY, StateSettings, UserState
from tests.streams.core import START_MS, Small

SETTINGS = StateSettings(history=6)


def state(small: Small, user: str, rows: list[int], first_ms: int) -> UserState:
    for k, row in enumerate(rows):
        small.act(user, row, ts=first_ms + 10 * k)
    return small.state(user)


@given(
    st.lists(st.integers(0, 19), max_size=8, unique=True),
    st.lists(st.integers(0, 19), max_size=8, unique=True),
)
def test_it_is_as_if_the_user_had_done_both(mine: list[int], theirs: list[int]) -> None:
    apart, one = Small(items=20), Small(items=20)
    user, session = state(apart, "ann", mine, START_MS), state(apart, "s", theirs, START_MS + 5)
    events = [(START_MS + 10 * k, row) for k, row in enumerate(mine)]
    events += [(START_MS + 5 + 10 * k, row) for k, row in enumerate(theirs)]
    for ts, row in sorted(events):
        one.act("ann", row, ts=ts)
    both, expected = with_session(user, session, SETTINGS), one.state("ann")
    assert both.items.tolist() == expected.items.tolist()[-SETTINGS.history :] if theirs else True
    assert both.interactions == expected.interactions
    assert both.last_ts == expected.last_ts
    assert np.isclose(both.activity, expected.activity, rtol=1e-5)


def test_a_session_of_nothing_changes_nothing() -> None:
    user = state(Small(items=20), "ann", [1, 2], START_MS)
    assert with_session(user, EMPTY, SETTINGS) is user
    alone = with_session(EMPTY, user, SETTINGS)
    assert alone.items.tolist() == [1, 2]
    assert not alone.has_consumed(1)


def test_the_later_search_counts() -> None:
    def after(searched_ms: int) -> UserState:
        user = state(Small(items=20), "ann", [1, 2], START_MS)
        return replace(user, searched=np.full(64, searched_ms, np.float32), searched_ms=searched_ms)

    for mine, theirs in ((5, 9), (9, 5)):
        both = with_session(after(mine), after(theirs), SETTINGS)
        assert (both.searched_ms, both.searched[0]) == (9, 9.0)
