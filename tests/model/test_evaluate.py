"""Metrics against scikit-learn and against figures worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import mean_absolute_error, ndcg_score, root_mean_squared_error

from model.evaluate import (
    calibration,
    coverage,
    expected_calibration_error,
    grouped_mean,
    hit_rate,
    mae,
    mean_of,
    moving_mean,
    mrr,
    ndcg,
    ndcg_difference,
    recall,
    rmse,
)

RANKS = st.lists(st.integers(0, 40), min_size=1, max_size=50)


def test_ranking_metrics_by_hand() -> None:
    ranks = [1, 2, 11, 0]
    assert hit_rate(ranks, 10).value == 0.5
    assert ndcg(ranks, 10).value == pytest.approx((1 + 1 / math.log2(3)) / 4)
    assert mrr(ranks).value == pytest.approx((1 + 1 / 2 + 1 / 11) / 4)
    assert recall(ranks, 11).value == 0.75


@given(RANKS, st.integers(1, 20))
def test_ndcg_is_that_of_scikit_learn(ranks: list[int], k: int) -> None:
    items = 60
    truth = np.zeros((len(ranks), items))
    scores = np.tile(-np.arange(items, dtype=float), (len(ranks), 1))
    for row, rank in enumerate(ranks):
        truth[row, rank - 1 if rank else items - 1] = 1  # a miss stands behind every k tried here
    assert ndcg(ranks, k).value == pytest.approx(ndcg_score(truth, scores, k=k))


@given(RANKS)
def test_a_deeper_list_never_scores_less(ranks: list[int]) -> None:
    for metric in (hit_rate, ndcg):
        values = [metric(ranks, k).value for k in range(1, 41)]
        assert values == sorted(values)
    assert ndcg(ranks, 40).value <= hit_rate(ranks, 40).value


def test_standard_error_of_a_share() -> None:
    ranks = [1] * 30 + [0] * 70
    assert hit_rate(ranks).error == pytest.approx(math.sqrt(0.3 * 0.7 / 99))


def test_rating_errors_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    said, came = rng.uniform(1, 5, 200), rng.uniform(1, 5, 200)
    assert rmse(said, came).value == pytest.approx(root_mean_squared_error(came, said))
    assert mae(said, came).value == pytest.approx(mean_absolute_error(came, said))


def test_standard_error_of_rmse_matches_a_bootstrap() -> None:
    rng = np.random.default_rng(2)
    said, came = rng.normal(3, 1, 500), rng.normal(3, 1, 500)
    draws = rng.integers(0, 500, (2_000, 500))
    bootstrapped = np.std([rmse(said[draw], came[draw]).value for draw in draws])
    assert rmse(said, came).error == pytest.approx(bootstrapped, rel=0.1)


def test_no_events_have_no_figures() -> None:
    empty = np.empty(0)
    for estimate in (hit_rate(empty), ndcg(empty), mrr(empty), rmse(empty, empty), mae(empty, empty)):
        assert math.isnan(estimate.value)
    assert math.isnan(expected_calibration_error(empty, empty, [0, 1]))
    assert len(moving_mean(empty, 5)) == 0


def test_calibration_curve_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    said = rng.uniform(0, 1, 1_000)
    came = (rng.uniform(0, 1, 1_000) < said**2).astype(float)
    bins = calibration(said, came, np.linspace(0, 1, 11))
    observed, predicted = calibration_curve(came, said, n_bins=10)
    assert [part.observed for part in bins] == pytest.approx(observed)
    assert [part.predicted for part in bins] == pytest.approx(predicted)
    assert sum(part.events for part in bins) == 1_000


def test_calibration_error_by_hand() -> None:
    said = [0.2, 0.2, 0.9]
    came = [0.0, 1.0, 1.0]
    expected = (2 * abs(0.2 - 0.5) + 1 * abs(0.9 - 1.0)) / 3
    assert expected_calibration_error(said, came, [0, 0.5, 1]) == pytest.approx(expected)


def test_predictions_outside_the_edges_count_in_the_outer_bins() -> None:
    bins = calibration([0.0, 6.0], [1.0, 5.0], [1, 3, 5])
    assert [part.events for part in bins] == [1, 1]


def test_coverage_counts_each_item_once() -> None:
    assert coverage(["a", "b", "a"], 4) == 0.5
    assert math.isnan(coverage([], 0))


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=30), st.integers(1, 40))
def test_moving_mean_by_its_definition(values: list[float], window: int) -> None:
    expected = [np.mean(values[max(0, end - window) : end]) for end in range(1, len(values) + 1)]
    assert moving_mean(values, window).tolist() == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=3, max_size=60))
def test_a_difference_has_the_error_of_the_paired_test_of_scipy(ranks: list[tuple[int, int]]) -> None:
    ours, theirs = ([pair[k] for pair in ranks] for k in range(2))
    found = ndcg_difference(ours, theirs)
    assert found.value == pytest.approx(ndcg(ours).value - ndcg(theirs).value, abs=1e-12)
    gains = [
        [1 / math.log2(rank + 1) if 1 <= rank <= 10 else 0.0 for rank in each] for each in (ours, theirs)
    ]
    if found.error > 1e-9:
        expected = stats.ttest_rel(*gains).statistic
        assert found.value / found.error == pytest.approx(expected, rel=1e-6, abs=1e-9)
    else:
        assert len({round(one - other, 9) for one, other in zip(*gains, strict=True)}) == 1


def test_errors_of_groups_by_hand() -> None:
    """Deviations -1.5, -.5, .5, 1.5; sums of the groups -2 and 2: the root of (4 + 4) * 2 / 1, over 4."""
    found = grouped_mean([1.0, 2.0, 3.0, 4.0], [0, 0, 9, 9])
    assert found.value == 2.5
    assert found.error == pytest.approx(1.0)
    alone = grouped_mean([1.0, 2.0, 3.0, 4.0], [3, 1, 2, 0])
    assert alone == pytest.approx(mean_of([1.0, 2.0, 3.0, 4.0]))
    assert np.isnan(grouped_mean([1.0, 2.0], [5, 5]).error)
    assert np.isnan(grouped_mean([], []).value)
