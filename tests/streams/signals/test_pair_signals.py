"""The signals of a history against plain sums over the pairs, and their scratch table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import StoreError
from streams.counters.pairs import CLOSE, FORWARD, FRESH, REVERSE, TOGETHER, PairTable
from streams.counters.settings import CounterSettings
from streams.signals.pair_signals import SIGNALS, Signals
from tests.streams.core import START_MS, Small
from tests.streams.counters.pair_reference import as_dicts

ITEMS = 15


def read(
    signals: Signals,
    pairs: PairTable,
    totals: np.ndarray,
    history: list[int],
    liking: list[float],
    tied: int,
    now_ms: int,
) -> np.ndarray:
    signals.grow(ITEMS)
    signals.read(pairs, totals, np.array(history, np.int32), np.array(liking, np.float32), tied, now_ms)
    return signals.values[:ITEMS].copy()


def naive(
    pairs: PairTable, totals: np.ndarray, history: list[int], liking: list[float], tied: int, now_ms: int
) -> np.ndarray:
    """Every sum as the module's docstring says it, in float64."""
    table, window = as_dicts(pairs, now_ms), pairs.settings.window
    values = np.zeros((ITEMS, SIGNALS))
    for place, item in enumerate(history):
        root = max(float(totals[item]), 1.0) ** -0.5
        recency = (1 + place) ** -0.5
        for other, counts in table.get(item, {}).items():
            share = counts[FORWARD] / max(float(pairs.outgoing[item]), 1.0)
            together = counts[TOGETHER] * root
            if place < window:
                values[other, 0] += counts[FORWARD] * recency
                values[other, 1] += share * recency
                values[other, 2] += share if place < max(tied, 1) else 0.0
                values[other, 3] += counts[REVERSE] * recency * root
                values[other, 4] += counts[FRESH] * recency
            values[other, 5] += counts[CLOSE] * root * 0.85**place
            values[other, 6] += together
            values[other, 7] += together * liking[place]
    return values


@given(st.integers(0, 2**32), st.integers(1, 60), st.lists(st.integers(0, ITEMS - 1), max_size=20), st.data())
@settings(max_examples=50)
def test_signals_are_the_sums_over_the_pairs(
    seed: int, events: int, history: list[int], data: st.DataObject
) -> None:
    rng = np.random.default_rng(seed)
    pairs = PairTable(CounterSettings(window=3, pair_half_life_s=1_000.0))
    pairs.grow(ITEMS)
    totals = rng.integers(0, 9, ITEMS).astype(np.float32)
    for k in range(events):
        previous = rng.integers(0, ITEMS, 5, np.int32)
        pairs.observe(int(rng.integers(ITEMS)), previous, int(rng.integers(3)), START_MS + k * 1_000, 1.0)
    liking = data.draw(st.lists(st.floats(-2, 2), min_size=len(history), max_size=len(history)))
    tied = data.draw(st.integers(0, max(len(history), 1)))
    now_ms = START_MS + 500_000
    found = read(Signals(), pairs, totals, history, liking, tied, now_ms)
    expected = naive(pairs, totals, history, liking, tied, now_ms)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_one_user_leaves_nothing_behind_for_the_next() -> None:
    small = Small(items=ITEMS)
    small.random_events(100, users=5, seed=1)
    shared = Signals()
    core = small.core
    for user in [*small.states, "nobody", *small.states]:
        context = small.context(user)
        history, liking = context.history.tolist(), context.liking.tolist()
        arguments = (core.counters.pairs, core.counters.popularity.total, history, liking, context.tied)
        fresh = read(Signals(), *arguments, small.now_ms)
        again = read(shared, *arguments, small.now_ms)
        assert again.tobytes() == fresh.tobytes()
        assert sorted(shared.touched.tolist()) == np.flatnonzero(shared.seen).tolist()
        untouched = np.setdiff1d(np.arange(ITEMS), shared.touched)
        assert not again[untouched].any()


def test_growing_between_two_users_forgets_the_first() -> None:
    small = Small(items=5)
    for user, row in (("a", 0), ("a", 1), ("b", 0)):
        small.act(user, row)
    small.context("b")
    signals = small.core.pipeline.workspace.pairs
    assert signals.touched.tolist() == [1]
    kept = signals.kept()
    assert kept.rows.tolist() == [1]
    assert kept.values.any()
    signals.grow(500)
    signals.read(
        small.core.counters.pairs,
        small.core.counters.popularity.total,
        np.empty(0, np.int32),
        np.empty(0, np.float32),
        0,
        START_MS,
    )
    assert len(signals.touched) == 0
    assert not signals.values.any()
    assert not signals.seen.any()
    assert kept.values.any(), "what was kept stays"


def test_a_history_with_an_unknown_row_is_refused() -> None:
    pairs = PairTable(CounterSettings())
    pairs.grow(3)
    with pytest.raises(StoreError, match="item row 7, but only 3 are known"):
        read(Signals(), pairs, np.ones(3, np.float32), [1, 7], [0.0, 0.0], 0, START_MS)
