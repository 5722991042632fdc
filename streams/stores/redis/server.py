"""Two ways to one Redis server.

`HotCalls` shares one connection among all calls that are under way (streams/stores/redis/pipeline.py): it
costs least, and suits what is small and frequent. `PooledCalls` takes a connection of its own from the client
library's pool: what is large holds up nobody else. The library makes the connections of both from one URL.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError, RedisError

from model.errors import SettingsError
from streams.settings.connections import RedisSettings
from streams.settings.shown import server_of
from streams.stores.redis.calls import Calls
from streams.stores.redis.opening import SharedTls, share
from streams.stores.redis.pipeline import Command, PipelinedConnection


class HotCalls(Calls):
    """Calls on one connection, which is opened when it is needed and opened anew once it is lost."""

    def __init__(self, pool: BlockingConnectionPool, server: str, timeout_s: float) -> None:
        super().__init__(server, timeout_s)
        self._pool = pool
        self._connection: PipelinedConnection | None = None
        self._opening = asyncio.Lock()

    async def attempts(self, commands: Sequence[Command]) -> list[Any]:
        connection = self._connection
        try:
            if connection is not None and connection.usable:
                return await connection.exchange(commands)
            async with asyncio.timeout(self.timeout_s):
                return await (await self._opened()).exchange(commands)
        except (RedisError, OSError) as error:
            raise self.as_store_error(error) from None

    def drop(self) -> None:
        """Close the connection; calls under way fail, and the next one opens another."""
        if self._connection is not None:
            self._connection.close()

    async def _opened(self) -> PipelinedConnection:
        async with self._opening:
            if self._connection is None or not self._connection.usable:
                self._connection = PipelinedConnection(await opened_of(self._pool), self.timeout_s)
            return self._connection


async def opened_of(pool: BlockingConnectionPool) -> AbstractConnection:
    """A new connection, open and of nobody else. Raises redis' errors."""
    link: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]  # not annotated there
    try:
        await link.connect()  # type: ignore[no-untyped-call]
    except BaseException:
        await link.disconnect(nowait=True)
        raise
    return link


class PooledCalls(Calls):
    """Calls that each have a connection for themselves, of `redis.connections` at most."""

    def __init__(self, pool: BlockingConnectionPool, server: str, timeout_s: float) -> None:
        super().__init__(server, timeout_s)
        self._pool = pool

    async def attempts(self, commands: Sequence[Command]) -> list[Any]:
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._exchange(commands)
        except (RedisError, OSError) as error:
            raise self.as_store_error(error) from None

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.disconnect()

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        # A decorator of the library hides the types of this method.
        connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        replies: list[Any] = []
        try:
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            for _ in commands:
                try:
                    replies.append(await connection.read_response(disable_decoding=True))
                except RedisError as error:  # the rest must still be read, or the next caller would get it
                    if not connection.is_connected:
                        raise
                    replies.append(error)
            if any(isinstance(reply, ReadOnlyError) for reply in replies):
                # After a failover the name leads to another server; this connection would stay with the old.
                await connection.disconnect()
        finally:
            await self._pool.release(connection)
        return replies


class RedisServer:
    """One server, and both ways to it."""

    def __init__(
        self, settings: RedisSettings, host: str = "", port: int = 0, tls: SharedTls | None = None
    ) -> None:
        """`host` and `port`: of a node of a cluster, in place of the URL's. `tls`: what its nodes share."""
        try:
            self._pool = BlockingConnectionPool.from_url(
                settings.url,
                max_connections=settings.connections,
                timeout=None,
                socket_timeout=None,
                socket_connect_timeout=None,
                protocol=2,
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError as error:
            raise SettingsError(f"redis.url: {error}; expected redis://HOST:PORT/DATABASE") from None
        share(self._pool, tls or SharedTls())
        server = server_of(settings.url)  # a password may stand in the URL
        if host:
            self._pool.connection_kwargs.update(host=host, port=port)
            server = f"{host}:{port}"
        timeout_s = settings.timeout_ms / 1_000
        self.hot = HotCalls(self._pool, server, timeout_s)
        self.pooled = PooledCalls(self._pool, server, timeout_s)

    async def nodes(self) -> list[Calls]:
        """The way to each server."""
        return [self.pooled]

    async def everywhere(self, commands: Sequence[Command]) -> list[list[Any]]:
        """What each server answers to commands without a key."""
        return [await self.pooled.attempts(commands)]

    async def opened(self) -> AbstractConnection:
        """A connection for the caller alone. Raises redis' errors."""
        return await opened_of(self._pool)

    async def close(self) -> None:
        self.hot.drop()
        await self.pooled.close()
