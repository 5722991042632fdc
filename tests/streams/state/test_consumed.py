"""Which items a user has met: against plain sets, in every step from exact to a filter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.actions import ACTIONS
from streams.state.action_meaning import Meanings
from streams.state.consumed import (
    EVERY_ACTION,
    FORGOTTEN,
    MAX_HASH_BITS,
    MIN_HASH_BITS,
    NOTHING,
    Consumed,
    check_consumed,
)
from streams.state.packed_rows import pack_sorted
from streams.state.user_state import StateSettings

MOST = StateSettings().consumed_bytes
ALL = range(len(ACTIONS))

meetings = st.lists(st.tuples(st.integers(0, 2_000), st.sampled_from(ALL)), max_size=150)
repeats = st.booleans() | st.sets(st.sampled_from(ACTIONS)).map(sorted)


def met(pairs: list[tuple[int, int]], most: int, blocking: int = EVERY_ACTION) -> Consumed:
    consumed = NOTHING
    for row, action in pairs:
        consumed = consumed.add(row, action, blocking, most)
        check_consumed(consumed)
        assert size(consumed) <= most
        assert consumed.in_bytes() == tuple(pack_sorted(keys) for _, keys in consumed.groups)
    return consumed


def size(consumed: Consumed) -> int:
    """The bytes that a state spends on it: each group's rows, its code and their length."""
    return sum(len(pack_sorted(keys)) + 5 for _, keys in consumed.groups)


def marked(consumed: Consumed, rows: int, blocking: int = EVERY_ACTION) -> set[int]:
    mask = np.zeros(rows, np.uint8)
    consumed.mark(mask, blocking)
    return set(np.flatnonzero(mask).tolist())


def drawn(count: int, catalogue: int, seed: int = 0) -> list[int]:
    draw = np.random.default_rng(seed)
    rows: list[int] = draw.choice(catalogue, count, replace=False).tolist()
    return rows


def simple(rows: list[int], action: int = ACTIONS.index("click")) -> Consumed:
    """All of `rows` at once, as exact as they may be."""
    return Consumed(((action, np.sort(np.array(rows, np.int32))),)).fitted(MOST)


# Exact


@given(meetings, repeats)
def test_within_the_bytes_it_is_the_set_of_what_was_met_by_each_action(
    pairs: list[tuple[int, int]], repeat: bool | list[str]
) -> None:
    """Whatever the setting was when the items were met: it may change later."""
    consumed = met(pairs, MOST, blocking=Meanings(repeat=["view"]).blocking)
    blocking = Meanings(repeat=repeat).blocking
    out = set(ACTIONS) - set(ACTIONS if repeat is True else [] if repeat is False else repeat)
    out |= {"dislike", "hide", "report"}  # which never come back
    expected = {row for row, action in pairs if ACTIONS[action] in out}
    assert marked(consumed, 2_001, blocking) == expected
    assert {row for row in range(2_001) if consumed.has(row, blocking)} == expected


@given(meetings)
def test_what_was_is_never_changed(pairs: list[tuple[int, int]]) -> None:
    """And what is known already makes no new one."""
    consumed = NOTHING
    for row, action in pairs:
        before = [(code, keys.tolist()) for code, keys in consumed.groups]
        grown = consumed.add(row, action, EVERY_ACTION, MOST)
        assert [(code, keys.tolist()) for code, keys in consumed.groups] == before
        assert grown.add(row, action, EVERY_ACTION, MOST) is grown
        consumed = grown


@pytest.mark.parametrize(("count", "catalogue"), [(10_000, 12_000), (10_000, 100_000), (5_000, 1_000_000)])
def test_ten_thousand_items_are_known_exactly_where_the_catalogue_is_not_large(
    count: int, catalogue: int
) -> None:
    rows = drawn(count, catalogue)
    consumed = simple(rows)
    assert consumed.hash_bits == 0
    assert size(consumed) < 8_000
    assert marked(consumed, catalogue) == set(rows)


def test_small_catalogues_are_known_exactly_however_much_was_met() -> None:
    for catalogue in (1_682, 20_000, 60_000):
        for share in (0.1, 0.5, 0.9, 1.0):
            rows = drawn(int(catalogue * share), catalogue)
            consumed = simple(rows)
            assert consumed.hash_bits == 0
            assert marked(consumed, catalogue) == set(rows)


# Beyond


@given(meetings, st.integers(64, 120))
def test_beyond_the_bytes_nothing_that_was_met_is_forgotten(pairs: list[tuple[int, int]], most: int) -> None:
    consumed = met(pairs, most)
    rows = {row for row, _ in pairs}
    assert rows <= marked(consumed, 2_001)
    assert {row for row in range(2_001) if consumed.has(row)} == marked(consumed, 2_001)


@given(meetings, st.integers(64, 120), st.sets(st.sampled_from(ACTIONS)).map(sorted))
def test_beyond_the_bytes_what_blocks_stays_blocked(
    pairs: list[tuple[int, int]], most: int, repeat: list[str]
) -> None:
    blocking = Meanings(repeat=repeat).blocking
    consumed = met(pairs, most, blocking)
    never = {"dislike", "hide", "report"}
    blocked = {row for row, action in pairs if ACTIONS[action] not in {*repeat} - never}
    assert blocked <= marked(consumed, 2_001, blocking)
    if len(repeat) == len(ACTIONS) and not blocked:
        assert marked(consumed, 2_001, blocking) == set()


def test_beyond_the_bytes_what_may_repeat_is_dropped_first() -> None:
    """An item that was viewed only does not stay away because the set is full."""
    view, buy = ACTIONS.index("view"), ACTIONS.index("purchase")
    blocking = Meanings(repeat=["view"]).blocking
    viewed, bought = drawn(9_000, 1_000_000, seed=1), drawn(3_000, 1_000_000, seed=2)
    consumed = met([(row, buy) for row in bought] + [(row, view) for row in viewed], MOST, blocking)
    assert [code for code, _ in consumed.groups][:1] == [FORGOTTEN]
    assert consumed.hash_bits == 0
    assert marked(consumed, 1_000_000, blocking) == set(bought)
    assert consumed.add(viewed[0], view, blocking, MOST) is consumed
    again = consumed.add(7, buy, blocking, MOST)
    assert marked(again, 1_000_000, blocking) == {*bought, 7}


def test_where_items_may_repeat_all_are_kept_for_the_day_that_they_may_not() -> None:
    rows = drawn(3_000, 100_000)
    consumed = met([(row, 1) for row in rows], 2_000, blocking=Meanings(repeat=True).blocking)
    assert consumed.hash_bits > 0
    assert marked(consumed, 100_000, Meanings(repeat=True).blocking) == set()
    assert set(rows) <= marked(consumed, 100_000, Meanings(repeat=False).blocking)


@pytest.mark.parametrize("count", [10_000, 20_000, 40_000])
@pytest.mark.parametrize("catalogue", [300_000, 1_000_000])
def test_the_share_of_unmet_items_that_are_taken_for_met_is_as_stated(count: int, catalogue: int) -> None:
    """docs/feeds.md: n items in 2^bits places leave exp(-n / 2^bits) of the others free."""
    rows = drawn(count, catalogue, seed=count)
    consumed = simple(rows)
    assert size(consumed) <= MOST < 8_000
    taken = marked(consumed, catalogue)
    assert set(rows) <= taken
    error = (len(taken) - count) / (catalogue - count)
    stated = {10_000: 0.038, 20_000: 0.27, 40_000: 0.71}[count]
    places = 2**consumed.hash_bits
    assert error == pytest.approx(1 - np.exp(-count / places), rel=0.05)
    assert error <= stated


def test_items_that_came_together_are_not_taken_for_each_other() -> None:
    """Rows lie in the order in which items came: a hash keeps errors from falling on neighbours."""
    rows = drawn(12_000, 1_000_000)
    consumed = simple(rows)
    neighbours = {row + 1 for row in rows if row < 999_999} - set(rows)
    taken = marked(consumed, 1_000_000)
    share = (len(taken) - len(rows)) / (1_000_000 - len(rows))
    assert len(neighbours & taken) / len(neighbours) == pytest.approx(share, abs=0.01)


def test_one_by_one_comes_to_the_same_as_all_at_once() -> None:
    rows = drawn(4_000, 1_000_000)
    consumed = met([(row, 1) for row in rows], 2_000)
    whole = simple(rows).fitted(2_000)
    assert consumed.hash_bits == whole.hash_bits > 0
    assert consumed.groups[0][1].tolist() == whole.groups[0][1].tolist()


def test_a_lower_bound_holds_from_the_next_item_on_and_a_higher_one_brings_nothing_back() -> None:
    consumed = simple(drawn(1_000, 1_000_000))
    less = consumed.add(5, 1, EVERY_ACTION, 500)
    assert size(less) <= 500
    assert less.add(6, 1, EVERY_ACTION, 8_000).hash_bits == less.hash_bits <= MAX_HASH_BITS


def wellons(row: int) -> int:
    """lowbias32, written out: https://nullprogram.com/blog/2018/07/31/"""
    x = row & 0xFFFFFFFF
    x ^= x >> 16
    x = (x * 0x7FEB352D) & 0xFFFFFFFF
    x ^= x >> 15
    x = (x * 0x846CA68B) & 0xFFFFFFFF
    x ^= x >> 16
    return x


@given(st.sets(st.integers(0, 2**31 - 1), min_size=1, max_size=50), st.integers(MIN_HASH_BITS, MAX_HASH_BITS))
def test_hashes_are_those_that_stored_states_hold(rows: set[int], bits: int) -> None:
    consumed = Consumed(((FORGOTTEN, np.array(sorted(rows), np.int32)),))
    while consumed.hash_bits != bits:
        consumed = consumed._coarser()
    assert consumed.groups[0][1].tolist() == sorted({wellons(row) >> (32 - bits) for row in rows})
    assert all(consumed.has(row) for row in rows)


def test_the_newest_row_is_told_where_rows_are_known() -> None:
    assert NOTHING.newest() == -1
    assert met([(5, 1), (900, 2), (30, 1)], MOST).newest() == 900
    assert met([(row, 1) for row in drawn(500, 100_000)], 200).newest() == -1


def test_actions_that_block_are_those_that_may_not_repeat() -> None:
    names = ["view", "purchase"]
    blocking = Meanings(repeat=names).blocking
    assert [name for code, name in enumerate(ACTIONS) if not blocking >> code & 1] == sorted(
        names, key=ACTIONS.index
    )
    assert Meanings(repeat=[]).blocking == Meanings(repeat=False).blocking == EVERY_ACTION
    for repeat in (True, list(ACTIONS)):  # what users did not want never comes back
        blocking = Meanings(repeat=repeat).blocking
        assert [name for code, name in enumerate(ACTIONS) if blocking >> code & 1] == [
            "dislike", "hide", "report",
        ]  # fmt: skip
