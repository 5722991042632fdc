"""What the slates of a batch looked like, as they are kept until users have answered them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.halves import half_bits
from model.schema import F32
from streams.learning.experts.segments import Segments
from streams.learning.kept_slates import KeptSlate
from streams.learning.looks import F2, F4, F16, HALF_MAX, Looks, digest_of_names, packed
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
        at, first = batch.placed(range(len(batch)))
        rows, scores = batch.rows[at].tolist(), batch.score[at].astype(F4, copy=False).tobytes()
        features, row_bytes = columns_of(batch, at).tobytes(), F2.itemsize * self._width
        kept = []
        for b, (slate, request) in enumerate(zip(slates, batch.requests, strict=True)):
            begin, end, told = first[b], first[b + 1], b""
            if slate.propensities is not None:
                told = np.array(slate.propensities, F4).tobytes()
            seen = min(end, begin + self._most) if batch.scored(b) else begin
            look = Looks(
                scores[begin * F4.itemsize : end * F4.itemsize],
                told,
                features[begin * row_bytes : seen * row_bytes],
                self._width,
                self._names,
            )
            kept.append(
                KeptSlate(
                    slate_id=slate.slate_id,
                    ts=slate.ts,
                    arm=slate.arm,
                    model=slate.model,
                    rows=tuple(rows[begin:end]),
                    looks=packed(look),
                    segment=self._segments.of_user(request.state),
                    trial=batch.teams[b][batch.order[b]].tobytes() if b in batch.teams else b"",
                )
            )
        return kept


def columns_of(batch: RankBatch, at: NDArray[np.intp]) -> F16:
    """What is kept of the candidates `at` [P] of a batch: their features, and behind them their heads, within
    the bounds of lessons, little-endian [P, F].
    """
    columns = np.empty((len(at), batch.features.shape[1] + len(batch.heads)), F2)
    _take(batch.features, batch.heads, at, columns.view(np.uint16))
    return columns


@compiled
def _take(features: F32, heads: F32, at: NDArray[np.intp], columns: NDArray[np.uint16]) -> None:
    """Fill `columns` with the bits of halves."""
    least, most, width = np.float32(-HALF_MAX), np.float32(HALF_MAX), features.shape[1]
    for p in range(len(at)):
        row = at[p]
        for j in range(width):
            columns[p, j] = half_bits(_within(features[row, j], least, most))
        for j in range(len(heads)):
            columns[p, width + j] = half_bits(_within(heads[j, row], least, most))


@compiled
def _within(value: np.float32, least: np.float32, most: np.float32) -> np.float32:
    """NaN stays what it is."""
    if value > most:
        return most
    if value < least:
        return least
    return value
