"""What a learner reads of scores."""

from __future__ import annotations

import numpy as np

from streams.ranking.heads import head_columns, heads_of

BASE, CLICK, RATING = (np.array(each, np.float32) for each in ([5, 6], [1, 2], [4, 2]))


def test_each_head_has_a_column() -> None:
    more = {"like": np.array([0.5, np.nan], np.float32), "buy": np.array([7, 8], np.float32)}
    heads = heads_of(BASE, CLICK, RATING, more, ["like", "share"], 3.0)
    assert len(heads) == len(head_columns(["like", "share"]))
    assert heads.tolist() == [[5, 6], [1, 2], [1, -1], [0.5, 0], [0, 0]]


def test_where_nobody_rates_the_head_for_ratings_says_nothing() -> None:
    assert heads_of(BASE, CLICK, RATING, {}, [], None)[2].tolist() == [0, 0]
