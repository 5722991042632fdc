"""How likely an item stands at a place of a Plackett-Luce ranking, whatever stands above it.

The ranking is a race: item j arrives after an exponential time of rate exp(score_j), and the places are the
order of arrival. So item a is at place k where it arrives when exactly k - 1 others have:

    P(a at k) = integral over t of rate_a exp(-rate_a t) P(k - 1 of the others arrived by t) dt

The number that arrived is a sum of independent trials (Poisson-binomial), and the integral is a trapezoid sum
over log t, which converges geometrically. Plackett, Applied Statistics 24 (1975); the race: Luce, "Individual
Choice Behavior" (1959), and Kool, van Hoof and Welling, ICML 2019 (arXiv 1903.06059).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.experiments.off_policy.terms import F64

STEP = 0.3
FIRST, LAST = -27.0, 4.5
"""From where to where log(t) goes, around the times when the race is decided: exp(-exp(4.5)) is 0."""
DEEPEST = -40.0
"""Scores so far below the best one stand last, and are not told apart."""


def marginals(scores: F64, items: NDArray[np.intp]) -> F64:
    """[n]: that item `items[k]` (an index into `scores` [m]) stands at place k, k = 0 to n - 1.

    >>> marginals(np.log([2.0, 1.0, 1.0]), np.array([1, 0])).round(6).tolist()
    [0.25, 0.333333]
    """
    rates = np.exp(np.maximum(scores - scores.max(), DEEPEST))
    slowest = float(np.sort(rates)[::-1][: len(items)][-1])
    log_t = np.arange(FIRST - np.log(rates.sum()), LAST - np.log(slowest), STEP)
    times = np.exp(log_t)
    away = np.exp(-rates[:, None] * times)  # [m, T]
    some = np.zeros((len(items), len(items), len(times)))  # [item, how many others arrived, T]
    some[:, 0] = 1.0
    for j, still in enumerate(away):
        other = (items != j)[:, None, None]
        more = some[:, :-1] * np.where(other, 1.0 - still, 0.0)
        some *= np.where(other, still, 1.0)
        some[:, 1:] += more
    places = np.arange(len(items))
    rate = rates[items][:, None]
    density = rate * times * np.exp(-rate * times)
    return np.asarray((density * some[places, places]).sum(1) * STEP)
