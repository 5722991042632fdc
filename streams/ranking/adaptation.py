"""Adaptation: what was learned from answers moves the scores of a model.

The learner says of each candidate the logarithm of its chance among all that may have a place, on the scale
of the scores as they were (`base`): where it follows the model, it gives these again. So what is taken off a
score later (aversion), or left out of it (an item of the history), means the same with and without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.learning.experts.adaptive_learner import Level
from streams.learning.looks import HALF_MAX
from streams.learning.trial import is_drawn
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.state.user_state import UserState


class Adaptive(Protocol):
    """A learner that scores. `reads` int64 [K]: the columns that are its signals, of the features and then of
    the heads. `learned`: whether what it learned moves any scores. `tries`: the part of slates that are
    drafted of the frozen and the adapted order, 0 where it has learned nothing to try.
    """

    reads: NDArray[np.int64]

    @property
    def learned(self) -> bool: ...

    @property
    def tries(self) -> float: ...

    def level(self, arm: str, surface: str, state: UserState) -> Level:
        """Whose mixture a request asks."""
        ...

    def score(
        self,
        signals: F32,
        offsets: Sequence[int] | NDArray[np.int64],
        ends: Sequence[int] | NDArray[np.int64],
        levels: Sequence[Level],
        out: F32,
        unguarded: bool = False,
    ) -> None:
        """Fill out [N] with the scores of candidates; signals [N, K]. Those of request b lie from offsets[b]
        on, up to ends[b] if they may have a place; those behind have the scores that they would have beside
        them. A level for each request. `unguarded`: as if what was learned were in force for all.
        """
        ...


class Adaptation:
    """Moves the scores of requests that a model scored."""

    def __init__(self, learner: Adaptive) -> None:
        self.learner = learner

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        """Writes `score` and `adapted` of these requests, and `tried` of those that are drawn for it; nothing
        where nothing was learned yet.
        """
        share = self.learner.tries
        tried = [b for b in chosen if share and _takes_part(batch.requests[b], share)]
        if chosen and self.learner.learned:
            score, parts = self._scores(batch, chosen)
            for b, part in zip(chosen, parts, strict=True):
                batch.score[batch.part(b)] = score[part]
            batch.adapted[np.array(chosen, np.int64)] = True
        if tried:
            score, parts = self._scores(batch, tried, unguarded=True)
            batch.tried |= {b: score[part] for b, part in zip(tried, parts, strict=True)}

    def _scores(
        self, batch: RankBatch, chosen: Sequence[int], unguarded: bool = False
    ) -> tuple[F32, list[slice]]:
        """Of all candidates of these requests, end to end, and where those of each lie."""
        requests, bounds = [batch.requests[b] for b in chosen], batch.offsets.tolist()
        offsets = [0, *accumulate(bounds[b + 1] - bounds[b] for b in chosen)]
        ends = [end - len(request.score_also) for end, request in zip(offsets[1:], requests, strict=True)]
        signals = signals_of(batch, np.array(chosen, np.int64), self.learner.reads)
        score = np.empty(len(signals), np.float32)
        levels = [self.learner.level(request.arm, request.surface, request.state) for request in requests]
        self.learner.score(signals, offsets, ends, levels, score, unguarded)
        return score, [slice(*bounds) for bounds in pairwise(offsets)]


def _takes_part(request: RankRequest, share: float) -> bool:
    """Whether a slate is drafted of two orders. One that may be drawn by chance is not: what its places are
    then is no matter of the two orders. Neither is what suits a query.
    """
    if not request.trial or request.suiting is not None or request.plan.settings.exploration.share:
        return False
    return is_drawn(request.occasion, share)


def signals_of(batch: RankBatch, numbers: NDArray[np.int64], reads: NDArray[np.int64]) -> F32:
    """float32 [n, K]: the columns `reads` of all candidates of these requests, end to end."""
    count = int(np.diff(batch.offsets)[numbers].sum())
    signals = np.empty((count, len(reads)), np.float32)
    _gather(batch.offsets, numbers, batch.features, batch.heads, reads, signals)
    return signals


@compiled
def _gather(
    offsets: NDArray[np.int64],
    numbers: NDArray[np.int64],
    features: F32,
    heads: F32,
    reads: NDArray[np.int64],
    signals: F32,
) -> None:
    """The columns `reads` of all candidates of these requests, end to end, within the bounds of lessons."""
    least, most = np.float32(-HALF_MAX), np.float32(HALF_MAX)
    width, n = features.shape[1], 0
    for b in numbers:
        for k in range(offsets[b], offsets[b + 1]):
            for j in range(len(reads)):
                at = reads[j]
                value = features[k, at] if at < width else heads[at - width, k]
                signals[n, j] = min(max(value, least), most)
            n += 1
