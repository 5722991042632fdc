"""Reliability curves against sklearn and scipy, and click shares by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import softmax
from sklearn.calibration import calibration_curve

from model.reliability import click_shares, reliability, wilson


def test_the_curve_is_sklearns() -> None:
    rng = np.random.default_rng(1)
    said = rng.beta(1, 8, 3_000)
    came = (rng.random(3_000) < said**1.2).astype(float)
    found = reliability(said, came, 10)
    observed, predicted = calibration_curve(came, said, n_bins=10, strategy="quantile")
    assert [each.predicted for each in found.bins] == pytest.approx(predicted, abs=1e-3)
    assert [each.observed for each in found.bins] == pytest.approx(observed, abs=5e-3)
    assert {each.events for each in found.bins} == {300}
    gaps = [abs(each.predicted - each.observed) for each in found.bins]
    assert found.error == pytest.approx(np.mean(gaps))


@pytest.mark.parametrize(("hits", "count"), [(0, 20), (3, 40), (500, 900), (7, 7)])
def test_wilsons_interval_is_scipys(hits: int, count: int) -> None:
    interval = stats.binomtest(hits, count).proportion_ci(method="wilson")
    assert wilson(hits / count, count) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_what_is_no_share_has_the_interval_of_a_mean() -> None:
    came = np.array([1.0, 2.0, 4.0, 5.0])
    (only,) = reliability([3.0] * 4, came).bins
    error = stats.sem(came)
    assert (only.low, only.high) == pytest.approx((3 - 1.959964 * error, 3 + 1.959964 * error), rel=1e-6)


def test_no_event_has_no_curve() -> None:
    found = reliability([], [])
    assert found.bins == []
    assert np.isnan(found.error)


def test_click_shares_by_hand() -> None:
    nan = np.nan
    click = np.array([[1.0, 2.0, 0.0], [5.0, 1.0, nan], [9.0, 1.0, 2.0]], np.float32)
    said, came = click_shares(click, np.array([True, True, False]), top=2)
    first, second, third = softmax([1.0, 2.0, 0.0]), softmax([5.0, 1.0]), softmax([1.0, 2.0])
    assert said == pytest.approx([first[1], first[0], second[0], second[1], third[1], third[0]])
    assert came.tolist() == [0, 1, 1, 0, 0, 0]


def test_shares_drawn_from_the_softmax_itself_are_calibrated() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 1.5, (4_000, 30))
    shares = softmax(logits, 1)
    met = np.array([rng.choice(30, p=row) for row in shares])
    rows = np.arange(4_000)
    logits[rows, 0], logits[rows, met] = logits[rows, met], logits[rows, 0].copy()
    found = reliability(*click_shares(logits.astype(np.float32), np.ones(4_000, np.bool_)))
    assert found.error < 0.01
    assert sum(each.low <= each.predicted <= each.high for each in found.bins) >= 7
