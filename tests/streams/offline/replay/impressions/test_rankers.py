"""The plain orders, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from streams.datasets.impressions import Shown
from streams.offline.replay.impressions.listed_stream import ScoredList
from streams.offline.replay.impressions.rankers import (
    HALF_LIFE_MS,
    PRIOR,
    AsShown,
    ClickThrough,
    MetFirst,
    Popularity,
)

COLUMNS = ("met_in_session", "met_lately")


def scored(rows: list[int], ts_ms: int = 0, columns: list[list[float]] | None = None) -> ScoredList:
    table = np.zeros((len(rows), 2)) if columns is None else np.array(columns)
    shown = Shown(0, "u", "s", ts_ms, tuple(map(str, rows)))
    return ScoredList(
        shown,
        np.array(rows, np.int32),
        table.astype(np.float32),
        np.zeros(len(rows), np.float32),
        np.zeros((len(rows), 0), np.float32),
    )


def test_as_shown_and_what_was_met_first() -> None:
    assert np.argsort(-AsShown().scores(scored([5, 6, 7]))).tolist() == [0, 1, 2]
    met = scored([5, 6, 7, 8], columns=[[0, 0.9], [0, 0], [1, 0.5], [1, 1.0]])
    assert np.argsort(-MetFirst(COLUMNS).scores(met)).tolist() == [3, 2, 0, 1]


def test_popularity_counts_every_event() -> None:
    ranker = Popularity()
    for row in (5, 5, 6):
        ranker.click(row, 0, False)
    assert ranker.scores(scored([5, 6, 7])).tolist() == [2, 1, 0]


def test_click_through_is_by_showing_and_halves_with_time() -> None:
    ranker = ClickThrough()
    assert ranker.scores(scored([1])).tolist() == [0]
    for _ in range(2):
        ranker.show(np.array([1, 2], np.int32), 0)
    ranker.click(1, 0, True)
    ranker.click(2, 0, False)  # from elsewhere: it counts nothing here
    rate = 1 / 4
    expected = [(1 + PRIOR * rate) / (2 + PRIOR), PRIOR * rate / (2 + PRIOR), rate]
    assert ranker.scores(scored([1, 2, 3])) == pytest.approx(expected)
    later = int(HALF_LIFE_MS)
    halved = [(0.5 + PRIOR * rate) / (1 + PRIOR), PRIOR * rate / (1 + PRIOR)]
    assert ranker.scores(scored([1, 2], later)) == pytest.approx(halved)
