"""The payload of a snapshot: the counters, what reviews say of items without a text of their own, the
learner, what sources have earned, and what reviews say of items.
"""

from __future__ import annotations

import logging
import time
import zlib

import msgspec
import numpy as np

from model.errors import NewerVersionError, StoreError
from streams.counters.gradual_copy import GradualCopy
from streams.counters.snapshot import pieces_of, restore_counters
from streams.learning.learner import Learner
from streams.recommender import Recommender
from streams.serving.heard_copy import HeardCopy
from streams.state.msgpack_pieces import Piece, array_header, binary, bytes_of
from streams.state.stored_format import check_version

log = logging.getLogger(__name__)

VERSION = 5
"""Of the payload around the counters, which have a version of their own."""
WITHOUT_OPINIONS, WITHOUT_EARNINGS = 4, 3
"""The versions that are written where no review was read for opinions, and where besides sources earn
nothing: builds before this one read them.
"""
IN_ORDER_SINCE = 3
SLICE_BYTES = 1 << 20
"""So much is compressed at once, without the interpreter's lock."""


class _Heard(msgspec.Struct, array_like=True):
    """Items that reviews speak for: rows int32, how many reviews float32, vectors float32, end to end."""

    rows: memoryview
    reviews: memoryview
    text: memoryview


class _Payload(msgspec.Struct, array_like=True):
    """`learned_to`: the place in the ledger up to which `learner` and `earned` have learned; "" for the
    snapshot's own.

    Payloads of version 4 end before `opinions` (`streams.counters.aspects`), those of version 3 before
    `earned`, those of version 2 before `learned_to`, those of version 1 before `learner`, the first ones
    before `version`.
    """

    counters: memoryview
    heard: _Heard
    version: int = 1
    learner: bytes = b""
    learned_to: str = ""
    earned: bytes = b""
    opinions: bytes = b""


class _Head(msgspec.Struct, array_like=True):
    counters: msgspec.Raw
    heard: msgspec.Raw
    version: int = 1


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Payload)
_head = msgspec.msgpack.Decoder(_Head)


class CountersCopy:
    """What a payload is made of, as it is now; begin it between two batches.

    It is made in small pieces while the recommender goes on counting; `end` it in any case. `longest_s`: the
    time that the longest piece took so far, the beginning among them.
    """

    def __init__(self, recommender: Recommender) -> None:
        started = time.perf_counter()
        self._recommender = recommender
        self._counters = recommender.counters.copying = GradualCopy(recommender.counters)
        self._heard = HeardCopy(recommender.catalog)
        recommender.catalog.before = self._heard.before
        recommender.learn_closed()
        self._learner, self._learned_to = recommender.learner.pack(), recommender.learned_to
        self._earned = None if recommender.earnings is None else recommender.earnings.pack()
        self._opinions = recommender.counters.aspects.pack()
        self.longest_s = time.perf_counter() - started

    def step(self) -> bool:
        """Copy the next piece; whether that was the last one."""
        started = time.perf_counter()
        done = False
        if self._counters.done:
            done = self._heard.step()
        else:
            self._counters.step()
        self.longest_s = max(self.longest_s, time.perf_counter() - started)
        return done

    def end(self) -> None:
        """Nothing tells the copy of changes any more."""
        self._recommender.counters.copying = self._recommender.catalog.before = None

    @property
    def spoilt(self) -> bool:
        """Whether it must be begun anew: see `GradualCopy`."""
        return self._counters.spoilt

    def pack(self) -> bytes:
        """The payload of a copy that is whole, compressed. Nothing of the copy is held after that, and
        it can't be packed again.
        """
        packer, packed = zlib.compressobj(level=1), bytearray()
        pieces = self._pieces()
        self._counters.columns.clear()
        pieces.reverse()
        while pieces:
            piece = memoryview(pieces.pop())
            for at in range(0, len(piece), SLICE_BYTES):
                packed += packer.compress(piece[at : at + SLICE_BYTES])
        packed += packer.flush()
        return bytes(packed)

    def _pieces(self) -> list[Piece]:
        heard = self._heard
        columns = (heard.rows, heard.reviews, heard.text)
        said = [piece for column in columns for piece in binary(bytes_of(column))]
        version = WITHOUT_EARNINGS if self._earned is None else WITHOUT_OPINIONS
        version = VERSION if self._opinions else version
        further = [self._earned or b"", self._opinions][: version - WITHOUT_EARNINGS]
        last = [_encoder.encode(version), *binary(self._learner), _encoder.encode(self._learned_to)]
        last += [piece for part in further for piece in binary(part)]
        fields = array_header(5 + len(further))
        return [fields, *binary(*pieces_of(self._counters)), array_header(3), *said, *last]


def copied(recommender: Recommender) -> CountersCopy:
    """A copy that is made at once, and whole."""
    copy = CountersCopy(recommender)
    while not copy.step():
        pass
    copy.end()
    return copy


def restore(recommender: Recommender, raw: bytes, position: str = "") -> None:
    """Put what `pack` of this build or of a former one packed into a recommender that has counted nothing;
    `position`: the snapshot's place in the ledger, "" where there is none.

    The state of another learner than the recommender's, or of one with other settings, is left out, and its
    own learner begins anew. Raises `StoreError` for what is no payload.
    """
    payload = _payload(raw)
    restore_counters(recommender.counters, payload.counters)
    recommender.learned_to = payload.learned_to or position
    _restore_learned(recommender, payload)
    recommender.counters.aspects.restore(payload.opinions)
    recommender.pipeline.grow()
    catalog = recommender.catalog
    rows = np.frombuffer(payload.heard.rows, np.int32)
    text = np.frombuffer(payload.heard.text, np.float32).reshape(len(rows), catalog.text.shape[1])
    silent = ~catalog.own_text[rows]  # an item may have got a text of its own since
    catalog.reviews[rows[silent]] = np.frombuffer(payload.heard.reviews, np.float32)[silent]
    catalog.text[rows[silent]] = text[silent]


def restore_learned(recommender: Recommender, raw: bytes, position: str = "") -> None:
    """The same of what lessons taught alone."""
    payload = _payload(raw)
    recommender.learned_to = payload.learned_to or position
    _restore_learned(recommender, payload)


def _payload(raw: bytes) -> _Payload:
    try:
        unpacked = zlib.decompress(raw)
        check_version("snapshot", _head.decode(unpacked).version, VERSION)
        return _decoder.decode(unpacked)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise StoreError(f"snapshot of {len(raw)} bytes can't be read: {error}") from None


def _restore_learned(recommender: Recommender, payload: _Payload) -> None:
    """What lessons taught. Builds before this one did not learn in the ledger's order, and did nothing but
    count. Where no arm's quotas follow what sources earned, or the snapshot has none of that, they begin with
    nothing.
    """
    taken = False
    if payload.version >= IN_ORDER_SINCE:
        otherwise = "the learner begins anew, without what the snapshot holds of one"
        taken = _taken(recommender.learner, payload.learner, otherwise)
    if recommender.earnings is not None and payload.earned:
        taken |= _taken(recommender.earnings, payload.earned, "sources begin with nothing earned")
    if taken:
        recommender.look_back()


def _taken(learner: Learner, raw: bytes, otherwise: str) -> bool:
    """Whether it took what was packed of it; the log says what happens `otherwise`, and why."""
    try:
        learner.restore(raw)
    except NewerVersionError:
        raise
    except StoreError as error:
        log.warning("%s: %s", otherwise, error)
        return False
    return True
