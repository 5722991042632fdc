"""From the shards' outboxes to the ledger, where there is more than one shard.

A transaction has one slot of a Redis Cluster, and the ledger has one, too. So a batch writes its entry into
the outbox of its shard, in the transaction of its states; and whoever wrote it, right after that, into the
ledger. A script there (`RELAY`) takes each entry once and in the order of its outbox, whoever brings it. An
entry whose writer died in between is brought by the next one that writes to the shard, reads its progress for
the first time, or saves a snapshot. So the ledger holds an interaction if and only if the states do, a moment
later.

What is marked in the list of withdrawn items travels with the entry, for that list is shared as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import msgspec

from streams.stores.ledger_entries import START, order_of
from streams.stores.redis.calls import Calls
from streams.stores.redis.keys import RedisKeys
from streams.stores.redis.scripts.ledger import RELAY

PAGE = 100
"""Entries that are brought at once; one may have hundreds of kilobytes."""

_encoder = msgspec.msgpack.Encoder()
_marks = msgspec.msgpack.Decoder(dict[str, int])


class OutboxEntry(NamedTuple):
    """An entry of a shard's outbox; `marks` as `packed_marks` has them."""

    id: str
    writer: str
    payload: bytes
    marks: bytes


def packed_marks(withdrawn: Mapping[str, bool]) -> bytes:
    """Of each item whether it is withdrawn, as it travels; nothing for none."""
    return _encoder.encode({item_id: int(now) for item_id, now in withdrawn.items()}) if withdrawn else b""


class Relay:
    """Brings entries to the ledger; knows which shards it has looked after."""

    def __init__(self, calls: Calls, keys: RedisKeys, margin_ms: int) -> None:
        self._calls, self._keys, self._margin_ms = calls, keys, margin_ms
        self._done: dict[int, str] = {}

    def least(self, shard: int) -> str:
        """Entries of the outbox before this one are in the ledger for so long that they may go ("": none)."""
        ms, _ = order_of(self._done.get(shard, START))
        return f"{ms - self._margin_ms}-0" if ms > self._margin_ms else ""

    async def bring(self, shard: int, before: str, entries: Sequence[OutboxEntry]) -> str:
        """Entries that follow `before` in the outbox of a shard; the last one's position in the ledger, or a
        later one of the shard ("": it has none).
        """
        reply = await self._send(shard, before, entries)
        if isinstance(reply, list):  # others come first, which somebody has left there
            return await self._bring_after(shard, reply[0].decode())
        self._done[shard] = entries[-1].id
        return reply.decode()

    async def bring_rest(self, shards: Sequence[int], again: bool = False) -> None:
        """Whatever is left in the outboxes of these shards; `again`: also where that was looked at before."""
        for shard in shards:
            if again or shard not in self._done:
                value = await self._calls.call("HGET", self._keys.shared("relayed"), str(shard))
                await self._bring_after(shard, START if value is None else value.decode())

    async def _bring_after(self, shard: int, done: str) -> str:
        position = ""
        while entries := await self._after(shard, done):
            reply = await self._send(shard, done, entries)
            if isinstance(reply, list):  # the ledger has forgotten some, as after a failover
                done = reply[0].decode()
            else:
                position, done = reply.decode(), entries[-1].id
        self._done[shard] = done
        return position

    async def _after(self, shard: int, done: str) -> list[OutboxEntry]:
        outbox = self._keys.of_shard(shard, "outbox")
        found = await self._calls.call("XRANGE", outbox, f"({done}", "+", "COUNT", PAGE)
        return [
            OutboxEntry(place.decode(), writer.decode(), payload, marks)
            for place, (_, writer, _, payload, _, marks) in found
        ]

    async def _send(self, shard: int, before: str, entries: Sequence[OutboxEntry]) -> bytes | list[bytes]:
        shared, arguments = self._keys.shared, list[str | bytes | int]()
        for entry in entries:
            marks = _marks.decode(entry.marks) if entry.marks else {}
            arguments += [entry.id, entry.writer, entry.payload, len(marks)]
            arguments += chain.from_iterable(marks.items())
        reply: bytes | list[bytes] = await self._calls.script(
            RELAY,
            [shared("ledger"), shared("relayed"), shared("withdrawn"), shared("withdrawn", "version")],
            [shard, before, len(entries), *arguments],
        )
        return reply
