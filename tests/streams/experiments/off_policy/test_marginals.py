"""The chance of an item at a place, against all rankings one by one."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.experiments.off_policy.marginals import marginals
from streams.experiments.off_policy.terms import F64


def one_by_one(scores: F64, places: int) -> F64:
    """[places, m]: the chance that each item stands there."""
    found, weights = np.zeros((places, len(scores))), np.exp(scores - scores.max())
    for ranking in permutations(range(len(scores)), places):
        chance, left = 1.0, weights.sum()
        for item in ranking:
            chance *= weights[item] / left
            left -= weights[item]
        found[np.arange(places), ranking] += chance
    return found


@given(st.lists(st.floats(-8, 8), min_size=2, max_size=6), st.integers(1, 6))
def test_all_rankings_one_by_one(scores: list[float], places: int) -> None:
    given_scores, places = np.array(scores), min(places, len(scores))
    expected = one_by_one(given_scores, places)
    for item in range(len(scores)):
        found = marginals(given_scores, np.full(places, item))
        assert found == pytest.approx(expected[:, item], abs=1e-7)


def test_each_place_has_some_item() -> None:
    scores = np.random.default_rng(5).normal(0, 6, 60)
    chances = np.stack([marginals(scores, np.full(10, item)) for item in range(60)])
    assert chances.sum(0) == pytest.approx(np.ones(10), abs=1e-9)
    assert (chances.sum(1) <= 1 + 1e-9).all()
