"""The store in Redis or Valkey. Every call is bounded in time, and a batch is one round trip out, and at most
one in.

Keys, all after the deployment's prefix:
    state:USER feed:USER item:ID   the values (states and feeds expire)
    slates:USER                    the user's kept slates (they expire sooner)
    progress                       hash: "topic-partition" -> last applied offset
    withdrawn, withdrawn:version   sorted set of items that can't be had, or came back; its version
    rows, row-ids                  hash item id -> row; list of the item ids in row order
    ledger, ledger:dropped         stream of batches; the position of the last entry that was trimmed
    last-commit:WRITER             what a writer committed last, so that it can ask again
    snapshot, snapshot:TOKEN:N     hash: head of the snapshot; its chunks
    lease:NAME, model              who leads; the active model
Each feed that a batch writes is announced on the channel `feeds` (the message is the user id).
On Redis Cluster the prefix needs a hash tag, such as "{headrace}:", since a transaction has one slot.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from itertools import chain

from model.errors import LedgerGapError, StoreUnavailableError
from streams.learning.settings import LearningSettings
from streams.settings.sections import RedisSettings
from streams.state.user_state import StateSettings
from streams.stores.base import (
    Commit,
    FeedsRead,
    LedgerEntry,
    Loaded,
    Snapshot,
    Withdrawals,
    check_commit,
    order_of,
    version_of,
)
from streams.stores.condition import Condition, read_condition
from streams.stores.redis_scripts import COMMIT, INTERN, LEAD, MEND_WITHDRAWN, SAVE_SNAPSHOT
from streams.stores.redis_server import RedisServer

CONFIG = [("CONFIG", "GET", name) for name in ("maxmemory-policy", "appendonly", "save")]
MS_PER_DAY = 86_400_000
KEYS_PER_CALL = 1_000
ROWS_PER_CALL = 20_000
CHUNK_BYTES = 1 << 20
LAST_COMMIT_KNOWN_MS = 3_600_000
UNFINISHED_SNAPSHOT_LIVES_MS = 600_000
OLD_SNAPSHOT_LINGERS_MS = 60_000
SNAPSHOT_ATTEMPTS = 3


class RedisStore:
    """`Store` on a server; it connects on the first call."""

    def __init__(
        self,
        settings: RedisSettings,
        state: StateSettings = StateSettings(),
        learning: LearningSettings = LearningSettings(),
    ) -> None:
        self._redis = RedisServer(settings)
        self._hot, self._pooled = self._redis.hot, self._redis.pooled
        self._prefix = settings.prefix
        self._ttl_ms = max(1, round(state.ttl_days * MS_PER_DAY))
        self._slates_ttl_ms = learning.keep_ms
        self._ledger_margin_ms = settings.ledger_margin_ms

    def _key(self, *parts: str) -> str:
        return self._prefix + ":".join(parts)

    async def load(
        self, users: Sequence[str], partitions: Sequence[str], slates_of: Sequence[str] = ()
    ) -> Loaded:
        # Progress is read first: a batch that another worker writes in between then fails the comparison in
        # `commit`. The other way round, its states would be overwritten by ours.
        commands: list[tuple[str, ...]] = []
        if partitions:
            commands.append(("HMGET", self._key("progress"), *partitions))
        if users or slates_of:
            keys = [self._key("state", user) for user in users]
            commands.append(("MGET", *keys, *(self._key("slates", user) for user in slates_of)))
        replies = await self._hot.pipeline(commands) if commands else []
        offsets = replies[0] if partitions else []
        values = replies[-1] if users or slates_of else []
        return Loaded(
            values[: len(users)],
            {
                name: -1 if offset is None else int(offset)
                for name, offset in zip(partitions, offsets, strict=True)
            },
            values[len(users) :],
        )

    async def commit(self, commit: Commit, writer: str) -> str:
        check_commit(commit)
        keys = [self._key("progress"), self._key("ledger"), self._key("last-commit", writer)]
        keys += [self._key("withdrawn"), self._key("withdrawn", "version")]
        keys += [self._key("state", user) for user in commit.states]
        keys += [self._key("feed", user) for user in commit.feeds]
        keys += [self._key("slates", user) for user in commit.slates]
        keys += [self._key("item", item_id) for item_id in commit.items]
        found = [self._key("state", user) for user in commit.found]
        found += [self._key("slates", user) for user in commit.found_slates]
        keys += found
        parts = (
            *(commit.expected, commit.progress, commit.states, commit.feeds, commit.slates, commit.items),
            *(found, commit.withdrawn),
        )
        arguments = [
            *(writer, _token(commit), LAST_COMMIT_KNOWN_MS, self._ttl_ms, self._slates_ttl_ms),
            *(self._key("feeds"), commit.ledger),
            *map(len, parts),
            *_flat(commit.expected),
            *commit.found.values(),
            *commit.found_slates.values(),
            *_marks(commit.withdrawn),
            *_flat(commit.progress),
            *commit.states.values(),
            *commit.feeds.values(),
            *commit.slates.values(),
            *commit.items.values(),
            *commit.feeds,
        ]
        position: bytes = await self._hot.script(COMMIT, keys, arguments)
        return position.decode()

    async def intern(self, item_ids: Sequence[str]) -> list[int]:
        keys = [self._key("rows"), self._key("row-ids")]
        rows: list[int] = []
        for at in range(0, len(item_ids), KEYS_PER_CALL):
            rows += await self._hot.script(INTERN, keys, item_ids[at : at + KEYS_PER_CALL])
        return rows

    async def interned(self, start: int) -> list[str]:
        ids: list[str] = []
        while True:
            first = start + len(ids)
            part = await self._pooled.call("LRANGE", self._key("row-ids"), first, first + ROWS_PER_CALL - 1)
            ids += [item_id.decode() for item_id in part]
            if len(part) < ROWS_PER_CALL:
                return ids

    async def items(self, item_ids: Sequence[str]) -> list[bytes | None]:
        return await self._values("item", item_ids)

    async def states(self, users: Sequence[str]) -> list[bytes | None]:
        return await self._values("state", users)

    async def _values(self, kind: str, names: Sequence[str]) -> list[bytes | None]:
        values: list[bytes | None] = []
        for at in range(0, len(names), KEYS_PER_CALL):
            keys = [self._key(kind, name) for name in names[at : at + KEYS_PER_CALL]]
            values += await self._pooled.call("MGET", *keys)
        return values

    async def feed(self, user: str) -> bytes | None:
        value: bytes | None = await self._hot.call("GET", self._key("feed", user))
        return value

    async def read_feeds(self, users: Sequence[str], states: Sequence[str] = ()) -> FeedsRead:
        keys = [self._key("feed", user) for user in users] + [self._key("state", user) for user in states]
        *values, version = await self._hot.call("MGET", *keys, self._key("withdrawn", "version"))
        return FeedsRead(
            values[: len(users)], values[len(users) :], "" if version is None else version.decode()
        )

    async def withdrawals(self, after: str) -> Withdrawals:
        # The version is read first: what changes in between is read again the next time, and none is missed.
        value = await self._pooled.call("GET", self._key("withdrawn", "version"))
        version = "" if value is None else value.decode()
        (began, number), (now, _) = version_of(after), version_of(version)
        whole = began != now
        least = 1 if whole else 2 * number + 1
        changes: dict[str, bool] = {}
        while True:
            page = await self._pooled.call(
                *("ZRANGEBYSCORE", self._key("withdrawn"), f"({least}", "+inf"),
                *("WITHSCORES", "LIMIT", 0, ROWS_PER_CALL),
            )  # fmt: skip
            scores = [int(float(score)) for score in page[1::2]]
            changes |= {
                item_id.decode(): score % 2 == 1 for item_id, score in zip(page[::2], scores, strict=True)
            }
            if len(scores) < ROWS_PER_CALL:
                return Withdrawals(version, whole, changes)
            least = scores[-1]

    async def mend_withdrawn(self, withdrawn: Mapping[str, bool], found: Mapping[str, str]) -> None:
        item_ids = list(withdrawn)
        for at in range(0, len(item_ids), KEYS_PER_CALL):
            part = item_ids[at : at + KEYS_PER_CALL]
            await self._pooled.script(
                MEND_WITHDRAWN,
                [
                    *(self._key("withdrawn"), self._key("withdrawn", "version")),
                    *(self._key("item", item_id) for item_id in part),
                ],
                [
                    uuid.uuid4().hex,
                    *_marks({item_id: withdrawn[item_id] for item_id in part}),
                    *(found[item_id] for item_id in part),
                ],
            )

    async def put_feed(self, user: str, feed: bytes) -> None:
        await self._hot.call("SET", self._key("feed", user), feed, "PX", self._ttl_ms)

    async def read_ledger(self, after: str, limit: int) -> list[LedgerEntry]:
        # Entries first, then what was dropped: a trim in between may raise a needless gap but hides none.
        start = order_of(after)
        entries, dropped = await self._hot.pipeline(
            [
                ("XRANGE", self._key("ledger"), f"({after}", "+", "COUNT", limit),
                ("GET", self._key("ledger", "dropped")),
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
        chunk_key = self._key("snapshot", uuid.uuid4().hex, "")
        chunks = [
            snapshot.payload[at : at + CHUNK_BYTES] for at in range(0, len(snapshot.payload), CHUNK_BYTES)
        ]
        for n, chunk in enumerate(chunks):
            await self._pooled.call("SET", f"{chunk_key}{n}", chunk, "PX", UNFINISHED_SNAPSHOT_LIVES_MS)
        await self._pooled.script(
            SAVE_SNAPSHOT,
            [self._key("snapshot"), self._key("ledger"), self._key("ledger", "dropped")],
            [
                *(snapshot.position, snapshot.writer, snapshot.own_position, chunk_key, len(chunks)),
                *(self._ledger_margin_ms, OLD_SNAPSHOT_LINGERS_MS),
            ],
        )

    async def snapshot(self) -> Snapshot | None:
        for _ in range(SNAPSHOT_ATTEMPTS):
            head = await self._pooled.call(
                *("HMGET", self._key("snapshot"), "position", "writer", "own_position", "chunk_key", "chunks")
            )
            if head[0] is None:
                return None
            position, writer, own_position, chunk_key, count = (part.decode() for part in head)
            chunks = [await self._pooled.call("GET", f"{chunk_key}{n}") for n in range(int(count))]
            if None not in chunks:  # else a newer one took its place while we read
                return Snapshot(position, writer, own_position, b"".join(chunks))
        raise StoreUnavailableError("the snapshot was replaced each time while it was being read; try again")

    async def lead(self, name: str, writer: str, ttl_ms: int) -> bool:
        return bool(await self._pooled.script(LEAD, [self._key("lease", name)], [writer, ttl_ms]))

    async def activate(self, model: str) -> None:
        await self._pooled.call("SET", self._key("model"), model)

    async def active_model(self) -> str | None:
        model: bytes | None = await self._pooled.call("GET", self._key("model"))
        return None if model is None else model.decode()

    async def condition(self) -> Condition:
        # Some servers refuse CONFIG (a managed one, an ACL): what INFO says must do then.
        info, *replies = await self._pooled.attempts([("INFO",), *CONFIG])
        config: dict[str, str] = {}
        for reply in replies:
            if isinstance(reply, list) and len(reply) == 2:
                name, value = (part.decode(errors="replace") for part in reply)
                config[name] = value
        return read_condition(info.decode(errors="replace") if isinstance(info, bytes) else "", config)

    async def close(self) -> None:
        await self._redis.close()


def _flat(offsets: Mapping[str, int]) -> chain[str | int]:
    return chain.from_iterable(offsets.items())


def _marks(withdrawn: Mapping[str, bool]) -> chain[str | int]:
    return chain.from_iterable((item_id, int(now)) for item_id, now in withdrawn.items())


def _token(commit: Commit) -> str:
    """Names a batch: where it ended on each partition, and what it told the others."""
    digest = hashlib.blake2b(repr(sorted(commit.progress.items())).encode(), digest_size=16)
    digest.update(commit.ledger)
    return digest.hexdigest()
