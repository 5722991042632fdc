"""A slate: what is pushed to a user's feed, and how it came about."""

from __future__ import annotations

import hashlib
import struct
from typing import Literal

import msgspec

from streams.state.stored_format import decoded

VERSION = 1
"""Of slates as they are stored. A field may be added; one that changes its meaning is a new version."""

NEITHER = -1
"""The team of a place that no order of an interleaved slate brought by itself."""


class Reason(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Why an item is there. `kind` names the signal that the score used; `item_id` is the item it refers to,
    if any.

    Kinds: "after" (often follows `item_id`), "with" (goes with `item_id`), "similar" (text like `item_id`),
    "shares" (the knowledge graph links it with `item_id`; `text` says how, in words to stand before that
    item's title), "popular", "new", "for_you", "explored" (drawn in place of a better one: `exploration`),
    "sorted" (of a search in another order than relevance).
    """

    kind: str
    item_id: str | None = None
    text: str | None = None


class SlateItem(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One place of a slate. The garbage collector passes over places and reasons: they hold no cycles, and a
    ranker keeps hundreds of thousands of them.
    """

    item_id: str
    score: float
    source: str
    reason: Reason


class Slate(msgspec.Struct, frozen=True):
    """A ranked list for one user.

    `ts`: when it was made (ms). `cause`: the event_id that caused it. `model`: what scored it, "" where no
    model did. `rung`: the step of the degradation ladder that it was made on; slates of older builds say
    "counters" where an arm asked for no model, or none was in service. `times`: ms since the epoch of each
    stage: event, accepted, fetched, handed, begun, applied, made, pushed. `propensities`: how likely each
    place was to be as it is, where it was drawn. `teams`: of an interleaved slate, which order brought each
    place: 0 control's, 1 the other arm's, -1 neither by itself. `v`: see `VERSION`; slates of older builds
    have none.
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
    propensities: list[float] | None = None
    teams: list[int] | None = None
    v: int = VERSION


RankedBy = Literal["model", "counters", "popular"]


def ranked_by(slate: Slate) -> RankedBy:
    """What put the items in order; the rung does not say it, since an arm may ask for no model.

    >>> ranked_by(Slate("s", "ann", 1, [], "m", "full")), ranked_by(Slate("s", "ann", 1, [], "", "full"))
    ('model', 'counters')
    """
    if slate.model:
        return "model"
    return "popular" if slate.rung == "popular" else "counters"


class PopularFeed(Slate, frozen=True):
    """The slate of users without one of their own; longer than those, since it fills them up as well.

    `rows`: the row of each item, by which states name those that a user has met.
    """

    rows: list[int] = []


_encoder = msgspec.msgpack.Encoder()
_parts = msgspec.msgpack.Encoder(order="deterministic")
_decoder = msgspec.msgpack.Decoder(Slate)
_popular_decoder = msgspec.msgpack.Decoder(PopularFeed)

_PUSHED = _encoder.encode("pushed") + b"\xcb"  # the key, and the mark of a float64
_packed, _packed_size = struct.Struct(">d").pack, struct.calcsize(">d")

POPULAR_USER = ""
"""The user id under which workers keep the popular feed."""


def slate_id(*made_of: object) -> str:
    """An id that is a function of what made a slate, so that the same slate has it again.

    The parts are texts, bytes, numbers, None, and sequences, sets and tables of these. Each is packed with
    its length, so no text can take the place of two others. The order in a set or a table means nothing.

    >>> slate_id("ann", 7) == slate_id("ann", 7) != slate_id("ann", 8)
    True
    >>> slate_id("ann|b", "c") == slate_id("ann", "b|c")
    False
    """
    return hashlib.blake2b(_parts.encode(made_of), digest_size=12).hexdigest()


def encode(slate: Slate) -> bytes:
    """A slate as msgpack, the value of a feed key."""
    return _encoder.encode(slate)


def stamped(raw: bytes, pushed_ms: float) -> bytes:
    """A slate that `encode` packed, with the time "pushed" set anew; it must have had one that is a float.

    So a slate is packed as soon as it is made, and says when it went out all the same.

    >>> slate = Slate("s", "ann", 1, [], "m", "full", times={"pushed": 0.0})
    >>> decode(stamped(encode(slate), 7.5)).times
    {'pushed': 7.5}
    """
    # Behind the times there are numbers alone, and none of them looks like this.
    at = raw.rindex(_PUSHED) + len(_PUSHED)
    return b"".join((raw[:at], _packed(pushed_ms), raw[at + _packed_size :]))


def decode(raw: bytes) -> Slate:
    """The slate that `encode` of this build or of a former one packed; `StoreError` for anything else."""
    return decoded("feed", _decoder, raw, VERSION, _version)


def decode_popular(raw: bytes) -> PopularFeed:
    """The popular feed that `encode` packed, without rows where an older build wrote it; `StoreError` for
    anything else.
    """
    return decoded("feed", _popular_decoder, raw, VERSION, _version)


def _version(slate: Slate) -> int:
    return slate.v
