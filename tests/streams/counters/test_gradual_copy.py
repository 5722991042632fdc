"""A gradual copy is of the moment at which it was begun, byte for byte, in pieces of bounded size."""

from __future__ import annotations

import threading

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counters import gradual_copy
from streams.counters.counters import Counters
from streams.counters.gradual_copy import SLICE_PAIRS, SLICE_ROWS, GradualCopy
from streams.counters.settings import CounterSettings
from streams.counters.snapshot import pack_counters, pieces_of, restore_counters
from streams.state.action_meaning import BUILT_IN
from streams.state.user_state import Interaction
from tests.streams.counters.pair_reference import check_blocks

START_MS = 1_700_000_000_000
CLICK = BUILT_IN.codes["click"]
SMALL = CounterSettings(row_pairs=32, max_pairs=2_048)


def interaction(draw: np.random.Generator, items: int, n: int) -> Interaction:
    many = draw.integers(0, items, draw.integers(0, 30)).astype(np.int32)
    late = draw.integers(0, items, draw.integers(0, 3)).astype(np.int32)
    rating = float(draw.integers(1, 6)) if n % 3 == 0 else float("nan")
    row = int(draw.integers(items))
    return Interaction(row, START_MS + n, CLICK, rating, many, 0, late)


def counted(counters: Counters, draw: np.random.Generator, items: int, events: range) -> None:
    for n in events:
        counters.observe(interaction(draw, items, n))
        if n % 5 == 0:
            counters.show(draw.integers(0, items, 4).astype(np.int32))


@settings(max_examples=60)
@given(
    st.integers(0, 2**32),
    st.integers(1, 60),
    st.integers(0, 120),
    st.lists(st.integers(0, 6), max_size=60),
    st.sampled_from([(3, 40, 5), (16, 64, 2), (4_096, 65_536, 4_096)]),
)
def test_it_is_of_the_moment_at_which_it_was_begun(
    seed: int, items: int, before: int, turns: list[int], slices: tuple[int, int, int]
) -> None:
    """`turns`: how many events are counted between two pieces. New items come meanwhile, too."""
    names = ("SLICE_ROWS", "SLICE_PAIRS", "SLICE_LINKS")
    usual = [getattr(gradual_copy, name) for name in names]
    draw, counters = np.random.default_rng(seed), Counters(SMALL)
    counters.grow(items)
    counted(counters, draw, items, range(before))
    expected = pack_counters(counters)
    try:
        for name, value in zip(names, slices, strict=True):
            setattr(gradual_copy, name, value)
        copy = counters.copying = GradualCopy(counters)
        n = before
        for events in turns:
            copy.step()
            if events == 6:
                items += 7
                counters.grow(items)
            counted(counters, draw, items, range(n, n + events))
            n += events
        while not copy.step():
            pass
    finally:
        for name, value in zip(names, usual, strict=True):
            setattr(gradual_copy, name, value)
    assert not copy.spoilt
    assert b"".join(pieces_of(copy)) == expected
    restored = Counters(SMALL)
    restore_counters(restored, expected)
    check_blocks(restored.pairs)


def test_no_piece_is_larger_than_it_may_be() -> None:
    """At most so many rows and pairs, or one row alone; else nobody could say how long it takes."""
    draw, counters = np.random.default_rng(3), Counters(CounterSettings(row_pairs=1_024))
    items = 20_000
    counters.grow(items)
    for n in range(3_000):  # few rows with very many pairs, and many with few
        row = int(draw.integers(40)) if n % 2 else int(draw.integers(items))
        previous = draw.choice(items, 50, replace=False).astype(np.int32)
        counters.observe(Interaction(row, START_MS + n, CLICK, float("nan"), previous, 0))
    copy = GradualCopy(counters)
    pieces = 1
    while not copy.step():
        pieces += 1
    assert pieces >= int(counters.pairs.length.sum()) // SLICE_PAIRS
    assert 0 < copy.most_rows <= SLICE_ROWS
    assert 0 < copy.most_pairs <= SLICE_PAIRS
    copy = counters.copying = GradualCopy(counters)
    previous = 8 + draw.choice(items - 8, 50, replace=False).astype(np.int32)
    counters.observe(Interaction(7, START_MS, CLICK, float("nan"), previous, 0))
    assert copy.most_rows == 51, "an event copies the rows that it changes, and no others"


def test_pieces_may_be_made_in_another_thread() -> None:
    draw, counters = np.random.default_rng(5), Counters(CounterSettings())
    items = 3_000
    counters.grow(items)
    counted(counters, draw, items, range(2_000))
    expected = pack_counters(counters)
    copy = counters.copying = GradualCopy(counters)
    usual, gradual_copy.SLICE_ROWS = gradual_copy.SLICE_ROWS, 16

    def steps() -> None:
        while not copy.step():
            pass

    thread = threading.Thread(target=steps)
    thread.start()
    n = 2_000
    while thread.is_alive():
        counted(counters, draw, items, range(n, n + 20))
        n += 20
    thread.join()
    gradual_copy.SLICE_ROWS = usual
    assert n > 2_000
    assert b"".join(pieces_of(copy)) == expected


def test_a_copy_is_spoilt_where_all_counts_are_scaled_anew() -> None:
    counters = Counters(CounterSettings(pair_half_life_s=1.0))
    counters.grow(4)
    pair = np.array([1], np.int32)
    counters.observe(Interaction(0, START_MS, CLICK, float("nan"), pair, 0))
    copy = counters.copying = GradualCopy(counters)
    counters.observe(Interaction(0, START_MS + 1_000, CLICK, float("nan"), pair, 0))
    assert not copy.spoilt
    counters.observe(Interaction(0, START_MS + 3_600_000, CLICK, float("nan"), pair, 0))
    assert copy.spoilt
