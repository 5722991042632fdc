"""Values in Redis: states, feeds and items."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from streams.stores.base import FeedsRead
from streams.stores.redis.calls import KEYS_PER_CALL, Calls, together
from streams.stores.redis.keys import RedisKeys


class RedisValues:
    """The part of `Store` that reads and writes values outside batches."""

    _hot: Calls
    _pooled: Calls
    _keys: RedisKeys
    _ttl_ms: int

    async def items(self, item_ids: Sequence[str]) -> list[bytes | None]:
        return await self._values("item", item_ids)

    async def states(self, users: Sequence[str]) -> list[bytes | None]:
        return await self._values("state", users)

    async def _values(self, kind: str, names: Sequence[str]) -> list[bytes | None]:
        values: dict[tuple[str, str], bytes | None] = {}
        for wanted in self._keys.by_shard((kind, name) for name in names).values():
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
            parts = list(self._keys.by_shard(wanted).values())
            reads = [self._hot.call("MGET", *(keys.of(*each) for each in part)) for part in parts]
            version, *read = await together([self._hot.call("GET", version_key), *reads])
            values = dict(zip(chain(*parts), chain(*read), strict=True))
            found = [values[each] for each in wanted]
        return FeedsRead(
            found[: len(users)], found[len(users) :], "" if version is None else version.decode()
        )

    async def put_feed(self, user: str, feed: bytes) -> None:
        await self._hot.call("SET", self._keys.of("feed", user), feed, "PX", self._ttl_ms)
