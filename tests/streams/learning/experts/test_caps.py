from __future__ import annotations

import numpy as np
import pytest

from streams.learning.experts.caps import (
    EVERY,
    HOUR_MS,
    ITEM_MIN,
    TYPICAL_MIN,
    Caps,
    count_chosen,
    leave_out_worn,
)
from streams.learning.kept_slates import NEVER


def worn(caps: Caps, rows: list[int]) -> list[bool]:
    known = np.ones(len(rows), np.bool_)
    caps._set_limit()
    left_out = leave_out_worn(np.array(rows, np.int32), caps.items, caps.limit[2], known)
    assert left_out == int((~known).sum())
    return (~known).tolist()


def choose(caps: Caps, row: int, times: int = 1) -> None:
    for _ in range(times):
        count_chosen(np.array([row], np.int32), np.array([0]), caps.items)


def test_a_user_teaches_so_often_in_an_hour() -> None:
    caps = Caps(3, 100, 1_000)
    caps.begin(HOUR_MS)
    assert [caps.takes("a") for _ in range(5)] == [True, True, True, False, False]
    assert caps.takes("b")
    caps.begin(HOUR_MS + HOUR_MS // 3 - 1_000)
    assert not caps.takes("a")
    caps.begin(HOUR_MS + HOUR_MS // 3)
    assert [caps.takes("a") for _ in range(2)] == [True, False]


def test_time_does_not_go_back() -> None:
    caps = Caps(1, 100, 1_000)
    caps.begin(5 * HOUR_MS)
    assert caps.takes("a")
    for ts in (HOUR_MS, NEVER, 5 * HOUR_MS):
        caps.begin(ts)
        assert not caps.takes("a")
    assert caps.clock[0] == 5 * HOUR_MS


def test_who_floods_teaches_as_much_as_some_typical_users() -> None:
    caps, taken = Caps(60_000, 100, 3), {"flood": 0, "other": 0}
    for n in range(4_000):  # 40 users, each 100 times in four hours, and a flood
        caps.begin(HOUR_MS + n * HOUR_MS // 1_000)
        taken["other"] += caps.takes(f"user-{n % 40}")
        for _ in range(10):
            taken["flood"] += caps.takes("flood")
    assert taken["other"] == pytest.approx(4_000, rel=0.02)
    assert taken["flood"] <= 3 * 100 + 250  # it begins before it is known what is typical


def test_among_few_users_nobody_is_typical() -> None:
    caps = Caps(500, 100, 3)
    caps.begin(HOUR_MS)
    for _ in range(3 * EVERY):
        for user in range(TYPICAL_MIN - 2):
            caps.takes(f"user-{user}")
    assert caps.limit[0] == 500


def test_many_users_seldom_share_a_count() -> None:
    caps = Caps(1, 100, 1_000)
    caps.begin(HOUR_MS)
    refused = sum(not caps.takes(f"user-{n}") for n in range(400))
    assert refused < 4


def test_an_item_that_was_chosen_often_is_left_out() -> None:
    caps = Caps(100, 1_000, 3)
    caps.begin(HOUR_MS)
    assert worn(caps, [7, 8]) == [False, False]
    choose(caps, 7, ITEM_MIN)
    choose(caps, 8, ITEM_MIN - 1)
    for row in range(100, 130):
        choose(caps, row)
    assert worn(caps, [8, 7, 2_000_000_000]) == [False, True, False]
    caps.begin(2 * HOUR_MS)
    assert worn(caps, [7, 8]) == [False, False]


def test_among_few_items_none_is_typical() -> None:
    caps = Caps(100, 300, 3)
    choose(caps, 1, 299)
    choose(caps, 2, 300)
    assert worn(caps, [1, 2]) == [False, True]


def test_where_all_items_are_chosen_often_only_those_far_above_are_left_out() -> None:
    caps = Caps(100, 60_000, 3)
    caps.begin(HOUR_MS)
    for row in range(30):
        choose(caps, row, 50)
    choose(caps, 3, 600)
    assert worn(caps, [1, 2, 3]) == [False, False, True]


def test_counts_do_not_run_over() -> None:
    caps = Caps(60_000, 60_000, 3)
    caps.begin(HOUR_MS)
    choose(caps, 1, 70_000)
    assert worn(caps, [1]) == [True]
