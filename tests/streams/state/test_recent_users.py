"""What is kept of the users who acted last: as their histories have it, and of no more than there is room."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from model.actions import code_of
from streams.batch import Incoming, process
from streams.events.schema import Click, Review
from streams.recommender import Recommender
from streams.state.action_meaning import BUILT_IN
from streams.state.fold import Delivery
from streams.state.ledger import Record, decode_record, encode_record
from streams.state.recent_users import RecentUsers
from streams.state.tombstone import digest_of_user
from streams.state.user_state import Interaction, StateSettings, UserState
from tests.streams.core import with_settings

NOW_MS = 1_700_000_000_000
ITEMS, HISTORY = 8, 5
CLICK, DISLIKE = code_of("click"), code_of("dislike")


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int32)


def met(row: int, *previous: int, user: str = "ann", action: int = CLICK) -> Interaction:
    return Interaction(row, NOW_MS, action, math.nan, rows(*previous), 0, user=user)


def known(users: RecentUsers, user: str) -> list[int] | None:
    found = users.of(user)
    return None if found is None else found.tolist()


def test_an_interaction_says_all_of_its_user() -> None:
    users = RecentUsers()
    users.note(met(3, 2, 1, 2), BUILT_IN)
    users.note(met(5, user="bob"), BUILT_IN)
    users.note(met(7, user=""), BUILT_IN)
    assert known(users, "ann") == [3, 2, 1]
    assert known(users, "bob") == [5]
    assert known(users, "") is None
    assert list(users) == ["ann", "bob"]
    users.note(met(4, 3, 2), BUILT_IN)
    assert known(users, "ann") == [4, 3, 2], "what fell out of the history is gone"
    assert list(users) == ["bob", "ann"]


def test_what_was_disliked_is_left_out() -> None:
    users = RecentUsers()
    users.note(met(3, 2, 3, action=DISLIKE), BUILT_IN)
    assert known(users, "ann") == [2]
    users.note(met(4, 2)._replace(rating=1.0), BUILT_IN)
    assert known(users, "ann") == [2]


def test_what_comes_late_has_its_place_and_what_is_too_old_removes_nothing() -> None:
    users = RecentUsers()
    users.note(met(2, 1)._replace(following=rows(3, 4)), BUILT_IN)
    assert known(users, "ann") == [4, 3, 2, 1]
    users.note(met(9)._replace(ts=NOW_MS - 1), BUILT_IN)
    assert known(users, "ann") == [9, 4, 3, 2, 1]
    users.note(met(8)._replace(ts=NOW_MS + 1), BUILT_IN)
    assert known(users, "ann") == [8], "they disliked all before it"


def test_the_user_who_acted_longest_ago_gives_way() -> None:
    users = RecentUsers(most_users=100, most_items=3)
    for n in range(250):
        users.note(met(n, n + 1, n + 2, n + 3, user=f"u{n}"), BUILT_IN)
        users.note(met(1, 2, user="regular"), BUILT_IN)
    assert len(users) == 100
    assert list(users) == [*(f"u{n}" for n in range(151, 250)), "regular"]
    assert known(users, "u150") is None
    assert known(users, "u200") == [200, 201, 202]
    assert [users.names[users.slots[user]] for user in users] == list(users)
    assert len(users.counts) == 100


acts = st.tuples(
    st.sampled_from(["ann", "bob", "cid"]),
    st.integers(0, ITEMS - 1),
    st.sampled_from(["click", "dislike", "like", 1.0, 3.0, 5.0]),
)


def liked(state: UserState) -> set[int]:
    signs = BUILT_IN.signs(state.items, state.actions, state.ratings)
    return set((state.items if signs is None else state.items[signs >= 0]).tolist())


@given(st.lists(acts, max_size=30))
@settings(max_examples=60, deadline=None)
def test_it_is_what_the_states_hold(drawn: list[tuple[str, int, str | float]]) -> None:
    """What they held before the event, and what it adds: through the ledger, in another process."""
    bounded = with_settings(state=StateSettings(history=HISTORY))
    here, there = Recommender(bounded), Recommender(bounded)
    for core in (here, there):
        core.meet([f"i{n}" for n in range(ITEMS)], NOW_MS)
    there.recent_users = RecentUsers()
    states: dict[str, UserState] = {}
    for offset, (user, row, what) in enumerate(drawn):
        ts, item, before = NOW_MS + offset, f"i{row}", states.get(user, UserState())
        event: Click | Review
        if isinstance(what, str):
            event = Click(event_id=f"{offset}", ts=ts, user_id=user, item_id=item, action=what)
        else:
            event = Review(event_id=f"{offset}", ts=ts, user_id=user, item_id=item, rating=what)
        out = process(here, [Incoming(event, Delivery("events", offset), ts)], states, ts, "popular")
        assert not out.failed
        states |= out.states
        there.follow(decode_record(encode_record(Record(out.record.interactions))))
        disliked = what in ("dislike", 1.0)
        expected = liked(before) - {row} if disliked else liked(before) | {row}
        assert set(known(there.recent_users, user) or []) == expected
    assert set(there.recent_users) == set(states)


def test_records_of_former_builds_name_nobody() -> None:
    users = RecentUsers()
    record = decode_record(encode_record(Record([met(3, 2, user="")])))
    users.note(record.interactions[0], BUILT_IN)
    assert len(users) == 0


def test_who_was_deleted_is_known_no_more_and_the_place_is_used_again() -> None:
    users = RecentUsers(most_users=3)
    for n, user in enumerate(["ann", "bob", "cid"]):
        users.note(met(n, user=user), BUILT_IN)
    users.forget([digest_of_user("bob"), digest_of_user("nobody")])
    assert (list(users), known(users, "bob")) == (["ann", "cid"], None)
    assert "bob" not in users.names
    users.note(met(7, user="dot"), BUILT_IN)
    assert {user: known(users, user) for user in users} == {"ann": [0], "cid": [2], "dot": [7]}
    assert len(users.names) == 3


def test_a_follower_hears_of_deletions_first() -> None:
    there = Recommender(with_settings())
    there.meet([f"i{n}" for n in range(ITEMS)], NOW_MS)
    there.recent_users = RecentUsers()
    heard: list[object] = []
    there.on_forgotten = heard.append
    there.follow(Record(interactions=[met(1), met(2, user="bob")]))
    record = Record(interactions=[met(3)], forgotten=[digest_of_user("ann"), digest_of_user("bob")])
    there.follow(decode_record(encode_record(record)))
    assert heard == [record.forgotten]
    assert {user: known(there.recent_users, user) for user in there.recent_users} == {"ann": [3]}
