"""Reciprocal rank fusion: by hand, and against the plain sum."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ranking.candidates.asks import Asks, BatchAsks
from streams.ranking.candidates.blend import AddedRows, GivenPools, Pools, blend
from streams.ranking.candidates.lists import empty_lists
from streams.ranking.workspace import Workspace

ITEMS = 16
WORKSPACE = Workspace()
"""One for all tests, so that each blend finds what the one before has left."""

lists = st.lists(st.lists(st.integers(0, ITEMS - 1), unique=True, max_size=10), min_size=1, max_size=4)


def blended(
    found: list[list[int]], weights: list[float], reserve: list[int], constant: float, size: int
) -> Pools:
    """The pool of one request."""
    return pools([found], weights, reserve, constant, size)


def pools(
    found: list[list[list[int]]], weights: list[float], reserve: list[int], constant: float, size: int
) -> Pools:
    """Of several requests that want the same; `found`: for each of them what each source brings."""
    requests = len(found)
    longest = max((len(rows) for lists in found for rows in lists), default=0)
    lists = empty_lists(len(weights), np.arange(requests + 1) * longest)
    for b, of_sources in enumerate(found):
        for at, rows in enumerate(of_sources):
            lists.source(at).put(b, np.array(rows, np.int32))
    columns = Asks(
        limits=np.full(requests, longest),
        first=lists.first,
        longest=np.full(requests, 50),
        life_ms=np.ones(requests),
        weights=np.tile(np.array(weights, np.float64), (requests, 1)),
        constant=np.full(requests, constant),
        reserve=np.tile(np.array(reserve, np.int64), (requests, 1)),
        pool=np.full(requests, size),
        least=np.zeros(requests, np.int64),
    )
    asks = BatchAsks(columns, (), longest * len(weights), requests * size)
    also = AddedRows(np.empty(0, np.int32), np.zeros(requests + 1, np.int64))
    given_none = GivenPools(np.empty(0, np.int32), also.first, np.zeros(requests, np.uint8))
    return blend(lists, asks, also, given_none, 0, np.zeros((requests, ITEMS), np.uint8), ITEMS, WORKSPACE)


def test_a_sum_worked_by_hand() -> None:
    """constant 1: 7 gets 1/2 + 1/3, 4 gets 1/3 + 1/4, 9 gets half of 1/2, 1 gets 1/4."""
    pool = blended([[7, 4, 1], [], [9, 7, 4]], [1.0, 1.0, 0.5], [0, 0, 0], 1.0, 10)
    # 7: 1/2 + 0.5/3 = .667; 4: 1/3 + 0.5/4 = .458; 9: 0.5/2 = .25; 1: 1/4 = .25; the tie goes to row 1
    assert pool.rows.tolist() == [7, 4, 1, 9]
    assert pool.ranks.tolist() == [[1, 0, 2], [2, 0, 3], [3, 0, 0], [0, 0, 1]]
    assert pool.origin.tolist() == [0, 0, 0, 2]
    assert [str(column.dtype) for column in pool] == ["int64", "int32", "int32", "int8"]


@given(lists, st.data())
def test_the_pool_is_what_exact_sums_would_give(found: list[list[int]], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=len(found), max_size=len(found)))
    reserve = data.draw(st.lists(st.integers(0, 3), min_size=len(found), max_size=len(found)))
    size = data.draw(st.integers(1, 20))
    sums: dict[int, Fraction] = {}
    for rows, weight in zip(found, weights, strict=True):
        for rank, row in enumerate(rows, 1):
            sums[row] = sums.get(row, Fraction(0)) + Fraction(weight) / (60 + rank)

    pool = blended(found, weights, reserve, 60.0, size)

    reserved = {row for rows, count in zip(found, reserve, strict=True) for row in rows[:count]}
    # Sums that are equal as fractions may differ in their last float bit, so compare them rounded.
    key = {row: (row not in reserved, -round(float(total), 12), row) for row, total in sums.items()}
    chosen = sorted(sums, key=lambda row: key[row])[:size] if len(sums) > size else list(sums)
    boundary = {round(float(total), 7) for total in sums.values()}
    if len(boundary) == len(sums):  # no ties: exactly these
        assert set(pool.rows.tolist()) == set(chosen)
    assert len(pool.rows) == min(size, len(sums))
    totals = [round(float(sums[row]), 12) for row in pool.rows.tolist()]
    assert totals == pytest.approx(sorted(totals, reverse=True), rel=1e-6)  # compared as float32
    if len(reserved) <= size:
        assert reserved <= set(pool.rows.tolist())
    for row, ranks, origin in zip(pool.rows.tolist(), pool.ranks, pool.origin, strict=True):
        assert ranks.tolist() == [rows.index(row) + 1 if row in rows else 0 for rows in found]
        parts = [weight / (60 + rank) if rank else -1.0 for weight, rank in zip(weights, ranks, strict=True)]
        assert parts[origin] == max(parts)


def test_ties_go_to_the_lower_row_at_the_cut_too() -> None:
    found = [[9], [4], [7], [2]]
    assert blended(found, [1.0] * 4, [0] * 4, 60.0, 2).rows.tolist() == [2, 4]


def test_the_reserve_comes_in_and_nothing_else_is_lost_for_it() -> None:
    found = [[1, 2, 3, 4], [8, 9]]
    assert blended(found, [1.0, 0.1], [0, 2], 60.0, 4).rows.tolist() == [1, 2, 8, 9]
    assert blended(found, [1.0, 0.1], [0, 2], 60.0, 1).rows.tolist() == [8]


def test_a_source_without_weight_is_no_ones_origin_but_its_own() -> None:
    pool = blended([[1], [5]], [1.0, 0.0], [0, 0], 60.0, 5)
    assert pool.rows.tolist() == [1, 5]
    assert pool.origin.tolist() == [0, 1]


@pytest.mark.parametrize("sources", [1, 3])
def test_empty_lists_give_an_empty_pool(sources: int) -> None:
    pool = blended([[]] * sources, [1.0] * sources, [2] * sources, 60.0, 5)
    assert pool.rows.tolist() == []
    assert pool.ranks.shape == (0, sources)


@given(
    st.lists(
        st.lists(st.lists(st.integers(0, 15), unique=True, max_size=8), min_size=3, max_size=3), max_size=5
    )
)
def test_requests_do_not_touch_each_other(found: list[list[list[int]]]) -> None:
    asked = [1.0, 0.5, 2.0], [0, 1, 2], 60.0, 7
    together = pools(found, *asked)
    for b, of_sources in enumerate(found):
        alone, part = blended(of_sources, *asked), slice(*together.offsets[b : b + 2])
        assert together.rows[part].tolist() == alone.rows.tolist()
        assert together.ranks[part].tolist() == alone.ranks.tolist()
        assert together.origin[part].tolist() == alone.origin.tolist()
