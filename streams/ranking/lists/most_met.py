"""What users meet most: lately (*trending*), and over a longer time (*popular*).

Both go by the forward-decayed counts that the sources of these names go by. The order of such counts does not
depend on when somebody looks, and a count only grows: a cursor that names the last count stays good.
"""

from __future__ import annotations

import math

import numpy as np

from streams.counters.popularity import Popularity
from streams.ranking.candidates.popular import Popular
from streams.ranking.explanations import OF_SOURCE
from streams.ranking.lists.cursor import ValueCursor, after, name_of, read_after
from streams.ranking.lists.in_order import next_rows
from streams.ranking.lists.left_out import left_out
from streams.ranking.lists.page import Entry, ListAsk, Page
from streams.ranking.pipeline import Pipeline
from streams.ranking.stage_plan import StagePlan

TRENDING, POPULAR = "trending", "popular"
NOTHING_BEFORE = math.inf


def most_met(pipeline: Pipeline, plan: StagePlan, name: str, asked: ListAsk) -> Page:
    """A page of the list `name`, which is the source `TRENDING` or `POPULAR` of the pipeline.

    An item's score is its count as of now. Items that nobody has met are in neither list. Raises
    `RequestError` for a cursor that is not of this list.
    """
    popularity, column = pipeline.counters.popularity, column_of(pipeline, name)
    of = name_of(name, asked.filter)
    last = read_after(asked.cursor, of)
    counts = popularity.decayed[: len(pipeline.catalog), column]
    begin, last_row = (NOTHING_BEFORE, -1) if last is None else (_count(popularity, column, last), last.row)
    found = np.empty(asked.n + 1, np.int32)
    count = next_rows(counts, left_out(pipeline, plan, asked), begin, last_row, True, found)
    rows = found[: min(count, asked.n)].tolist()
    age = float(popularity.ages(asked.now_ms)[column])
    entries = [Entry(row, round(float(counts[row]) * age, 6), name, OF_SOURCE[name]) for row in rows]
    if count <= asked.n:
        return Page(entries)
    return Page(entries, after(of, float(counts[rows[-1]]), rows[-1], popularity.landmark_ms))


def column_of(pipeline: Pipeline, name: str) -> int:
    """Which column of `Popularity.decayed` the source of this name goes by, and so its list."""
    source = next(each for each in pipeline.sources if each.name == name)
    assert isinstance(source, Popular)
    return source.half_life


def _count(popularity: Popularity, column: int, last: ValueCursor) -> float:
    """The last page's last count, as counts are kept now: they may have been scaled since."""
    moved_ms = popularity.landmark_ms - last.landmark_ms
    if moved_ms == 0:
        return last.value
    exponent = -moved_ms * float(popularity.rates_per_ms[column])
    return last.value * math.exp(min(max(exponent, -600.0), 600.0))
