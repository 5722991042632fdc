"""A policy gives the chances with which slates are drawn."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from streams.offline.whatif.asked import features_of
from streams.offline.whatif.policy import Policy, best_first, policy_of
from streams.ranking.request import RankRequest
from streams.ranking.rerankers.plackett_luce import scaled_scores
from streams.settings.reading import override
from streams.settings.tree import Settings
from tests.streams.core import Small


def live(**exploration: object) -> Small:
    made = Small(items=40, settings=override(Settings(), {"exploration": exploration, "feed": {"size": 6}}))
    made.announce_all(seed=1)
    made.random_events(100, users=4, seed=2)
    return made


def policy(small: Small, request: RankRequest) -> Policy:
    plan = request.plan
    asked = small.request("u1", rung="counters", plan=best_first(plan), cause=request.cause)
    return policy_of(small.core.draft(asked), plan.settings.exploration)


@pytest.mark.parametrize(
    "exploration",
    [
        {"share": 1.0},
        {"share": 0.4, "temperature": 0.3},
        {"share": 0.5, "places": [2, 4]},
        {"share": 1.0, "pool": 3},
        {"share": 0.2, "pool": 8, "temperature": 3.0},
    ],
)
def test_it_says_of_a_slate_what_the_slate_says_of_itself(exploration: dict[str, object]) -> None:
    small = live(**exploration)
    for cause in range(20):
        request = small.request("u1", rung="counters", cause=f"e{cause}")
        draft = small.core.draft(request)
        assert draft.propensities is not None
        rows = draft.rows[draft.order].astype(np.intp)
        found = policy(small, request)
        assert found.given_above(rows) == pytest.approx(draft.propensities, rel=1e-5)
        choices = found.choices(rows)
        assert choices.sum(1) == pytest.approx(np.ones(len(rows)))
        at = [found.rows.tolist().index(row) for row in rows.tolist()]
        assert choices[np.arange(len(rows)), at] == pytest.approx(found.given_above(rows))


def test_marginals_are_sums_over_all_slates() -> None:
    scores = np.array([1.0, 0.4, 0.0, -1.0])
    found = Policy(np.arange(10, 14), scores, np.array([1, 0]), np.ones(2, np.bool_), 0.7)
    slates = [np.array(each, np.intp) for each in permutations(range(10, 14), 2)]
    chance = np.array([found.prefixes(each)[-1] for each in slates])
    assert chance.sum() == pytest.approx(1.0)
    for slate in slates:
        anywhere = found.anywhere(slate)
        assert anywhere is not None
        same = np.array([chance @ [each[k] == slate[k] for each in slates] for k in range(2)])
        assert anywhere == pytest.approx(same, abs=1e-9)
    some = found._replace(draws=np.array([True, False]))
    assert some.anywhere(slates[0]) is None


def test_what_is_not_in_the_pool_has_no_chance() -> None:
    found = Policy(np.arange(3), np.zeros(3), np.arange(2), np.ones(2, np.bool_), 1.0)
    strange = np.array([0, 9])
    assert found.given_above(strange).tolist() == pytest.approx([1 / 3, 0.0])
    assert found.anywhere(strange) == pytest.approx([1 / 3, 0.0])
    behind = found.choices(np.array([9, 0]))
    assert behind[0].sum() == pytest.approx(1.0)
    assert behind[1].sum() == 0.0


def test_an_arm_that_draws_nothing_shows_one_slate() -> None:
    found = Policy(np.arange(3), np.zeros(3), np.array([2, 0]), np.ones(2, np.bool_), 0.0)
    assert found.given_above(np.array([2, 0])).tolist() == [1.0, 1.0]
    assert found.given_above(np.array([2, 1])).tolist() == [1.0, 0.0]


def test_behind_its_last_place_it_shows_nothing() -> None:
    """An arm whose sources bring less than was shown."""
    found = Policy(np.arange(2), np.zeros(2), np.arange(2), np.ones(2, np.bool_), 0.5)
    shown = np.array([0, 1, 7])
    assert found.given_above(shown).tolist() == [0.75, 1.0, 0.0]
    assert found.choices(shown)[2].sum() == 0.0
    assert found.anywhere(shown) == pytest.approx([0.75, 0.75, 0.0])


def test_a_score_that_is_not_known_leaves_the_others_apart() -> None:
    """For the model of rewards: it counts as the lowest known one."""
    known = np.array([2.0, 1.0, -1.0])
    places, draws = np.arange(2), np.ones(2, np.bool_)
    scaled = scaled_scores(np.array([2.0, 1.0, -1.0, np.nan]), 1.0)
    with_unknown = features_of(Policy(np.arange(4), scaled, places, draws, 1.0))[:, 0]
    expected = features_of(Policy(np.arange(4), np.append(known, -1.0), places, draws, 1.0))[:, 0]
    assert with_unknown == pytest.approx(expected)
    assert np.ptp(with_unknown) > 2
