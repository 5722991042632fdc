"""Metrics of ranking, ratings and calibration, from plain arrays. No torch here.

A ranking metric takes `ranks`, int [N]: for each event the place of the one true item in the list (1 is the
best), or 0 if the list does not have it: a miss scores 0. With a single true item NDCG@k is 1 / log2(rank +
1) within the first k (Järvelin and Kekäläinen 2002: the ideal list has gain 1).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]


class Estimate(NamedTuple):
    """A mean over events, and its standard error (NaN for too few events)."""

    value: float
    error: float


class CalibrationBin(NamedTuple):
    """Events whose prediction falls into one bin: how many, the mean prediction, the mean outcome."""

    events: int
    predicted: float
    observed: float


def hit_rate(ranks: ArrayLike, k: int = 10) -> Estimate:
    """The share of events whose true item is among the first `k`.

    >>> hit_rate([1, 10, 11, 0]).value
    0.5
    """
    return mean_of(_hits(np.asarray(ranks), k))


def hit_rate_difference(ranks: ArrayLike, others: ArrayLike, k: int = 10) -> Estimate:
    """HR@k of `ranks` minus that of `others`, paired as in `ndcg_difference`.

    >>> hit_rate_difference([1, 0, 10], [11, 2, 10]).value
    0.0
    """
    return mean_of(_hits(np.asarray(ranks), k) - _hits(np.asarray(others), k))


def ndcg(ranks: ArrayLike, k: int = 10) -> Estimate:
    """Normalized discounted cumulative gain within the first `k`.

    >>> ndcg([3]).value
    0.5
    """
    return mean_of(_gains(np.asarray(ranks), k))


def ndcg_difference(ranks: ArrayLike, others: ArrayLike, k: int = 10) -> Estimate:
    """NDCG@k of `ranks` minus that of `others`, for the same events, with the standard error of the paired
    differences: events that are easy, or hard, for both add no error.

    >>> ndcg_difference([1, 3], [3, 1]).value
    0.0
    """
    return mean_of(_gains(np.asarray(ranks), k) - _gains(np.asarray(others), k))


def mrr(ranks: ArrayLike) -> Estimate:
    """Mean reciprocal rank over the whole list.

    >>> mrr([2, 0]).value
    0.25
    """
    places = np.asarray(ranks)
    return mean_of(np.where(places > 0, 1 / np.maximum(places, 1), 0.0))


def recall(ranks: ArrayLike, k: int) -> Estimate:
    """The share of events whose true item is among the first `k` candidates."""
    return hit_rate(ranks, k)


def rmse(predicted: ArrayLike, observed: ArrayLike) -> Estimate:
    """Root mean squared error; its standard error by the delta method.

    >>> rmse([1.0, 5.0], [1.0, 3.0]).value == 2 ** 0.5
    True
    """
    squared = mean_of((_floats(predicted) - _floats(observed)) ** 2)
    root = float(np.sqrt(squared.value))
    return Estimate(root, squared.error / (2 * root) if root > 0 else 0.0)


def mae(predicted: ArrayLike, observed: ArrayLike) -> Estimate:
    """Mean absolute error."""
    return mean_of(np.abs(_floats(predicted) - _floats(observed)))


def coverage(recommended: Iterable[Any], catalogue: int) -> float:
    """The share of the catalogue recommended at least once (Ge et al. 2010); NaN for an empty one."""
    return len(set(recommended)) / catalogue if catalogue else float("nan")


def calibration(predicted: ArrayLike, observed: ArrayLike, edges: ArrayLike) -> list[CalibrationBin]:
    """Mean prediction and mean outcome in each bin between `edges` that is not empty.

    A prediction outside the edges counts in the first or the last bin.
    """
    predictions, outcomes, bounds = _floats(predicted), _floats(observed), _floats(edges)
    place = np.clip(np.searchsorted(bounds, predictions, side="right") - 1, 0, len(bounds) - 2)
    return [
        CalibrationBin(int(inside.sum()), float(predictions[inside].mean()), float(outcomes[inside].mean()))
        for inside in (place == index for index in range(len(bounds) - 1))
        if inside.any()
    ]


def expected_calibration_error(predicted: ArrayLike, observed: ArrayLike, edges: ArrayLike) -> float:
    """The mean gap between predictions and outcomes, weighted by events (Naeini et al. 2015)."""
    bins = calibration(predicted, observed, edges)
    total = sum(part.events for part in bins)
    if not total:
        return float("nan")
    return sum(part.events * abs(part.predicted - part.observed) for part in bins) / total


def moving_mean(values: ArrayLike, window: int) -> F64:
    """The mean of the last `window` values (fewer at the start), [N] -> [N]."""
    sums = np.concatenate([[0.0], np.cumsum(_floats(values))])
    ends = np.arange(1, len(sums))
    starts = np.maximum(ends - window, 0)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts), np.float64)


def _hits(places: NDArray[Any], k: int) -> F64:
    return ((places > 0) & (places <= k)).astype(np.float64)


def _gains(places: NDArray[Any], k: int) -> F64:
    return np.where(_hits(places, k) > 0, 1 / np.log2(np.maximum(places, 1) + 1), 0.0)


def _floats(values: ArrayLike) -> F64:
    return np.asarray(values, np.float64)


def mean_of(values: ArrayLike) -> Estimate:
    """Mean and standard error, under the assumption that events are independent."""
    values = _floats(values)
    count = len(values)
    if not count:
        return Estimate(float("nan"), float("nan"))
    error = float(values.std(ddof=1) / np.sqrt(count)) if count > 1 else float("nan")
    return Estimate(float(values.mean()), error)


def grouped_mean(values: ArrayLike, groups: ArrayLike) -> Estimate:
    """The mean over events, and its standard error where those of one group (int [N]) hang together: by the
    sums of each group's deviations, times G / (G - 1) of G groups (Cameron and Miller 2015).

    >>> grouped_mean([1.0, 3.0], [0, 1]) == mean_of([1.0, 3.0])
    True
    """
    each, numbers = _floats(values), np.unique(np.asarray(groups), return_inverse=True)[1]
    if not len(each):
        return mean_of(each)
    mean = float(each.mean())
    sums = np.bincount(numbers, weights=each - mean)
    if len(sums) < 2:
        return Estimate(mean, float("nan"))
    spread = np.sqrt((sums**2).sum() * len(sums) / (len(sums) - 1))
    return Estimate(mean, float(spread / len(each)))
