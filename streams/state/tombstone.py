"""What is kept of a user who was deleted: a tombstone, so that what comes late from before does not bring
them back. It lies under a hash of the user's id, apart from states: who is deleted has none.

It says when, how far each topic was applied, and the hashes of the last events' ids. It lives for as long as
events of that age are accepted (`events.max_late_ms`), and for `LEAST_MS`.
"""

from __future__ import annotations

import hashlib

import msgspec
from msgspec.structs import replace

from streams.events.partition import murmur2
from streams.state.stored_format import decoded_by_head
from streams.state.user_state import EVENT_ID_BYTES, UserState

VERSION = 1
DIGEST_BYTES = 16
LEAST_MS = 7 * 86_400_000
"""So long a tombstone lives at least: what was accepted in time may wait in Kafka."""


class Tombstone(msgspec.Struct, array_like=True, frozen=True):
    """Version 1. `forgotten_ms`: ms since the epoch; `recent`: `streams.state.fold.event_key` of the last
    events, end to end.
    """

    version: int
    forgotten_ms: int
    offsets: dict[str, int]
    recent: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Tombstone)


def digest_of_user(user: str) -> bytes:
    """16 bytes that stand for a user where the id must not. Who guesses the id can check the guess."""
    return hashlib.blake2b(user.encode(), digest_size=DIGEST_BYTES).digest()


def tombstone_name(user: str) -> str:
    """The name that a tombstone is kept under: the hash by which Kafka chooses partitions, which says its
    place in a store of any number of shards, and the digest.
    """
    return f"{murmur2(user.encode()) & 0x7FFFFFFF:08x}.{digest_of_user(user).hex()}"


def encode_tombstone(state: UserState) -> bytes:
    """What is kept of a state that a deletion left, or that came after one."""
    return _encoder.encode(Tombstone(VERSION, state.forgotten_ms, state.offsets, b"".join(state.recent)))


def with_tombstone(state: UserState | None, raw: bytes) -> UserState:
    """The `state` of a user who was deleted before; None where nothing has come of them since. Raises
    `StoreError` where the bytes are no tombstone, `NewerVersionError` where a newer build wrote it.
    """
    read = decode_tombstone(raw)
    if state is not None:
        return replace(state, forgotten_ms=read.forgotten_ms)
    recent = read.recent
    keys = (recent[at : at + EVENT_ID_BYTES] for at in range(0, len(recent), EVENT_ID_BYTES))
    return UserState(offsets=read.offsets, recent=tuple(keys), forgotten_ms=read.forgotten_ms, gone=True)


def decode_tombstone(raw: bytes) -> Tombstone:
    """What `encode_tombstone` packed."""
    return decoded_by_head("tombstone of a user", _decoder, raw, VERSION)
