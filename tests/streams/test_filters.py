"""What may not be recommended."""

from __future__ import annotations

import numpy as np

from streams.filters import Rule, blocked, consumed, rules, unavailable
from streams.user_state import UserState
from tests.streams.core import START_MS, Small


def marked(rule: Rule, state: UserState, small: Small) -> list[int]:
    mask = np.zeros(len(small.core.catalog) + 3, np.uint8)
    rule(state, small.core.catalog, mask)
    return np.flatnonzero(mask).tolist()


def test_consumed_items_of_both_generations_are_blocked() -> None:
    small = Small(items=6)
    state = UserState(consumed=np.array([1, 3], np.int32), consumed_before=np.array([5], np.int32))
    assert marked(consumed, state, small) == [1, 3, 5]


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
    state = UserState(consumed=np.array([0], np.int32))
    assert blocked(state, small.core.catalog, rules(repeat=False), mask).tolist() == [1, 0, 0, 1]
    assert blocked(UserState(), small.core.catalog, rules(repeat=False), mask).tolist() == [0, 0, 0, 1]


def test_with_repeat_consumed_items_may_come_back() -> None:
    small = Small(items=3)
    small.announce(2, available=False, ts=START_MS + 1)
    state = UserState(consumed=np.array([0, 2], np.int32))
    mask = blocked(state, small.core.catalog, rules(repeat=True), np.zeros(3, np.uint8))
    assert mask.tolist() == [0, 0, 1]
