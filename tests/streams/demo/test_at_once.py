from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.datasets.interactions import Interactions
from streams.demo.at_once import at_once

USERS = st.lists(st.integers(0, 6), min_size=1, max_size=120)


def stream_of(users: list[int]) -> Interactions:
    count = len(users)
    return Interactions(
        [f"u{user}" for user in users],
        [f"i{number}" for number in range(count)],
        np.arange(count, dtype=np.int64),
        np.full(count, np.nan, np.float32),
    )


def events_of(stream: Interactions, user: str) -> list[str]:
    return [item for item, who in zip(stream.item, stream.user, strict=True) if who == user]


@given(USERS, st.integers(1, 9), st.integers(0, 3))
def test_each_users_events_keep_their_order_and_none_is_lost(users: list[int], most: int, seed: int) -> None:
    stream = stream_of(users)
    dealt = at_once(stream, most, seed)
    assert sorted(dealt.item) == sorted(stream.item)
    for user in set(stream.user):
        assert events_of(dealt, user) == events_of(stream, user)
    assert at_once(stream, most, seed).item == dealt.item


@given(USERS, st.integers(1, 9), st.integers(0, 3))
def test_so_many_users_are_there_at_once_and_come_in_their_order(
    users: list[int], most: int, seed: int
) -> None:
    stream = stream_of(users)
    dealt = at_once(stream, most, seed)
    came = list(dict.fromkeys(stream.user))
    first = {user: dealt.user.index(user) for user in came}
    last = {user: len(dealt) - 1 - dealt.user[::-1].index(user) for user in came}
    for at in range(len(dealt)):
        assert sum(first[user] <= at <= last[user] for user in came) <= most
    for place, user in enumerate(came[most:], most):  # whoever comes later finds a place that was left
        assert sum(last[other] < first[user] for other in came[:place]) > place - most
