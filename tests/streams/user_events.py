"""Strategies and a plain fold for tests about one user's events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.actions import ACTIONS
from streams.events.schema import TOPIC_OF, Click, Forget, Impression, Review, User, UserEvent
from streams.state.consumed import Consumed
from streams.state.fold import Applied, Delivery, apply
from streams.state.user_state import EMPTY, WORDS_DIM, StateSettings, UserState

# Small bounds, so that short lists of events reach them all.
SMALL = StateSettings(history=5, recent_event_ids=6, consumed_bytes=64, pending_slates=2, pending_items=3)
ROWS = 12

times = st.integers(1_000_000, 1_000_040).map(lambda s: s * 250)
item_rows = st.integers(0, ROWS - 1)


def row_of(item_id: str) -> int:
    return int(item_id.removeprefix("i"))


def rows_of(event: UserEvent) -> tuple[int, ...]:
    if isinstance(event, User | Forget):
        return ()
    return (row_of(event.item_id),)


def words_of(event: UserEvent) -> NDArray[np.float32] | None:
    """A vector that depends on a review's text alone; None where nothing is said."""
    return vector_of(event.text) if isinstance(event, Review) else None


def searched_of(event: UserEvent) -> NDArray[np.float32] | None:
    """A vector that depends on a click's query alone; None where nothing was searched for."""
    return vector_of(event.query) if isinstance(event, Click) else None


def vector_of(text: str) -> NDArray[np.float32] | None:
    """One that depends on the text alone; None for an empty one."""
    if not text:
        return None
    seed = int.from_bytes(text.encode(), "little")
    return np.random.default_rng(seed).normal(size=WORDS_DIM).astype(np.float32)


items = item_rows.map(lambda row: f"i{row}")
user = st.just("u")
clicks = st.builds(
    Click,
    event_id=st.uuids().map(str),
    ts=times,
    user_id=user,
    item_id=items,
    action=st.sampled_from([action for action in ACTIONS if action != "review"]),
    query=st.sampled_from(["", "strap", "bow"]),
)
reviews = st.builds(
    Review,
    event_id=st.uuids().map(str),
    ts=times,
    user_id=user,
    item_id=items,
    rating=st.none() | st.floats(1, 5),
    text=st.text(max_size=3),
)
impressions = st.builds(
    Impression,
    event_id=st.uuids().map(str),
    ts=times,
    user_id=user,
    slate_id=st.text(min_size=1, max_size=5),
    items=st.lists(items, min_size=1, max_size=5),
)
profiles = st.builds(
    User,
    event_id=st.uuids().map(str),
    ts=times,
    user_id=user,
    profile=st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3),
)
user_events = st.lists(clicks | reviews | profiles, max_size=30, unique_by=lambda e: e.event_id)


def delivered(events: Iterable[UserEvent]) -> list[tuple[UserEvent, Delivery]]:
    """The events as the user's partition holds them: offsets that grow on each topic."""
    offsets: dict[str, int] = {}
    deliveries = []
    for event in events:
        topic = TOPIC_OF[type(event)]
        offsets[topic] = offsets.get(topic, -1) + 1
        deliveries.append((event, Delivery(topic, offsets[topic])))
    return deliveries


def step(state: UserState, event: UserEvent, delivery: Delivery, settings: StateSettings = SMALL) -> Applied:
    return apply(
        state, event, delivery, rows_of(event), words_of(event), settings, searched=searched_of(event)
    )


def fold(
    deliveries: Iterable[tuple[UserEvent, Delivery]],
    state: UserState = EMPTY,
    settings: StateSettings = SMALL,
) -> UserState:
    for event, delivery in deliveries:
        state = step(state, event, delivery, settings).state
    return state


def plain(state: UserState, *without: str) -> dict[str, Any]:
    """A state as values that compare bit by bit."""

    def of(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.dtype.str, value.tobytes()
        if isinstance(value, Consumed):  # whether its bytes were made already is no difference
            return of(value.groups), value.hash_bits, value.in_bytes()
        if isinstance(value, tuple):
            return tuple(map(of, value))
        return value

    return {
        field.name: of(getattr(state, field.name))
        for field in msgspec.structs.fields(state)
        if field.name not in without
    }
