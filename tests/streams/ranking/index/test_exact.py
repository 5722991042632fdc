"""The search over all items, against a sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ranking.index.exact import find_exact
from tests.streams.ranking.index.vectors import scattered, sorted_rows

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(0, 60), st.integers(1, 5), st.integers(1, 70), st.sampled_from([0, -99]))
def test_it_finds_what_a_sort_finds(seed: int, items: int, queries: int, limit: int, least: float) -> None:
    rng = np.random.default_rng(seed)
    # Small whole numbers: products are exact, and ties are common.
    vectors = rng.integers(-2, 3, (items, 5)).astype(np.float32)
    asked = rng.integers(-2, 3, (queries, 5)).astype(np.float32)
    blocked = [(rng.random(items + 3) < 0.3).astype(np.uint8) for _ in range(queries)]
    limits = [limit + b for b in range(queries)]
    found = find_exact(vectors, asked, blocked, limits, least)
    assert [rows.tolist() for rows in found] == [
        sorted_rows(vectors, asked[b], blocked[b], limits[b], least) for b in range(queries)
    ]


def test_vectors_that_are_no_numbers_are_not_found() -> None:
    vectors = np.array([[1, 0], [np.nan, 0], [2, 0]], np.float32)
    (found,) = find_exact(vectors, np.ones((1, 2), np.float32), [np.zeros(3, np.uint8)], [5], -np.inf)
    assert found.tolist() == [2, 0]


def test_a_query_finds_the_same_alone_and_in_a_batch_and_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, queries = scattered(3_000, 64, 1), scattered(9, 64, 2)
    blocked, limits = [np.zeros(3_000, np.uint8)] * 9, [300] * 9
    together = find_exact(vectors, queries, blocked, limits, 0.0)
    alone = [find_exact(vectors, queries[b : b + 1], blocked[:1], [300], 0.0)[0] for b in range(9)]
    monkeypatch.setattr("streams.ranking.index.exact.MOST_SCORES", 7_000)
    parts = find_exact(vectors, queries, blocked, limits, 0.0)
    for b in range(9):
        assert together[b].tolist() == alone[b].tolist() == parts[b].tolist()
