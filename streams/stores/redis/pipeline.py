"""One connection on which many calls are under way at once.

Calls are written as they come, and Redis answers in the same order, so an answer belongs to the call that has
waited longest. A caller that gives up leaves its place in the queue: its answer is read and dropped, and no
other's moves. Where that order can't be trusted any more (a protocol error, an answer that nobody asked for,
an answer that is overdue), the connection is closed, and every call on it fails.

hiredis packs and parses; nothing else stands between a call and the socket. That takes a fifth to a half of
the CPU of the client library's own way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError, ReadOnlyError, TimeoutError

from streams.stores.redis.takeover import INCOMPLETE, reply_reader, taken_over

Argument = str | bytes | int
Command = Sequence[Argument]

GRACE_S = 0.005
"""An answer may be there already when it is found to be overdue, if the event loop was held up."""


# The library's own annotation takes a tuple of one word only.
_packed = cast("Callable[[tuple[Argument, ...]], bytes]", hiredis.pack_command)


def packed(*command: Argument) -> bytes:
    """A command as it is sent."""
    return _packed(command)


class _Call:
    """Waits for `count` replies until `due_s` of the loop's clock."""

    __slots__ = ("answer", "count", "due_s", "replies")

    def __init__(self, answer: asyncio.Future[list[Any]], count: int, due_s: float) -> None:
        self.answer, self.count, self.due_s = answer, count, due_s
        self.replies: list[Any] = []


class PipelinedConnection(asyncio.Protocol):
    """Takes over a connection that the client library has opened: with its TLS, password and database.

    Each call ends within `timeout_s`. `usable`: whether it takes further calls.
    """

    def __init__(self, connection: AbstractConnection, timeout_s: float) -> None:
        self._writer = taken_over(connection)
        self._transport = cast("asyncio.Transport", self._writer.transport)
        self._loop = asyncio.get_running_loop()
        self._timeout_s = timeout_s
        self._calls: deque[_Call] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._overdue: _Call | None = None
        self._reader = reply_reader()
        self.usable = not self._transport.is_closing()
        self._transport.set_protocol(self)

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to commands that run in order, errors among them in their places.

        Raises redis' `ConnectionError` or `TimeoutError` where the connection is lost: what was sent may have
        been done, or not.
        """
        if not self.usable:
            raise ConnectionError("Connection closed by server.")
        written = b"".join([_packed(tuple(command)) for command in commands])
        due_s = self._loop.time() + self._timeout_s
        call = _Call(self._loop.create_future(), len(commands), due_s)
        self._calls.append(call)
        if self._timer is None:
            self._timer = self._loop.call_at(due_s, self._check_due)
        self._transport.write(written)
        return await call.answer

    def close(self, why: Exception | None = None) -> None:
        """Close at once; calls under way fail."""
        self._transport.abort()
        self.connection_lost(why)

    def data_received(self, data: bytes) -> None:
        """Hand each complete reply to the call that has waited longest."""
        reader, calls = self._reader, self._calls
        reader.feed(data)
        try:
            while (reply := reader.gets(False)) is not INCOMPLETE:
                if type(reply) is hiredis.PushNotification:
                    continue
                if not calls:
                    raise ConnectionError("an answer came that nobody has asked for")
                call = calls[0]
                call.replies.append(reply)
                if isinstance(reply, ReadOnlyError):
                    # After a failover the name leads to another server; this connection stays with the old.
                    # So it takes no further calls, and is closed once those under way are answered.
                    self.usable = False
                if len(call.replies) == call.count:
                    calls.popleft()
                    if not call.answer.done():
                        call.answer.set_result(call.replies)
        except ConnectionError as error:
            self.close(error)
            return
        if not self.usable and not calls:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Fail what is under way."""
        self.usable = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        why = error if isinstance(error, ConnectionError | TimeoutError) else None
        text = str(error) if error is not None else "Connection closed by server."
        while self._calls:
            answer = self._calls.popleft().answer
            if not answer.done():
                answer.set_exception(why or ConnectionError(text))

    def _check_due(self) -> None:
        """Answers come in order, so the first call is due first; one timer does for all."""
        self._timer = None
        if not self._calls:
            return
        first = self._calls[0]
        if first.due_s > self._loop.time():
            self._timer = self._loop.call_at(first.due_s, self._check_due)
        elif self._overdue is not first:
            self._overdue = first
            self._timer = self._loop.call_later(GRACE_S, self._check_due)
        else:
            self.close(TimeoutError("an answer is overdue"))
