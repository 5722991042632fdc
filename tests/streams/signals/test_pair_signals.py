"""The signals of a history against plain sums over the pairs, and their scratch table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import StoreError
from streams.counters.pair_kinds import CLOSE, FORWARD, FRESH, REVERSE, TOGETHER
from streams.counters.pairs import PairTable
from streams.counters.settings import CounterSettings
from streams.signals import pair_signals
from streams.signals.histories import Histories
from streams.signals.pair_signals import SIGNALS, read_pairs
from streams.signals.signal_table import KEPT_ROWS, BatchSignals, SignalTable
from tests.streams.core import START_MS, Small
from tests.streams.counters.pair_reference import as_dicts

ITEMS = 15


def histories(items: list[list[int]], liking: list[list[float]], tied: list[int]) -> Histories:
    """Of users who met these items, newest first, and dislike none of them."""
    total = sum(map(len, items))
    return Histories(
        offsets=np.cumsum([0, *map(len, items)], dtype=np.int64),
        items=np.array([row for each in items for row in each], np.int32),
        actions=np.zeros(total, np.uint8),
        times=np.zeros(total, np.int64),
        liking=np.array([value for each in liking for value in each], np.float32),
        signs=np.ones(total, np.int8),
        off=np.zeros(total, np.float32),
        tied=np.array(tied, np.int64),
        mixed=np.zeros(len(items), np.bool_),
        negative=np.zeros(len(items), np.bool_),
        bias=np.zeros((len(items), 2)),
    )


def read(
    table: SignalTable, pairs: PairTable, totals: np.ndarray, users: Histories, now_ms: int
) -> list[np.ndarray]:
    """The signals of all rows for each user."""
    table.clear()
    count = len(users.tied)
    found, everyone = BatchSignals(table, count), np.arange(count)
    places = np.full(ITEMS, -1, np.int32)
    longest, ages = np.full(count, 1_000), np.full(count, pairs.age(now_ms), np.float32)
    read_pairs(found, pairs, totals, users, everyone, longest, ages, places)
    assert (places == -1).all()
    values = []
    for b in range(count):
        its = found.of(b)
        assert len(np.unique(its.rows)) == len(its.rows)
        dense = np.zeros((ITEMS, SIGNALS), np.float32)
        dense[its.rows] = its.values
        values.append(dense)
    return values


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
    # Twice, with somebody else in between.
    users = histories([history, [0, 3], history], [liking, [1.0, -1.0], liking], [tied, 1, tied])
    first, _, again = read(SignalTable(SIGNALS), pairs, totals, users, now_ms)
    expected = naive(pairs, totals, history, liking, tied, now_ms)
    np.testing.assert_allclose(first, expected, rtol=1e-4, atol=1e-5)
    assert first.tobytes() == again.tobytes()


def test_one_batch_leaves_nothing_behind_for_the_next() -> None:
    small = Small(items=ITEMS)
    small.random_events(100, users=5, seed=1)
    shared, core = SignalTable(SIGNALS), small.core
    for user in [*small.states, "nobody", *small.states]:
        users = small.context(user).batch.histories
        arguments = (core.counters.pairs, core.counters.popularity.total, users, small.now_ms)
        (fresh,), (again,) = read(SignalTable(SIGNALS), *arguments), read(shared, *arguments)
        assert again.tobytes() == fresh.tobytes()


def test_room_grows_in_the_middle_of_a_batch_and_is_given_back() -> None:
    pairs = PairTable(CounterSettings())
    pairs.grow(ITEMS)
    everything = np.arange(1, ITEMS, dtype=np.int32)
    pairs.observe(0, everything, 0, START_MS, 1.0)
    count = 2 * 4_096 // (ITEMS - 1)
    users = histories([[0]] * count, [[0.0]] * count, [1] * count)
    table = SignalTable(SIGNALS)
    found = read(table, pairs, np.ones(ITEMS, np.float32), users, START_MS)
    assert table.used[0] == count * (ITEMS - 1)
    assert all(each.tobytes() == found[0].tobytes() for each in found)
    assert found[0][1:].any(axis=1).all()
    table.make_room(KEPT_ROWS + 1)
    table.clear()
    assert not len(table.rows)


def test_what_was_read_of_a_batch_stays_when_the_next_one_is_made() -> None:
    """The next batch takes the tables; who asks then is read anew, as the counters stand."""
    small = Small(items=5)
    for user, row in (("a", 0), ("a", 1), ("b", 0)):
        small.act(user, row)
    early, late = small.context("b"), small.context("b")
    assert early.pairs.rows.tolist() == [1]
    kept = early.pairs.values.copy()
    small.context("a")
    assert late.pairs.rows.tolist() == [1]
    assert late.pairs.values.tobytes() == early.pairs.values.tobytes() == kept.tobytes()


def test_a_history_with_an_unknown_row_is_refused() -> None:
    pairs = PairTable(CounterSettings())
    pairs.grow(3)
    users = histories([[1, 7]], [[0.0, 0.0]], [0])
    with pytest.raises(StoreError, match="item row 7, but only 3 are known"):
        read(SignalTable(SIGNALS), pairs, np.ones(3, np.float32), users, START_MS)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_the_machine_code_gives_the_same_bits_as_plain_python(seed: int) -> None:
    rng = np.random.default_rng(seed)
    room, window, met = 8, int(rng.integers(1, 6)), int(rng.integers(1, 12))
    items = rng.integers(0, ITEMS, met).astype(np.int32)
    start = np.arange(ITEMS, dtype=np.int64) * room
    start[rng.random(ITEMS) < 0.2] = -1
    length = np.where(start < 0, 0, rng.integers(1, room + 1, ITEMS)).astype(np.int32)
    neighbour = np.concatenate([rng.permutation(ITEMS)[:room] for _ in range(ITEMS)]).astype(np.int32)
    count = rng.gamma(1.0, size=(len(neighbour), 5)).astype(np.float32)
    outgoing, totals = rng.gamma(2.0, size=(2, ITEMS)).astype(np.float32)
    liking = np.where(rng.random(met) < 0.3, np.nan, rng.normal(size=met)).astype(np.float32)
    off = np.where(rng.random(met) < 0.5, 0.0, rng.random(met) * 2.0).astype(np.float32)

    def read(function: Any) -> tuple[bytes, ...]:
        rows, values = np.zeros(ITEMS, np.int32), np.zeros((ITEMS, SIGNALS), np.float32)
        begin, end, used = np.full(1, -1), np.full(1, -1), np.zeros(1, np.int64)
        done = function(
            start, length, neighbour, count, outgoing, totals, window, np.array([0, met]),
            items, liking, off, np.array([2]), np.array([50]), np.array([0.9], np.float32),
            np.zeros(1, np.int64), 0, np.full(ITEMS, -1, np.int32), rows, values, begin, end, used,
        )  # fmt: skip
        assert done == 1
        return rows.tobytes(), values.tobytes(), end.tobytes()

    machine: Any = pair_signals._read
    assert read(machine) == read(machine.py_func)
