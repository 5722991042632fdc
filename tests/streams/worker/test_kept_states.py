"""What is kept of the users' states, and for how long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.clock import ManualClock
from streams.state.user_state import EMPTY, UserState
from streams.worker.kept_states import KEPT_MS, PAUSE_MS, KeptStates, KeptValue


def states(*users: str, digest: str = "") -> dict[str, KeptValue[UserState]]:
    return {user: KeptValue(EMPTY, digest) for user in users}


def test_the_users_of_the_last_batches_are_kept() -> None:
    kept: KeptStates[UserState] = KeptStates(2, ManualClock(0))
    for user in "abcd":
        kept.take(states(user), {f"clicks-{user}": 1})
    assert set(kept.of("abcd")) == {"b", "c", "d"}, "d is of the last batch"
    assert kept.progress == {f"clicks-{user}": 1 for user in "abcd"}


def test_they_are_read_again_after_a_time_but_for_the_last() -> None:
    clock = ManualClock(0)
    kept: KeptStates[UserState] = KeptStates(10, clock)
    kept.take(states("a"), {})
    kept.take(states("b"), {})
    clock.ms = KEPT_MS + 1
    assert set(kept.of("ab")) == {"b"}, "its write may still be under way"


def test_after_a_mistake_only_the_last_are_kept_for_a_while() -> None:
    clock = ManualClock(0)
    kept: KeptStates[UserState] = KeptStates(10, clock)
    kept.take(states("a"), {"clicks-0": 1})
    kept.clear(wrong=True)
    assert not kept.of("a")
    assert not kept.progress
    for user in "bc":
        kept.take(states(user), {})
    assert set(kept.of("bc")) == {"c"}
    clock.ms = PAUSE_MS
    kept.take(states("d"), {})
    assert set(kept.of("bcd")) == {"c", "d"}


@given(st.lists(st.sets(st.sampled_from("abcdef"), max_size=4)), st.integers(0, 4))
def test_it_never_gives_an_old_state(batches: list[set[str]], most: int) -> None:
    kept: KeptStates[UserState] = KeptStates(most, ManualClock(0))
    newest: dict[str, str] = {}
    for n, users in enumerate(batches):
        taken = states(*sorted(users), digest=str(n))
        kept.take(taken, {})
        newest |= dict.fromkeys(users, str(n))
        found = kept.of("abcdef")
        assert found.keys() >= users
        assert len(found) <= most + len(users)
        assert {user: each.digest for user, each in found.items()} == {user: newest[user] for user in found}
