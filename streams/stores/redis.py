"""The store in Redis or Valkey. Every call is bounded in time, and a batch is one round trip out, and at most
one in. With several shards it is one more out: its entry goes on to the ledger.

Where everything lies, and what a store shard is, says streams/stores/redis_keys.py; how a server is reached,
streams/stores/redis_server.py, and a cluster of them, streams/stores/redis_cluster.py.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from itertools import chain
from typing import TypeVar

from model.errors import SettingsError
from streams.learning.settings import LearningSettings
from streams.settings.sections import RedisSettings
from streams.state.tombstone import tombstone_name
from streams.state.user_state import StateSettings
from streams.stores.base import (
    ACTIVATIONS_MOST,
    HEAD_BYTES,
    Activation,
    Commit,
    FeedNews,
    FeedsRead,
    Loaded,
    Withdrawals,
    check_commit,
    digest_of,
    version_of,
)
from streams.stores.condition import Condition, ServerLoad, read_condition, read_load, waits_for, worst_of
from streams.stores.redis_cluster import servers_of
from streams.stores.redis_keys import ABOUT_USER, FORGOTTEN, VALUES, RedisKeys, tag_of
from streams.stores.redis_layout import CheckedCalls, RedisLayout
from streams.stores.redis_ledger import RedisLedger
from streams.stores.redis_news import subscribed
from streams.stores.redis_records import RedisRecords
from streams.stores.redis_relay import OutboxEntry, packed_marks
from streams.stores.redis_scripts import (
    ACTIVATE,
    COMMIT,
    COMMIT_OF_SHARD,
    INTERN,
    LEAD,
    MEND_SHARED,
    MEND_WITHDRAWN,
    PUT_EXPERIMENTS,
)
from streams.stores.redis_sums import SUMS, RedisSums

T = TypeVar("T")

CONFIG = [("CONFIG", "GET", name) for name in ("maxmemory-policy", "appendonly", "save")]
MS_PER_DAY = 86_400_000
KEYS_PER_CALL = 1_000
ROWS_PER_CALL = 20_000
LAST_COMMIT_KNOWN_MS = 3_600_000


class RedisStore(RedisLedger, RedisRecords, RedisSums):
    """`Store` on a server; it connects on the first call."""

    def __init__(
        self,
        settings: RedisSettings,
        state: StateSettings = StateSettings(),
        learning: LearningSettings = LearningSettings(),
    ) -> None:
        check_layout(settings)
        self._servers = servers = servers_of(settings)
        keys = RedisKeys(settings.prefix, settings.shards)
        self._layout = layout = RedisLayout(servers.pooled, keys)
        hot, pooled = CheckedCalls(servers.hot, layout), CheckedCalls(servers.pooled, layout)
        super().__init__(hot, pooled, keys, settings.ledger_margin_ms)
        self._ttl_ms = max(1, round(state.ttl_days * MS_PER_DAY))
        self._slates_ttl_ms = learning.keep_ms

    async def load(
        self, users: Sequence[str], partitions: Sequence[str], slates_of: Sequence[str] = ()
    ) -> Loaded:
        # Progress is read first: a batch that another worker writes in between then fails the comparison in
        # `commit`. The other way round, its states would be overwritten by ours.
        keys = self._keys
        places: dict[int, list[str]] = {}
        for partition in partitions:
            places.setdefault(keys.shard_of_place(partition), []).append(partition)
        if keys.shards > 1:
            await self._relay.bring_rest(list(places))
        asked = [("state", user) for user in users] + [("slates", user) for user in slates_of]
        deleted = list(dict.fromkeys((*users, *slates_of))) if partitions else []
        names = self._by_shard([*asked, *((FORGOTTEN, user) for user in deleted)])
        progress: dict[str, int] = {}
        values: dict[tuple[str, str], bytes | None] = {}

        async def read(shard: int, wanted: Sequence[tuple[str, str]]) -> None:
            here, commands = places.get(shard, []), list[tuple[str, ...]]()
            together_read = [each for each in wanted if each[0] != FORGOTTEN]
            alone = [each for each in wanted if each[0] == FORGOTTEN]
            if here:
                commands.append(("HMGET", keys.of_shard(shard, "progress"), *here))
            if together_read:
                commands.append(("MGET", *(self._key_of(*each) for each in together_read)))
            # Most users have no tombstone. While a slot moves, no node reads a missing key beside others.
            commands += [("GET", self._key_of(*each)) for each in alone]
            replies = await self._hot.pipeline(commands)
            if here:
                offsets = zip(here, replies[0], strict=True)
                progress.update((name, -1 if offset is None else int(offset)) for name, offset in offsets)
            if together_read:
                values.update(zip(together_read, replies[bool(here)], strict=True))
            values.update(zip(alone, replies[len(replies) - len(alone) :], strict=True))

        # Where users are of shards whose progress is not asked for, nothing else orders the two.
        others = names.keys() - places.keys()
        await together([read(shard, names.get(shard, [])) for shard in places])
        await together([read(shard, names[shard]) for shard in others])
        found = [values[each] for each in asked]
        buried = ((user, values[FORGOTTEN, user]) for user in deleted)
        return Loaded(
            found[: len(users)],
            {name: progress[name] for name in partitions},
            found[len(users) :],
            {user: raw for user, raw in buried if raw is not None},
        )

    def _key_of(self, kind: str, user: str) -> str:
        return self._keys.tombstone(tombstone_name(user)) if kind == FORGOTTEN else self._keys.of(kind, user)

    def _by_shard(self, wanted: Iterable[tuple[str, str]]) -> dict[int, list[tuple[str, str]]]:
        """Kinds and names of values, by their shards."""
        found: dict[int, list[tuple[str, str]]] = {}
        for each in dict.fromkeys(wanted):
            found.setdefault(self._keys.shard_of(each[1]), []).append(each)
        return found

    async def commit(self, commit: Commit, writer: str) -> str:
        check_commit(commit)
        if self._keys.shards > 1 and commit == Commit({}, {}, commit.states, commit.feeds, commit.items):
            # Values that rest on nothing and tell nobody, as a store is filled with: each stands for itself.
            for part in _shard_commits(commit, self._keys):
                await self._commit(part, writer)
            return ""
        return await self._commit(commit, writer)

    async def _commit(self, commit: Commit, writer: str) -> str:
        keys = self._keys
        values = (commit.states, commit.feeds, commit.slates, commit.items)
        named = chain(*values, commit.found, commit.found_slates, commit.forgotten)
        shard = keys.only_shard(commit.expected, named)
        first = [keys.of_shard(shard, "progress"), keys.of_shard(shard, "last-commit", writer)]
        marks, least, withdrawn = b"", "", commit.withdrawn
        if keys.shards == 1:
            script = COMMIT
            first += [keys.shared("ledger"), keys.shared("withdrawn"), keys.shared("withdrawn", "version")]
        else:
            script, marks, withdrawn = COMMIT_OF_SHARD, packed_marks(commit.withdrawn), {}
            first += [keys.of_shard(shard, "outbox"), keys.of_shard(shard, "outbox", "last")]
            least = self._relay.least(shard)
        found = [keys.of("state", user) for user in commit.found]
        found += [keys.of("slates", user) for user in commit.found_slates]
        kinds = zip(VALUES, values, strict=True)
        written = [
            self._key_of(kind, user)
            for user in commit.forgotten
            for kind in ("state", "feed", "slates", ABOUT_USER, FORGOTTEN)
        ]
        written += [keys.of(kind, name) for kind, names in kinds for name in names]
        written += [keys.of_shard(shard, SUMS, experiment) for experiment in commit.arm_sums]
        parts = (
            *(commit.expected, commit.progress, *values),
            *(commit.found, commit.found_slates, withdrawn, commit.arm_sums, commit.forgotten),
        )
        buried: list[bytes | int] = []
        for tombstone, until_ms in commit.forgotten.values():
            buried += [tombstone, until_ms]
        arguments = [
            *(writer, _token(commit), LAST_COMMIT_KNOWN_MS, self._ttl_ms, self._slates_ttl_ms),
            *(keys.channel, commit.ledger, marks, least),
            *map(len, parts),
            *(HEAD_BYTES, commit.tombstone_ms),
            *_flat(commit.expected),
            *commit.found.values(),
            *commit.found_slates.values(),
            *_marks(withdrawn),
            *_flat(commit.progress),
            *buried,
            *chain.from_iterable(each.values() for each in values),
            *chain.from_iterable((len(added), *_flat(added)) for added in commit.arm_sums.values()),
            *{**commit.feeds, **commit.forgotten},  # each once: of whose feeds all are told
        ]
        reply: bytes = await self._hot.script(script, [*first, *written, *found], arguments)
        position = reply.decode()
        if keys.shards == 1 or not position:
            return position
        place, before = position.split(" ")
        position = await self._relay.bring(shard, before, [OutboxEntry(place, writer, commit.ledger, marks)])
        return position if commit.ledger else ""

    async def intern(self, item_ids: Sequence[str]) -> list[int]:
        keys = [self._keys.shared("rows"), self._keys.shared("row-ids")]
        rows: list[int] = []
        for at in range(0, len(item_ids), KEYS_PER_CALL):
            rows += await self._hot.script(INTERN, keys, item_ids[at : at + KEYS_PER_CALL])
        return rows

    async def interned(self, start: int) -> list[str]:
        ids: list[str] = []
        while True:
            first = start + len(ids)
            part = await self._pooled.call(
                "LRANGE", self._keys.shared("row-ids"), first, first + ROWS_PER_CALL - 1
            )
            ids += [item_id.decode() for item_id in part]
            if len(part) < ROWS_PER_CALL:
                return ids

    async def items(self, item_ids: Sequence[str]) -> list[bytes | None]:
        return await self._values("item", item_ids)

    async def states(self, users: Sequence[str]) -> list[bytes | None]:
        return await self._values("state", users)

    async def _values(self, kind: str, names: Sequence[str]) -> list[bytes | None]:
        values: dict[tuple[str, str], bytes | None] = {}
        for wanted in self._by_shard((kind, name) for name in names).values():
            for at in range(0, len(wanted), KEYS_PER_CALL):
                part = wanted[at : at + KEYS_PER_CALL]
                found = await self._pooled.call("MGET", *(self._keys.of(*each) for each in part))
                values.update(zip(part, found, strict=True))
        return [values[kind, name] for name in names]

    async def feed(self, user: str) -> bytes | None:
        value: bytes | None = await self._hot.call("GET", self._keys.of("feed", user))
        return value

    async def read_feeds(self, users: Sequence[str], states: Sequence[str] = ()) -> FeedsRead:
        keys, version_key = self._keys, self._keys.shared("withdrawn", "version")
        wanted = [("feed", user) for user in users] + [("state", user) for user in states]
        if keys.shards == 1:
            *found, version = await self._hot.call("MGET", *(keys.of(*each) for each in wanted), version_key)
        else:  # as of one moment in each shard; the list's version is read in the same round trip
            parts = list(self._by_shard(wanted).values())
            reads = [self._hot.call("MGET", *(keys.of(*each) for each in part)) for part in parts]
            version, *read = await together([self._hot.call("GET", version_key), *reads])
            values = dict(zip(chain(*parts), chain(*read), strict=True))
            found = [values[each] for each in wanted]
        return FeedsRead(
            found[: len(users)], found[len(users) :], "" if version is None else version.decode()
        )

    async def withdrawals(self, after: str) -> Withdrawals:
        # The version is read first: what changes in between is read again the next time, and none is missed.
        value = await self._pooled.call("GET", self._keys.shared("withdrawn", "version"))
        version = "" if value is None else value.decode()
        (began, number), (now, _) = version_of(after), version_of(version)
        whole = began != now
        least = 1 if whole else 2 * number + 1
        changes: dict[str, bool] = {}
        while True:
            page = await self._pooled.call(
                *("ZRANGEBYSCORE", self._keys.shared("withdrawn"), f"({least}", "+inf"),
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
            part = {item_id: withdrawn[item_id] for item_id in item_ids[at : at + KEYS_PER_CALL]}
            if self._keys.shards > 1:
                while not await self._mended(part, found):
                    pass
                continue
            listed = [self._keys.shared("withdrawn"), self._keys.shared("withdrawn", "version")]
            await self._pooled.script(
                MEND_WITHDRAWN,
                [*listed, *(self._keys.of("item", item_id) for item_id in part)],
                [uuid.uuid4().hex, *_marks(part), *(found[item_id] for item_id in part)],
            )

    async def _mended(self, withdrawn: Mapping[str, bool], found: Mapping[str, str]) -> bool:
        """The same in a store of several shards; False where items were marked meanwhile."""
        shared = self._keys.shared
        often = await self._pooled.call("HGET", shared("relayed"), "marks")
        records = await self.items(list(withdrawn))
        part = {
            item_id: now
            for (item_id, now), record in zip(withdrawn.items(), records, strict=True)
            if digest_of(record) == found[item_id]
        }
        keys = [shared("relayed"), shared("withdrawn"), shared("withdrawn", "version")]
        arguments = [uuid.uuid4().hex, often or b"0", len(part), *_marks(part)]
        return bool(await self._pooled.script(MEND_SHARED, keys, arguments))

    async def put_feed(self, user: str, feed: bytes) -> None:
        await self._hot.call("SET", self._keys.of("feed", user), feed, "PX", self._ttl_ms)

    async def hear_of_feeds(self) -> FeedNews:
        calls = self._servers.pooled
        return await subscribed(
            self._servers.opened, self._keys.channel, calls.timeout_s, calls.as_store_error
        )

    async def lead(self, name: str, writer: str, ttl_ms: int) -> bool:
        return bool(await self._pooled.script(LEAD, [self._keys.shared("lease", name)], [writer, ttl_ms]))

    async def activate(self, model: str) -> None:
        keys = [self._keys.shared("model"), self._keys.shared("model", "log")]
        await self._pooled.script(ACTIVATE, keys, [model, ACTIVATIONS_MOST])

    async def active_model(self) -> str | None:
        model: bytes | None = await self._pooled.call("GET", self._keys.shared("model"))
        return None if model is None else model.decode()

    async def activations(self) -> list[Activation]:
        log: list[bytes] = await self._pooled.call("LRANGE", self._keys.shared("model", "log"), 0, -1)
        entries = [entry.decode().partition(" ") for entry in log]
        return [Activation(int(since), name) for since, _, name in entries] or [
            Activation(0, name) for name in [await self.active_model()] if name is not None
        ]  # an older build noted no activations

    async def note_text_encoder(self, encoder: str) -> str:
        await self._pooled.call("SET", self._keys.shared("text-encoder"), encoder, "NX")
        return await self.text_encoder() or encoder

    async def text_encoder(self) -> str | None:
        encoder: bytes | None = await self._pooled.call("GET", self._keys.shared("text-encoder"))
        return None if encoder is None else encoder.decode()

    async def experiments(self) -> bytes | None:
        value: bytes | None = await self._pooled.call("GET", self._keys.shared("experiments"))
        return value

    async def put_experiments(self, value: bytes, found: str, entry: bytes) -> None:
        keys = [self._keys.shared("experiments"), self._keys.shared("experiments", "log")]
        await self._pooled.script(PUT_EXPERIMENTS, keys, [found, value, entry])

    async def experiments_log(self) -> list[bytes]:
        entries: list[bytes] = await self._pooled.call(
            "LRANGE", self._keys.shared("experiments", "log"), 0, -1
        )
        return entries

    async def condition(self) -> Condition:
        # Some servers refuse CONFIG (a managed one, an ACL): what INFO says must do then.
        found = []
        for info, *replies in await self._servers.everywhere([("INFO",), *CONFIG]):
            config: dict[str, str] = {}
            for reply in replies:
                if isinstance(reply, list) and len(reply) == 2:
                    name, value = (part.decode(errors="replace") for part in reply)
                    config[name] = value
            text = info.decode(errors="replace") if isinstance(info, bytes) else ""
            found.append(read_condition(text, config))
        worst = worst_of(found)
        if waits_for(worst) is None:
            await self._layout.check()  # another process may have begun the store meanwhile
        return worst

    async def load_of_server(self) -> ServerLoad:
        infos = [reply for (reply,) in await self._servers.everywhere([("INFO",)])]
        return read_load([info.decode(errors="replace") for info in infos if isinstance(info, bytes)])

    async def close(self) -> None:
        await self._servers.close()


def check_layout(settings: RedisSettings) -> None:
    """Raises `SettingsError` for keys that a cluster could not keep together."""
    if settings.cluster and settings.shards == 1 and not tag_of(settings.prefix):
        raise SettingsError(
            "redis.cluster is set, and redis.shards is 1: set it to a number that divides kafka.partitions,"
            " or give redis.prefix a hash tag, such as '{headrace}:', which keeps all on one node"
        )


async def together(calls: Sequence[Awaitable[T]]) -> list[T]:
    """What all of them return; one alone costs no task."""
    return [await calls[0]] if len(calls) == 1 else await asyncio.gather(*calls)


def _shard_commits(commit: Commit, keys: RedisKeys) -> list[Commit]:
    """Its values, a commit for each shard."""
    parts: dict[int, tuple[dict[str, bytes], dict[str, bytes], dict[str, bytes]]] = {}
    for kind, values in enumerate((commit.states, commit.feeds, commit.items)):
        for name, value in values.items():
            parts.setdefault(keys.shard_of(name), ({}, {}, {}))[kind][name] = value
    return [Commit({}, {}, *part) for part in parts.values()]


def _flat(offsets: Mapping[str, int]) -> chain[str | int]:
    return chain.from_iterable(offsets.items())


def _marks(withdrawn: Mapping[str, bool]) -> chain[str | int]:
    return chain.from_iterable((item_id, int(now)) for item_id, now in withdrawn.items())


def _token(commit: Commit) -> str:
    """Names a batch: where it ended on each partition, and what it told the others."""
    digest = hashlib.blake2b(repr(sorted(commit.progress.items())).encode(), digest_size=16)
    digest.update(commit.ledger)
    return digest.hexdigest()
