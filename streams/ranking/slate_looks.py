"""What the slates of a batch looked like, as they are kept until users have answered them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from streams.learning.experts.segments import Segments
from streams.learning.kept_slates import KeptSlate
from streams.learning.looks import F16, HALF_MAX, NO_FEATURES, NO_NUMBERS, digest_of_names, pack_looks
from streams.ranking.rank_batch import RankBatch
from streams.ranking.slate import Slate


class SlateLooks:
    """`columns`: the names of what is kept of each of the first `most` places: features, then heads.
    `segments`: which one the user is of is kept, too.
    """

    def __init__(self, columns: Sequence[str], most: int, segments: Segments) -> None:
        self._width, self._names = len(columns), digest_of_names(columns)
        self._most, self._segments = most, segments

    def of(self, slates: Sequence[Slate], batch: RankBatch) -> list[KeptSlate]:
        """Those of all slates of a batch, gathered in one go."""
        at = np.concatenate([order + start for order, start in zip(batch.order, batch.offsets, strict=False)])
        rows, scores = batch.rows[at].tolist(), batch.score[at]
        kept, begin = [], 0
        parts = zip(slates, batch.requests, batch.order, self._features(batch), strict=True)
        for b, (slate, request, order, features) in enumerate(parts):
            end = begin + len(order)
            told = NO_NUMBERS if slate.propensities is None else np.array(slate.propensities, np.float32)
            kept.append(
                KeptSlate(
                    slate_id=slate.slate_id,
                    ts=slate.ts,
                    arm=slate.arm,
                    model=slate.model,
                    rows=tuple(rows[begin:end]),
                    looks=pack_looks(scores[begin:end], told, features, self._names),
                    segment=self._segments.of_user(request.state),
                    trial=batch.teams[b][order].tobytes() if b in batch.teams else b"",
                )
            )
            begin = end
        return kept

    def _features(self, batch: RankBatch) -> list[F16]:
        """The columns of the first places of each slate; none where no model scored it."""
        counts = [
            min(len(order), self._most) if batch.scored(b) else 0 for b, order in enumerate(batch.order)
        ]
        if not any(counts):
            return [NO_FEATURES] * len(counts)
        at = np.concatenate(
            [
                order[:count] + start
                for order, count, start in zip(batch.order, counts, batch.offsets, strict=False)
            ]
        )
        taken = np.empty((len(at), self._width), np.float32)
        width = batch.features.shape[1]
        taken[:, :width], taken[:, width:] = batch.features[at], batch.heads[:, at].T
        halves = taken.clip(-HALF_MAX, HALF_MAX, out=taken).astype(np.float16)
        ends = list(accumulate(counts))
        return [halves[end - count : end] for end, count in zip(ends, counts, strict=True)]
