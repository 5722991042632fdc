"""The store in Redis or Valkey; every call is bounded in time. The other files here have its parts.

Where everything lies, and what a store shard is, says streams/stores/redis/keys.py; how a server is reached,
streams/stores/redis/server.py, and a cluster of them, streams/stores/redis/cluster.py.
"""

from __future__ import annotations

from model.errors import SettingsError
from streams.learning.settings import LearningSettings
from streams.settings.connections import RedisSettings
from streams.state.user_state import StateSettings
from streams.stores.base import FeedNews
from streams.stores.condition import Condition, ServerLoad, read_condition, read_load, waits_for, worst_of
from streams.stores.redis.batches import RedisBatches
from streams.stores.redis.cluster import servers_of
from streams.stores.redis.keys import RedisKeys, tag_of
from streams.stores.redis.layout import CheckedCalls, RedisLayout
from streams.stores.redis.ledger import RedisLedger
from streams.stores.redis.news import subscribed
from streams.stores.redis.records import RedisRecords
from streams.stores.redis.shared import RedisShared
from streams.stores.redis.sums import RedisSums
from streams.stores.redis.withdrawn import RedisWithdrawn

CONFIG = [("CONFIG", "GET", name) for name in ("maxmemory-policy", "appendonly", "save")]
MS_PER_DAY = 86_400_000


class RedisStore(RedisBatches, RedisWithdrawn, RedisLedger, RedisRecords, RedisShared, RedisSums):
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

    async def hear_of_feeds(self) -> FeedNews:
        calls = self._servers.pooled
        return await subscribed(
            self._servers.opened, self._keys.channel, calls.timeout_s, calls.as_store_error
        )

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
