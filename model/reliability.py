"""The reliability of predicted probabilities: bins of equal counts with intervals, and clicks as shares."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.evaluate import calibration, expected_calibration_error

BINS = 10
Z = 1.959963984540054  # of a 95% interval


class Bin(NamedTuple):
    """Events whose prediction falls into one bin; low, high: the 95% interval of the outcome."""

    events: int
    predicted: float
    observed: float
    low: float
    high: float


class Reliability(NamedTuple):
    """`error`: the expected calibration error over these bins (Naeini et al. 2015)."""

    bins: list[Bin]
    error: float


def reliability(predicted: ArrayLike, observed: ArrayLike, bins: int = BINS) -> Reliability:
    """predicted [n] against observed [n], in bins that hold about as many events each.

    Outcomes of 0 and 1 have Wilson's interval, others that of a mean.
    """
    predictions, outcomes = np.asarray(predicted, np.float64), np.asarray(observed, np.float64)
    if not len(predictions):
        return Reliability([], float("nan"))
    edges = np.unique(np.quantile(predictions, np.linspace(0, 1, bins + 1)))
    if len(edges) < 2:
        edges = np.array([edges[0], edges[0] + 1.0])
    binary = bool(np.isin(outcomes, (0.0, 1.0)).all())
    place = np.clip(np.searchsorted(edges, predictions, side="right") - 1, 0, len(edges) - 2)
    found = []
    for index, part in zip(np.unique(place), calibration(predictions, outcomes, edges), strict=True):
        inside = outcomes[place == index]
        low, high = wilson(inside.mean(), len(inside)) if binary else _mean_interval(inside)
        found.append(Bin(part.events, part.predicted, part.observed, low, high))
    return Reliability(found, expected_calibration_error(predictions, outcomes, edges))


def click_shares(
    click: NDArray[np.float32], found: NDArray[np.bool_], top: int = 10
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For the best `top` candidates of each event: the softmax share, and whether the user met the candidate.

    click [n, K]: logits, NaN for no candidate. The user met candidate 0, but a source found it only if
    `found` [n] says so: else this leaves it out, and the user met none of the others.
    """
    logits = np.where(np.isnan(click), -np.inf, click.astype(np.float64))
    logits[~found, 0] = -np.inf
    weights = np.exp(logits - logits.max(1, keepdims=True))
    shares = weights / weights.sum(1, keepdims=True)
    best = np.argsort(-shares, 1, kind="stable")[:, :top]
    predicted = np.take_along_axis(shares, best, 1)
    observed = (best == 0) & found[:, None]
    there = predicted > 0
    return predicted[there], observed[there].astype(np.float64)


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95% interval of a share (Wilson 1927)."""
    middle = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    half = Z / (1 + Z**2 / count) * np.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    return float(middle - half), float(middle + half)


def _mean_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
    mean = float(values.mean())
    return mean - Z * error, mean + Z * error
