"""Figures of one list against scikit-learn, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score

from model.slate_metrics import auc_of, figures_of

LISTS = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(-5, 5), min_size=n, max_size=n),
        st.lists(st.booleans(), min_size=n, max_size=n).filter(any),
        st.permutations(range(n)),
    )
)


@given(LISTS)
def test_figures_are_those_of_scikit_learn(case: tuple[list[int], list[bool], list[int]]) -> None:
    """Equal scores: AUC takes half of each pair, as they do; the order of the others is made strict first."""
    scores, clicked, ties = (np.array(each) for each in case)
    found = figures_of(scores.astype(float), clicked, ties)
    strict = scores - ties / (2.0 * len(ties))
    if clicked.all():
        assert math.isnan(found.auc)
    else:
        assert found.auc == pytest.approx(roc_auc_score(clicked, scores), abs=1e-12)
    for k, value in ((5, found.ndcg5), (10, found.ndcg10)):
        assert value == pytest.approx(ndcg_score([clicked], [strict], k=k), abs=1e-12)
    ranks = [1 + int((strict > strict[at]).sum()) for at in np.flatnonzero(clicked)]
    assert found.mrr == pytest.approx(1 / min(ranks), abs=1e-12)


def test_by_hand() -> None:
    """Clicked: the second and the fourth of five places in the order of the scores."""
    scores = np.array([0.1, 0.9, 0.5, 0.7, 0.3])
    clicked = np.array([False, False, False, True, True])
    found = figures_of(scores, clicked, np.arange(5))
    assert found.auc == pytest.approx(3 / 6)  # .7 is above two of three, .3 above one
    assert found.mrr == pytest.approx(1 / 2)
    gained = 1 / math.log2(3) + 1 / math.log2(5)
    assert found.ndcg5 == pytest.approx(gained / (1 + 1 / math.log2(3)))
    assert found.ndcg10 == found.ndcg5


def test_ties_are_broken_as_told() -> None:
    clicked = np.array([True, False, False])
    equal = np.zeros(3)
    assert figures_of(equal, clicked, np.array([2, 0, 1])).mrr == pytest.approx(1 / 3)
    assert figures_of(equal, clicked, np.array([0, 1, 2])).mrr == 1.0
    assert auc_of(equal, clicked) == 0.5


def test_beyond_the_cut_nothing_is_gained() -> None:
    scores = -np.arange(12.0)
    clicked = scores == -11.0
    found = figures_of(scores, clicked, np.arange(12))
    assert (found.auc, found.ndcg5, found.ndcg10) == (0.0, 0.0, 0.0)
    assert found.mrr == pytest.approx(1 / 12)
