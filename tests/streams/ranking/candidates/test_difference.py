"""The selection that sources share: the best rows by a difference of signals."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from streams.ranking.candidates.difference import find_by_difference
from streams.ranking.candidates.lists import empty_lists
from streams.signals.signal_table import BatchSignals, SignalTable
from tests.streams.core import Small, naive_best

ROWS = 40
# Few different values, so that ties are everywhere, at the cut too.
scores = hnp.arrays(
    np.float32, ROWS, elements=st.sampled_from([0.0, -1.0, 0.5, 1.0, 3.0, 1e-45, 3e38, float("nan")])
)


BATCH = Small(items=ROWS).context("u").batch


def best(
    rows: NDArray[np.int32], values: NDArray[np.float32], blocked: NDArray[np.uint8], limit: int
) -> NDArray[np.int32]:
    """The best rows by `values`, of which nothing is taken off."""
    table = SignalTable(2)
    table.rows, table.values = rows, np.stack([np.zeros(len(rows), np.float32), values], axis=1)
    signals, lists = BatchSignals(table, 1), empty_lists(1, np.array([0, limit])).source(0)
    signals.begin[0], signals.end[0] = 0, len(rows)
    BATCH.blocked = blocked[None]
    find_by_difference(signals, 1, 0, BATCH, np.zeros(1, np.int64), lists)
    return lists.of(0)


@given(
    scores, st.sets(st.integers(0, ROWS - 1)), st.integers(1, ROWS + 5), st.permutations(list(range(ROWS)))
)
def test_best_is_what_sorting_would_give(
    values: np.ndarray, blocked: set[int], limit: int, order: list[int]
) -> None:
    mask = np.zeros(ROWS, np.uint8)
    mask[list(blocked)] = 1
    rows = np.array(order, np.int32)
    expected = naive_best({row: float(values[row]) for row in order}, list(blocked), limit)
    found = best(rows, values[rows], mask, limit)
    assert found.tolist() == expected
    assert found.dtype == np.int32


def test_nothing_in_gives_nothing_out() -> None:
    none = best(np.empty(0, np.int32), np.empty(0, np.float32), np.zeros(0, np.uint8), 5)
    assert none.tolist() == []
