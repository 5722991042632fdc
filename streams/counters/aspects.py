"""What reviews say of items, counted as they come: how many, how they feel, and by topic praise and blame.

Items without such a review take no room, and `MOST_ITEMS` have one at most: reviews of others are not counted
then, and `left_out` says how many. Topics mean what one set of them means (`Opinion.by`): where reviews are
read by another set, all begins anew. That happens at the same place of the ledger in every process.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np

from model.errors import StoreError
from model.schema import F32
from streams.state.columns import longer, room_for
from streams.state.opinion import TOPICS_MOST, Opinion
from streams.state.stored_format import check_version, leading_version

VERSION = 1
MOST_ITEMS = 200_000
TELLING = 0.3
"""From so much sentiment on, and below its negative, a clause praises or blames its topic."""
LEAST_PRAISES, LEAST_SHARE, MOST_NAMED = 2, 0.75, 3
"""What an item is praised for: clauses that praise the topic, their part of those that praise or blame it."""


class ItemOpinions(NamedTuple):
    """Of one item. sentiment: the mean, from -1 to 1. praised, blamed float32 [TOPICS_MOST]: clauses."""

    reviews: int
    sentiment: float
    praised: F32
    blamed: F32

    def praised_for(self) -> list[int]:
        """The topics that reviews praise, the most telling first: by the lower end of the share of praise
        (Wilson, JASA 1927, at one standard error).
        """
        n = self.praised + self.blamed
        share = np.divide(self.praised, n, out=np.zeros_like(n), where=n > 0)
        spread = np.sqrt(share * (1 - share) / np.maximum(n, 1) + 1 / (4 * np.maximum(n, 1) ** 2))
        lower = (share + 1 / (2 * np.maximum(n, 1)) - spread) / (1 + 1 / np.maximum(n, 1))
        fits = np.flatnonzero((self.praised >= LEAST_PRAISES) & (share >= LEAST_SHARE))
        best = fits[np.argsort(-lower[fits], kind="stable")][:MOST_NAMED]
        return [int(topic) for topic in best]


class _Packed(msgspec.Struct, array_like=True):
    """rows int32 [n], sums float64 [n, 2] (reviews, sentiment), counts float32 [n, 2, TOPICS_MOST]."""

    version: int
    by: str
    rows: bytes
    sums: bytes
    counts: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Packed)


class Aspects:
    """`by`: what read the opinions; "" where none was. `left_out`: reviews that were not counted."""

    def __init__(self, most: int = MOST_ITEMS) -> None:
        self.by, self.left_out, self._most = "", 0, most
        self._clear()

    def _clear(self) -> None:
        self._slots = dict[int, int]()
        self._sums = np.zeros((0, 2), np.float64)
        self._counts = np.zeros((0, 2, TOPICS_MOST), np.float32)

    def __len__(self) -> int:
        """How many items have been reviewed."""
        return len(self._slots)

    def observe(self, row: int, opinion: Opinion) -> None:
        """Count one review."""
        if opinion.by != self.by:
            self._clear()
            self.by = opinion.by
        slot = self._slots.get(row)
        if slot is None:
            if len(self._slots) >= self._most:
                self.left_out += 1
                return
            slot = self._slots[row] = len(self._slots)
            if slot >= len(self._sums):
                room = room_for(slot + 1)
                self._sums, self._counts = longer(self._sums, room), longer(self._counts, room)
        self._sums[slot] += 1.0, opinion.sentiment
        for topic, sentiment in opinion.aspects:
            if abs(sentiment) >= TELLING:
                self._counts[slot, int(sentiment < 0), topic] += 1.0

    def of(self, row: int) -> ItemOpinions | None:
        """What reviews say of an item; None where none was counted."""
        slot = self._slots.get(row)
        if slot is None:
            return None
        reviews, total = self._sums[slot].tolist()
        return ItemOpinions(int(reviews), total / reviews, *self._counts[slot].copy())

    def pack(self) -> bytes:
        """All of it, for a snapshot; b"" where nothing was counted."""
        if not self._slots:
            return b""
        n = len(self._slots)
        rows = np.fromiter(self._slots, np.int32, n)  # in the order of their slots
        return _encoder.encode(
            _Packed(VERSION, self.by, rows.tobytes(), self._sums[:n].tobytes(), self._counts[:n].tobytes())
        )

    def restore(self, raw: bytes) -> None:
        """Take what `pack` of this build packed; `StoreError` for anything else."""
        self._clear()
        self.by = ""
        if not raw:
            return
        try:
            check_version("opinions of items", leading_version(raw), VERSION)
            packed = _decoder.decode(raw)
            rows = np.frombuffer(packed.rows, np.int32)
            sums = np.frombuffer(packed.sums, np.float64).reshape(len(rows), 2)
            counts = np.frombuffer(packed.counts, np.float32).reshape(len(rows), 2, TOPICS_MOST)
        except (msgspec.MsgspecError, ValueError) as error:
            raise StoreError(f"opinions of items, {len(raw)} bytes, can't be read: {error}") from None
        self.by, self._sums, self._counts = packed.by, sums.copy(), counts.copy()
        self._slots = {row: slot for slot, row in enumerate(rows.tolist())}
