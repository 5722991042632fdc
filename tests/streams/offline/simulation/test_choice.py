"""The choice model: worked by hand, and chances against frequencies."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from streams.offline.simulation.choice import best, clicked, looked_at, ndcg, tempts, value_of
from streams.offline.simulation.draws import Draws

ROWS = np.array([3, 8])
VISITS = 20_000


def test_two_places_by_hand() -> None:
    """Odds of 2 and 1/2 against the outside option are 2/3 and 1/3; half of them see the second place."""
    tempting = tempts(np.log([2.0, 0.5]) + 4.0, 4.0)
    assert tempting.tolist() == pytest.approx([2 / 3, 1 / 3])
    looked = looked_at(2, 1.0)
    assert looked.tolist() == [1.0, 0.5]
    assert value_of(looked, tempting) == pytest.approx(5 / 6)
    gain = 1 / 3 + 2 / 3 / np.log2(3)
    assert ndcg(tempting[::-1], tempting) == pytest.approx(gain / (2 / 3 + 1 / 3 / np.log2(3)))


def test_clicks_come_as_often_and_in_the_order_that_the_model_says() -> None:
    """Both places are seen. The first click is a multinomial logit of 2, 1/2 and the outside option's 1."""
    a, b = 2.0, 0.5
    first_a, first_b = a / (1 + a + b), b / (1 + a + b)
    expected = {
        (): 1 / (1 + a + b),
        (0,): first_a * 1 / (1 + b),
        (0, 1): first_a * b / (1 + b),
        (1,): first_b * 1 / (1 + a),
        (1, 0): first_b * a / (1 + a),
    }
    assert sum(expected.values()) == pytest.approx(1.0)
    utility, draws = np.log([a, b]), Draws(11)
    came = Counter(
        tuple(clicked(utility, 0.0, np.ones(2), ROWS, draws, user, 5)[0]) for user in range(VISITS)
    )
    assert came.keys() <= expected.keys()
    observed = [came[outcome] for outcome in expected]
    assert stats.chisquare(observed, [VISITS * each for each in expected.values()]).pvalue > 0.001


def test_each_place_is_clicked_as_often_as_it_is_seen_and_tempts() -> None:
    utility, draws = np.array([0.3, -0.4, 0.9, -1.5]), Draws(12)
    looked, rows = looked_at(4, 0.8), np.array([5, 1, 7, 2])
    came = np.zeros(4)
    for visit in range(VISITS):
        came[clicked(utility, 0.5, looked, rows, draws, 1, visit)[0]] += 1
    chance = looked * tempts(utility, 0.5)
    scores = (came - VISITS * chance) / np.sqrt(VISITS * chance * (1 - chance))
    assert (np.abs(scores) < 3.5).all()


def test_an_item_has_the_same_luck_wherever_it_stands() -> None:
    """So two worlds that show it at two places are compared with the same luck."""
    draws, looked = Draws(13), np.ones(2)
    for visit in range(300):
        here, _ = clicked(np.zeros(2), 0.0, looked, np.array([4, 9]), draws, 1, visit)
        there, _ = clicked(np.zeros(2), 0.0, looked, np.array([9, 4]), draws, 1, visit)
        assert sorted(here) == sorted(1 - place for place in there)


@given(
    st.lists(st.floats(-3, 3), min_size=4, max_size=6),
    st.floats(0, 3),
    st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_the_best_slate_is_the_best_of_all(utilities: list[float], eta: float, free: list[bool]) -> None:
    tempting, looked = tempts(np.array(utilities), 0.7), looked_at(3, eta)
    able = np.array(free[: len(utilities)])
    rows = best(tempting, able, 3)
    assert able[rows].all()
    assert len(rows) == min(3, able.sum())
    every = [value_of(looked, tempting[list(some)]) for some in permutations(np.flatnonzero(able), len(rows))]
    assert value_of(looked, tempting[rows]) == pytest.approx(max(every))
    assert ndcg(tempting[rows], tempting[rows]) in (0.0, pytest.approx(1.0))
