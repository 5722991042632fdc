from __future__ import annotations

import numpy as np

from streams.learning.experts.caps import HOUR_MS, Caps, count_chosen, leave_out_worn
from streams.learning.kept_slates import NEVER


def worn(caps: Caps, rows: list[int]) -> list[bool]:
    known = np.ones(len(rows), np.bool_)
    assert leave_out_worn(np.array(rows, np.int32), caps.items, caps.per_item, known) == int((~known).sum())
    return (~known).tolist()


def choose(caps: Caps, row: int) -> None:
    count_chosen(np.array([row], np.int32), np.array([0]), caps.items)


def test_a_user_teaches_so_often_in_an_hour() -> None:
    caps = Caps(3, 100)
    caps.begin(HOUR_MS)
    assert [caps.takes("a") for _ in range(5)] == [True, True, True, False, False]
    assert caps.takes("b")
    caps.begin(2 * HOUR_MS - 1)
    assert not caps.takes("a")
    caps.begin(2 * HOUR_MS)
    assert caps.takes("a")


def test_an_hour_that_is_over_does_not_come_back() -> None:
    caps = Caps(1, 100)
    caps.begin(5 * HOUR_MS)
    assert caps.takes("a")
    for ts in (HOUR_MS, NEVER, 5 * HOUR_MS):
        caps.begin(ts)
        assert not caps.takes("a")


def test_many_users_seldom_share_a_count() -> None:
    caps = Caps(1, 100)
    caps.begin(HOUR_MS)
    refused = sum(not caps.takes(f"user-{n}") for n in range(400))
    assert refused < 8


def test_an_item_that_was_chosen_often_is_left_out() -> None:
    caps = Caps(100, 2)
    caps.begin(HOUR_MS)
    assert worn(caps, [7, 8]) == [False, False]
    choose(caps, 7)
    choose(caps, 7)
    choose(caps, 8)
    assert worn(caps, [8, 7, 2_000_000_000]) == [False, True, False]
    caps.begin(2 * HOUR_MS)
    assert worn(caps, [7, 8]) == [False, False]


def test_counts_do_not_run_over() -> None:
    caps = Caps(60_000, 60_000)
    caps.begin(HOUR_MS)
    for _ in range(70_000):
        choose(caps, 1)
    assert worn(caps, [1]) == [True]
