from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.counters.counters import Counters
from streams.counters.settings import CounterSettings
from streams.counters.shares import HOUR_MS, choosing, own_share
from streams.events.schema import Click, Impression
from streams.learning import kept_slates_codec
from streams.learning.join import JoinedAnswer
from streams.learning.kept_slates import (
    LAST_PLACE,
    NEVER,
    NOTHING_KEPT,
    Answer,
    KeptSlate,
    UserSlates,
    place_code,
)
from streams.learning.steps import Bounds, joined_with, on_answer, on_impression
from streams.state.action_meaning import BUILT_IN
from streams.state.fold import Delivery, apply
from streams.state.user_state import ACTION_CODE, EMPTY, NO_ROWS, Interaction, StateSettings, UserState

NOW_MS = 1_700_000_000_000
SETTINGS = CounterSettings()
CLICK, SKIP = ACTION_CODE["click"], ACTION_CODE["skip"]
GOOD = frozenset(np.flatnonzero(BUILT_IN.says > 0).tolist())


class One:
    """A user whose events are folded; what they come to in the counters of all."""

    def __init__(self, settings: CounterSettings = SETTINGS, items: int = 8) -> None:
        self.settings, self.state, self.shares = settings, EMPTY, list[float]()
        self.counters, self.at = Counters(settings), 0
        self.counters.grow(items)

    def act(self, row: int, ts: int, action: str = "click") -> float:
        event = Click(event_id=f"e{self.at}", ts=ts, user_id="u", item_id="i", action=action)
        applied = apply(self.state, event, Delivery("clicks", self.at), (row,), None, StateSettings())
        assert applied.interaction is not None
        share = own_share(self.state, applied.state, applied.interaction, self.settings)
        self.counters.observe(applied.interaction._replace(share=share))
        self.state, self.at = applied.state, self.at + 1
        self.shares.append(share)
        return share


def test_the_same_on_the_same_item_counts_three_times_in_an_hour() -> None:
    one = One()
    assert [one.act(3, NOW_MS + n) for n in range(6)] == [1, 1, 1, 0, 0, 0]
    assert one.act(4, NOW_MS + 9) == 1.0
    assert one.act(3, NOW_MS + 10, "like") == 1.0
    assert one.act(3, NOW_MS + HOUR_MS + 5) == 1.0
    assert one.counters.popularity.total[3] == 5.0
    assert one.counters.popularity.events[3] == 8


def test_what_has_no_share_leaves_no_rating_and_no_pairs() -> None:
    counters = Counters(SETTINGS)
    counters.grow(3)
    counters.observe(
        Interaction(1, NOW_MS, ACTION_CODE["review"], 1.0, np.array([2], np.int32), 0, share=0.0)
    )
    assert counters.popularity.rating_count.sum() == counters.popularity.all_rating_count == 0
    assert counters.popularity.total.sum() == counters.pairs.count.sum() == 0.0
    assert counters.interactions == counters.popularity.events[1] == 1


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3 * HOUR_MS)), min_size=1, max_size=60),
    st.integers(1, 5),
)
def test_no_item_is_moved_more_than_so_often_in_an_hour(events: list[tuple[int, int]], most: int) -> None:
    """Whatever the order in which a user's events come, as far as their history reaches."""
    one = One(CounterSettings(repeats=most))
    counted: list[tuple[int, int]] = []
    for row, ms in events[:50]:
        if one.act(row, NOW_MS + ms):
            counted.append((row, ms))
    for row, ms in counted:
        inside = [at for other, at in counted if other == row and ms <= at < ms + HOUR_MS]
        assert len(inside) <= most


@given(st.lists(st.integers(0, 2 * HOUR_MS), min_size=1, max_size=200), st.floats(1, 50))
def test_what_a_user_moves_is_bounded(gaps_ms: list[int], most: float) -> None:
    """A day's worth is moved at once; then so much a day as it decays."""
    one, ts = One(CounterSettings(user_day=most, repeats=10_000)), NOW_MS
    for n, gap in enumerate(gaps_ms):
        ts += gap
        one.act(n % 8, ts)
    days = (ts - NOW_MS) / 86_400_000
    assert sum(one.shares) <= most * (2.0 + math.log(len(gaps_ms)) + days)
    assert all(0.0 < share <= 1.0 for share in one.shares)


def test_who_does_no_more_than_a_day_allows_counts_in_full() -> None:
    one = One(CounterSettings(repeats=10_000, user_day=100))
    assert [one.act(n % 8, NOW_MS + n) for n in range(100)] == [1.0] * 100
    assert one.act(0, NOW_MS + 101) < 1.0


def test_who_rates_hundreds_of_items_in_minutes_counts_in_full() -> None:
    """As users of ml-100k do: 737 of one user at most."""
    one = One(items=737)
    for row in range(737):
        one.act(row, NOW_MS + 1_000 * row)
    assert one.shares == [1.0] * 737


def test_a_user_without_any_event_of_late_counts_in_full() -> None:
    nothing = Interaction(0, NOW_MS, CLICK, math.nan, NO_ROWS, 0)
    assert own_share(EMPTY, UserState(), nothing, SETTINGS) == 1.0


def slate(answers: list[tuple[int, int]], places: int = 5, shown: bool = True) -> KeptSlate:
    rows = tuple(range(places))
    told = tuple(Answer(row, action, math.nan, NOW_MS) for row, action in answers)
    return KeptSlate(
        "s", NOW_MS, rows=rows, shown_ms=NOW_MS if shown else NEVER, shown=rows if shown else (), answers=told
    )


def chose(
    row: int,
    answers: list[tuple[int, int]],
    outcome: str = "joined",
    before: UserSlates = NOTHING_KEPT,
    **told: Any,
) -> float:
    done, on = Interaction(row, NOW_MS, CLICK, math.nan, NO_ROWS, 0), slate(answers, **told)
    kept = before._replace(slates=(*before.slates, on))
    return choosing(kept, JoinedAnswer(kept.slates, on, outcome), done, GOOD)


def test_who_chooses_more_than_half_of_a_slate_counts_less() -> None:
    clicked: list[tuple[int, int]] = []
    shares = []
    for row in range(5):
        shares.append(chose(row, clicked))
        clicked.append((row, CLICK))
    assert shares == [1.0, 1.0, 1.0, 0.5, 0.0]


def test_more_of_an_item_is_no_further_choice() -> None:
    assert chose(2, [(0, CLICK), (2, CLICK), (3, CLICK)]) == 1.0
    assert chose(2, [(row, CLICK) for row in range(5)]) == 0.0


def test_what_was_skipped_was_not_chosen() -> None:
    assert chose(4, [(row, SKIP) for row in range(4)]) == 1.0


@pytest.mark.parametrize("outcome", ["late", "absent", "unknown", "unattributed", "full"])
def test_what_is_of_no_slate_counts_in_full(outcome: str) -> None:
    assert chose(4, [(row, CLICK) for row in range(4)], outcome) == 1.0
    done = Interaction(4, NOW_MS, CLICK, math.nan, NO_ROWS, 0)
    assert choosing(NOTHING_KEPT, JoinedAnswer((), None, outcome), done, GOOD) == 1.0


def test_a_slate_that_was_not_told_to_be_shown_judges_nobody() -> None:
    """Which slates are made depends on how events come in batches, and no count may."""
    assert chose(3, [(row, CLICK) for row in range(3)], "unshown", shown=False) == 1.0
    before = UserSlates((slate([(row, CLICK) for row in range(5)], shown=False),))
    assert chose(0, [], before=before) == 1.0


def test_a_slate_of_one_place_leaves_no_choice_to_be_judged() -> None:
    assert chose(0, [], places=1) == 1.0


def test_slates_of_late_count_whether_they_wait_or_were_closed() -> None:
    """Of ten places, all were chosen: 10 of 12 that are taken to have been seen."""
    everything = [(row, CLICK) for row in range(10)]
    waiting = UserSlates((slate(everything, places=10),))
    for before in (waiting, UserSlates(seen=10.0, chosen=10.0)):
        assert chose(0, [], before=before) == pytest.approx(2 - 2 * 10 / 12)
    assert chose(0, [], before=UserSlates((slate([], places=10),), seen=10.0, chosen=10.0)) == 1.0


def test_who_floods_slate_after_slate_counts_less_and_less() -> None:
    bounds, kept, moved = Bounds(1_000, 4, 65_536, 64, frozenset(GOOD)), NOTHING_KEPT, []
    for n in range(12):
        ts, name = NOW_MS + 2_000 * n, f"s{n}"
        shown = Impression(
            event_id=name, ts=ts, user_id="u", slate_id=name, items=[str(k) for k in range(10)]
        )
        kept = on_impression(kept, shown, range(10), bounds).kept
        moved.append(0.0)
        for row in range(10):
            event = Click(event_id=f"{name}-{row}", ts=ts, user_id="u", item_id="i", slate_id=name)
            done = Interaction(row, ts, CLICK, math.nan, NO_ROWS, 0)
            moved[-1] += choosing(kept, joined_with(kept.slates, event, row, CLICK, bounds), done, GOOD)
            kept = on_answer(kept, event, done, bounds).kept
    assert moved == sorted(moved, reverse=True)
    assert moved[0] == pytest.approx(7 + 2 / 9)
    assert moved[1] < 2.5
    assert moved[-1] < 0.5
    for n in range(12, 22):  # a user who becomes choosy counts again
        ts, name = NOW_MS + 2_000 * n, f"s{n}"
        shown = Impression(
            event_id=name, ts=ts, user_id="u", slate_id=name, items=[str(k) for k in range(10)]
        )
        kept = on_impression(kept, shown, range(10), bounds).kept
    assert kept.chosen < kept.seen / 2


def moved_at(place: int, visits: int = 16, places: int = 10) -> list[float]:
    """The shares of a user who clicks the same place of slate after slate, each of other items."""
    bounds, kept, shares = Bounds(1_000, 4, 65_536, 64, GOOD), NOTHING_KEPT, []
    for n in range(visits):
        ts, name, rows = NOW_MS + 2_000 * n, f"s{n}", range(places * n, places * (n + 1))
        shown = Impression(event_id=name, ts=ts, user_id="u", slate_id=name, items=[str(row) for row in rows])
        kept = kept_slates_codec.decode(
            kept_slates_codec.encode(on_impression(kept, shown, rows, bounds).kept)
        )
        event = Click(event_id=f"c{n}", ts=ts, user_id="u", item_id="i", slate_id=name)
        done = Interaction(rows[place], ts, CLICK, math.nan, NO_ROWS, 0)
        shares.append(choosing(kept, joined_with(kept.slates, event, done.row, CLICK, bounds), done, GOOD))
        kept = on_answer(kept, event, done, bounds).kept
    return shares


@pytest.mark.parametrize("place", [4, 9])
def test_who_always_clicks_one_place_chooses_a_place(place: int) -> None:
    shares = moved_at(place)
    assert shares[0] == 1.0
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) < 8
    assert moved_at(9)[-1] < 0.21


def test_many_look_no_further_than_the_first_place() -> None:
    assert moved_at(0) == [1.0] * 16


def test_the_last_place_is_known_whatever_the_length_of_the_slate() -> None:
    assert {place_code(places - 1, places) for places in (2, 5, 200)} == {LAST_PLACE}
    assert place_code(0, 1) == 0
    assert place_code(254, 1_000) == 254


def test_shares_are_the_same_in_all_versions_of_python() -> None:
    """`sum` rounds otherwise from Python 3.12 on: for some lengths it comes to another number."""
    before = NOTHING_KEPT._replace(placed=bytes([place_code(1, 200)]) * 16)
    differ = 0
    for places in range(3, 120):
        examined = [rank**-0.5 for rank in range(1, places + 1)]
        plain, exact = functools.reduce(operator.add, examined), math.fsum(examined)
        differ += plain != exact
        drawn = 2**-0.5 / exact
        share = min(1.0, (1.0 + 2.0 * drawn * 17) / 17)
        assert chose(1, [], places=places, before=before) == share
    assert differ > 10


@given(st.integers(0, 2**32 - 1), st.integers(2, 20))
@settings(max_examples=25)
def test_who_looks_from_top_to_bottom_loses_little(seed: int, places: int) -> None:
    """Places as they are looked at: 1 / root of the rank. A tenth of what such a user moves is lost."""
    chance = np.arange(1, places + 1) ** -0.5
    rng = np.random.default_rng(seed)
    placed = [place_code(int(at), places) for at in rng.choice(places, 16, p=chance / chance.sum())]
    kept, shares = NOTHING_KEPT, []
    for _ in range(200):
        at = int(rng.choice(places, p=chance / chance.sum()))
        shares.append(chose(at, [], places=places, before=kept._replace(placed=bytes(placed[-16:]))))
        placed.append(place_code(at, places))
    assert np.mean(shares) > 0.9


def test_counters_move_by_the_share() -> None:
    whole, half = Counters(SETTINGS), Counters(SETTINGS)
    done = Interaction(1, NOW_MS, CLICK, 4.0, np.array([2, 3], np.int32), 0)
    for counters, share in ((whole, 1.0), (half, 0.5)):
        counters.grow(4)
        counters.observe(done._replace(share=share))
    np.testing.assert_allclose(half.popularity.decayed, whole.popularity.decayed / 2)
    np.testing.assert_allclose(half.pairs.count.sum(), whole.pairs.count.sum() / 2)
    assert half.popularity.rating_count[1] == 1


def test_the_users_own_state_takes_every_event() -> None:
    one = One()
    for n in range(6):
        one.act(3, NOW_MS + n)
    assert one.state.interactions == len(one.state.items) == 6
    assert replace(one.state, offsets={}).activity == pytest.approx(6, rel=1e-6)
