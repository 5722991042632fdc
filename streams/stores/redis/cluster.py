"""Both ways to the servers of a Redis Cluster: a call goes to the node that has its slot.

The client library finds the nodes and which slots they have. Each node is then a server like any other
(streams/stores/redis/server.py). Where slots have moved, a node answers with the right one (MOVED), and the
map is read anew; while they are moving, with where to ask this once (ASK).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio.cluster import RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import AskError, MovedError, RedisClusterException, RedisError

from model.errors import SettingsError, StoreUnavailableError
from streams.settings.connections import RedisSettings
from streams.stores.redis.calls import Calls, key_of
from streams.stores.redis.opening import SharedTls, driver_info
from streams.stores.redis.pipeline import Command
from streams.stores.redis.server import RedisServer

REDIRECTIONS = 5
"""A call that is sent on more often than this fails: the cluster does not agree with itself yet."""


class ClusterServers:
    """The nodes of a cluster, both ways to them, and who has which slot."""

    def __init__(self, settings: RedisSettings) -> None:
        self._settings, self._timeout_s, self._tls = settings, settings.timeout_ms / 1_000, SharedTls()
        server = RedisServer(settings).pooled.server
        try:
            self._library = RedisCluster.from_url(
                settings.url,
                require_full_coverage=False,
                socket_timeout=self._timeout_s,
                socket_connect_timeout=self._timeout_s,
                protocol=2,
                driver_info=driver_info(),
                retry=Retry(NoBackoff(), 0),
            )
        except RedisClusterException as error:
            raise SettingsError(
                f"redis.url: {error}; a cluster takes redis://HOST:PORT/0, of any of its nodes"
            ) from None
        self._servers: dict[tuple[str, int], RedisServer] = {}
        self._known, self._reading = False, asyncio.Lock()
        self.hot = ClusterCalls(self, server, self._timeout_s, lambda node: node.hot)
        self.pooled = ClusterCalls(self, server, self._timeout_s, lambda node: node.pooled)

    def node(self, host: str, port: int) -> RedisServer:
        """The server at an address."""
        address = host, int(port)
        if address not in self._servers:
            self._servers[address] = RedisServer(self._settings, *address, self._tls)
        return self._servers[address]

    async def node_of(self, slot: int) -> RedisServer:
        """The server that has a slot. Raises redis' errors where no node says so."""
        await self._read()
        found = self._library.nodes_manager.get_node_from_slot(slot)
        return self.node(found.host, int(found.port))

    def forget(self) -> None:
        """Read anew who has which slot, at the next call."""
        self._known = False

    async def nodes(self) -> list[Calls]:
        """The way to each primary."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._read()
        except (RedisError, RedisClusterException, OSError) as error:
            self.forget()
            raise self.pooled.as_store_error(error) from None
        found = self._library.get_primaries()
        return [self.node(node.host, int(node.port)).pooled for node in found]

    async def everywhere(self, commands: Sequence[Command]) -> list[list[Any]]:
        """What each primary answers to commands without a key."""
        try:
            return list(await asyncio.gather(*(node.attempts(commands) for node in await self.nodes())))
        except StoreUnavailableError:
            self.forget()
            raise

    async def opened(self) -> AbstractConnection:
        """A connection to one of the primaries, for the caller alone: what is published on any node reaches
        it. Raises redis' errors.
        """
        try:
            await self._read()
            node = random.choice(self._library.get_primaries())
            return await self.node(node.host, int(node.port)).opened()
        except BaseException:
            self.forget()  # the node may be away for good
            raise

    async def close(self) -> None:
        for server in self._servers.values():
            await server.close()
        await self._library.nodes_manager.aclose()
        await self._library.nodes_manager.aclose("startup_nodes")

    async def _read(self) -> None:
        if not self._known:
            async with self._reading:
                if not self._known:
                    await self._library.nodes_manager.initialize()
                    self._known = True


class ClusterCalls(Calls):
    """One of both ways: all commands of a call go to the node of the first one's key."""

    def __init__(
        self, servers: ClusterServers, server: str, timeout_s: float, way: Callable[[RedisServer], Calls]
    ) -> None:
        super().__init__(server, timeout_s)
        self._servers, self._way = servers, way

    async def attempts(self, commands: Sequence[Command]) -> list[Any]:
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._sent_on(commands)
        except StoreUnavailableError:
            self._servers.forget()  # a node is away: another may have its slots by now
            raise
        except (RedisError, RedisClusterException, OSError) as error:
            self._servers.forget()
            raise self.as_store_error(error) from None

    async def _sent_on(self, commands: Sequence[Command]) -> list[Any]:
        slot = key_slot(key_of(commands[0]).encode())
        node, asking = await self._servers.node_of(slot), False
        for _ in range(REDIRECTIONS):
            if asking:
                asked = [each for command in commands for each in (("ASKING",), command)]
                replies = (await self._way(node).attempts(asked))[1::2]
            else:
                replies = await self._way(node).attempts(commands)
            sent_on = next((reply for reply in replies if isinstance(reply, AskError)), None)
            if sent_on is None:
                return replies
            asking = not isinstance(sent_on, MovedError)  # which is an AskError, too
            if not asking:
                self._servers.forget()
            # A node that does not know another's name leaves it out.
            there = sent_on.host, sent_on.port
            node = self._servers.node(*there) if sent_on.host else await self._servers.node_of(slot)
        return replies


def servers_of(settings: RedisSettings) -> ClusterServers | RedisServer:
    """The cluster or the one server that the settings name."""
    return ClusterServers(settings) if settings.cluster else RedisServer(settings)
