"""The source that asks the model: the user's vector against the keys of all items."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.ranking.candidates.context import Learned
from streams.ranking.candidates.learned import LearnedNearest
from streams.ranking.index.vector_index import VectorIndex
from tests.streams.core import Small, found_by

DIM = 4


def find(small: Small, keys: np.ndarray, user: np.ndarray, limit: int = 300) -> list[int]:
    context = small.context("u", limit)
    context.batch.learned = [Learned([0], user[None], keys, VectorIndex("learned"))]
    return found_by(LearnedNearest(), context)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 30),
    st.integers(1, 30),
    st.lists(st.integers(0, 29), max_size=6),
)
def test_items_come_by_their_product_with_the_user_and_blocked_ones_do_not(
    seed: int, known: int, limit: int, consumed: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    small = Small(items=30)
    for row in consumed:
        small.act("u", row)
    # Small whole numbers: products are exact, and ties are common.
    keys = rng.integers(-2, 3, (known, DIM)).astype(np.float32)
    user = rng.integers(-2, 3, DIM).astype(np.float32)
    products = {row: int(keys[row] @ user) for row in range(known) if row not in consumed}
    expected = sorted(products, key=lambda row: (-products[row], row))[:limit]
    assert find(small, keys, user, limit) == expected


def test_even_the_farthest_item_may_be_found() -> None:
    keys = -np.eye(3, DIM, dtype=np.float32) * 9
    assert find(Small(items=3), keys, np.array([3.0, 2.0, 1.0, 0.0], np.float32)) == [2, 1, 0]


def test_without_a_model_or_an_item_nothing_is_found() -> None:
    small = Small(items=3)
    assert small.find(LearnedNearest(), "u") == []
    assert find(small, np.zeros((0, DIM), np.float32), np.ones(DIM, np.float32)) == []
