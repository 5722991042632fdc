"""A fixed-share mixture of experts that learns from the choices of a slate.

Each expert gives every place of a slate a score; a softmax makes chances of them, in which a place that is
seldom looked at is seldom chosen (`offsets`, the logarithms of examination). A choice moves the weights of
the experts by the chance that they gave it; then each gives a part of its weight to all (Herbster and
Warmuth, "Tracking the Best Expert", Machine Learning 32, 1998). So an expert that was wrong for long comes
back within some choices once it is right, and the mixture falls back to the frozen order, the first expert.

Several choices on one slate are drawn without replacement (Plackett and Luce); what was disliked is chosen
by the same scores upside down, as the worst.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled, compiled_side_by_side
from streams.learning.experts.kalman import NEGLIGIBLE, forget, observe, step

F64 = NDArray[np.float64]
LEARNS_NOTHING = 0.0
"""In place of an expert's discount: it is no linear model that learns."""
SCALE_KEPT = 0.9995
"""Of what is known of the scale of the frozen order, the part that a choice leaves."""
SCALE_MIN, SCALE_MAX = 0.02, 50.0
DRAWN_VARIANCE = 4.0
"""Of how likely a slate is answered at all, before any lesson."""


class Experts(NamedTuple):
    """Of one level, E experts over K signals; all float64, and changed in place.

    discount [E]; mean [E, K]; root [E, K, K] (see `kalman`); log_weight [E]; threshold [E, 2]: how good a
    slate must be to be answered, and the variance of that.
    """

    discount: F64
    mean: F64
    root: F64
    log_weight: F64
    threshold: F64


class Bounds(NamedTuple):
    """Of `ReweightingSettings`, under the same names."""

    share: float
    prior_variance: float
    step_max: float
    loss_max: float
    surprise_nats: float
    silence: float


def new_experts(discounts: F64, signals: int, prior_variance: float) -> Experts:
    """Experts before any lesson: all of them are the frozen order, and none is better."""
    count = len(discounts)
    mean = np.zeros((count, signals))
    mean[:, 0] = 1.0
    root = np.tile(math.sqrt(prior_variance) * np.eye(signals), (count, 1, 1))
    threshold = np.tile([0.0, DRAWN_VARIANCE], (count, 1))
    return Experts(discounts, mean, root, np.full(count, -math.log(count)), threshold)


@compiled_side_by_side
def utilities(experts: Experts, x: F64, out: F64) -> None:
    """Fill out [E, n] with what the linear experts say of the places x [n, K]. Others' rows are left."""
    n, width = x.shape
    quads = width // 4 * 4
    for i in range(n):
        out[0, i] = experts.mean[0, 0] * x[i, 0]
    for e in range(1, len(experts.discount)):
        if experts.discount[e] == 0.0:
            continue
        mean = experts.mean[e]
        for i in range(n):
            row, a, b, c, d = x[i], 0.0, 0.0, 0.0, 0.0  # four sums, which the machine can make at once
            for k in range(0, quads, 4):
                a += mean[k] * row[k]
                b += mean[k + 1] * row[k + 1]
                c += mean[k + 2] * row[k + 2]
                d += mean[k + 3] * row[k + 3]
            for k in range(quads, width):
                a += mean[k] * row[k]
            out[e, i] = (a + b) + (c + d)


@compiled
def chances(utility: F64, sign: float, offsets: F64, left: NDArray[np.bool_], out: F64) -> float:
    """Fill out [n] with the chances of the places that are left; the logarithm of their divisor."""
    n, highest, total = len(utility), -math.inf, 0.0
    for i in range(n):
        out[i] = 0.0
        if left[i]:
            highest = max(highest, sign * utility[i] + offsets[i])
    for i in range(n):
        if left[i]:
            out[i] = math.exp(sign * utility[i] + offsets[i] - highest)
            total += out[i]
    for i in range(n):
        out[i] /= total
    return highest + math.log(total)


@compiled
def learn(
    experts: Experts,
    bounds: Bounds,
    x: F64,
    offsets: F64,
    left: NDArray[np.bool_],
    places: NDArray[np.int64],
    signs: F64,
    weights: F64,
    drawn: float,
    said: F64,
    losses: F64,
) -> None:
    """Take the choices of one slate of n places.

    x [n, K] standardised; offsets [n]; left [n]: which places may be chosen. places, signs, weights [C]: the
    choices in their order, 1 for the best and -1 for the worst. drawn: 1 where the slate drew an answer, 0
    where it did not, NaN where that is not known. said [E, n]: what all experts say of the places right now.
    losses [E + 1]: is filled with the mean loss of each expert and of the mixture in a choice, in nats.
    """
    count, width = experts.mean.shape
    n, choices = len(x), len(places)
    left = left.copy()
    p, here = np.empty((count, n)), said.copy()
    middle, along = np.empty(width), np.empty(width)
    seen, moved = np.empty(width), np.empty(width)
    evidence = 1.0 if choices else bounds.silence
    for e in range(count):
        discount = experts.discount[e]
        if 0.0 < discount < 1.0:
            forget(experts.root[e], discount**evidence, bounds.prior_variance)
    if drawn == drawn and bounds.silence > 0.0:
        for e in range(count):
            if experts.discount[e] > 0.0:
                _learn_drawn(experts, e, bounds, x, offsets, left, drawn, here[e], p[e], along, seen, moved)
    losses[:] = 0.0
    for c in range(choices):
        place, sign, weight = places[c], signs[c], weights[c]
        utilities(experts, x, here)
        remaining, best, mixed = 0, math.inf, 0.0
        for i in range(n):
            remaining += left[i]
        for e in range(count):
            chances(here[e], sign, offsets, left, p[e])
            loss = -math.log(max(p[e, place], 1e-300))
            losses[e] += loss / choices
            best = min(best, loss)
            mixed += math.exp(experts.log_weight[e]) * p[e, place]
        mixed = -math.log(max(mixed, 1e-300))
        losses[count] += mixed / choices
        usual = math.log(remaining) + bounds.surprise_nats
        if mixed > usual:
            weight *= (usual / mixed) ** 2
        for e in range(count):
            behind = -math.log(max(p[e, place], 1e-300)) - best
            experts.log_weight[e] -= weight * min(behind, bounds.loss_max)
        share_weights(experts.log_weight, bounds.share)
        learn_scale(experts, bounds, here[0], p[0], place, sign, weight)
        for e in range(1, count):
            if experts.discount[e] == 0.0:
                continue
            for k in range(width):
                middle[k] = 0.0
            for i in range(n):
                if p[e, i] > 0.0:
                    for k in range(width):
                        middle[k] += p[e, i] * x[i, k]
            for i in range(n):
                if p[e, i] > NEGLIGIBLE:
                    size = math.sqrt(weight * p[e, i])
                    for k in range(width):
                        along[k] = size * (x[i, k] - middle[k])
                    observe(experts.root[e], along, seen)
            for k in range(width):
                along[k] = sign * weight * (x[place, k] - middle[k])
            step(experts.mean[e], experts.root[e], along, bounds.step_max, seen, moved)
        left[place] = False


@compiled
def learn_scale(
    experts: Experts, bounds: Bounds, utility: F64, p: F64, place: int, sign: float, weight: float
) -> None:
    """One Newton step of the logarithm of the scale of the frozen order, by its utilities and chances [n] of
    the places that were left. Its order stays what it is.
    """
    mean, square = 0.0, 0.0
    for i in range(len(p)):
        if p[i] > 0.0:
            mean += p[i] * utility[i]
            square += p[i] * utility[i] * utility[i]
    root = experts.root[0]
    variance = min(root[0, 0] * root[0, 0] / SCALE_KEPT, bounds.prior_variance)
    variance = 1.0 / (1.0 / variance + weight * max(square - mean * mean, 0.0))
    step = variance * weight * sign * (utility[place] - mean)
    scale = experts.mean[0, 0] * math.exp(min(max(step, -bounds.step_max), bounds.step_max))
    experts.mean[0, 0] = min(max(scale, SCALE_MIN), SCALE_MAX)
    root[0, 0] = math.sqrt(variance)


@compiled
def share_weights(log_weight: F64, share: float) -> None:
    """Make the weights sum to one, then have each give a part to all."""
    count, highest, total = len(log_weight), -math.inf, 0.0
    for e in range(count):
        highest = max(highest, log_weight[e])
    for e in range(count):
        total += math.exp(log_weight[e] - highest)
    for e in range(count):
        weight = math.exp(log_weight[e] - highest) / total
        log_weight[e] = math.log(max((1.0 - share) * weight + share / count, 1e-300))


@compiled
def _learn_drawn(
    experts: Experts,
    e: int,
    bounds: Bounds,
    x: F64,
    offsets: F64,
    left: NDArray[np.bool_],
    drawn: float,
    utility: F64,
    p: F64,
    along: F64,
    seen: F64,
    moved: F64,
) -> None:
    """Whether a slate is answered: a logistic function of how good its best places are over its mean. Each
    place counts by the chance that it would have been chosen, which holds the chance that it was seen.
    """
    n, width = x.shape
    good = chances(utility, 1.0, offsets, left, p)
    known, mean_utility, neutral = 0, 0.0, 0.0
    for i in range(n):
        if left[i]:
            known += 1
            mean_utility += utility[i]
            neutral += math.exp(offsets[i])
    good -= mean_utility / known + math.log(neutral)
    chance = 1.0 / (1.0 + math.exp(min(max(experts.threshold[e, 0] - good, -30.0), 30.0)))
    spread = chance * (1.0 - chance)
    for k in range(width):
        along[k] = 0.0
    for i in range(n):
        if left[i]:
            for k in range(width):
                along[k] += (p[i] - 1.0 / known) * x[i, k]
    size = math.sqrt(bounds.silence * spread)
    for k in range(width):
        along[k] *= size
    observe(experts.root[e], along, seen)
    if size > 0.0:
        for k in range(width):
            along[k] *= bounds.silence * (drawn - chance) / size
        step(experts.mean[e], experts.root[e], along, bounds.step_max, seen, moved)
    variance = min(experts.threshold[e, 1] / experts.discount[e], DRAWN_VARIANCE)
    variance = 1.0 / (1.0 / variance + spread)
    experts.threshold[e, 0] -= variance * (drawn - chance)
    experts.threshold[e, 1] = variance
