"""Selections of the lowest keys against a sort of all of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.ranking.candidates.selection import BINS, key, lowest, lowest_first

# Few different scores, so that many keys fall into one bin, and an outlier may leave all others in one.
SCORES = st.lists(st.sampled_from([0.0, -1.0, 0.5, 0.500001, 3.0, 1e-45, 3e38]), max_size=120)


@given(SCORES, st.integers(0, 130))
def test_the_lowest_come_first_in_order_or_in_none(scores: list[float], count: int) -> None:
    keys = np.array([key(np.float32(score), np.int32(row)) for row, score in enumerate(scores)], np.uint64)
    spare, bins = np.empty(len(keys), np.uint64), np.empty(BINS, np.int64)
    ordered, some = keys.copy(), keys.copy()
    wanted = sorted(keys.tolist())[:count]
    assert ordered[: lowest_first(ordered, count, spare, bins)].tolist() == wanted
    if count:
        found = some[: lowest(some, count, spare, bins)].tolist()
        assert set(wanted) <= set(found) <= set(keys.tolist())
        assert len(set(found)) == len(found)
