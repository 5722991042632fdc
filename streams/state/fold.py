"""The fold that keeps a user's state: `apply(state, event) -> state`.

It is pure and idempotent: an event at or below its topic's offset, or with an event id seen lately, changes
nothing. Nor does one from before the user was deleted, whenever it comes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from streams.events.schema import TOPIC_OF, Click, Forget, Review, User, UserEvent
from streams.state.action_meaning import BUILT_IN, Meanings
from streams.state.consumed import Consumed
from streams.state.heard_words import hear, reviews_after, sentiment
from streams.state.history import grown
from streams.state.user_state import EVENT_ID_BYTES, Interaction, StateSettings, UserState

FORGETS = TOPIC_OF[Forget]


class Delivery(NamedTuple):
    """Where an event came from: the topic without its prefix, and its offset in the user's partition; by when
    it had been accepted (ms since the epoch).
    """

    topic: str
    offset: int
    accepted_ms: float = math.inf


class Applied(NamedTuple):
    """The outcome of one fold. An event `skipped` for its "offset" or as "duplicate" moved only offsets; one
    that is "forgotten" moved nothing.
    """

    state: UserState
    interaction: Interaction | None = None
    skipped: str | None = None


def apply(
    state: UserState,
    event: UserEvent,
    delivery: Delivery,
    rows: tuple[int, ...],
    words: NDArray[np.float32] | None,
    settings: StateSettings,
    meanings: Meanings = BUILT_IN,
    searched: NDArray[np.float32] | None = None,
) -> Applied:
    """Fold one event into a user's state.

    rows: the row of the event's item; () for a profile.
    words: the vector of a review's text, [WORDS_DIM], or None.
    meanings: what the user's actions mean.
    searched: the vector of what a click's user had searched for, [WORDS_DIM], or None.
    """
    key = event_key(event.event_id)
    skipped = _repeats(state, event.ts, delivery, key)
    if skipped in ("offset", "forgotten"):
        return Applied(state, skipped=skipped)
    offsets = {**state.offsets, delivery.topic: delivery.offset}
    if skipped is not None:
        return Applied(replace(state, offsets=offsets), skipped=skipped)
    recent = (*state.recent, key)[-settings.recent_event_ids :]
    noted: dict[str, Any] = {"offsets": offsets, "recent": recent}  # with all else in one copy
    if state.gone:
        noted["gone"] = False
    match event:
        case Forget():
            forgotten_ms = max(state.forgotten_ms, event.ts)
            return Applied(UserState(offsets=offsets, recent=recent, forgotten_ms=forgotten_ms, gone=True))
        case User():
            return Applied(replace(state, profile=dict(event.profile), **noted))
        case Click():
            action = meanings.code(event)
            if searched is not None and event.ts >= state.searched_ms:
                # Rounded as the codec stores it.
                noted["searched"] = searched.astype(np.float16).astype(np.float32)
                noted["searched_ms"] = event.ts
            return _interact(state, rows[0], event, action, math.nan, noted, settings, meanings)
        case Review():
            rating = math.nan if event.rating is None else event.rating
            action = meanings.code(event)
            applied = _interact(state, rows[0], event, action, rating, noted, settings, meanings)
            if words is None:
                return applied
            later = reviews_after(state, event.ts)
            return applied._replace(state=hear(applied.state, words, sentiment(rating), later, settings))


def repeats(state: UserState, event: UserEvent, delivery: Delivery) -> str | None:
    """Why `apply` would skip the event, as in `Applied.skipped`; None where it would not."""
    return _repeats(state, event.ts, delivery, event_key(event.event_id))


def is_forgotten(forgotten_ms: int, ts: int, delivery: Delivery) -> bool:
    """Whether an event of `ts` is from before its user was deleted. The topic of the deletion says so by its
    order. On the others it is the time; nothing happened later than it was accepted.
    """
    return delivery.topic != FORGETS and min(ts, delivery.accepted_ms) <= forgotten_ms


def event_key(event_id: str) -> bytes:
    """What is remembered of an event, so that it counts once if its producer sends it again."""
    return hashlib.blake2b(event_id.encode(), digest_size=EVENT_ID_BYTES).digest()


def _repeats(state: UserState, ts: int, delivery: Delivery, key: bytes) -> str | None:
    if delivery.offset <= state.offsets.get(delivery.topic, -1):
        return "offset"
    if is_forgotten(state.forgotten_ms, ts, delivery):
        return "forgotten"
    return "duplicate" if key in state.recent else None


def _interact(
    state: UserState,
    row: int,
    event: Click | Review,
    action: int,
    rating: float,
    noted: Mapping[str, Any],
    settings: StateSettings,
    meanings: Meanings,
) -> Applied:
    ts = event.ts
    put = grown(state, row, action, rating, ts, settings.history, meanings)
    interaction = Interaction(
        row=row,
        ts=ts,
        action=action,
        rating=rating,
        previous=put.previous,
        tied=put.tied,
        following=put.following,
        slate_id=event.slate_id or "",
        position=-1 if event.position is None else event.position,
        value=math.nan if event.value is None else event.value,
        surface=event.surface or "",
        arm=event.arm or "",
        user=event.user_id,
    )
    rated = not math.isnan(rating)
    return Applied(
        replace(
            state,
            consumed=_consumed(state, row, action, rating, put.end, settings, meanings),
            interactions=state.interactions + 1,
            rating_count=state.rating_count + rated,
            rating_sum=state.rating_sum + (rating if rated else 0.0),
            activity=_activity(state, ts, settings.activity_half_life_s),
            last_ts=max(state.last_ts, ts),
            **put.columns,
            **noted,
        ),
        interaction,
    )


def _activity(state: UserState, ts: int, half_life_s: float) -> float:
    """The decayed count with an interaction at `ts`, as of the latest one. A late one has decayed itself."""
    if not state.interactions:
        return 1.0
    idle_s = (ts - state.last_ts) / 1_000
    if idle_s < 0.0:
        return float(state.activity + 0.5 ** (-idle_s / half_life_s))
    return float(state.activity * 0.5 ** (idle_s / half_life_s) + 1.0)


def _consumed(
    state: UserState,
    row: int,
    action: int,
    rating: float,
    end: int,
    settings: StateSettings,
    meanings: Meanings,
) -> Consumed:
    """What the user has met, with `row`, which stands at `end` in the history.

    What they say last in so many words holds: that they like an item lifts what kept it from ever coming
    back, but not what they said after that; and what comes late, from before it, blocks nothing.
    """
    consumed, code = state.consumed, meanings.kept_as(action, rating)
    blocks, likes = bool(meanings.always >> code & 1), meanings.said(action, rating) > 0
    late, lifts = end < len(state.items), meanings.always
    for at in np.flatnonzero(state.items[end:] == row)[::-1] + end if late and (blocks or likes) else ():
        later, stars = int(state.actions[at]), float(state.ratings[at])
        if blocks and meanings.said(later, stars) > 0:
            return consumed
        lifts &= ~(1 << meanings.kept_as(later, stars))
    if likes and not blocks and lifts:
        consumed = consumed.lifted(row, lifts)
    return consumed.add(row, code, meanings.blocking, settings.consumed_bytes, meanings.always)
