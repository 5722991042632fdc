"""The pair that a full row gives up is the first of its weakest, as a look at the whole row finds it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counters.pair_kinds import FORWARD, REVERSE, TOGETHER
from streams.counters.pairs import PairTable
from streams.counters.settings import CounterSettings

START_MS = 1_700_000_000_000
ITEMS = 60

Event = tuple[int, int, int, float]
events = st.lists(
    st.tuples(
        st.integers(0, 3) | st.integers(0, ITEMS - 1),  # a few items have most of the events: full rows
        st.integers(0, ITEMS - 1),
        st.integers(0, 1),
        st.sampled_from([0.1, 0.2, 0.3, 1.0, 7.0]),
    ),
    min_size=20,
    max_size=400,
)


def row_of(table: PairTable, item: int) -> np.ndarray:
    return np.arange(table.start[item], table.start[item] + table.length[item])


@given(events, st.sampled_from([16, 24, 1_024]), st.sets(st.integers(0, 400), max_size=3))
@settings(max_examples=60)
def test_the_first_of_the_weakest_is_given_up(
    events: list[Event], row_pairs: int, restored_after: set[int]
) -> None:
    # Of the pool there is less than all rows want: rows are full at any length, and grow again later.
    table = PairTable(CounterSettings(window=3, row_pairs=row_pairs, max_pairs=1_024))
    table.grow(ITEMS)
    for number, (row, item, tied, weight) in enumerate(events * 3):
        before = {
            each: (row_of(table, each).copy(), table.neighbour[row_of(table, each)].copy())
            for each in (row, item)
        }
        counts = table.count.copy()
        table.observe(row, np.array([item], np.int32), tied, START_MS, weight)
        for mine, other in ((item, row), (row, item)):
            at, neighbours = before[mine]
            now = table.neighbour[row_of(table, mine)]
            if row == item or other in neighbours or len(now) > len(neighbours) or not len(neighbours):
                continue
            its = counts[at]
            expected = int(np.argmin(its[:, FORWARD] + its[:, REVERSE] + its[:, TOGETHER]))
            neighbours[expected] = other
            assert now.tolist() == neighbours.tolist()
        if number in restored_after:
            table.restored(table.known)


@pytest.mark.parametrize("seed", range(3))
def test_rows_of_usual_length_give_up_the_same_pairs(seed: int) -> None:
    """Ties of all sorts, and histories of fifty: each event replaces many pairs of one row."""
    rng = np.random.default_rng(seed)
    table, plain = (PairTable(CounterSettings(row_pairs=128)) for _ in range(2))
    for each in (table, plain):
        each.grow(1_000)
    for step in range(1_500):
        row = int(rng.zipf(1.3) % 1_000)
        others = (rng.zipf(1.2, 50) % 1_000).astype(np.int32)
        weight = float(rng.choice([0.1, 0.5, 1.0, 2.0]))
        table.observe(row, others, step % 3, START_MS + step, weight)
        plain.restored(1_000)  # what is known of the weakest is forgotten: all of the row is looked at
        plain.observe(row, others, step % 3, START_MS + step, weight)
    assert table.length.max() == 128
    for name in ("start", "length", "room", "outgoing", "neighbour", "count", "free", "used"):
        assert getattr(table, name).tobytes() == getattr(plain, name).tobytes(), name
