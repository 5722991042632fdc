"""What may not be recommended."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model.actions import ACTIONS
from streams.ranking.filters import Rule, blocked, consumed_by, unavailable
from streams.ranking.filters import rules as rules_of
from streams.state.action_meaning import Meanings
from streams.state.consumed import EVERY_ACTION, UNKNOWN, Consumed
from streams.state.user_state import UserState
from tests.streams.core import START_MS, Small


def marked(rule: Rule, state: UserState, small: Small) -> list[int]:
    mask = np.zeros(len(small.core.catalog) + 3, np.uint8)
    rule(state, small.core.catalog, mask)
    return np.flatnonzero(mask).tolist()


def rows(*numbers: int) -> NDArray[np.int32]:
    return np.array(numbers, np.int32)


@pytest.mark.parametrize(
    ("repeat", "expected"),
    [
        (False, [1, 3, 5]),
        ([], [1, 3, 5]),
        (["view"], [3, 5]),
        (["view", "cart"], [3, 5]),
        (["purchase"], [1, 3]),
        (["view", "purchase"], [3]),
    ],
)
def test_items_met_by_an_action_that_lets_none_come_back_are_blocked(
    repeat: bool | list[str], expected: list[int]
) -> None:
    """Item 3 was viewed and bought, and met by an action that was not noted; 1 was viewed only, 5 bought."""
    small = Small(items=6)
    view, buy = ACTIONS.index("view"), ACTIONS.index("purchase")
    state = UserState(consumed=Consumed(((view, rows(1, 3)), (buy, rows(3, 5)), (UNKNOWN, rows(3)))))
    assert marked(consumed_by(Meanings(repeat=repeat).blocking), state, small) == expected


def test_a_filter_in_place_of_rows_blocks_at_least_what_was_met() -> None:
    small = Small(items=3_000)
    met = np.arange(0, 3_000, 7, dtype=np.int32)
    state = UserState(consumed=Consumed(((1, met),)).fitted(100))
    assert state.consumed.hash_bits
    found = marked(consumed_by(EVERY_ACTION), state, small)
    assert {*met.tolist()} <= {*found} < {*range(3_003)}
    assert [row for row in range(3_003) if state.has_consumed(row)] == found


def test_unavailable_items_are_blocked_until_they_are_back() -> None:
    small = Small(items=6)
    small.announce(2, available=False, ts=START_MS + 1)
    assert marked(unavailable, UserState(), small) == [2]
    small.announce(2, available=True, ts=START_MS + 2)
    assert marked(unavailable, UserState(), small) == []


def test_the_mask_is_made_anew_for_every_user() -> None:
    small = Small(items=4)
    small.announce(3, available=False, ts=START_MS + 1)
    mask = np.ones(4, np.uint8)
    state = UserState(consumed=Consumed(((1, rows(0)),)))
    assert blocked(state, small.core.catalog, rules_of(Meanings(repeat=False).blocking), mask).tolist() == [
        1,
        0,
        0,
        1,
    ]
    assert blocked(
        UserState(), small.core.catalog, rules_of(Meanings(repeat=False).blocking), mask
    ).tolist() == [0, 0, 0, 1]


def test_with_repeat_consumed_items_may_come_back() -> None:
    small = Small(items=3)
    small.announce(2, available=False, ts=START_MS + 1)
    state = UserState(consumed=Consumed(((1, rows(0, 2)),)))
    mask = blocked(state, small.core.catalog, rules_of(Meanings(repeat=True).blocking), np.zeros(3, np.uint8))
    assert mask.tolist() == [0, 0, 1]
