"""One user's state and the fold that keeps it: `apply(state, event) -> state`.

The fold is pure and idempotent: an event at or below its topic's offset, or with an event id seen
lately, changes nothing. Items are global row numbers (see `streams.state.catalog`), so that a full history
packs into a few hundred bytes.

The history is in the order of the events' times, those of one time in the order in which they came. An event
that comes late is put where its time belongs; what falls off the end is the oldest.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from model.features import RATING_PRIOR
from model.tasks import ACTIONS
from streams.events.schema import Click, Impression, Review, User, UserEvent
from streams.state.consumed import EVERY_ACTION, NOTHING, Consumed

ACTION_CODE: dict[str, int] = {name: code for code, name in enumerate(ACTIONS)}
WORDS_DIM = 64
EVENT_ID_BYTES = 8

Rows = NDArray[np.int32]
Scalar = TypeVar("Scalar", np.int32, np.uint8, np.float32, np.int64)


NO_ROWS: Rows = np.empty(0, np.int32)


def _rows() -> Rows:
    return NO_ROWS


class StateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of a user's state; together they keep a full state under 12 KB.

    `consumed_bytes`: what the items take that the user has met. Within it they are known exactly; beyond it
    by a filter that holds every one of them, and takes some others for met too (see `consumed`).
    """

    history: Annotated[int, Meta(gt=0, le=1_000)] = 50
    recent_event_ids: Annotated[int, Meta(gt=0, le=10_000)] = 64
    consumed_bytes: Annotated[int, Meta(ge=64, le=65_535)] = 7_900
    pending_slates: Annotated[int, Meta(gt=0, le=64)] = 4
    pending_items: Annotated[int, Meta(gt=0, le=200)] = 20
    words_half_life: Annotated[float, Meta(gt=0)] = 5.0
    activity_half_life_s: Annotated[float, Meta(gt=0)] = 86_400.0
    ttl_days: Annotated[float, Meta(gt=0, le=36_500)] = 365.0


class PendingSlate(NamedTuple):
    """A slate that was shown and still waits for feedback. `rows` in the order shown."""

    slate_id: str
    ts: int
    rows: Rows


class Interaction(NamedTuple):
    """What one applied click or review means to the counters.

    `previous`: rows of the user's history before it, newest first. `tied`: how many of those share its
    timestamp, so their order is unknown. `following`: rows after it, oldest first, where it came late.
    `rating` is NaN where there is none.
    """

    row: int
    ts: int
    action: int
    rating: float
    previous: Rows
    tied: int
    following: Rows = NO_ROWS


@dataclass(frozen=True, slots=True)
class UserState:
    """Everything that is remembered of one user. Arrays are oldest first, by the events' times, and never
    changed in place.

    n <= history: items[n] int32 rows, actions[n] uint8 codes, ratings[n] float32 (NaN: none), times[n] int64.
    `activity` is a forward-decayed count of interactions as of `last_ts`. `words` is the decaying mean of the
    user's own review vectors, [WORDS_DIM] or empty, rounded to float16; `liked` is the same mean with each
    vector times its sentiment, from -1 for one star to 1 for five (0 where the review has no rating).
    """

    items: Rows = field(default_factory=_rows)
    actions: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    ratings: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    times: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    consumed: Consumed = NOTHING
    interactions: int = 0
    rating_count: int = 0
    rating_sum: float = 0.0
    activity: float = 0.0
    last_ts: int = 0
    words: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    words_weight: float = 0.0
    liked: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    slates: tuple[PendingSlate, ...] = ()
    weights: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    recent: tuple[bytes, ...] = ()
    offsets: dict[str, int] = field(default_factory=dict)
    profile: dict[str, str] = field(default_factory=dict)

    def mean_rating(self, overall: float) -> float:
        """The user's mean rating, drawn to the mean of all by `RATING_PRIOR` ratings' worth."""
        return (self.rating_sum + RATING_PRIOR * overall) / (self.rating_count + RATING_PRIOR)

    def has_consumed(self, row: int, blocking: int = EVERY_ACTION) -> bool:
        """Whether the item was met by one of the actions in `blocking` (`consumed.blocking_actions`)."""
        return self.consumed.has(row, blocking)

    def until(self, ts: int) -> UserState:
        """The state without the interactions of its history that are later than `ts`; counts and means keep
        them.
        """
        if ts >= self.last_ts:
            return self
        at = int(self.times.searchsorted(ts, "right"))
        return replace(
            self,
            items=self.items[:at],
            actions=self.actions[:at],
            ratings=self.ratings[:at],
            times=self.times[:at],
        )


EMPTY = UserState()


class Delivery(NamedTuple):
    """Where an event came from: the topic without its prefix, and its offset in the user's partition."""

    topic: str
    offset: int


class Applied(NamedTuple):
    """The outcome of one fold. An event `skipped` for its "offset" or as "duplicate" moved only offsets."""

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
    blocking: int = EVERY_ACTION,
) -> Applied:
    """Fold one event into a user's state.

    rows: the row of the event's item, or of each item of an impression; () for a profile.
    words: the vector of a review's text, [WORDS_DIM], or None.
    blocking: the actions after which an item may not come back (`consumed.blocking_actions`).
    """
    key = _key_of(event)
    skipped = _repeats(state, delivery, key)
    if skipped == "offset":
        return Applied(state, skipped=skipped)
    offsets = {**state.offsets, delivery.topic: delivery.offset}
    if skipped is not None:
        return Applied(replace(state, offsets=offsets), skipped=skipped)
    recent = (*state.recent, key)[-settings.recent_event_ids :]
    noted: dict[str, Any] = {"offsets": offsets, "recent": recent}  # with all else in one copy
    match event:
        case User():
            return Applied(replace(state, profile=dict(event.profile), **noted))
        case Impression():
            shown = PendingSlate(event.slate_id, event.ts, np.array(rows[: settings.pending_items], np.int32))
            slates = sorted((*state.slates, shown), key=lambda slate: slate.ts)  # stable: ties as they came
            return Applied(replace(state, slates=tuple(slates[-settings.pending_slates :]), **noted))
        case Click():
            return _interact(state, rows[0], event.ts, action_of(event), math.nan, noted, settings, blocking)
        case Review():
            rating = math.nan if event.rating is None else event.rating
            action = action_of(event)
            applied = _interact(state, rows[0], event.ts, action, rating, noted, settings, blocking)
            if words is None:
                return applied
            later = _reviews_after(state, event.ts)
            return applied._replace(state=_hear(applied.state, words, sentiment(rating), later, settings))


def repeats(state: UserState, event: UserEvent, delivery: Delivery) -> str | None:
    """Why `apply` would skip the event, as in `Applied.skipped`; None where it would not."""
    return _repeats(state, delivery, _key_of(event))


def _key_of(event: UserEvent) -> bytes:
    return hashlib.blake2b(event.event_id.encode(), digest_size=EVENT_ID_BYTES).digest()


def _repeats(state: UserState, delivery: Delivery, key: bytes) -> str | None:
    if delivery.offset <= state.offsets.get(delivery.topic, -1):
        return "offset"
    return "duplicate" if key in state.recent else None


def _interact(
    state: UserState,
    row: int,
    ts: int,
    action: int,
    rating: float,
    noted: Mapping[str, Any],
    settings: StateSettings,
    blocking: int,
) -> Applied:
    times, n = state.times, len(state.items)
    newest = int(times[-1]) if n else -1
    late = ts < newest
    end = int(times.searchsorted(ts, "right")) if late else n
    skip = max(0, n + 1 - settings.history)
    beyond = end < skip  # older than all that a full history holds: what came in between is not known
    interaction = Interaction(
        row=row,
        ts=ts,
        action=action,
        rating=rating,
        previous=state.items[:end][::-1],
        tied=0 if ts > newest else end - int(times.searchsorted(ts)),
        following=state.items[end:] if late and not beyond else NO_ROWS,
    )
    if not beyond:
        at = end - skip
        noted = {
            "items": _with(state.items[skip:], at, row),
            "actions": _with(state.actions[skip:], at, action),
            "ratings": _with(state.ratings[skip:], at, rating),
            "times": _with(times[skip:], at, ts),
            **noted,
        }
    rated = not math.isnan(rating)
    return Applied(
        replace(
            state,
            consumed=state.consumed.add(row, action, blocking, settings.consumed_bytes),
            interactions=state.interactions + 1,
            rating_count=state.rating_count + rated,
            rating_sum=state.rating_sum + (rating if rated else 0.0),
            activity=_activity(state, ts, settings.activity_half_life_s),
            last_ts=max(state.last_ts, ts),
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


def _with(values: NDArray[Scalar], at: int, value: float) -> NDArray[Scalar]:
    """A copy with `value` put in before `at`: `np.insert` for one value, in a fifth of its time."""
    grown = np.empty(len(values) + 1, values.dtype)
    grown[:at] = values[:at]
    grown[at] = value
    grown[at + 1 :] = values[at:]
    return grown


def action_of(event: Click | Review) -> int:
    """The code of what the user did."""
    return ACTION_CODE[event.action if isinstance(event, Click) else "review"]


def sentiment(rating: float) -> float:
    """What a review's stars say of its words, from -1 to 1; 0 for none.

    >>> [sentiment(stars) for stars in (1.0, 3.0, 5.0, math.nan)]
    [-1.0, 0.0, 1.0, 0.0]
    """
    return 0.0 if math.isnan(rating) else (rating - 3.0) / 2.0


def _reviews_after(state: UserState, ts: int) -> int:
    """How many remembered reviews are later than `ts`."""
    if ts >= state.last_ts:
        return 0
    return int((state.actions[state.times > ts] == ACTION_CODE["review"]).sum())


def _hear(
    state: UserState, words: NDArray[np.float32], feeling: float, later: int, settings: StateSettings
) -> UserState:
    """Move the means of the user's words towards `words`; half is forgotten in `words_half_life` reviews.

    A late review, which `later` ones follow, weighs what is left of it after so many.
    """
    fade = 0.5 ** (1.0 / settings.words_half_life)
    kept, told = (state.words_weight, fade**later) if later else (state.words_weight * fade, 1.0)
    weight = kept + told

    def moved(mean: NDArray[np.float32], towards: NDArray[np.float32]) -> NDArray[np.float32]:
        now = (mean * kept + towards * told) / weight if len(mean) else towards
        # Rounded as the codec stores it, so that a state is the same however often it was stored on the way.
        return now.astype(np.float16).astype(np.float32)

    said, liked = moved(state.words, words), moved(state.liked, np.float32(feeling) * words)
    return replace(state, words=said, liked=liked, words_weight=weight)
