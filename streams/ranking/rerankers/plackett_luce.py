"""Rankings that are drawn, and how likely each was: Plackett and Luce, mixed over samples of the scores.

A place that is drawn gets one of the candidates that are left, with the chance that softmax(score) gives it.
That is the largest of score plus Gumbel noise (Kool, van Hoof and Welling, ICML 2019, arXiv 1903.06059).
Where the scores themselves are drawn, one of S samples of them, all as likely as each other, the chance of a
ranking is the mean over the samples. So it stays exact:

    P(a, b, ...) = 1/S sum over s of P_s(a) P_s(b | a) ...
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32

F64 = NDArray[np.float64]
UNKNOWN = 1e3
"""So far below all others stands a score that is no number."""
FADED = 1e-250
"""Where the weights of all that is left are so small, they are made anew."""


def scaled_scores(scores: F32 | F64, temperature: float) -> F64:
    """float64, as `scores` [m] or [S, m], what can be drawn with a chance: what is no number is never drawn
    before what is one.
    """
    scaled: F64 = np.asarray(scores, np.float64) / temperature
    known = np.isfinite(scaled)
    if known.all():
        return scaled
    lowest = np.where(known, scaled, np.inf).min(axis=-1, keepdims=True)
    return np.where(known, scaled, np.where(np.isfinite(lowest), lowest, 0.0) - UNKNOWN)


def index_in(pool: NDArray[np.intp], places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where each of `places` stands in the pool; -1 where it does not."""
    found = places[:, None] == pool
    return np.where(found.any(axis=1), found.argmax(axis=1), -1)


def prefix_chances(samples: F64, draws: NDArray[np.bool_], places: NDArray[np.intp]) -> F64:
    """How likely a ranking that is drawn begins with the first of the places, the first two, and so on: [n].
    Arguments as in `given_above`.

    >>> prefix_chances(np.log([[2.0, 1.0, 1.0]]), np.ones(2, bool), np.array([1, 0])).round(3).tolist()
    [0.25, 0.167]
    """
    never = np.zeros(len(places), np.bool_)
    return np.asarray(np.cumprod(given_above(samples, draws, places, 1.0, never)), np.float64)


@compiled
def draw(scaled: F64, draws: NDArray[np.bool_], noise: F64) -> NDArray[np.intp]:
    """Which of the candidates get the places [n]: where a place `draws`, the largest score with its noise of
    those that are left, else the first of them. scaled, noise [m]: of one sample.
    """
    free = np.ones(len(scaled), np.bool_)
    places = np.empty(len(draws), np.intp)
    for place in range(len(draws)):
        best = -1
        for k in range(len(scaled)):
            if not free[k]:
                continue
            if best < 0 or (draws[place] and scaled[k] + noise[k] > scaled[best] + noise[best]):
                best = k
            if not draws[place]:
                break
        places[place] = best
        free[best] = False
    return places


@compiled
def given_above(
    samples: F64, draws: NDArray[np.bool_], places: NDArray[np.intp], share: float, sure: NDArray[np.bool_]
) -> F64:
    """[n]: how likely each place is what it is, given the places above it.

    samples [S, m]; places [n]: of the m candidates, -1 for none of them. With the probability `share` the
    ranking is drawn, else each place is as `sure` [n] says or not. What the places above tell of how the
    ranking came about is kept as weights that are one together: so nothing fades, however long it is.
    """
    count, m = samples.shape
    given = np.zeros(len(places))
    likely, rest = np.full(count, share / count), 1.0 - share
    weight, free = np.empty((count, m)), np.ones(m, np.bool_)
    for s in range(count):
        _weigh(samples[s], free, weight[s])
    first = 0
    for place in range(len(places)):
        taken = places[place]
        possible = taken >= 0 and free[taken]
        while first < m and not free[first]:
            first += 1
        total = rest = rest if sure[place] else 0.0
        for s in range(count):
            if not possible:
                likely[s] = 0.0
            elif draws[place]:
                left = _sum(weight, s)
                if left < FADED:
                    _weigh(samples[s], free, weight[s])
                    left = _sum(weight, s)
                likely[s] *= weight[s, taken] / left
                weight[s, taken] = 0.0
            elif taken == first:
                weight[s, taken] = 0.0
            else:
                likely[s] = 0.0
            total += likely[s]
        if total <= 0.0:
            break
        given[place] = total
        rest /= total
        for s in range(count):
            likely[s] /= total
        if possible:
            free[taken] = False
    return given


@compiled
def _weigh(scaled: F64, free: NDArray[np.bool_], weight: F64) -> None:
    """Fill `weight` [m] with what is proportional to the chances of those that are `free`."""
    largest = -np.inf
    for k in range(len(scaled)):
        if free[k]:
            largest = max(largest, scaled[k])
    for k in range(len(scaled)):
        weight[k] = np.exp(scaled[k] - largest) if free[k] else 0.0


@compiled
def _sum(weight: F64, s: int) -> float:
    """The sum of row s; four at a time, which the machine can add at once."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    m = weight.shape[1]
    quads = m // 4 * 4
    for k in range(0, quads, 4):
        a += weight[s, k]
        b += weight[s, k + 1]
        c += weight[s, k + 2]
        d += weight[s, k + 3]
    for k in range(quads, m):
        a += weight[s, k]
    return (a + b) + (c + d)
