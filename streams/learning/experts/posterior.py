"""Samples of what the learner believes, for Thompson sampling (Chapelle and Li, "An Empirical Evaluation of
Thompson Sampling", NIPS 2011).

What is served to an arm and a segment is a mixture of levels, and each level one of experts; a linear expert
has a normal posterior, mean + root z. So a sample is one expert, by the weights of the mixtures, and one draw
of its weights. There are `SAMPLES` of them after each lesson, the same in every process: their noise is a
function of how many lessons there were. The experts are spread evenly over the samples (systematic
resampling), so that a mixture is met as it is. The frozen order and experts of river's have no posterior, and
are themselves.

A guard that has not decided yet keeps no sample back, though slates are served in the frozen order until it
has: to draw is how one learns what is better. One that has found the adapted order worse leaves the frozen
one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.learning.experts.level_state import GLOBAL, LevelState
from streams.learning.experts.levels import Levels
from streams.learning.experts.river_expert import RiverExpert
from streams.learning.experts.scales import Scales

F64 = NDArray[np.float64]
SAMPLES = 32
SEED = 0x7C0_3A5
KEPT = 64
"""Arms and segments whose samples are kept at hand until the next lesson."""
FROZEN = 0
"""The number of the frozen expert in each level."""


class Part(NamedTuple):
    """One expert of what is served, and its weight in that."""

    weight: float
    level: LevelState
    expert: int


class Samples(NamedTuple):
    """Of one arm and segment. weights float64 [S, K]; rivers: experts that are not linear, and which samples
    they are.
    """

    weights: F64
    rivers: Sequence[tuple[RiverExpert, NDArray[np.int64]]]


class Posterior:
    """The samples of the levels as they are; of no other state than that of `levels`."""

    def __init__(self) -> None:
        self._of: tuple[Levels | None, int] = (None, -1)
        self._noise: F64 = np.empty((0, 0))
        self._spread: F64 = np.empty(0)
        self._kept: dict[tuple[str, str], Samples] = {}

    def samples(self, levels: Levels, arm: str, segment: str) -> Samples:
        """Those of an arm and a segment."""
        if self._of[0] is not levels or self._of[1] != levels.lessons:
            self._begin(levels)
        kept = self._kept.get((arm, segment))
        if kept is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            kept = self._kept[arm, segment] = _samples(
                parts_of(levels, arm, segment), self._noise, self._spread
            )
        return kept

    def _begin(self, levels: Levels) -> None:
        random = np.random.default_rng((SEED, levels.lessons))
        self._noise = random.standard_normal((SAMPLES, len(levels.signals)))
        self._spread = (random.permutation(SAMPLES) + random.random()) / SAMPLES
        self._kept.clear()
        self._of = levels, levels.lessons


def parts_of(levels: Levels, arm: str, segment: str) -> list[Part]:
    """The experts of what is served, with weights above 0 that are one together."""
    everyone, parts = levels.everyone, list[Part]()
    for name, weight in levels.weights(arm, segment).items():
        level = everyone if name == GLOBAL else levels.below[name]
        guard = level.guard if level.guard.decided else everyone.guard
        if guard.decided and not guard.on:
            parts.append(Part(weight, level, FROZEN))
            continue
        for expert, its in enumerate(np.exp(level.experts.log_weight).tolist()):
            if level.names[expert] != GLOBAL:
                parts.append(Part(weight * its, level, expert))
                continue
            parts += [
                Part(weight * its * part, everyone, at)
                for at, part in enumerate(np.exp(everyone.experts.log_weight).tolist())
            ]
    total = math.fsum(part.weight for part in parts)  # `sum` rounds otherwise since Python 3.12
    return [part._replace(weight=part.weight / total) for part in parts if part.weight > 0]


def _samples(parts: Sequence[Part], noise: F64, spread: F64) -> Samples:
    """noise [S, K]; spread [S]: evenly spread over 0 to 1, in any order."""
    bounds = np.cumsum([part.weight for part in parts])
    chosen = np.minimum(np.searchsorted(bounds, spread, side="right"), len(parts) - 1)
    weights, rivers = np.empty(noise.shape), []
    for at in np.unique(chosen).tolist():
        _, level, expert = parts[at]
        mine = np.flatnonzero(chosen == at)
        if expert in level.river:
            rivers.append((level.river[expert], mine))
            weights[mine] = 0.0
            continue
        experts = level.experts
        learns = experts.discount[expert] > 0.0
        draw_weights(experts.mean[expert], experts.root[expert], learns, noise, mine, weights)
    return Samples(weights, rivers)


@compiled
def draw_weights(mean: F64, root: F64, learns: bool, noise: F64, chosen: NDArray[np.int64], out: F64) -> None:
    """Fill the rows `chosen` of out [S, K] with mean + root noise; with the mean where it learns nothing."""
    width = len(mean)
    for s in chosen:
        for i in range(width):
            total = 0.0
            if learns:
                for j in range(width):
                    total += root[i, j] * noise[s, j]
            out[s, i] = mean[i] + total


def sampled_scores(
    samples: Samples, scales: Scales, signals: F32, among: int, chosen: NDArray[np.intp]
) -> F64:
    """[S, m]: what each sample says of the candidates `chosen` [m], up to one number for all of them. signals
    float32 [n, K] of a request's candidates, of which the first `among` are weighed against each other.
    """
    x = scales.standardised(signals, among)[chosen]
    out = np.empty((len(samples.weights), len(x)))
    score_samples(samples.weights, x, out)
    for river, mine in samples.rivers:
        out[mine] = river.scores(x)
    return out


@compiled
def score_samples(weights: F64, x: F64, out: F64) -> None:
    """Fill out [S, m] with weights [S, K] times x [m, K]."""
    count, width = weights.shape
    quads = width // 4 * 4
    for i in range(len(x)):
        row = x[i]
        for s in range(count):
            of = weights[s]
            a, b, c, d = 0.0, 0.0, 0.0, 0.0
            for k in range(0, quads, 4):
                a += of[k] * row[k]
                b += of[k + 1] * row[k + 1]
                c += of[k + 2] * row[k + 2]
                d += of[k + 3] * row[k + 3]
            for k in range(quads, width):
                a += of[k] * row[k]
            out[s, i] = (a + b) + (c + d)
