"""Who is like a user, against a plain sum over sets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import StoreError
from streams.ranking.lists.neighbours import SHARED_NAMED, Neighbour, neighbours
from streams.state.action_meaning import BUILT_IN
from streams.state.recent_users import RecentUsers
from streams.state.user_state import Interaction
from tests.streams.core import START_MS, Small

ITEMS = 12
histories = st.lists(st.integers(0, ITEMS - 1), min_size=1, max_size=8)


def users_with(met: dict[str, list[int]], most_items: int = 50) -> RecentUsers:
    users = RecentUsers(most_items=most_items)
    for user, rows in met.items():
        rest = np.array(rows[1:], np.int32)
        users.note(Interaction(rows[0], START_MS, 0, math.nan, rest, 0, user=user), BUILT_IN)
    return users


def weight(small: Small, row: int) -> float:
    return 1.0 / math.log(2.0 + max(float(small.core.counters.popularity.total[row]), 1.0))


def plain(small: Small, met: dict[str, list[int]], user: str) -> dict[str, float]:
    mine, found = set(met[user]), dict[str, float]()
    for other, rows in met.items():
        both = sum(weight(small, row) for row in mine & set(rows))
        if other != user and both > 0:
            norms = [sum(weight(small, row) for row in each) for each in (mine, set(rows))]
            found[other] = both / math.sqrt(norms[0] * norms[1])
    return found


@given(
    st.dictionaries(st.sampled_from([f"u{n}" for n in range(9)]), histories, min_size=1), st.integers(1, 9)
)
@settings(max_examples=60, deadline=None)
def test_they_are_the_nearest_by_a_plain_sum(met: dict[str, list[int]], n: int) -> None:
    small = Small(items=ITEMS)
    small.random_events(60, users=5, seed=1)
    users, user = users_with(met), min(met)
    expected = plain(small, met, user)
    found = neighbours(small.core.pipeline, users, user, np.array(met[user], np.int32), n)
    assert len(found) == min(n, len(expected))
    for each in found:
        assert each.score == pytest.approx(expected[each.user], abs=2e-6)
        both = set(met[user]) & set(met[each.user])
        assert each.common == len(both)
        assert len(each.shared) == min(len(both), SHARED_NAMED)
        assert set(each.shared) <= both
        weights = [weight(small, row) for row in each.shared]
        assert weights == sorted(weights, reverse=True)
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    left_out = [score for other, score in expected.items() if other not in {each.user for each in found}]
    assert not left_out or max(left_out) <= found[-1].score + 2e-6


def test_ties_go_to_the_lower_id_and_the_same_items_are_one() -> None:
    small = Small(items=ITEMS)
    met = {name: [1, 2, 3] for name in ("d", "a", "c", "b", "me")}
    found = neighbours(small.core.pipeline, users_with(met), "me", np.array([3, 2, 1, 1], np.int32), 3)
    assert found == [Neighbour(name, 1.0, 3, [1, 2, 3]) for name in ("a", "b", "c")]


def test_somebody_who_is_not_known_here_has_neighbours_by_their_state() -> None:
    small = Small(items=ITEMS)
    met = {"a": [1, 2], "b": [7]}
    found = neighbours(small.core.pipeline, users_with(met), "stranger", np.array([2, 5], np.int32), 5)
    assert [(each.user, each.shared) for each in found] == [("a", [2])]
    assert neighbours(small.core.pipeline, users_with(met), "new", np.empty(0, np.int32), 5) == []
    assert neighbours(small.core.pipeline, RecentUsers(), "a", np.array([1], np.int32), 5) == []


def test_what_many_met_says_less() -> None:
    small = Small(items=ITEMS)
    for n in range(40):
        small.act(f"crowd-{n}", 0)
    met = {"by what all met": [0, 5], "by what few met": [1, 6]}
    found = neighbours(small.core.pipeline, users_with(met), "me", np.array([0, 1], np.int32), 5)
    assert [each.user for each in found] == ["by what few met", "by what all met"]


def test_it_leaves_nothing_behind_and_refuses_what_it_does_not_know() -> None:
    small = Small(items=ITEMS)
    users = users_with({"a": [1, 2]})
    neighbours(small.core.pipeline, users, "me", np.array([1], np.int32), 5)
    assert (small.core.pipeline.workspace.places == -1).all()
    with pytest.raises(StoreError, match="item row 99"):
        neighbours(small.core.pipeline, users, "me", np.array([99], np.int32), 5)
    assert (small.core.pipeline.workspace.places == -1).all()
