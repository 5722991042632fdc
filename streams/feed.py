"""A slate: what is pushed to a user's feed, and how it came about."""

from __future__ import annotations

import msgspec

from model.errors import StoreError
from streams.stored import check_version

VERSION = 1
"""Of slates as they are stored. A field may be added; one that changes its meaning is a new version."""


class Reason(msgspec.Struct, frozen=True, array_like=True):
    """Why an item is there. `kind` names the signal that the score used; `item_id` is the item it refers to,
    if any.

    Kinds: "after" (often follows `item_id`), "with" (goes with `item_id`), "similar" (text like `item_id`),
    "shares" (the knowledge graph links it with `item_id`; `text` says how, in words to stand before that
    item's title), "popular", "new", "for_you".
    """

    kind: str
    item_id: str | None = None
    text: str | None = None


class SlateItem(msgspec.Struct, frozen=True, array_like=True):
    """One place of a slate."""

    item_id: str
    score: float
    source: str
    reason: Reason


class Slate(msgspec.Struct, frozen=True):
    """A ranked list for one user.

    `ts`: when it was made (ms). `cause`: the event_id that caused it. `rung`: which step of the degradation
    ladder made it. `times`: ms since the epoch of each stage: event, accepted, applied, pushed. `v`: see
    `VERSION`; slates of older builds have none.
    """

    slate_id: str
    user_id: str
    ts: int
    items: list[SlateItem]
    model: str
    rung: str
    arm: str = "default"
    cause: str = ""
    times: dict[str, float] = {}
    v: int = VERSION


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Slate)


def encode(slate: Slate) -> bytes:
    """A slate as msgpack, the value of a feed key."""
    return _encoder.encode(slate)


def decode(raw: bytes) -> Slate:
    """The slate that `encode` of this build or of a former one packed; `StoreError` for anything else."""
    try:
        slate = _decoder.decode(raw)
    except msgspec.MsgspecError as error:
        raise StoreError(f"feed of {len(raw)} bytes can't be read: {error}") from None
    check_version("feed", slate.v, VERSION)
    return slate
