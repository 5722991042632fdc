"""Features by hand, and at extremes."""

from __future__ import annotations

import math
from math import log1p

import numpy as np
import pytest

from model.feature_names import (
    COUNT_FEATURES,
    ENTITY_FEATURES,
    HISTORY_FEATURES,
    LIVE_FEATURES,
    SIGNAL_FEATURES,
    TEXT_FEATURES,
    USER_FEATURES,
    rank_feature,
)
from model.features import Candidates, ItemColumns, SignalsOf, candidate_features
from model.schema import F32
from model.user_features import Moments, fill_user_features

NOW_MS = 1_700_000_000_000
NAN = math.nan


def items(**columns: object) -> ItemColumns:
    """Two items: one met a few times, one never."""
    usual: dict[str, object] = {
        "decayed": np.array([[4.0, 6.0, 8.0], [0.0, 0.0, 0.0]]),
        "ages": np.array([[0.25, 0.5, 1.0]]),
        "total": np.array([9.0, 0.0], np.float32),
        "shown": np.array([3, 0]),
        "rating_sum": np.array([13.0, 0.0]),
        "rating_count": np.array([3, 0]),
        "added_ms": np.array([NOW_MS - 90_000, NOW_MS]),
        "last_ms": np.array([NOW_MS - 20_000, 0]),
        "rating_mean": 3.5,
    }
    return ItemColumns(**{**usual, **columns})  # type: ignore[arg-type]  # columns by name


def features(
    columns: ItemColumns,
    signals: F32 | None = None,
    ranks: list[list[int]] | None = None,
    now_ms: int = NOW_MS,
) -> F32:
    """Of one request whose candidates are all items."""
    n = len(columns.total)
    views = [[1, 0, 0, 0], [0.6, 0.8, 0, 0], [0, 0, 0, 1], [0, -0.5, 0, 0], [0, 1, 0, 0], [0.8, -0.6, 0, 0]]
    return candidate_features(
        Candidates(
            np.array([0, n]),
            np.arange(n, dtype=np.int32),
            np.arange(n, dtype=np.int32),
            np.array(ranks or [[0, 0]] * n, np.int32),
            np.array([now_ms]),
        ),
        np.zeros(1, np.int64),
        columns,
        signals_of(np.zeros((n, 10), np.float32) if signals is None else signals),
        None,
        np.eye(n, 4, dtype=np.float32),
        np.array([views], np.float32),
        np.full(n, -1, np.int32),
    )


def signals_of(values: F32) -> SignalsOf:
    """Row k has the signals `values[k]`; what is zero throughout stands nowhere."""
    rows = np.flatnonzero(values.any(axis=1)).astype(np.int32)
    return SignalsOf(rows, values[rows], np.zeros(1, np.int64), np.array([len(rows)]))


def test_the_counts_of_an_item_by_hand() -> None:
    met, never = features(items())[:, : len(COUNT_FEATURES)]
    prior_mean = (13.0 + 5 * 3.5) / (3 + 5)
    assert dict(zip(COUNT_FEATURES, met.tolist(), strict=True)) == pytest.approx(
        {
            "popular_short": log1p(1.0),
            "popular_mid": log1p(3.0),
            "popular_long": log1p(8.0),
            "popular_ever": log1p(9.0),
            "shown": log1p(3),
            "rating_mean": prior_mean - 3.5,
            "rating_count": log1p(3),
            "idle": log1p(20),
            "age": log1p(90),
        },
        rel=1e-6,
    )
    assert never.tolist() == pytest.approx([0, 0, 0, 0, 0, 0, 0, log1p(1e9), 0], rel=1e-6)


def test_the_signals_of_an_item_by_hand() -> None:
    signals = np.zeros((2, 10), np.float32)
    signals[0] = [2.0, 0.5, 0.25, 1.5, 0.75, 3.0, 6.0, -4.0, 5.0, 0.125]
    found = features(items(), signals)
    begin = len(COUNT_FEATURES)
    root = math.sqrt(9.0)  # of the item's count
    by_hand = [
        *(log1p(2.0), log1p(100 * 0.5), log1p(100 * 0.25), log1p(10 * 1.5), log1p(10 * 0.75)),
        *(log1p(3.0), log1p(6.0), -log1p(4.0)),
        *(log1p(100 * 0.5 / root), log1p(10 * 3.0 / root), log1p(10 * 6.0 / root), -log1p(10 * 4.0 / root)),
        -4.0 / (6.0 + 1.0),
        *(-log1p(5.0 - 3.0), -log1p(10 * (5.0 - 3.0) / root), log1p(100 * (0.5 - 0.125))),
    ]
    assert found[0, begin : begin + len(SIGNAL_FEATURES)].tolist() == pytest.approx(by_hand, rel=1e-5)
    assert not found[1, begin : begin + len(SIGNAL_FEATURES)].any()


def test_texts_and_ranks_by_hand() -> None:
    found = features(items(), ranks=[[1, 0], [16, 4]])
    text = found[:, len(LIVE_FEATURES) - len(TEXT_FEATURES) : len(LIVE_FEATURES)]
    np.testing.assert_allclose(text, [[1, 0.6, 0, 0, 0, 0.8], [0, 0.8, 0, -0.5, 1, -0.6]], rtol=1e-6)
    assert found[:, len(LIVE_FEATURES) :].tolist() == [[1.0, 0.0], [0.25, 0.5]]
    assert rank_feature("together") == "rank_together"


def test_no_extreme_makes_a_feature_infinite() -> None:
    """Counts that no stream could reach, times before the epoch's start and far ahead."""
    huge = items(
        decayed=np.full((2, 3), 1e300),
        ages=np.array([[1e-300, 1.0, 1e5]]),
        total=np.array([3e38, 1e-30], np.float32),
        shown=np.array([2**62, 0]),
        rating_sum=np.array([5.0 * 2**40, 0.0]),
        rating_count=np.array([2**40, 0]),
        added_ms=np.array([NOW_MS + 10**12, 0]),
        last_ms=np.array([NOW_MS + 10**12, 1]),
    )
    signals = np.full((2, 10), 1e36, np.float32)
    signals[1, 7] = -1e36
    for now_ms in (0, NOW_MS, 253_402_300_799_000):
        found = features(huge, signals, [[2**31 - 1, 1], [0, 0]], now_ms)
        assert np.isfinite(found).all()


def moments(times_s: list[int], liking: list[float], now_s: int = 100, **changed: object) -> Moments:
    """Of one user; `times_s` and `liking` newest first."""
    usual: dict[str, object] = {
        "offsets": np.array([0, len(times_s)]),
        "now_ms": np.array([now_s * 1_000]),
        "times": np.array(times_s, np.int64) * 1_000,
        "liking": np.array(liking, np.float32),
        "actions": np.zeros(len(times_s), np.uint8),
        "weights": np.ones(3, np.float32),
        "told": told(interactions=len(times_s)),
        "bias": np.zeros((1, 2)),
    }
    return Moments(**{**usual, **changed})  # type: ignore[arg-type]  # fields by name


def told(
    mean: float = 3.5,
    ratings: int = 2,
    interactions: int = 2,
    activity: float = 1.5,
    words: float = 0.5,
    searching: bool = False,
) -> np.ndarray:
    return np.array([[mean, ratings, interactions, activity, words, searching]], np.float64)


def filled(given: Moments, length: int) -> tuple[F32, F32]:
    """The features of the users and of their histories."""
    of_users = np.empty((len(given.now_ms), len(USER_FEATURES)), np.float32)
    of_histories = np.zeros((len(of_users), length, len(HISTORY_FEATURES)), np.float32)
    fill_user_features(given, of_users, of_histories)
    return of_users, of_histories


def users(given: Moments) -> list[float]:
    """Of one user."""
    found: list[float] = filled(given, 1)[0][0].tolist()
    return found


def history(given: Moments, length: int) -> F32:
    """Of one user: [length, features]."""
    of_history: F32 = filled(given, length)[1][0]
    return of_history


def test_a_users_features_by_hand() -> None:
    searching = told(interactions=3, searching=True)
    rated = moments([90, 90, 40], [5, NAN, 2], told=searching, bias=np.array([[0.4, -0.2]]))
    assert dict(zip(USER_FEATURES, users(rated), strict=True)) == pytest.approx(
        {
            "interactions": log1p(3),
            "gap": log1p(10),
            "gap_before": 0.0,
            "tie": log1p(2),
            "rating_mean": 3.5,
            "rating_count": log1p(2),
            "activity": log1p(1.5),
            "words": log1p(0.5),
            "query": 1.0,
            "rating_bias": 0.4,
            "rating_lately": -0.2,
        },
        rel=1e-6,
    )
    assert users(moments([90, 40], [5, 2]))[2] == pytest.approx(log1p(50))


def test_a_history_by_hand() -> None:
    actions, weights = np.array([2, 1, 2], np.uint8), np.array([9, 0.2, 1], np.float32)
    found = history(moments([90, 90, 40], [1.5, NAN, -1.5], actions=actions, weights=weights), 4)
    assert found.shape == (4, len(HISTORY_FEATURES))
    expected: list[list[float]] = [
        [1.5, 1, log1p(10), 1, 1],
        [0, 0, log1p(10), 1, 0.2],
        [-1.5, 1, log1p(60), 0, 1],
        [0, 0, 0, 0, 0],
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_history_longer_than_the_schema_is_cut_at_the_oldest() -> None:
    found = history(moments([90, 80, 70], [-2.5, -1.5, 3]), 2)
    np.testing.assert_allclose(found[:, 0], [-2.5, -1.5])


def test_nothing_known_of_a_user_is_all_zero_but_the_mean() -> None:
    nobody = moments([], [], told=told(ratings=0, interactions=0, activity=0.0, words=0.0))
    assert users(nobody) == [0, 0, 0, 0, 3.5, 0, 0, 0, 0, 0, 0]
    assert not history(nobody, 5).any()


def test_events_from_the_future_are_of_now() -> None:
    """A clock that is ahead, or an event that came late."""
    ahead = moments([200, 90], [NAN, NAN])
    assert users(ahead)[1] == 0.0
    assert history(ahead, 2)[0, 2] == 0.0
    assert np.isfinite(users(moments([90, 200], [NAN, NAN]))).all()  # the newer is not the later


def test_entities_are_logarithms_that_keep_their_sign_and_zero_without_a_graph() -> None:
    at = LIVE_FEATURES.index(ENTITY_FEATURES[0])
    assert LIVE_FEATURES[at : at + 4] == ENTITY_FEATURES
    shared = np.array([[1.0, 2.0, 3.0, 4.0], [0.0, 0.5, -0.5, 0.25]], np.float32)  # of items 0 and 1
    rows = np.array([1, 0], np.int32)
    with_graph, without = (
        candidate_features(
            Candidates(np.array([0, 2]), rows, rows, np.zeros((2, 1), np.int32), np.array([NOW_MS])),
            np.zeros(1, np.int64),
            items(),
            signals_of(np.zeros((2, 10), np.float32)),
            None if table is None else signals_of(table),
            np.eye(2, 4, dtype=np.float32),
            np.zeros((1, len(TEXT_FEATURES), 4), np.float32),
            np.full(2, -1, np.int32),
        )
        for table in (shared, None)
    )
    wanted = [[0.0, log1p(0.5), -log1p(0.5), log1p(0.25)], [log1p(1.0), log1p(2.0), log1p(3.0), -log1p(2.0)]]
    assert with_graph[:, at : at + 4] == pytest.approx(np.array(wanted), rel=1e-6)
    assert not without[:, at : at + 4].any()
    assert (
        np.delete(with_graph, slice(at, at + 4), 1).tolist()
        == np.delete(without, slice(at, at + 4), 1).tolist()
    )
