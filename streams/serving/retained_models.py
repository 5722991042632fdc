"""Models that people want to keep: renewals delete old models, but none of these.

The store has the list, and not the registry: gateways, where people say so, often read the registry's folder
alone.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from model.errors import FencedError
from streams.state.stored_format import decoded_by_head
from streams.stores.base import Store
from streams.stores.commit import digest_of

VERSION = 1
NOTE = "retained-models"
KEPT_MS = 100 * 365 * 86_400_000
ATTEMPTS = 5


class Retained(msgspec.Struct, array_like=True, frozen=True):
    """Their names, in order."""

    version: int
    names: list[str]


_decoder = msgspec.msgpack.Decoder(Retained)


def encode_retained(names: Collection[str]) -> bytes:
    """The list as it is stored."""
    return msgspec.msgpack.encode(Retained(VERSION, sorted({*names})))


def decode_retained(raw: bytes) -> frozenset[str]:
    """What `encode_retained` wrote; raises `StoreError`."""
    return frozenset(decoded_by_head("list of retained models", _decoder, raw, VERSION).names)


async def read_retained(store: Store) -> frozenset[str]:
    """Which models are to stay. Raises `StoreError`: who can't read the list must delete nothing."""
    (raw,) = await store.notes([NOTE])
    return frozenset() if raw is None else decode_retained(raw)


async def retain(store: Store, name: str, keep: bool) -> frozenset[str]:
    """Have a model stay, or not any more; the list after that. Raises `StoreError`, and `FencedError` where
    others don't stop changing it.
    """
    attempt = 0
    while True:
        attempt += 1
        (raw,) = await store.notes([NOTE])
        names = frozenset() if raw is None else decode_retained(raw)
        after = names | {name} if keep else names - {name}
        if after == names:
            return names
        try:
            await store.put_note(NOTE, encode_retained(after), digest_of(raw), KEPT_MS)
            return after
        except FencedError:
            if attempt == ATTEMPTS:
                raise
