"""A list of similar items in the order of one user's scores: who asks decides what comes first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streams.ranking.lists.cursor import read_shown, shown
from streams.ranking.lists.page import Page
from streams.ranking.lists.similar import SimilarAsk


def in_order_of(ask: SimilarAsk, left: Page, ordered: Sequence[tuple[int, float]]) -> Page:
    """A page of what is left of the list. ordered: rows of it with their scores, as the user is to see them.
    The reasons stay those of the list.
    """
    entries = {entry.row: entry for entry in left.entries}
    chosen = [entries[row]._replace(score=score) for row, score in ordered[: ask.asked.n]]
    if len(chosen) == len(ordered):
        return Page(chosen)
    rows = np.array([entry.row for entry in chosen], np.int32)
    before = read_shown(ask.asked.cursor, ask.name)
    return Page(chosen, shown(ask.name, np.concatenate([before, rows])))
