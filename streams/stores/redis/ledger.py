"""The ledger in Redis, and the snapshots that make its past superfluous."""

from __future__ import annotations

import uuid

from model.errors import LedgerGapError, StoreUnavailableError
from streams.stores.ledger_entries import LedgerEntry, Snapshot, order_of
from streams.stores.redis.calls import Calls
from streams.stores.redis.keys import RedisKeys
from streams.stores.redis.relay import Relay
from streams.stores.redis.scripts.ledger import SAVE_SNAPSHOT

CHUNK_BYTES = 1 << 20
UNFINISHED_SNAPSHOT_LIVES_MS = 600_000
OLD_SNAPSHOT_LINGERS_MS = 60_000
SNAPSHOT_ATTEMPTS = 3


class RedisLedger:
    """The part of `Store` that is shared by all shards and processes."""

    def __init__(self, hot: Calls, pooled: Calls, keys: RedisKeys, margin_ms: int) -> None:
        self._hot, self._pooled, self._keys, self._ledger_margin_ms = hot, pooled, keys, margin_ms
        self._relay = Relay(hot, keys, margin_ms)

    async def read_ledger(self, after: str, limit: int) -> list[LedgerEntry]:
        # Entries first, then what was dropped: a trim in between may raise a needless gap but hides none.
        start = order_of(after)
        entries, dropped = await self._hot.pipeline(
            [
                ("XRANGE", self._keys.shared("ledger"), f"({after}", "+", "COUNT", limit),
                ("GET", self._keys.shared("ledger", "dropped")),
            ]
        )
        if dropped is not None and start < order_of(dropped.decode()):
            raise LedgerGapError(
                f"the ledger after {after} was dropped up to {dropped.decode()}; load the snapshot"
            )
        return [
            LedgerEntry(position.decode(), writer.decode(), payload)
            for position, (_, writer, _, payload) in entries
        ]

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        order_of(snapshot.position)
        if self._keys.shards > 1:
            await self._relay.bring_rest(range(self._keys.shards), again=True)
        chunk_key = self._keys.shared("snapshot", uuid.uuid4().hex, "")
        chunks = [
            snapshot.payload[at : at + CHUNK_BYTES] for at in range(0, len(snapshot.payload), CHUNK_BYTES)
        ]
        for n, chunk in enumerate(chunks):
            await self._pooled.call("SET", f"{chunk_key}{n}", chunk, "PX", UNFINISHED_SNAPSHOT_LIVES_MS)
        await self._pooled.script(
            SAVE_SNAPSHOT,
            [
                self._keys.shared("snapshot"),
                self._keys.shared("ledger"),
                self._keys.shared("ledger", "dropped"),
            ],
            [
                *(snapshot.position, snapshot.writer, snapshot.own_position, chunk_key, len(chunks)),
                *(self._ledger_margin_ms, OLD_SNAPSHOT_LINGERS_MS),
            ],
        )

    async def snapshot(self) -> Snapshot | None:
        for _ in range(SNAPSHOT_ATTEMPTS):
            head = await self._pooled.call(
                *(
                    "HMGET",
                    self._keys.shared("snapshot"),
                    "position",
                    "writer",
                    "own_position",
                    "chunk_key",
                    "chunks",
                )
            )
            if head[0] is None:
                return None
            position, writer, own_position, chunk_key, count = (part.decode() for part in head)
            chunks = [await self._pooled.call("GET", f"{chunk_key}{n}") for n in range(int(count))]
            if None not in chunks:  # else a newer one took its place while we read
                return Snapshot(position, writer, own_position, b"".join(chunks))
        raise StoreUnavailableError("the snapshot was replaced each time while it was being read; try again")
