"""Signals of a shown list, by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.learning.kept_slates import Answer, KeptSlate
from streams.signals.list_signals import (
    SESSION_GAP_MS,
    ShownPlaces,
    list_signals,
    names_of,
    session_of,
)
from streams.state.action_meaning import Meanings
from streams.state.user_state import UserState

NOW_MS = 1_700_000_000_000
NONE = np.empty((0, 0))


def state(*events: tuple[int, int], actions: str = "") -> UserState:
    """(row, milliseconds before now), oldest first. actions: "v" for a view; all are clicks without."""
    return UserState(
        items=np.array([row for row, _ in events], np.int32),
        actions=np.array([each != "v" for each in actions or "c" * len(events)], np.uint8),
        ratings=np.full(len(events), np.nan, np.float32),
        times=np.array([NOW_MS - ago for _, ago in events], np.int64),
    )


def columns(
    rows: list[int],
    who: UserState = UserState(),
    kept: tuple[KeptSlate, ...] = (),
    prices: list[float] | None = None,
    known: Mapping[int, tuple[float, ...]] = MappingProxyType({}),
) -> dict[str, list[float]]:
    fields = () if prices is None else ("price",)
    numbers = np.array(prices, np.float64)[:, None] if prices is not None else np.empty((len(rows), 0))
    places, counts = ShownPlaces(np.array(rows, np.int32), numbers), Meanings().counts
    found = list_signals(places, who, kept, NOW_MS, known, counts)
    return dict(zip(names_of(fields), found.T.tolist(), strict=True))


def test_places_from_both_ends() -> None:
    found = columns([7, 8, 9])
    assert found["list_place"] == pytest.approx([1, 1 / math.sqrt(2), 1 / math.sqrt(3)])
    assert found["list_end"] == found["list_place"][::-1]
    assert found["list_depth"] == [-0.5, 0.0, 0.5]
    assert (found["list_first"], found["list_last"]) == ([1, 0, 0], [0, 0, 1])
    assert columns([7])["list_depth"] == [0.0]


def test_a_session_ends_with_a_pause() -> None:
    long = SESSION_GAP_MS + 1
    who = state((1, 3 * long), (2, 2_000), (3, 1_000))
    assert session_of(who, NOW_MS).tolist() == [3, 2]
    assert session_of(who, NOW_MS + long).tolist() == []
    assert session_of(UserState(), NOW_MS).tolist() == []


def test_what_was_met_now_and_long_ago() -> None:
    who = state((5, 9 * SESSION_GAP_MS), (6, 3_000), (6, 2_000), (7, 1_000))
    found = columns([4, 5, 6, 7], who)
    assert found["met"] == [0, 1, 1, 1]
    assert found["met_in_session"] == [0, 0, 1, 1]
    assert found["met_last"] == [0, 0, 0, 1]
    assert found["met_lately"] == pytest.approx([0, 1 / 2, 1 / math.sqrt(2), 1])
    assert found["met_often"] == pytest.approx([0, 0, math.log(3), math.log(2)])
    # The newest one of the session that the list has is in the last place.
    assert (found["list_below_last"], found["list_above_last"]) == ([0] * 4, [0, 0, 1, 0])
    assert found["list_near_last"] == pytest.approx([1 / 3, 1 / 2, 1, 0])


def test_places_count_by_themselves_where_nothing_was_met() -> None:
    found = columns([4, 5])
    for name in ("place", "first", "depth", "end"):
        assert found[f"list_{name}_unmet"] == found[f"list_{name}"]
    met = columns([4, 5], state((5, 1_000)))
    assert met["list_place_unmet"] == met["list_end_unmet"] == [0, 0]
    assert met["list_place"] == found["list_place"]


def test_what_was_looked_at_since_the_last_choice() -> None:
    """Looks count less than a click; the last click in the session is where it begins."""
    who = state((4, 5_000), (5, 4_000), (6, 3_000), (7, 2_000), (7, 1_000), actions="vcvvv")
    found = columns([4, 5, 6, 7], who)
    assert found["met_since_choice"] == [0, 0, 1, 1]
    assert found["met_last_since"] == pytest.approx([0, 0, 0, math.log(3)])
    assert found["met_share"] == pytest.approx([0.2, 0.2, 0.2, 0.4])
    chosen = columns([4, 5], state((4, 2_000), (5, 1_000), actions="vc"))
    assert chosen["met_since_choice"] == chosen["met_last_since"] == [0, 0]
    looked = columns([4, 5], state((4, 2_000), (5, 1_000), actions="vv"))
    assert looked["met_since_choice"] == [1, 1]


def test_kept_slates_tell_what_was_seen_and_answered() -> None:
    kept = (
        KeptSlate("a", 1, shown_ms=1, shown=(4, 5), answers=(Answer(5, 1, math.nan, 2),)),
        KeptSlate("b", 2, shown_ms=2, shown=(4,)),
        KeptSlate("c", 3, rows=(6,)),
    )
    found = columns([4, 5, 6], kept=kept)
    assert found["list_seen"] == pytest.approx([math.log(3), math.log(2), 0])
    assert found["list_answered"] == [0, 1, 0]


def test_a_price_beside_the_others_and_what_was_met() -> None:
    who = state((1, 2_000), (2, 1_000))
    found = columns(
        [5, 6, 7, 8], who, prices=[10.0, 1_000.0, 100.0, math.nan], known={1: (100.0,), 3: (1.0,)}
    )
    logs = np.log([10.0, 1_000.0, 100.0])
    assert found["list_price_level"] == pytest.approx([*((logs - logs.mean()) / logs.std()), 0.0])
    assert found["list_price_rank"] == [-0.5, 0.5, 0.0, 0.0]
    assert found["list_price_near_met"] == pytest.approx([-math.log(10), -math.log(10), 0, 0], abs=1e-6)


def test_equal_numbers_share_a_rank_and_have_no_level() -> None:
    found = columns([5, 6, 7], prices=[3.0, 3.0, 3.0])
    assert found["list_price_level"] == found["list_price_rank"] == [0, 0, 0]
    halves = columns([5, 6, 7], prices=[1.0, 1.0, 9.0])["list_price_rank"]
    assert halves == pytest.approx([-0.25, -0.25, 0.5])


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=8, unique=True),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 10**8)), max_size=6),
    st.data(),
)
def test_all_signals_are_numbers(rows: list[int], events: list[tuple[int, int]], data: st.DataObject) -> None:
    number = st.one_of(st.just(math.nan), st.floats(-1e12, 1e12))
    prices = data.draw(st.lists(number, min_size=len(rows), max_size=len(rows)))
    known = data.draw(st.dictionaries(st.integers(0, 9), st.tuples(number), max_size=5))
    who = state(*sorted(events, key=lambda event: -event[1]))
    found = columns(rows, who, prices=prices, known=known)
    assert np.isfinite(list(found.values())).all()
