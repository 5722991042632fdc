"""Match: what a query says of candidates, and the model's score, are one."""

from __future__ import annotations

import numpy as np
from scipy.stats import zscore

from streams.ranking.matching import _match, standardized


def test_standardized_is_scipys_z_score() -> None:
    scores = np.random.default_rng(3).normal(5.0, 3.0, 40).astype(np.float32)
    np.testing.assert_allclose(standardized(scores), zscore(scores.astype(np.float64)), atol=1e-5)


def test_scores_that_say_nothing_count_nothing() -> None:
    assert standardized(np.full(3, 7.0, np.float32)).tolist() == [0.0, 0.0, 0.0]
    assert standardized(np.array([np.nan, 1.0], np.float32)).tolist() == [0.0, 0.0]
    assert not len(standardized(np.empty(0, np.float32)))


def test_rows_are_found_wherever_they_stand() -> None:
    of, suits = np.array([2, 5, 9], np.int32), np.array([0.2, 0.5, 0.9], np.float32)
    rows = np.array([9, 1, 2, 10, 5], np.int32)
    for net in (0.0, 0.5):
        score = np.arange(5, dtype=np.float32)
        _match(of, suits, np.float32(net), rows, score)
        expected = net * zscore(np.arange(5.0)) + [0.9, 0.0, 0.2, 0.0, 0.5]
        np.testing.assert_allclose(score, expected, rtol=1e-6)


def test_where_nothing_suits_the_model_alone_counts() -> None:
    score = np.array([1.0, 3.0], np.float32)
    nothing = np.empty(0, np.int32), np.empty(0, np.float32)
    _match(*nothing, np.float32(0.1), np.array([1, 2], np.int32), score)
    np.testing.assert_allclose(score, [-0.1, 0.1], rtol=1e-6)
