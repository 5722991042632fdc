"""The fold of a user's events: what it keeps, and that nothing counts twice."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.actions import ACTIONS
from streams.events.schema import Click, Forget, Review, User, UserEvent
from streams.state.action_meaning import Meanings
from streams.state.fold import Delivery, apply, repeats
from streams.state.packed_rows import pack_sorted
from streams.state.user_state import ACTION_CODE, EMPTY, NEVER, StateSettings, UserState
from tests.streams.user_events import (
    ROWS,
    SMALL,
    clicks,
    delivered,
    fold,
    plain,
    reviews,
    row_of,
    step,
    times,
    user_events,
    vector_of,
)

acted = st.lists(clicks | reviews, max_size=30, unique_by=lambda event: event.event_id)


# Redelivery


@given(user_events, st.data())
def test_a_redelivered_suffix_changes_nothing(events: list[UserEvent], data: st.DataObject) -> None:
    deliveries = delivered(events)
    state = fold(deliveries)
    start = data.draw(st.integers(0, len(deliveries)))
    for event, delivery in deliveries[start:]:
        again = step(state, event, delivery)
        assert (again.skipped, again.interaction) == ("offset", None)
        assert plain(again.state) == plain(state)


@given(user_events, st.data())
def test_a_consumer_that_rewinds_at_any_time_ends_where_a_clean_run_does(
    events: list[UserEvent], data: st.DataObject
) -> None:
    deliveries = delivered(events)
    state = EMPTY
    at = rewinds = counted = 0
    while at < len(deliveries):
        outcome = step(state, *deliveries[at])
        state = outcome.state
        counted += outcome.interaction is not None
        at += 1
        if rewinds < 5 and data.draw(st.booleans()):
            at = data.draw(st.integers(0, at))
            rewinds += 1
    assert plain(state) == plain(fold(deliveries))
    assert counted == sum(isinstance(event, Click | Review) for event in events)


@given(user_events, st.data())
def test_a_producer_that_sends_twice_moves_only_offsets(events: list[UserEvent], data: st.DataObject) -> None:
    """A copy may come as late as `recent_event_ids` further events allow, and at an offset of its own."""
    sent = list(events)
    for event in data.draw(st.lists(st.sampled_from(events), max_size=5)) if events else []:
        first = sent.index(event)
        # Copies do not enter the memory of event ids, so only first deliveries count as further events.
        further = [at for at in range(first + 1, len(sent)) if sent.index(sent[at]) == at]
        latest = further[SMALL.recent_event_ids - 1] if len(further) >= SMALL.recent_event_ids else len(sent)
        sent.insert(data.draw(st.integers(first + 1, latest)), event)
    twice = fold(delivered(sent))
    assert plain(twice, "offsets") == plain(fold(delivered(events)), "offsets")
    assert sum(offset + 1 for offset in twice.offsets.values()) == len(sent)


def test_a_copy_is_reported_and_its_offset_is_kept() -> None:
    event = Click(event_id="e", ts=1, user_id="u", item_id="i1")
    first = step(EMPTY, event, Delivery("clicks", 3))
    copy = step(first.state, event, Delivery("clicks", 8))
    assert (copy.skipped, copy.interaction, copy.state.offsets) == ("duplicate", None, {"clicks": 8})


def test_offsets_of_topics_do_not_mix() -> None:
    state = step(EMPTY, Click(event_id="a", ts=1, user_id="u", item_id="i1"), Delivery("clicks", 9)).state
    review = step(state, Review(event_id="b", ts=1, user_id="u", item_id="i1"), Delivery("reviews", 0))
    assert review.skipped is None
    assert review.state.offsets == {"clicks": 9, "reviews": 0}


# What is kept


@given(user_events)
def test_every_part_keeps_its_bound(events: list[UserEvent]) -> None:
    state = fold(delivered(events))
    assert len(state.items) == len(state.actions) == len(state.ratings) == len(state.times) <= SMALL.history
    assert len(state.recent) <= SMALL.recent_event_ids
    assert sum(len(pack_sorted(keys)) for _, keys in state.consumed.groups) <= SMALL.consumed_bytes
    assert all((np.diff(keys) > 0).all() for _, keys in state.consumed.groups)


@given(user_events)
def test_the_history_holds_the_latest_of_all_interactions_in_the_order_of_their_times(
    events: list[UserEvent],
) -> None:
    kept: list[tuple[int, int, float | None, int]] = []
    seen: list[int] = []
    ratings: list[float] = []
    state = EMPTY
    for event, delivery in delivered(events):
        outcome = step(state, event, delivery)
        state = outcome.state
        if not isinstance(event, Click | Review):
            assert outcome.interaction is None
            continue
        rating = event.rating if isinstance(event, Review) else None
        action = ACTION_CODE["review"] if isinstance(event, Review) else ACTION_CODE[event.action]
        told = outcome.interaction
        assert told is not None
        assert (told.row, told.ts, told.action) == (row_of(event.item_id), event.ts, action)
        assert told.rating == rating if rating is not None else math.isnan(told.rating)
        good = liked(kept)
        earlier = [row for (row, _, _, ts), fine in zip(kept, good, strict=True) if fine and ts <= event.ts]
        later = [row for (row, _, _, ts), fine in zip(kept, good, strict=True) if fine and ts > event.ts]
        beyond = sum(ts > event.ts for _, _, _, ts in kept) == SMALL.history
        assert told.previous.tolist() == earlier[::-1]
        assert told.tied == sum(
            fine and ts == event.ts for (_, _, _, ts), fine in zip(kept, good, strict=True)
        )
        assert told.following.tolist() == ([] if beyond else later)
        # Python's sort keeps the order of what is equal: ties stay as they came.
        kept = sorted([*kept, (row_of(event.item_id), action, rating, event.ts)], key=lambda each: each[3])
        kept = kept[-SMALL.history :]
        seen.append(event.ts)
        ratings += [] if rating is None else [rating]
    assert state.items.tolist() == [row for row, _, _, _ in kept]
    assert state.actions.tolist() == [action for _, action, _, _ in kept]
    assert state.times.tolist() == [ts for _, _, _, ts in kept]
    expected = np.array([math.nan if rating is None else rating for _, _, rating, _ in kept], np.float32)
    np.testing.assert_array_equal(state.ratings, expected)
    assert state.interactions == len(seen)
    assert state.rating_count == len(ratings)
    assert state.rating_sum == pytest.approx(math.fsum(ratings))
    assert state.last_ts == max(seen, default=0)


def liked(kept: list[tuple[int, int, float | None, int]]) -> list[bool]:
    """Whether each event's item was not disliked: what was said last in so many words holds for the item."""
    said = {"dislike": -1, "hide": -1, "report": -1, "skip": -1}
    said |= dict.fromkeys(("like", "share", "bookmark", "follow"), 1)
    last: dict[int, int] = {}
    for row, action, rating, _ in kept:
        word = said.get(ACTIONS[action], 0)
        if rating is not None:
            word = -1 if rating <= 2 else int(rating >= 4)
        if word:
            last[row] = word
    return [last.get(row, 1) > 0 for row, *_ in kept]


# A history that forgets can't tell what came before what: 50 holds them all.
@given(st.lists(clicks | reviews, max_size=30, unique_by=lambda event: event.ts), st.sampled_from([50]))
def test_the_order_of_arrival_does_not_matter(events: list[UserEvent], history: int) -> None:
    """However two topics are interleaved, and whatever is late on one of them."""
    settings = msgspec.structs.replace(SMALL, history=history, consumed_bytes=1_000)
    found = fold(delivered(events), settings=settings)
    expected = fold(delivered(sorted(events, key=lambda event: event.ts)), settings=settings)
    for name in ("items", "actions", "ratings", "times"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
    met, in_order = (
        {code: rows.tolist() for code, rows in each.consumed.groups} for each in (found, expected)
    )
    assert met == in_order
    assert (found.interactions, found.rating_count) == (expected.interactions, expected.rating_count)
    assert found.last_ts == expected.last_ts
    assert found.activity == pytest.approx(expected.activity)
    assert found.searched_ms == expected.searched_ms
    np.testing.assert_array_equal(found.searched, expected.searched)


@given(user_events, times)
def test_what_was_until_a_time_holds_nothing_later(events: list[UserEvent], ts: int) -> None:
    state = fold(delivered(events))
    before = state.until(ts)
    count = sum(time <= ts for time in state.times.tolist())
    for name in ("items", "actions", "ratings", "times"):
        np.testing.assert_array_equal(getattr(before, name), getattr(state, name)[:count])
    cut = ("items", "actions", "ratings", "times", "searched", "searched_ms")
    assert plain(before, *cut) == plain(state, *cut)
    later = state.searched_ms > ts
    assert (len(before.searched), before.searched_ms) == ((0, NEVER) if later else _searched(state))


def _searched(state: UserState) -> tuple[int, int]:
    return len(state.searched), state.searched_ms


@given(user_events)
def test_the_search_is_the_latest_that_a_click_told_of(events: list[UserEvent]) -> None:
    state = fold(delivered(events))
    searches = [event for event in events if isinstance(event, Click) and event.query]
    if not searches:
        assert _searched(state) == (0, NEVER)
        return
    latest = max(searches, key=lambda event: event.ts).ts
    last = [event for event in searches if event.ts == latest][-1]
    assert state.searched_ms == latest
    expected = vector_of(last.query)
    assert expected is not None
    np.testing.assert_array_equal(state.searched, expected.astype(np.float16))
    assert state.search_at(latest, 10.0) is state.searched is state.search_at(latest + 10_000, 10.0)
    assert state.search_at(latest + 10_001, 10.0) is state.search_at(latest, 0.0) is None


def test_a_history_that_was_longer_is_cut_to_the_latest() -> None:
    """The setting was lowered while states were stored; also where the next event comes late."""
    acts = [Click(event_id=f"{n}", ts=1_000 + n, user_id="u", item_id=f"i{n}") for n in range(5)]
    long = fold(delivered(acts))
    for ts, items in ((2_000, [3, 4, 9]), (1_003, [3, 9, 4]), (1_002, [9, 3, 4]), (1_001, [0, 1, 2, 3, 4])):
        late = Click(event_id="late", ts=ts, user_id="u", item_id="i9")
        state = fold([(late, Delivery("clicks", 5))], long, msgspec.structs.replace(SMALL, history=3))
        assert state.items.tolist() == items
        assert state.has_consumed(9)


@given(acted, st.sets(st.sampled_from(ACTIONS)))
def test_consumed_items_are_those_met_by_actions_that_do_not_let_them_repeat(
    events: list[Click | Review], repeat: set[str]
) -> None:
    state = fold(delivered(events), settings=msgspec.structs.replace(SMALL, consumed_bytes=1_000))
    blocking = Meanings(repeat=repeat).blocking
    meanings = Meanings(repeat=repeat)
    met, settled = set(), set()
    for event in events:
        row, rating = row_of(event.item_id), math.nan
        action = "review" if isinstance(event, Review) else event.action
        if isinstance(event, Review) and event.rating is not None:
            rating = event.rating
        if meanings.said(ACTION_CODE[action], rating) and action != "skip":
            settled.add(row)  # what is said last of it holds: that has tests of its own
        met.add((row, action))
    assert {row for row in range(ROWS) if state.has_consumed(row)} == {row for row, _ in met}
    assert {row for row in range(ROWS) if state.has_consumed(row, blocking)} - settled == {
        row for row, action in met if action not in repeat
    } - settled


def test_beyond_its_bytes_a_state_goes_by_the_setting_in_force() -> None:
    """Items that may come back are dropped before others are taken for met."""
    meanings, state = Meanings(repeat=["view"]), EMPTY
    settings = StateSettings(consumed_bytes=100)
    for k in range(300):
        action = "view" if k % 30 else "purchase"
        event = Click(event_id=str(k), ts=k, user_id="u", item_id="i", action=action)
        state = apply(state, event, Delivery("clicks", k), (k * 1_000,), None, settings, meanings).state
    blocking = meanings.blocking
    assert {k for k in range(300) if state.has_consumed(k * 1_000, blocking)} == set(range(0, 300, 30))


@given(acted)
def test_activity_is_the_sum_of_decayed_interactions(events: list[UserEvent]) -> None:
    """Whether they come in order or not."""
    settings = StateSettings(activity_half_life_s=3.0)
    state = fold(delivered(events), settings=settings)
    expected = sum(0.5 ** ((state.last_ts - event.ts) / 3_000) for event in events)
    assert state.activity == pytest.approx(expected)


def test_a_profile_replaces_the_last_one() -> None:
    first = User(event_id="a", ts=1, user_id="u", profile={"age": "30", "country": "DE"})
    second = User(event_id="b", ts=2, user_id="u", profile={"age": "31"})
    assert fold(delivered([first, second])).profile == {"age": "31"}


@given(user_events)
def test_a_state_that_was_is_never_changed(events: list[UserEvent]) -> None:
    states: list[tuple[UserState, dict[str, object]]] = [(EMPTY, plain(EMPTY))]
    for event, delivery in delivered(events):
        state = step(states[-1][0], event, delivery).state
        states.append((state, plain(state)))
    assert all(plain(state) == then for state, then in states)


def test_every_action_of_the_wire_has_a_code() -> None:
    for action in ACTIONS:
        if action != "review":
            raw = {
                "type": "click",
                "event_id": "e",
                "ts": 1,
                "user_id": "u",
                "item_id": "i",
                "action": action,
            }
            assert msgspec.convert(raw, Click).action == action
    assert sorted(ACTION_CODE.values()) == list(range(len(ACTIONS)))


@pytest.mark.parametrize(
    "name", ["history", "recent_event_ids", "consumed_bytes", "pending_slates", "pending_items"]
)
def test_bounds_of_nothing_are_refused(name: str) -> None:
    """A bound of 0 would keep everything: `[-0:]` is the whole list."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({name: 0}, StateSettings)


@given(user_events, st.data())
def test_what_is_said_to_be_skipped_is_skipped(events: list[UserEvent], data: st.DataObject) -> None:
    """Whether an event comes again under its offset, under a later one, or for the first time."""
    state = EMPTY
    for event, delivery in delivered(events):
        for again in data.draw(st.lists(st.integers(0, 2), max_size=2)):
            moved = delivery._replace(offset=delivery.offset + again)
            said = repeats(state, event, moved)
            applied = step(state, event, moved)
            assert applied.skipped == said
            state = applied.state


def test_a_like_that_comes_late_lifts_what_was_said_before_it_and_nothing_later() -> None:
    events = [said("report", 500), said("dislike", 0), said("like", 250)]
    late, in_order = (fold(delivered(each)) for each in (events, sorted(events, key=lambda event: event.ts)))
    assert dict(late.consumed.groups).keys() == dict(in_order.consumed.groups).keys()
    assert ACTION_CODE["dislike"] not in dict(late.consumed.groups)


def said(action: str, ts: int) -> Click:
    return Click(event_id=f"e{ts}", ts=250_000_000 + ts, user_id="u", item_id="i0", action=action)


# Deletion


def deletion(ts: int) -> Forget:
    return Forget(event_id=f"forget-{ts}", ts=ts, user_id="u")


@given(user_events, user_events, times, st.data())
def test_a_user_after_a_deletion_is_a_new_one(
    before: list[UserEvent], after: list[UserEvent], ts: int, data: st.DataObject
) -> None:
    """Whatever came before, and however late the rest of it comes, what counts is what happened since."""
    seen = {event.event_id for event in before}
    after = [event for event in after if event.event_id not in seen]
    late = data.draw(st.lists(clicks | reviews, max_size=5, unique_by=lambda event: event.event_id))
    late = [
        msgspec.structs.replace(event, event_id=f"late-{event.event_id}", ts=min(event.ts, ts))
        for event in late
    ]
    since = [
        event if isinstance(event, User) else msgspec.structs.replace(event, ts=max(event.ts, ts + 1))
        for event in after
    ]
    mixed: list[UserEvent] = list(since)
    for event in late:
        mixed.insert(data.draw(st.integers(0, len(mixed))), event)
    deliveries = delivered([*before, deletion(ts), *mixed])
    state = fold(deliveries)
    bookkeeping = ("offsets", "recent", "forgotten_ms", "gone")
    assert plain(state, *bookkeeping) == plain(fold(delivered(since)), *bookkeeping)
    assert state.forgotten_ms == ts
    assert state.gone == (not since)
    # Redelivery, as everywhere.
    for sent, delivery in deliveries[data.draw(st.integers(0, len(deliveries))) :]:
        again = step(state, sent, delivery)
        assert again.interaction is None
        assert plain(again.state) == plain(state)


def test_a_deletion_leaves_no_trace_of_what_was() -> None:
    click = Click(event_id="a", ts=5, user_id="u", item_id="i1", value=3.0)
    profile = User(event_id="b", ts=6, user_id="u", profile={"name": "Ann"})
    state = fold(delivered([click, profile]))
    gone = step(state, deletion(9), Delivery("users", 1)).state
    assert plain(gone, "offsets", "recent", "forgotten_ms", "gone") == plain(
        EMPTY, "offsets", "recent", "forgotten_ms", "gone"
    )
    assert gone.offsets == {"clicks": 0, "users": 1}
    assert not step(
        gone, Click(event_id="c", ts=10, user_id="u", item_id="i1"), Delivery("clicks", 1)
    ).state.gone


def test_a_deletion_that_is_sent_twice_deletes_once() -> None:
    state = fold(delivered([deletion(9), Click(event_id="c", ts=10, user_id="u", item_id="i1")]))
    again = step(state, deletion(9), Delivery("users", 1))
    assert (again.skipped, again.state.interactions) == ("duplicate", 1)


def test_on_other_topics_the_time_decides_and_on_its_own_the_order() -> None:
    gone = fold(delivered([deletion(1_000)]))
    early = Click(event_id="c", ts=1_000, user_id="u", item_id="i1")
    assert step(gone, early, Delivery("clicks", 0)).skipped == "forgotten"
    ahead = msgspec.structs.replace(early, ts=5_000)
    assert step(gone, ahead, Delivery("clicks", 0, accepted_ms=999.5)).skipped == "forgotten"
    assert step(gone, ahead, Delivery("clicks", 0, accepted_ms=1_001.0)).skipped is None
    put = User(event_id="p", ts=900, user_id="u", profile={"a": "b"})
    assert step(gone, put, Delivery("users", 1)).state.profile == {"a": "b"}, "a gateway's clock may be slow"
