"""A user's profile as clients put, change and read it under its own address."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from streams.events.schema import VERSION, AnyEvent, Id, Short, User
from streams.events.strict_json import EventReader
from streams.gateway.records.item_kind import check_id
from streams.gateway.records.kind import Stored
from streams.state import user_state_codec
from streams.stores.base import Store


class UserContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user's profile. `user_id` may be left out: the address has it."""

    user_id: Id = ""
    profile: Annotated[dict[Short, Short], Meta(max_length=32)] = {}


class UserDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A user whom workers know: one who has acted, or whose profile was put."""

    user_id: str
    profile: dict[str, str]


_reader: EventReader[UserContent] = EventReader(UserContent, VERSION)


class UserKind:
    """`RecordKind` of users."""

    name = "user"
    document = UserDocument
    personal = True

    async def stored(self, store: Store, ids: Sequence[str]) -> list[Stored[UserDocument]]:
        found = []
        for user, raw in zip(ids, await store.states(ids), strict=True):
            if raw is None:
                found.append(Stored[UserDocument](None))
                continue
            state = user_state_codec.decode(raw)
            document = UserDocument(user_id=user, profile=state.profile)
            found.append(Stored(document, applied=state.recent))
        return found

    def read(self, raw: bytes, record_id: str, max_bytes: int) -> UserDocument:
        content = _reader.read(raw, max_bytes)
        check_id("user_id", content.user_id, record_id)
        return UserDocument(user_id=record_id, profile=content.profile)

    def event(self, document: UserDocument, event_id: str, ts: int) -> AnyEvent:
        return User(event_id=event_id, ts=ts, user_id=document.user_id, profile=document.profile)

    def check_known(self, document: UserDocument, named: Container[str]) -> None:
        """All of a profile is stored."""

    def told(self, event: AnyEvent) -> UserDocument:
        assert isinstance(event, User)
        return UserDocument(user_id=event.user_id, profile=event.profile)
