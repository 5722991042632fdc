"""The version that stored bytes carry. A build reads its own version and the former ones, and refuses a newer
one by name: bytes of a layout that it does not know must not be half understood.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from model.errors import NewerVersionError, StoreError

T = TypeVar("T")

NEIGHBOURS = 8
"""So many versions ahead are a newer build's; a number beyond is damage."""


class Head(msgspec.Struct, array_like=True):
    """The first element of a record that begins with its version; whatever follows is left alone."""

    version: int


_head = msgspec.msgpack.Decoder(Head)


def leading_version(raw: bytes | memoryview) -> int:
    """The version of a record that begins with it; raises what msgspec raises."""
    return _head.decode(raw).version


def check_version(what: str, found: int, newest: int) -> None:
    """Raise `NewerVersionError` for a version of `what` that only a newer build reads, `StoreError` for one
    that no build wrote.

    >>> check_version("feed", 2, 1)
    Traceback (most recent call last):
    model.errors.NewerVersionError: feed of version 2; this build reads 1 and older: upgrade it
    """
    if newest < found <= newest + NEIGHBOURS:
        raise NewerVersionError(f"{what} of version {found}; this build reads {newest} and older: upgrade it")
    if not 1 <= found <= newest:
        raise StoreError(f"{what} of version {found}; this build reads 1 to {newest}: it was changed")


def decoded(
    what: str,
    decoder: msgspec.msgpack.Decoder[T],
    raw: bytes,
    newest: int,
    version_of: Callable[[T], int],
) -> T:
    """A record that has its version in a field of its own; `StoreError` where it can't be read."""
    try:
        record = decoder.decode(raw)
    except msgspec.MsgspecError as error:
        raise StoreError(f"{what} of {len(raw)} bytes can't be read: {error}") from None
    check_version(what, version_of(record), newest)
    return record


def decoded_by_head(what: str, decoder: msgspec.msgpack.Decoder[T], raw: bytes, newest: int) -> T:
    """A record that begins with its version, which is read first: what follows may be of another layout.
    `StoreError` where it can't be read.
    """
    try:
        check_version(what, leading_version(raw), newest)
        return decoder.decode(raw)
    except msgspec.MsgspecError as error:
        raise StoreError(f"{what} of {len(raw)} bytes can't be read: {error}") from None
