"""A lean HTTP/1.1 client: open connections, one request at a time on each; httptools parses the response.

A general client takes several times the CPU of the system that the benchmark measures, on the same cores.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple, cast

import httptools


class Answer(NamedTuple):
    status: int
    body: bytes


def request(method: str, path: str, at: str, body: bytes = b"", headers: Mapping[str, str] = {}) -> bytes:
    """A whole request to `at`, the host and port of an address. `body`: JSON, for other methods than GET."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {at}",
        *(f"{name}: {text}" for name, text in headers.items()),
    ]
    if method != "GET":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection(asyncio.Protocol):
    """One open connection. The server must answer with HTTP/1.1 and keep it open."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []

    @property
    def open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's class does not inherit from it

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        """Send a whole request; returns its answer, or `ConnectionError`."""
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if self._transport is None or not self.open:
            waiting.set_exception(ConnectionError("the connection is closed"))
            return waiting
        self._waiting, self._body = waiting, []
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(request)
        return waiting

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.close()
            self.connection_lost(ConnectionError(f"the answer is not HTTP: {error}"))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(Answer(self._parser.get_status_code(), b"".join(self._body)))

    def connection_lost(self, exc: Exception | None) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_exception(ConnectionError(str(exc) or "the server closed the connection"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class ConnectionPool:
    """`size` connections; a request waits for a free one, and its wait counts as latency."""

    def __init__(self, host: str, port: int, size: int) -> None:
        self._host, self._port, self._size = host, port, size
        self._free: deque[Connection] = deque()
        self._slots = asyncio.Semaphore(size)

    async def post(self, path: str, body: bytes) -> Answer:
        """Post JSON."""
        return await self.ask(request("POST", path, f"{self._host}:{self._port}", body))

    async def ask(self, request: bytes) -> Answer:
        """Send a whole request; `OSError` where the connection breaks."""
        async with self._slots:
            connection = await self._connection()
            try:
                answer = await connection.ask(request)
            except BaseException:
                connection.close()  # its answer may still come, for nobody
                raise
            self._free.append(connection)
        return answer

    async def _connection(self) -> Connection:
        while self._free:
            connection = self._free.pop()
            if connection.open:
                return connection
        _, made = await asyncio.get_running_loop().create_connection(Connection, self._host, self._port)
        return made

    def close(self) -> None:
        while self._free:
            self._free.pop().close()
