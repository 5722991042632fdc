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
    scaled = scores.astype(np.float64) / temperature
    known = np.isfinite(scaled)
    if known.all():
        return scaled
    lowest = np.where(known, scaled, np.inf).min(axis=-1, keepdims=True)
    return np.where(known, scaled, np.where(np.isfinite(lowest), lowest, 0.0) - UNKNOWN)


def given_above(prefixes: F64) -> F32:
    """From the probabilities of the first k places, k = 1, 2, ..., that of each place given those above it.

    >>> given_above(np.array([0.5, 0.25, 0.25])).tolist()
    [0.5, 0.5, 1.0]
    """
    above = np.concatenate([[1.0], prefixes[:-1]])
    given: F64 = np.divide(prefixes, above, out=np.zeros(len(prefixes)), where=above > 0)
    return given.astype(np.float32)


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
def prefix_chances(samples: F64, draws: NDArray[np.bool_], places: NDArray[np.intp]) -> F64:
    """How likely the first of the places, the first two, and so on are drawn: [n]; samples [S, m]. A place of
    -1 is none that can be drawn.
    """
    count, m = samples.shape
    chances = np.zeros(len(places))
    weight, free = np.empty(m), np.empty(m, np.bool_)
    for s in range(count):
        scaled = samples[s]
        free[:] = True
        _weigh(scaled, free, weight)
        first, chance = 0, 1.0
        for place in range(len(places)):
            taken = places[place]
            if taken < 0 or not free[taken]:
                break
            if draws[place]:
                total = _sum(weight)
                if total < FADED:
                    _weigh(scaled, free, weight)
                    total = _sum(weight)
                chance *= weight[taken] / total
            else:
                while not free[first]:
                    first += 1
                if taken != first:
                    break
            chances[place] += chance / count
            free[taken] = False
            weight[taken] = 0.0
    return chances


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
def _sum(weight: F64) -> float:
    """Their sum; four at a time, which the machine can add at once."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    quads = len(weight) // 4 * 4
    for k in range(0, quads, 4):
        a += weight[k]
        b += weight[k + 1]
        c += weight[k + 2]
        d += weight[k + 3]
    for k in range(quads, len(weight)):
        a += weight[k]
    return (a + b) + (c + d)
