"""Writes that Kafka has, and that no worker may have applied yet: kept as notes in the store for a while.

With them, whoever writes a record reads it as written at once, and of two who change the same version of it
one is told so, whichever gateways they ask. A note says over which versions it was written: while the store
has one of those, the write is underway.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

import msgspec

from model.errors import NewerVersionError, StoreError, StoreUnavailableError
from streams.gateway.conditional import tag_of
from streams.gateway.records.kind import RecordKind, Stored, packed
from streams.state.fold import event_key
from streams.state.stored_format import decoded_by_head
from streams.stores.base import Store

D = TypeVar("D")

VERSION = 1
OVER_MOST = 64
KEPT_MS = 600_000
"""A worker that is further behind shows the version before again."""


class Note(msgspec.Struct, frozen=True, array_like=True):
    """Version 1. `sent`: Kafka has it; until then nobody else writes the record, so that Kafka has the writes
    in their order. `over`: the tags of the versions before it that a worker may still show, "" for none.
    `event_id`: of the write; `ts`: its time, moved behind that of the version before it where that one's
    gateway has a clock that is ahead; `document`: what it makes of the record, as JSON (b"": it deletes it);
    `before`: what the record was, for those who read it until Kafka has the write (b"": there was none).
    """

    version: int
    sent: bool
    over: list[str]
    event_id: str
    ts: int
    document: bytes
    before: bytes = b""

    @property
    def tag(self) -> str:
        return tag_of(self.document) if self.document else ""

    @property
    def shown(self) -> bytes:
        """What the record is for whoever reads it now."""
        return self.document if self.sent else self.before


class CurrentRecord(NamedTuple, Generic[D]):
    """A record as it is for whoever asks now; None and "" where there is none. `note`: as it was found.
    `ts`: of this version.
    """

    document: D | None
    tag: str
    note: bytes | None = None
    sending: bool = False
    over: tuple[str, ...] = ("",)
    ts: int = 0


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Note)


def encode_note(note: Note) -> bytes:
    """A note as the bytes that `decode_note` reads."""
    return _encoder.encode(note)


def decode_note(raw: bytes) -> Note:
    """The note that `encode_note` packed; `StoreError` for anything else."""
    return decoded_by_head("note of a write", _decoder, raw, VERSION)


class NotePlace(NamedTuple):
    """Where the note about a record lies: its name, and the user whom it is about, "" for none."""

    name: str
    about: str


def note_place(kind: RecordKind[D], record_id: str) -> NotePlace:
    """The place of the note about a record."""
    return NotePlace("write", record_id) if kind.personal else NotePlace(f"{kind.name}:{record_id}", "")


async def current(
    store: Store, kind: RecordKind[D], record_id: str, damaged: bool = False
) -> CurrentRecord[D]:
    """The record, with the write that is underway. damaged: one that can't be read counts as none; else that
    raises `StoreError`.
    """
    # The note is read first: a write that comes and is applied in between is then not overlooked, since the
    # note that was found is no longer there.
    name, about = note_place(kind, record_id)
    (raw,) = await store.notes([name], about)
    try:
        (stored,) = await kind.stored(store, [record_id])
    except (StoreUnavailableError, NewerVersionError):
        raise
    except StoreError:
        if not damaged:
            raise
        stored = Stored[D](None)
    tag = "" if stored.document is None else tag_of(packed(stored.document))
    if raw is not None:
        note = decode_note(raw)
        if (note.shown or note.sent) and _is_underway(note, stored, tag):
            if not note.shown:
                return CurrentRecord(None, "", raw, False, (*note.over, ""), note.ts)
            document = msgspec.json.decode(note.shown, type=kind.document)
            shown = tag_of(note.shown)
            return CurrentRecord(document, shown, raw, not note.sent, (*note.over, shown), note.ts)
        return CurrentRecord(stored.document, tag, raw, not note.sent, (tag,), stored.ts)
    return CurrentRecord(stored.document, tag, over=(tag,), ts=stored.ts)


def _is_underway(note: Note, stored: Stored[D], tag: str) -> bool:
    """Whether the store has a version before the write, and no sign of the write."""
    if tag == note.tag or tag not in note.over:
        return False  # (the tag of a record that is not there is "", and so is that of a deletion)
    return stored.ts < note.ts and event_key(note.event_id) not in stored.applied
