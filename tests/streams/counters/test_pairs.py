"""The pair table against a plain dict of dicts, and its bounds under pressure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import SettingsError, StoreError
from streams.counters.pair_kinds import FORWARD, FRESH, REVERSE, TOGETHER
from streams.counters.pairs import PairTable, find_pair, observe_pairs
from streams.counters.settings import CounterSettings
from streams.events.schema import Click
from streams.state.fold import Delivery, apply
from streams.state.user_state import EMPTY, StateSettings
from tests.streams.counters.pair_reference import Reference, as_dicts, check_blocks

HALF_LIFE_S = 10.0
PLAIN = CounterSettings(window=3, pair_half_life_s=HALF_LIFE_S, max_pairs=65_536)
START_MS = 1_700_000_000_000
SPAN_MS = 4_000_000  # 400 half-lives: FRESH is scaled back several times

Event = tuple[int, list[int], int, int, float]


@st.composite
def histories(draw: st.DrawFn, items: int, most: int) -> list[Event]:
    """Events (row, previous, tied, ts, weight): any history, with ties and items that come twice."""
    found = []
    for _ in range(draw(st.integers(1, most))):
        previous = draw(st.lists(st.integers(0, items - 1), max_size=8))
        found.append(
            (
                draw(st.integers(0, items - 1)),
                previous,
                draw(st.integers(0, len(previous))),
                START_MS + draw(st.integers(0, SPAN_MS)),
                draw(st.sampled_from([0.0, 0.2, 1.0])),
            )
        )
    return found


def table_of(events: list[Event], counters: CounterSettings, items: int) -> PairTable:
    table = PairTable(counters)
    table.grow(items)
    for row, previous, tied, ts, weight in events:
        table.observe(row, np.array(previous, np.int32), tied, ts, weight)
    return table


@given(histories(items=12, most=40))
def test_counts_are_those_of_a_dict_of_dicts(events: list[Event]) -> None:
    events.sort(key=lambda event: event[3])
    reference = Reference(PLAIN)
    for event in events:
        reference.observe(*event)
    now_ms = START_MS + SPAN_MS
    reference.fresh(now_ms)
    table = table_of(events, PLAIN, 12)
    check_blocks(table)
    found = as_dicts(table, now_ms)
    assert {item: set(row) for item, row in found.items()} == {
        item: set(row) for item, row in reference.pairs.items() if row
    }
    for item, row in found.items():
        for other, counts in row.items():
            np.testing.assert_allclose(counts, reference.pairs[item][other], rtol=1e-4, atol=1e-12)
        assert table.outgoing[item] == pytest.approx(reference.outgoing[item], rel=1e-4)


@given(histories(items=12, most=30))
def test_events_that_come_late_count_as_of_their_own_time(events: list[Event]) -> None:
    span_ms = int(30 * HALF_LIFE_S * 1_000)  # within what one landmark holds in float32
    events = [
        (row, previous, tied, START_MS + (ts - START_MS) % span_ms, weight)
        for row, previous, tied, ts, weight in events
    ]
    reference = Reference(PLAIN)
    for event in events:
        reference.observe(*event)
    now_ms = START_MS + span_ms
    reference.fresh(now_ms)
    for item, row in as_dicts(table_of(events, PLAIN, 12), now_ms).items():
        for other, counts in row.items():
            np.testing.assert_allclose(counts, reference.pairs[item][other], rtol=1e-4, atol=1e-12)


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 6)), max_size=11), st.data())
def test_what_followed_what_does_not_depend_on_who_came_late(
    acts: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Acts (row, second) of one user, who has not more of them than the window holds."""

    def counted(arrived: list[tuple[int, int]]) -> dict[int, dict[int, list[float]]]:
        table, state = PairTable(CounterSettings(window=10)), EMPTY
        table.grow(12)
        for n, (row, second) in enumerate(arrived):
            event = Click(event_id=str(n), ts=START_MS + second * 1_000, user_id="u", item_id="i")
            applied = apply(state, event, Delivery("clicks", n), (row,), None, StateSettings())
            told, state = applied.interaction, applied.state
            assert told is not None
            table.observe(row, told.previous, told.tied, told.ts, 1.0)
            table.precede(row, told.following, told.ts, 1.0)
        return as_dicts(table, START_MS)

    found = counted(data.draw(st.permutations(acts)))
    expected = counted(sorted(acts, key=lambda act: act[1]))
    assert {item: set(row) for item, row in found.items()} == {
        item: set(row) for item, row in expected.items()
    }
    for item, row in found.items():
        for other, counts in row.items():
            for kind in (FORWARD, REVERSE, TOGETHER):
                assert counts[kind] == expected[item][other][kind]


@given(histories(items=60, most=60))
@settings(max_examples=30)
def test_rows_that_outgrow_their_blocks_lose_nothing(events: list[Event]) -> None:
    """One item meets all others, so its row grows through every block size; freed blocks are used again."""
    hub = [(item, [0], 0, START_MS + item, 1.0) for item in range(1, 60)]
    mixed = [event for pair in zip(hub, events * 60, strict=False) for event in pair]
    reference = Reference(PLAIN)
    for event in mixed:
        reference.observe(*event)
    table = table_of(mixed, PLAIN, 60)
    check_blocks(table)
    found = as_dicts(table, START_MS)
    assert {item: set(row) for item, row in found.items()} == {
        item: set(row) for item, row in reference.pairs.items() if row
    }
    for item, row in found.items():
        for other, counts in row.items():
            for kind in (FORWARD, REVERSE, TOGETHER):
                assert counts[kind] == pytest.approx(reference.pairs[item][other][kind], rel=1e-4)


def test_a_freed_block_is_used_again() -> None:
    table = table_of([(row, [0], 0, START_MS, 1.0) for row in range(1, 10)], PLAIN, 20)
    assert table.room[0] == 16  # the ninth neighbour moved item 0 out of the first block of the pool
    assert table.start[9] == 0  # which was then given to item 9
    check_blocks(table)


@given(histories(items=40, most=60), st.sampled_from([16, 20, 24]))
@settings(max_examples=30)
def test_a_full_row_gives_up_its_weakest_pair(events: list[Event], row_pairs: int) -> None:
    table = PairTable(CounterSettings(window=3, row_pairs=row_pairs))
    table.grow(40)
    for row, previous, tied, ts, weight in events * 4:
        table.observe(row, np.array(previous, np.int32), tied, ts, weight)
    check_blocks(table)
    assert table.length.max() <= row_pairs


def test_the_weakest_pair_goes_and_the_strong_ones_stay() -> None:
    table = PairTable(CounterSettings(row_pairs=16))
    table.grow(40)
    for row in range(1, 17):
        for _ in range(1 if row == 7 else 2):
            table.observe(row, np.array([0], np.int32), 0, START_MS, 1.0)
    table.observe(30, np.array([0], np.int32), 0, START_MS, 1.0)
    kept = set(as_dicts(table, START_MS)[0])
    assert kept == {*range(1, 17), 30} - {7}
    assert as_dicts(table, START_MS)[0][30] == [1.0, 0.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("seed", range(3))
def test_a_full_pool_is_never_exceeded_nor_corrupted(seed: int) -> None:
    """3,000 items want far more than 1,024 pairs; many get no block at all."""
    rng = np.random.default_rng(seed)
    table = PairTable(CounterSettings(max_pairs=1_024, row_pairs=64))
    table.grow(3_000)
    for step in range(3_000):
        previous = rng.integers(0, 3_000 if step % 2 else 20, 6, np.int32)
        table.observe(int(rng.integers(3_000)), previous, 2, START_MS + step, 1.0)
    check_blocks(table)
    assert len(table.neighbour) == 1_024
    assert table.used[0] > 1_024 - 64
    assert (table.count >= 0).all()


def test_the_pool_is_never_made_anew_and_takes_memory_as_it_is_used() -> None:
    """A batch would wait for the copy of a hundred megabytes."""
    process = psutil.Process()
    before = process.memory_info().rss
    table = PairTable(CounterSettings(max_pairs=20_000_000))  # 480 MB
    pools = table.neighbour, table.count
    table.grow(3_000)
    rng = np.random.default_rng(0)
    for step in range(300):
        previous = rng.choice(3_000, 50, replace=False).astype(np.int32)
        table.observe(int(rng.integers(3_000)), previous, 0, START_MS + step, 1.0)
    table.grow(10_000)
    assert table.neighbour is pools[0]
    assert table.count is pools[1]
    assert 0 < table.used[0] < 1_000_000
    assert process.memory_info().rss - before < 100 << 20


def test_more_pairs_than_any_system_holds_are_refused_with_the_setting() -> None:
    with pytest.raises(SettingsError, match=r"counters\.max_pairs is 10000000000000: .* set fewer"):
        PairTable(CounterSettings(max_pairs=10**13))


def test_two_events_of_one_tie_cannot_teach_their_order() -> None:
    """Whichever of the two came first, the table is the same."""

    def after(first: int, second: int) -> dict[int, dict[int, list[float]]]:
        events: list[Event] = [(first, [5], 0, START_MS, 1.0), (second, [first, 5], 1, START_MS, 1.0)]
        return as_dicts(table_of(events, PLAIN, 8), START_MS)

    assert after(1, 2) == after(2, 1)
    assert after(1, 2)[1][2] == after(1, 2)[2][1] == [0.5, 0.5, 0.5, 1.0, 1.0]


@given(histories(items=12, most=30), st.data())
def test_the_order_of_arrival_changes_only_the_last_digits(events: list[Event], data: st.DataObject) -> None:
    """Events of different users commute."""
    shuffled = data.draw(st.permutations(events))
    now_ms = START_MS + SPAN_MS
    one, other = (as_dicts(table_of(each, PLAIN, 12), now_ms) for each in (events, shuffled))
    assert {item: set(row) for item, row in one.items()} == {item: set(row) for item, row in other.items()}
    for item, row in one.items():
        for neighbour, counts in row.items():
            for kind in (FORWARD, REVERSE, TOGETHER):
                assert counts[kind] == pytest.approx(other[item][neighbour][kind], rel=1e-4)


@given(histories(items=12, most=30))
def test_the_same_events_give_the_same_bits(events: list[Event]) -> None:
    one, other = table_of(events, PLAIN, 12), table_of(events, PLAIN, 12)
    for name in ("start", "length", "room", "outgoing", "neighbour", "count", "free", "used"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name


def test_fresh_counts_stay_finite_after_any_silence() -> None:
    table = table_of([(1, [0], 0, START_MS, 1.0)], PLAIN, 4)
    far = START_MS + 300 * 365 * 86_400_000
    table.observe(2, np.array([0], np.int32), 0, far, 1.0)
    table.observe(3, np.array([0], np.int32), 0, START_MS, 1.0)  # a very late one
    assert np.isfinite(table.count).all()
    fresh = {other: counts[FRESH] for other, counts in as_dicts(table, far)[0].items()}
    assert fresh[2] == 1.0
    assert fresh[1] < 1e-12
    assert fresh[3] < 1e-12


@pytest.mark.parametrize(
    "wrap",
    [np.copy, lambda rows: rows[::-1].copy()[::-1], lambda rows: np.frombuffer(rows.tobytes(), np.int32)],
    ids=["plain", "reversed", "read-only"],
)
def test_any_kind_of_memory_is_counted_by_the_same_compiled_loop(
    wrap: Callable[[np.ndarray], np.ndarray],
) -> None:
    """Numba compiles anew for each layout, which would stall a worker in the middle of its work."""
    table = PairTable(PLAIN)
    table.grow(4)
    table.observe(3, np.array([1, 2], np.int32), 0, START_MS, 1.0)
    compiled_for = len(observe_pairs.signatures)  # type: ignore[attr-defined]  # numba's
    table.observe(0, wrap(np.array([1, 2], np.int32)), 0, START_MS, 1.0)
    assert len(observe_pairs.signatures) == compiled_for  # type: ignore[attr-defined]  # numba's
    assert set(as_dicts(table, START_MS)[0]) == {1, 2}


def test_a_row_that_is_not_known_is_refused_before_anything_is_counted() -> None:
    table = PairTable(PLAIN)
    table.grow(4)
    with pytest.raises(StoreError, match="item row 9, but only 4 are known"):
        table.observe(0, np.array([1, 9], np.int32), 0, START_MS, 1.0)
    assert not table.length.any()


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 63, 64, 65, 79, 80, 128, 143, 1_024])
def test_a_pair_is_found_at_every_place_and_not_behind_the_row(length: int) -> None:
    begin, pool = 10, np.random.default_rng(length).permutation(2_000)[: length + 20].astype(np.int32)
    for at, neighbour in enumerate(pool.tolist()):
        within = begin <= at < begin + length
        assert find_pair(pool, begin, begin + length, neighbour) == (at if within else -1)
    assert find_pair(pool, begin, begin + length, 5_000) == -1
