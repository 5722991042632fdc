"""The lean client against a server that answers in its own way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from streams.bench.http import ConnectionPool
from tests.listening import listening

Handle = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(handle: Handle) -> AsyncIterator[int]:
    """Reads one request after the other from each connection; the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            await handle(await reader.readexactly(length), writer)

    async with listening(serve) as port:
        yield port


def answer(body: bytes, status: bytes = b"202 Accepted") -> bytes:
    return b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def test_posts_and_keeps_the_connection() -> None:
    connections = set()

    async def echo(body: bytes, writer: asyncio.StreamWriter) -> None:
        connections.add(writer.get_extra_info("peername"))
        writer.write(answer(body[::-1]))

    async with server(echo) as port:
        pool = ConnectionPool("127.0.0.1", port, 1)
        answers = [await pool.post("/v1/events", body) for body in (b"abc", b"defg")]
        pool.close()
    assert answers == [(202, b"cba"), (202, b"gfed")]
    assert len(connections) == 1


async def test_reads_an_answer_that_comes_in_pieces() -> None:
    async def slowly(body: bytes, writer: asyncio.StreamWriter) -> None:
        for byte in answer(body, b"503 Service Unavailable"):
            writer.write(bytes([byte]))
            await writer.drain()

    async with server(slowly) as port:
        pool = ConnectionPool("127.0.0.1", port, 1)
        assert await pool.post("/", b"later") == (503, b"later")
        pool.close()


async def test_a_lost_connection_is_an_error_and_the_next_request_has_a_new_one() -> None:
    async def first_hangs_up(body: bytes, writer: asyncio.StreamWriter) -> None:
        if body == b"first":
            writer.close()
        else:
            writer.write(answer(body))

    async with server(first_hangs_up) as port:
        pool = ConnectionPool("127.0.0.1", port, 1)
        with pytest.raises(ConnectionError):
            await pool.post("/", b"first")
        assert await pool.post("/", b"second") == (202, b"second")
        pool.close()


async def test_nobody_there_is_an_error() -> None:
    async def unused(body: bytes, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("nobody asks")

    async with server(unused) as port:
        pass
    with pytest.raises(OSError):
        await ConnectionPool("127.0.0.1", port, 1).post("/", b"")
