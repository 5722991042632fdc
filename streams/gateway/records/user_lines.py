"""A profile as a line of POST /v1/users."""

from __future__ import annotations

import uuid

from streams.events.schema import VERSION, EventLimits, Id, Timestamp, User, check
from streams.events.strict_json import EventReader


class UserBody(User, frozen=True, kw_only=True, tag="user"):
    """A profile as the route takes it: the type is implied, and the time of arrival."""

    event_id: Id = ""
    ts: Timestamp = -1


_reader: EventReader[UserBody] = EventReader(UserBody, VERSION)


def read_user(raw: bytes, now_ms: int, limits: EventLimits) -> User:
    """A profile with the fields that the route implies; raises `EventError`.

    >>> read_user(b'{"user_id": "u", "profile": {"country": "DE"}}', 5, EventLimits()).ts
    5
    """
    body = _reader.read(raw, limits.max_bytes)
    user = User(
        event_id=body.event_id or uuid.uuid4().hex,
        ts=body.ts if body.ts >= 0 else now_ms,
        v=body.v,
        user_id=body.user_id,
        profile=body.profile,
    )
    check(user, now_ms, limits)
    return user
