"""The events on the wire: strict structs, JSON, tagged by `type`, versioned by `v`.

Rules (each is tested):
- every event has `event_id` and `ts` (milliseconds since the epoch, UTC);
- a field that may be left out may be null, which means the same; a name may not stand twice;
- unknown fields are ignored: not applied, not forwarded (the gateway re-encodes what it understood);
- `v` above `VERSION` is refused (`unknown_version`): a newer producer must not be half understood;
- too large, too early, too late, empty or overlong ids: refused, with a reason code.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from model.actions import ActionName
from model.errors import EventError
from streams.events.strict_json import TS_RULE, UNREADABLE, EventReader, unit_hint

VERSION = 1

Id = Annotated[str, Meta(min_length=1, max_length=128)]
Text = Annotated[str, Meta(max_length=16_384)]
Short = Annotated[str, Meta(max_length=256)]
Timestamp = Annotated[int, Meta(ge=0, le=253_402_300_799_000)]
Finite = Annotated[float, Meta(ge=-1e12, le=1e12)]
Position = Annotated[int, Meta(ge=0, le=10_000)]
Vector = Annotated[list[Annotated[float, Meta(ge=-1e6, le=1e6)]], Meta(max_length=4096)]


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every event carries."""

    event_id: Id
    ts: Timestamp
    v: Annotated[int, Meta(ge=1, le=VERSION)] = VERSION


class Click(Event, frozen=True, kw_only=True, tag="click"):
    """A user acted on an item; `query` is what they had searched for, where they had. `action`: a built-in
    one or one that the settings declare.

    `slate_id`, `position`: the slate it came from, and the place in it from 0; `surface` and `arm` as the
    impression has them.
    """

    user_id: Id
    item_id: Id
    action: ActionName = "click"
    value: Finite | None = None
    slate_id: Id | None = None
    position: Position | None = None
    surface: Short | None = None
    arm: Short | None = None
    query: Short = ""


class Review(Event, frozen=True, kw_only=True, tag="review"):
    """A user wrote about an item; `rating` is on the scale 1 to 5.

    What says where it came from is as in `Click`.
    """

    user_id: Id
    item_id: Id
    rating: Annotated[float, Meta(ge=1, le=5)] | None = None
    title: Short = ""
    text: Text = ""
    value: Finite | None = None
    slate_id: Id | None = None
    position: Position | None = None
    surface: Short | None = None
    arm: Short | None = None


class Impression(Event, frozen=True, kw_only=True, tag="impression"):
    """A slate was shown to a user: which items, in which order, by which arm, how likely."""

    user_id: Id
    slate_id: Id
    items: Annotated[list[Id], Meta(min_length=1, max_length=200)]
    surface: Short = "feed"
    arm: Short = "default"
    model: Short = ""
    propensities: (
        Annotated[
            list[Annotated[float, Meta(ge=0, le=1)]],
            Meta(max_length=200, description="As many as there are `items`."),
        ]
        | None
    ) = None
    teams: (
        Annotated[
            list[Annotated[int, Meta(ge=-1, le=1)]],
            Meta(
                max_length=200,
                description="Of an interleaved slate, which order brought each of the `items`, as many as"
                " there are: 0 that of the first arm that `arm` names, 1 that of the second, -1 neither.",
            ),
        ]
        | None
    ) = None


class Item(Event, frozen=True, kw_only=True, tag="item"):
    """An item as it now is; the whole item, not a patch. `attributes`: what filters may ask for, by name."""

    item_id: Id
    title: Short = ""
    text: Text = ""
    categories: Annotated[list[Short], Meta(max_length=64)] = []
    tags: Annotated[list[Short], Meta(max_length=64)] = []
    price: Annotated[float, Meta(ge=0, le=1e12)] | None = None
    available: bool = True
    attributes: Annotated[dict[Short, Short], Meta(max_length=32)] = {}
    image_vector: Vector | None = None
    audio_vector: Vector | None = None


class User(Event, frozen=True, kw_only=True, tag="user"):
    """A user's profile fields; the whole profile, not a patch."""

    user_id: Id
    profile: Annotated[dict[Short, Short], Meta(max_length=32)] = {}


class Forget(Event, frozen=True, kw_only=True, tag="forget"):
    """Nothing of a user is to be known any more that happened up to now; the gateway writes it."""

    user_id: Id


class Control(Event, frozen=True, kw_only=True, tag="control"):
    """An order to the running system."""

    command: Literal["activate_model"]
    model: Short = ""


UserEvent = Click | Review | User | Forget
"""What changes a user's state. An impression marks a slate as shown instead (`streams.learning.join`)."""
AnyEvent = Click | Review | Impression | Item | User | Forget | Control

# Which topic (without its prefix) an event travels on. A deletion goes the way of profiles, so that it stands
# before or behind each of them.
TOPIC_OF: dict[type[Event], str] = {
    Click: "clicks",
    Review: "reviews",
    Impression: "impressions",
    User: "users",
    Forget: "users",
    Item: "items",
    Control: "control",
}
EVENT_TOPICS = tuple(dict.fromkeys(TOPIC_OF.values()))
DEAD_LETTERS = "dead-letters"


class EventLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds on what is accepted.

    `max_bytes` of JSON, each escape counted as the character it stands for: the default holds whatever the
    fields' own bounds allow. `max_early_ms`: how far `ts` may lie ahead of the clock; `max_late_ms`: behind
    it.
    """

    max_bytes: int = 524_288
    max_early_ms: int = 300_000
    max_late_ms: int = 400 * 86_400_000


_reader: EventReader[AnyEvent] = EventReader(AnyEvent, VERSION)
_encoder = msgspec.json.Encoder()


class _Time(msgspec.Struct):
    ts: Timestamp


_time_decoder = msgspec.json.Decoder(_Time)


def key_of(event: AnyEvent) -> bytes:
    """The Kafka key: the user, the item, or one constant key for control events."""
    if isinstance(event, Item):
        return event.item_id.encode()
    if isinstance(event, Control):
        return b"control"
    return event.user_id.encode()


def unknown_command(event: Control) -> EventError:
    """What is said of an order that this build does not know how to obey."""
    return EventError(
        "unknown_command",
        f"control command {event.command!r}; this build obeys activate_model: upgrade it, or drop the order",
    )


def check_action(event: AnyEvent, declared: Collection[str]) -> None:
    """Raises `EventError` for an action that is not among those `declared`; a review is no click's action."""
    if isinstance(event, Click) and (event.action not in declared or event.action == "review"):
        known = ", ".join(name for name in declared if name != "review")
        other = "a review event" if event.action == "review" else f"declare [actions.{event.action}]"
        raise EventError(
            "unknown_action",
            f"action {event.action!r}; expected one of {known}: send one of these, or {other}",
        )


def encode(event: AnyEvent) -> bytes:
    """An event as JSON bytes; `decode` gives it back."""
    return _encoder.encode(event)


def decode(raw: bytes, now_ms: int, limits: EventLimits) -> AnyEvent:
    """Read one event, or raise `EventError` with the reason.

    >>> decode(b'{"type":"item","event_id":"e","ts":5,"item_id":"i"}', 5, EventLimits()).item_id
    'i'
    >>> decode(b'{}', 5, EventLimits())
    Traceback (most recent call last):
    model.errors.EventError: Object missing required field `type`
    """
    event = _reader.read(raw, limits.max_bytes)
    check(event, now_ms, limits)
    return event


def check(event: AnyEvent, now_ms: int, limits: EventLimits) -> None:
    """The rules that need a clock or look at the whole event; raises `EventError`."""
    if event.v > VERSION:
        raise EventError("unknown_version", f"event version {event.v}; this build reads up to {VERSION}")
    if event.ts - now_ms > limits.max_early_ms:
        raise EventError(
            "too_early", f"ts is {event.ts - now_ms} ms ahead of the clock; {limits.max_early_ms} allowed"
        )
    if now_ms - event.ts > limits.max_late_ms:
        hint = unit_hint(event.ts)
        raise EventError(
            "too_late",
            f"ts is {now_ms - event.ts} ms in the past; {limits.max_late_ms} allowed"
            + (f"; {TS_RULE}{hint}" if hint else ""),
        )
    if (
        isinstance(event, Impression)
        and event.propensities is not None
        and len(event.propensities) != len(event.items)
    ):
        raise EventError("invalid", f"{len(event.propensities)} propensities for {len(event.items)} items")
    if isinstance(event, Impression) and event.teams is not None and len(event.teams) != len(event.items):
        raise EventError("invalid", f"{len(event.teams)} teams for {len(event.items)} items")


def time_of(raw: bytes) -> int | None:
    """The `ts` of an event without a look at the rest of it; None where it has none that can be read.

    >>> time_of(b'{"type":"click","ts":5}'), time_of(b'{"ts":"five"}'), time_of(b'')
    (5, None, None)
    """
    try:
        return _time_decoder.decode(raw).ts
    except UNREADABLE:
        return None
