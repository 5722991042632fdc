"""What came last: by when an item was first announced, or met where nobody announced it."""

from __future__ import annotations

import math

import numpy as np

from streams.ranking.explanations import OF_SOURCE
from streams.ranking.lists.cursor import after, name_of, read_after
from streams.ranking.lists.in_order import next_rows
from streams.ranking.lists.left_out import left_out
from streams.ranking.lists.page import Entry, ListAsk, Page
from streams.ranking.pipeline import Pipeline
from streams.ranking.stage_plan import StagePlan

LATEST, FRESH = "latest", "fresh"


def latest(pipeline: Pipeline, plan: StagePlan, asked: ListAsk) -> Page:
    """A page of all items, the newest first; among those of one millisecond the one that was known last.

    An item's score is when it came, in ms since the epoch. Raises `RequestError` for a cursor that is not of
    this list.
    """
    of = name_of(LATEST, asked.filter)
    last = read_after(asked.cursor, of)
    dates = pipeline.catalog.added_ms[: len(pipeline.catalog)]
    begin, last_row = (math.inf, -1) if last is None else (last.value, last.row)
    found = np.empty(asked.n + 1, np.int32)
    count = next_rows(dates, left_out(pipeline, plan, asked), begin, last_row, False, found)
    rows = found[: min(count, asked.n)].tolist()
    entries = [Entry(row, float(dates[row]), FRESH, OF_SOURCE[FRESH]) for row in rows]
    return Page(entries, after(of, float(dates[rows[-1]]), rows[-1]) if count > asked.n else "")
