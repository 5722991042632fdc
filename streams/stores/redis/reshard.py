"""Copies a store to another layout of its keys, or to another server: for once, while no worker runs.

Values are copied as the server has them (DUMP and RESTORE), with the time that they have left. The progress
comes last, then the mark that says how many shards there are: before that, no process takes the copy for a
store, and the copy can be begun again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec

from model.errors import SettingsError
from streams.settings.connections import RedisSettings
from streams.stores.ledger_entries import LEADER
from streams.stores.redis.calls import Calls
from streams.stores.redis.cluster import servers_of
from streams.stores.redis.keys import ABOUT_USER, FORGOTTEN, NOTE, VALUES, RedisKeys, tag_of
from streams.stores.redis.pipeline import Command
from streams.stores.redis.records import escaped
from streams.stores.redis.relay import Relay
from streams.stores.redis.sums import HISTORY, SUMS, numbers_of

SHARED = (
    "withdrawn",
    "withdrawn:version",
    "rows",
    "row-ids",
    "ledger",
    "ledger:dropped",
    "snapshot",
    "model",
    "model:log",
    "text-encoder",
    "experiments",
    "experiments:log",
)
AT_A_TIME = 500
LONGEST_MS = 60_000


class Side:
    """One of both stores: how it is reached, and its keys."""

    def __init__(self, settings: RedisSettings) -> None:
        # A key that has something of every item takes its time.
        settings = msgspec.structs.replace(settings, timeout_ms=max(settings.timeout_ms, LONGEST_MS))
        self.servers = servers_of(settings)
        self.calls: Calls = self.servers.pooled
        self.keys = RedisKeys(settings.prefix, settings.shards)
        self.margin_ms = settings.ledger_margin_ms

    async def has(self, key: str) -> bool:
        """Whether there is such a key."""
        return bool(await self.calls.call("EXISTS", key))

    async def names(self, kind: str, shared: bool = False) -> AsyncIterator[list[str]]:
        """All names of a kind of values, some at a time; one may come twice. `shared`: of one that all
        processes share.
        """
        starts = {self.keys.of_shard(shard, kind, "") for shard in range(self.keys.shards)}
        if shared:
            starts = {self.keys.shared(kind, "")}
        for node in await self.servers.nodes():
            for start in sorted(starts):
                cursor = b"0"
                pattern = escaped(start) + "*"
                while True:
                    cursor, found = await node.call("SCAN", cursor, "MATCH", pattern, "COUNT", AT_A_TIME)
                    if found:
                        yield [key.decode().removeprefix(start) for key in found]
                    if cursor == b"0":
                        break


async def reshard(source: RedisSettings, target: RedisSettings, say: Callable[[str], None]) -> Counter[str]:
    """How many keys of each kind were copied.

    Raises `SettingsError` where a worker runs, where there is nothing to copy, or something in its place.
    """
    old, new = Side(source), Side(target)
    try:
        await _check(old, new)
        if old.keys.shards > 1:
            relay = Relay(old.calls, old.keys, old.margin_ms)
            await relay.bring_rest(range(old.keys.shards), again=True)
        counts: Counter[str] = Counter()
        for kind in (*VALUES, NOTE, ABOUT_USER):
            async for names in old.names(kind):
                counts[kind] += await _copy(
                    old, new, [(old.keys.of(kind, name), new.keys.of(kind, name)) for name in names]
                )
            say(f"{counts[kind]} keys of the kind {kind} are copied")
        async for names in old.names(FORGOTTEN):
            counts[FORGOTTEN] += await _copy(
                old, new, [(old.keys.tombstone(name), new.keys.tombstone(name)) for name in names]
            )
        counts["sums"] = await _copy_sums(old, new)
        counts["shared"] = await _copy_shared(old, new)
        counts["progress"] = await _copy_progress(old, new)
        if new.keys.shards > 1:
            await new.calls.call("SET", new.keys.layout, new.keys.shards)
        return counts
    finally:
        await old.servers.close()
        await new.servers.close()


async def _check(old: Side, new: Side) -> None:
    mark, same = await old.calls.call("GET", old.keys.layout), old.keys.shards
    if int(mark or 1) != same or not await old.has(old.keys.shared("rows")):
        raise SettingsError(
            f"there is no store of {same} shards under {old.keys.prefix!r} to copy; check the redis settings"
        )
    if await old.has(old.keys.shared("lease", LEADER)):
        raise SettingsError(
            "a worker runs, or did so a moment ago: stop all workers, wait a little, try again"
        )
    there = [new.keys.of_shard(shard, "progress") for shard in range(new.keys.shards)]
    if any([await new.has(key) for key in [*there, new.keys.layout]]):
        raise SettingsError(
            "there is a store in that place already; name another redis.prefix, server or number of shards"
        )


async def _copy(old: Side, new: Side, pairs: Sequence[tuple[str, str]]) -> int:
    """Copy keys to their new names; how many there still were."""
    copied = 0
    for part in _of_one_tag(pairs):
        dumps = await old.calls.pipeline([("DUMP", key) for key, _ in part])
        left_ms = await old.calls.pipeline([("PTTL", key) for key, _ in part])
        restores: list[Command] = [
            ("RESTORE", key, max(0, ms), dump, "REPLACE")
            for (_, key), dump, ms in zip(part, dumps, left_ms, strict=True)
            if dump is not None
        ]
        if restores:
            await new.calls.pipeline(restores)
        copied += len(restores)
    return copied


def _of_one_tag(pairs: Sequence[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Parts in which the old keys lie together, and the new ones."""
    parts: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for old, new in pairs:
        parts.setdefault((tag_of(old), tag_of(new)), []).append((old, new))
    return list(parts.values())


async def _copy_sums(old: Side, new: Side) -> int:
    """Experiments' sums: what the old shards have together goes to the new first one."""
    experiments: set[str] = set()
    async for names in old.names(SUMS):
        experiments.update(names)
    for name in experiments:
        numbers = await numbers_of(old.calls, old.keys, name)
        for shard in range(new.keys.shards):
            await new.calls.call("DEL", new.keys.of_shard(shard, SUMS, name))
        flat = [part for number in numbers.items() for part in number]
        await new.calls.call("HSET", new.keys.of_shard(0, SUMS, name), *flat)
    async for names in old.names(HISTORY, shared=True):
        await _copy(
            old, new, [(old.keys.shared(HISTORY, name), new.keys.shared(HISTORY, name)) for name in names]
        )
    return len(experiments)


async def _copy_shared(old: Side, new: Side) -> int:
    copied = await _copy(old, new, [(old.keys.shared(name), new.keys.shared(name)) for name in SHARED])
    head = old.keys.shared("snapshot")
    chunk_key, count = await old.calls.call("HMGET", head, "chunk_key", "chunks")
    if chunk_key is not None:
        start, places = old.keys.shared("snapshot", ""), chunk_key.decode()
        there = new.keys.shared("snapshot", places.removeprefix(start))
        for n in range(int(count)):
            copied += await _copy(old, new, [(f"{places}{n}", f"{there}{n}")])
        await new.calls.call("HSET", new.keys.shared("snapshot"), "chunk_key", there)
    return copied


async def _copy_progress(old: Side, new: Side) -> int:
    copied = 0
    for shard in range(old.keys.shards):
        flat: list[Any] = await old.calls.call("HGETALL", old.keys.of_shard(shard, "progress"))
        for place, offset in zip(flat[::2], flat[1::2], strict=True):
            there = new.keys.of_shard(new.keys.shard_of_place(place.decode()), "progress")
            await new.calls.call("HSET", there, place, offset)
            copied += 1
    return copied
