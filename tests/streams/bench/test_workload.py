from __future__ import annotations

from itertools import islice

import numpy as np
from scipy import stats

from streams.bench.workload import acting, acts, clicks, draw, zipf


def test_items_are_drawn_by_popularity_and_users_evenly() -> None:
    popularity = zipf(20)
    draws = draw(20_000, users=10, popularity=popularity, seed=1)
    items = np.bincount(draws.item, minlength=20)
    users = np.bincount(draws.user, minlength=10)
    assert stats.chisquare(items, popularity / popularity.sum() * 20_000).pvalue > 0.01
    assert stats.chisquare(users).pvalue > 0.01


def test_a_share_of_the_events_are_clicks_and_the_others_have_ratings() -> None:
    ratings = draw(10_000, 5, zipf(5), seed=2, clicks=0.3).rating
    assert abs(np.isnan(ratings).mean() - 0.3) < 0.03
    assert set(ratings[~np.isnan(ratings)]) == {1, 2, 3, 4, 5}


def test_the_seed_decides() -> None:
    for one, other in zip(draw(100, 5, zipf(9), 4), draw(100, 5, zipf(9), 4), strict=True):
        np.testing.assert_array_equal(one, other)


def test_actors_are_taken_over_again_and_each_click_has_an_id_of_its_own() -> None:
    users, items = ["a", "b"], ["x", "y", "z"]
    pairs = list(islice(acts(users, items, zipf(3), seed=1, size=50), 120))
    assert pairs[:50] == pairs[50:100]
    assert {user for user, _ in pairs} == set(users)
    assert {item for _, item in pairs} == set(items)
    made = list(islice(clicks("c", iter(pairs)), 120))
    assert [(click.user_id, click.item_id) for click in made] == pairs
    assert len({click.event_id for click in made}) == 120


def test_newcomers_act_where_too_few_are_known() -> None:
    assert acting(["a", "b"], 4) == ["a", "b", "newcomer-0", "newcomer-1"]
    assert acting(["a", "b"], 1) == ["a"]
