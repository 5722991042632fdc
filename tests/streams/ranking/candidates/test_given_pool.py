"""A pool that a request brings has the ranks, origins and order that fused lists would give it."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.ranking.candidates.asks import Asks
from streams.ranking.candidates.given_pool import put_given
from streams.ranking.candidates.lists import empty_lists
from streams.ranking.workspace import Workspace

ITEMS = 16
WORKSPACE = Workspace()
PLACES = np.full(ITEMS, -1, np.int32)
"""One for all tests, so that each finds what the one before has left."""

rows_of_items = st.lists(st.integers(0, ITEMS - 1), unique=True, max_size=ITEMS)


def put(
    asked: list[int], found: list[list[int]], weights: list[float]
) -> tuple[list[int], list[list[int]], list[int]]:
    """Rows, ranks and origins."""
    lists = empty_lists(len(found), np.array([0, ITEMS]))
    for source, rows in enumerate(found):
        lists.source(source).put(0, np.array(rows, np.int32))
    one, several = np.zeros(1, np.int64), np.zeros((1, len(found)), np.int64)
    asks = Asks(
        one, lists.first, one, np.zeros(1), np.array([weights]), np.full(1, 60.0), several, one, one
    )  # fmt: skip
    room, n = len(asked) + 2, len(asked)
    pool = np.full(room, -7, np.int32), np.full((room, len(found)), -7, np.int32), np.full(room, -7, np.int8)
    scratch = WORKSPACE.scratch(ITEMS)
    assert put_given(np.array(asked, np.int32), lists, asks, 0, PLACES, scratch, *pool) == n
    assert all((column[n:] == -7).all() for column in pool)
    assert (PLACES == -1).all()
    rows, ranks, origin = (column[:n].tolist() for column in pool)
    return rows, ranks, origin


@given(rows_of_items, st.lists(rows_of_items, min_size=1, max_size=4), st.data())
def test_it_is_what_exact_sums_give(asked: list[int], found: list[list[int]], data: st.DataObject) -> None:
    each = st.sampled_from([0.0, 0.5, 1.0, 2.0])
    weights = data.draw(st.lists(each, min_size=len(found), max_size=len(found)))
    rows, ranks, origin = put(asked, found, weights)
    sums = dict.fromkeys(asked, Fraction(0))
    for its_rows, weight in zip(found, weights, strict=True):
        for rank, row in enumerate(its_rows, 1):
            if row in sums:
                sums[row] += Fraction(weight) / (60 + rank)
    # Sums that are equal as fractions may differ in their last float bit, so compare them rounded.
    totals = [round(float(sums[row]), 12) for row in rows]
    assert sorted(rows) == sorted(asked)
    assert all(above >= below * (1 - 1e-6) for above, below in pairwise(totals))
    for row, its_ranks, source in zip(rows, ranks, origin, strict=True):
        assert its_ranks == [of.index(row) + 1 if row in of else 0 for of in found]
        parts = [weight / (60 + rank) for weight, rank in zip(weights, its_ranks, strict=True) if rank]
        assert (source == -1) == (not parts)
        if parts:
            assert its_ranks[source]
            assert weights[source] / (60 + its_ranks[source]) == max(parts)


def test_ties_and_what_no_source_found_stay_in_the_order_in_which_they_are_given() -> None:
    found = [[9, 1], [4, 1], [7]]
    assert put([5, 7, 2, 9, 4, 1, 0], found, [1.0, 1.0, 1.0])[0] == [1, 7, 9, 4, 5, 2, 0]
    assert put([5, 7, 2, 9], found, [1.0, 1.0, 0.0]) == (
        [9, 5, 7, 2], [[1, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]], [0, -1, 2, -1]
    )  # fmt: skip
