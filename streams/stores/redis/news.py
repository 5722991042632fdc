"""A subscription in Redis: whose feeds batches wrote, or deleted (`FeedNews`).

It has a connection of its own, which the client library opens and hiredis reads. A server that says nothing
is asked for a sign of life, so a link that is dead without a word is lost, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError, RedisClusterException, RedisError

from model.errors import StoreError, StoreUnavailableError
from streams.stores.heard import HeardFeeds
from streams.stores.redis.pipeline import packed
from streams.stores.redis.takeover import INCOMPLETE, reply_reader, taken_over

SILENT_S = 5.0
"""A server that was silent for so long is asked for a sign of life, and is lost after as long again."""
PING = b"*1\r\n$4\r\nPING\r\n"


async def subscribed(
    opened: Callable[[], Awaitable[AbstractConnection]],
    channel: str,
    timeout_s: float,
    as_store_error: Callable[[Exception], StoreError],
) -> HeardFeeds:
    """What is heard on a channel, once the server has confirmed the subscription. Raises `StoreError`."""
    try:
        async with asyncio.timeout(timeout_s):
            link = _Link(await opened(), as_store_error)
            try:
                await link.subscribe(channel)
            except BaseException:
                link.close()
                raise
            return link.heard
    except (RedisError, RedisClusterException, OSError) as error:  # a timeout is an OSError, too
        raise as_store_error(error) from None


class _Link(asyncio.Protocol):
    """Takes over a connection that the client library has opened: with its TLS, password and database."""

    def __init__(
        self, connection: AbstractConnection, as_store_error: Callable[[Exception], StoreError]
    ) -> None:
        self._writer = taken_over(connection)
        self._transport = cast("asyncio.Transport", self._writer.transport)
        self._as_store_error = as_store_error
        self._loop = asyncio.get_running_loop()
        self._reader = reply_reader()
        self._confirmed: asyncio.Future[None] = self._loop.create_future()
        self._asked = self._spoke = False
        self._timer = self._loop.call_later(SILENT_S, self._check_life)
        self.heard = HeardFeeds(closed=self.close)
        self._transport.set_protocol(self)

    async def subscribe(self, channel: str) -> None:
        """Returns once the server has confirmed it."""
        self._transport.write(packed("SUBSCRIBE", channel))
        await self._confirmed

    def close(self) -> None:
        """Close at once."""
        self._transport.abort()
        self._end(ConnectionError("the subscription was closed"))

    def data_received(self, data: bytes) -> None:
        """Tell who was announced."""
        self._spoke = True
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets(False)) is not INCOMPLETE:
                self._take(reply)
        except RedisError as error:
            self._transport.abort()
            self._end(error)

    def connection_lost(self, error: Exception | None) -> None:
        """Nothing more will come."""
        self._end(error or ConnectionError("Connection closed by server."))

    def _take(self, reply: Any) -> None:
        if isinstance(reply, RedisError):
            raise reply
        if not isinstance(reply, list) or not reply:
            return
        if reply[0] == b"message":
            self.heard.add(reply[2].decode(errors="replace"))
        elif reply[0] == b"subscribe" and not self._confirmed.done():
            self._confirmed.set_result(None)

    def _check_life(self) -> None:
        if self._asked and not self._spoke:
            self._transport.abort()
            self._end(TimeoutError())
            return
        self._asked = not self._spoke
        if self._asked:
            self._transport.write(PING)
        self._spoke = False
        self._timer = self._loop.call_later(SILENT_S, self._check_life)

    def _end(self, error: Exception) -> None:
        self._timer.cancel()
        if not self._confirmed.done():
            self._confirmed.set_exception(error)
            self._confirmed.exception()  # whoever gave up waiting does not ask for it
        lost = self._as_store_error(error)
        self.heard.lose(lost if isinstance(lost, StoreUnavailableError) else StoreUnavailableError(str(lost)))
