"""Favour: what the caller says for a candidate, a boost or a relevancy of their own, moves its score.

A relevancy has a scale of the caller's own, as BM25 has: it counts by how many standard deviations it lies
above the mean of those that have one. Where no model scores, a score is a place; then places count by their
standard deviations too, so that a boost is worth the same for few candidates and for many.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.schema import F32
from streams.ranking.matching import standardized
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest


class Favour:
    """Moves `score` of the requests that say something for their candidates; writes `favoured`."""

    def enable(self, request: RankRequest) -> bool:
        given = request.given
        return given is not None and any(
            fields.boost or fields.relevancy is not None for fields in given.of.values()
        )

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        for b in chosen:
            request, part = batch.requests[b], batch.part(b)
            assert request.given is not None
            rows = batch.rows[part].tolist()
            boost, relevancy = np.zeros(len(rows), np.float32), np.full(len(rows), np.nan, np.float32)
            for k, row in enumerate(rows):
                fields = batch.guests.fields_of(request, row)
                if fields is not None:
                    boost[k] = fields.boost
                    relevancy[k] = np.nan if fields.relevancy is None else fields.relevancy
            relevant = np.float32(request.given.relevancy_weight) * above_mean(relevancy)
            if not batch.scored(b):
                batch.score[part] = standardized(batch.score[part])
            batch.score[part] += boost + relevant
            batch.favoured[b] = {"boost": boost, "relevancy": relevant}


def above_mean(values: F32) -> F32:
    """By how many standard deviations each lies above the mean of all that are there; 0 for NaN.

    >>> above_mean(np.array([1.0, np.nan, 3.0], np.float32)).tolist()
    [-1.0, 0.0, 1.0]
    """
    there = ~np.isnan(values)
    found = np.zeros(len(values), np.float32)
    exact = values[there].astype(np.float64)  # values of 1e12 have squares that float32 lacks
    spread = float(exact.std()) if len(exact) else 0.0
    if spread > 0.0:
        found[there] = (exact - exact.mean()) / spread
    return found
