"""Ledger entries of former versions, lifted to the present layout.

A former version's layout never changes. It stays for as long as a ledger may hold such an entry.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from streams.state.ledger_layout import VERSION, Packed


class _PackedV2(msgspec.Struct, array_like=True):
    """Version 2: it tells nothing of where interactions came from, whom a slate was shown, or lessons."""

    version: int
    row: bytes
    ts: bytes
    action: bytes
    rating: bytes
    tied: bytes
    previous: bytes
    previous_lengths: bytes
    shown: bytes
    shown_lengths: bytes
    heard_rows: bytes
    heard_words: list[bytes]
    item_rows: bytes
    item_records: list[bytes]
    activate: str
    # Builds before these two passed over them, and wrote none.
    following: bytes = b""
    following_lengths: bytes = b""


class _PackedV1(msgspec.Struct, array_like=True):
    """Version 1: it tells nothing of what reviews say of items."""

    version: int
    row: bytes
    ts: bytes
    action: bytes
    rating: bytes
    tied: bytes
    previous: bytes
    previous_lengths: bytes
    shown: bytes
    shown_lengths: bytes
    item_rows: bytes
    item_records: list[bytes]
    activate: str


_decoder_v2 = msgspec.msgpack.Decoder(_PackedV2)
_decoder_v1 = msgspec.msgpack.Decoder(_PackedV1)


def _from_v2(payload: bytes) -> Packed:
    """Nothing is known of where interactions came from, or of whom slates were shown."""
    old = _decoder_v2.decode(payload)
    return Packed(VERSION, *(getattr(old, name) for name in _PackedV2.__struct_fields__[1:]))


def _from_v1(payload: bytes) -> Packed:
    """No review is heard."""
    old = _decoder_v1.decode(payload)
    return Packed(
        version=VERSION,
        row=old.row,
        ts=old.ts,
        action=old.action,
        rating=old.rating,
        tied=old.tied,
        previous=old.previous,
        previous_lengths=old.previous_lengths,
        shown=old.shown,
        shown_lengths=old.shown_lengths,
        heard_rows=b"",
        heard_words=[],
        item_rows=old.item_rows,
        item_records=old.item_records,
        activate=old.activate,
        following=b"",
        following_lengths=b"",
    )


# From a former version's payload to the present columns.
MIGRATIONS: dict[int, Callable[[bytes], Packed]] = {1: _from_v1, 2: _from_v2}
