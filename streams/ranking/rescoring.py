"""Rescore: the models' predictions for each candidate, one run for each model that is asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.schema import F32
from streams.counters.counters import Counters
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest


class Rescore:
    """Writes `click`, `rating` and `more`. Where no model scores, the pool's own order is the click score."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters

    def enable(self, request: RankRequest) -> bool:
        return True

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        offsets, featured = batch.offsets.tolist(), batch.featured.tolist()
        asked = [b for b in chosen if featured[b] and offsets[b] < offsets[b + 1]]
        by_model = batch.by_model(asked)
        if by_model and len(by_model[0][1]) == len(batch):  # one model scores all: the usual case
            model, numbers = by_model[0]
            batch.click, batch.rating, more = model.score(batch, numbers, batch.seen_of(numbers))
            batch.more = dict(zip(model.schema.tasks[2:], more, strict=True))
            return
        batch.click = np.arange(0, -len(batch.rows), -1, dtype=np.float32)
        if len(batch) > 1:  # each request begins at 0
            batch.click += np.repeat(batch.offsets[:-1], np.diff(batch.offsets))
        batch.rating = np.full(len(batch.rows), self.counters.popularity.mean_rating(), np.float32)
        for model, numbers in by_model:
            scores = model.score(batch, numbers, batch.seen_of(numbers))
            names = model.schema.tasks[2:]
            columns = (batch.click, batch.rating, *(_column(batch, name) for name in names))
            at = 0
            for b in numbers:
                part = batch.part(b)
                end = at + part.stop - part.start
                for column, values in zip(columns, (scores.click, scores.rating, *scores.more), strict=True):
                    column[part] = values[at:end]
                at = end


def _column(batch: RankBatch, name: str) -> F32:
    if name not in batch.more:
        batch.more[name] = np.full(len(batch.rows), np.nan, np.float32)
    return batch.more[name]
