"""The payload of a snapshot: the counters, what reviews say of items without a text of their own, and the
learner.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import msgspec
import numpy as np

from model.errors import StoreError
from streams.counters.snapshot import pack_counters, restore_counters
from streams.recommender import Recommender
from streams.state.stored_format import check_version

VERSION = 2
"""Of the payload around the counters, which have a version of their own."""


class _Heard(msgspec.Struct, array_like=True):
    """Items that reviews speak for: rows int32, how many reviews float32, vectors float32, end to end."""

    rows: bytes
    reviews: bytes
    text: bytes


class _Payload(msgspec.Struct, array_like=True):
    """Payloads of version 1 end before `learner`, the first ones before `version`."""

    counters: bytes
    heard: _Heard
    version: int = VERSION
    learner: bytes = b""


class _Head(msgspec.Struct, array_like=True):
    counters: msgspec.Raw
    heard: msgspec.Raw
    version: int = 1


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Payload)
_head = msgspec.msgpack.Decoder(_Head)


class Copied(NamedTuple):
    """What a payload is made of, as it was at one moment."""

    counters: bytes
    heard: _Heard
    learner: bytes


def copied(recommender: Recommender) -> Copied:
    """A copy, so that the recommender may go on counting."""
    catalog = recommender.catalog
    count = len(catalog)
    rows = np.flatnonzero((catalog.reviews[:count] > 0) & ~catalog.own_text[:count]).astype(np.int32)
    heard = _Heard(rows.tobytes(), catalog.reviews[rows].tobytes(), catalog.text[rows].tobytes())
    return Copied(pack_counters(recommender.counters), heard, recommender.learner.pack())


def pack(copy: Copied) -> bytes:
    """The payload, compressed."""
    return zlib.compress(_encoder.encode(_Payload(copy.counters, copy.heard, VERSION, copy.learner)), level=1)


def restore(recommender: Recommender, raw: bytes) -> None:
    """Put what `pack` of this build or of a former one packed into a recommender that has counted nothing.

    Raises `StoreError` for anything else.
    """
    try:
        unpacked = zlib.decompress(raw)
        check_version("snapshot", _head.decode(unpacked).version, VERSION)
        payload = _decoder.decode(unpacked)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise StoreError(f"snapshot of {len(raw)} bytes can't be read: {error}") from None
    restore_counters(recommender.counters, payload.counters)
    if payload.learner:  # a build before this one learned nothing
        recommender.learner.restore(payload.learner)
    recommender.pipeline.grow()
    catalog = recommender.catalog
    rows = np.frombuffer(payload.heard.rows, np.int32)
    text = np.frombuffer(payload.heard.text, np.float32).reshape(len(rows), catalog.text.shape[1])
    silent = ~catalog.own_text[rows]  # an item may have got a text of its own since
    catalog.reviews[rows[silent]] = np.frombuffer(payload.heard.reviews, np.float32)[silent]
    catalog.text[rows[silent]] = text[silent]
