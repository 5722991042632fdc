"""Batches in Redis: what one rests on is loaded, and all that it writes goes in one transaction.

A batch is one round trip out, and at most one in. With several shards it is one more out: its entry goes on
to the ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import chain

from streams.state.tombstone import tombstone_name
from streams.stores.base import Loaded
from streams.stores.commit import HEAD_BYTES, Commit, check_commit
from streams.stores.redis.calls import Calls, together
from streams.stores.redis.keys import ABOUT_USER, FORGOTTEN, VALUES, RedisKeys
from streams.stores.redis.relay import OutboxEntry, Relay, packed_marks
from streams.stores.redis.scripts.batch import COMMIT, COMMIT_OF_SHARD
from streams.stores.redis.sums import SUMS
from streams.stores.redis.withdrawn import flat_marks

LAST_COMMIT_KNOWN_MS = 3_600_000


class RedisBatches:
    """The part of `Store` that loads and commits."""

    _hot: Calls
    _keys: RedisKeys
    _relay: Relay
    _ttl_ms: int
    _slates_ttl_ms: int

    async def load(
        self, users: Sequence[str], partitions: Sequence[str], slates_of: Sequence[str] = ()
    ) -> Loaded:
        # Progress is read first: a batch that another worker writes in between then fails the comparison in
        # `commit`. The other way round, its states would be overwritten by ours.
        keys = self._keys
        asked = [("state", user) for user in users] + [("slates", user) for user in slates_of]
        if asked and not partitions and keys.shards == 1:  # as who only ranks reads: for each ranking
            read_now = await self._hot.call("MGET", *(keys.of(*each) for each in asked))
            return Loaded(read_now[: len(users)], {}, read_now[len(users) :], {})
        places: dict[int, list[str]] = {}
        for partition in partitions:
            places.setdefault(keys.shard_of_place(partition), []).append(partition)
        if keys.shards > 1:
            await self._relay.bring_rest(list(places))
        deleted = list(dict.fromkeys((*users, *slates_of))) if partitions else []
        names = self._keys.by_shard([*asked, *((FORGOTTEN, user) for user in deleted)])
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
            *flat_marks(withdrawn),
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


def _shard_commits(commit: Commit, keys: RedisKeys) -> list[Commit]:
    """Its values, a commit for each shard."""
    parts: dict[int, tuple[dict[str, bytes], dict[str, bytes], dict[str, bytes]]] = {}
    for kind, values in enumerate((commit.states, commit.feeds, commit.items)):
        for name, value in values.items():
            parts.setdefault(keys.shard_of(name), ({}, {}, {}))[kind][name] = value
    return [Commit({}, {}, *part) for part in parts.values()]


def _flat(offsets: Mapping[str, int]) -> chain[str | int]:
    return chain.from_iterable(offsets.items())


def _token(commit: Commit) -> str:
    """Names a batch: where it ended on each partition, and what it told the others."""
    digest = hashlib.blake2b(repr(sorted(commit.progress.items())).encode(), digest_size=16)
    digest.update(commit.ledger)
    return digest.hexdigest()
