"""Commands to Redis within a time bound: one round trip each, and one kind of error.

The client library's own command path costs several times the CPU of the round trip; its connections and
its pool are used here directly. Nothing is retried: the pool replaces connections that were closed while
they lay idle, and whoever calls knows better whether and when to try again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    MasterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from model.errors import FencedError, SettingsError, StoreUnavailableError
from streams.settings.sections import RedisSettings
from streams.stores.redis_scripts import FENCED, Script

Argument = str | bytes | int
Command = Sequence[Argument]

PASSING: tuple[tuple[type[RedisError], str], ...] = (
    (ReadOnlyError, "is a replica and takes no writes; name the primary in redis.url, or promote it"),
    (MasterDownError, "is a replica that has lost its primary"),
    (OutOfMemoryError, "is full and takes no writes; raise its maxmemory"),
)
"""What a server refuses in a state that passes. Nothing was done, so the call may be tried again."""


class RedisConnection:
    """A pool of connections to one server. Each call ends within `timeout_ms`, whatever the server does."""

    def __init__(self, settings: RedisSettings) -> None:
        self._timeout_s = settings.timeout_ms / 1_000
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
        # A password may stand in the URL; messages name the server without it.
        self._server = settings.url.rpartition("@")[2].removeprefix("redis://")

    async def call(self, *command: Argument) -> Any:
        """The reply to one command."""
        return (await self.pipeline([command]))[0]

    async def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to commands that travel together and run in order; others may run in between."""
        async with self._bounded():
            return _all(await self._exchange(commands))

    async def attempts(self, commands: Sequence[Command]) -> list[Any]:
        """The same, with a `ResponseError` in the place of each reply that is a refusal."""
        async with self._bounded():
            return await self._exchange(commands)

    async def script(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """The reply of a script; its source travels only where the server does not know it yet."""
        async with self._bounded():
            try:
                return _all(await self._exchange([("EVALSHA", script.sha, len(keys), *keys, *arguments)]))[0]
            except NoScriptError:
                return _all(await self._exchange([("EVAL", script.source, len(keys), *keys, *arguments)]))[0]

    async def close(self) -> None:
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
                except ResponseError as error:  # the rest must still be read, or the next caller would get it
                    replies.append(error)
            if any(isinstance(reply, ReadOnlyError) for reply in replies):
                # After a failover the name leads to another server; this connection would stay with the old.
                await connection.disconnect()
        finally:
            await self._pool.release(connection)
        return replies

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        """The time bound, and every failure as a `StoreError`."""
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except TimeoutError:
            raise StoreUnavailableError(
                f"redis at {self._server} did not answer within {self._timeout_s:g} s; try again"
            ) from None
        except ResponseError as error:
            why = str(error)
            if why.startswith(FENCED):
                raise FencedError(why.removeprefix(FENCED).strip() + ": another worker has written") from None
            state = next((text for kind, text in PASSING if isinstance(error, kind)), "refused")
            raise StoreUnavailableError(f"redis at {self._server} {state}: {why}") from None
        except BusyLoadingError:
            raise StoreUnavailableError(f"redis at {self._server} is loading its data; try again") from None
        except (RedisError, OSError) as error:
            raise StoreUnavailableError(
                f"redis at {self._server} can't be reached: {error}; try again"
            ) from None


def _all(replies: list[Any]) -> list[Any]:
    """The replies; raises the first refusal among them."""
    for reply in replies:
        if isinstance(reply, ResponseError):
            raise reply
    return replies
