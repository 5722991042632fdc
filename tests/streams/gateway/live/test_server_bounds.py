"""What one client may have the gateway keep is bounded, whatever it sends and however little it reads."""

from __future__ import annotations

import asyncio
import contextlib
import os

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from streams.gateway import server
from streams.gateway.server import FRAGMENTS_MOST, HEAD_BYTES_MOST, PIPELINED_MOST, UNREAD_BYTES_MOST
from tests.streams.gateway.live.serving import Served, served

PIECE = 4_096


async def dialled(here: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", here.port)


async def sent_until_refused(writer: asyncio.StreamWriter, piece: bytes, most: int) -> int:
    """How many bytes went out before the gateway closed."""
    sent = 0
    try:
        while sent < most:
            writer.write(piece)
            await writer.drain()
            sent += len(piece)
            await asyncio.sleep(0)
    except OSError:
        pass
    return sent


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nx: ", b"a" * PIECE),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"x: " + b"a" * 500 + b"\r\n"),
        (b"GET /", b"a" * PIECE),
        (b"\r\n", b"\r\n" * 2_000),
    ],
    ids=["one header", "many headers", "address", "no request"],
)
async def test_a_head_without_an_end_is_refused(begin: bytes, piece: bytes) -> None:
    async with served() as here:
        _, writer = await dialled(here)
        writer.write(begin)
        sent = await sent_until_refused(writer, piece, 100 * HEAD_BYTES_MOST)
        assert sent < 100 * HEAD_BYTES_MOST
        await here.eventually(lambda: not here.server.server_state.connections)
        writer.close()


async def test_the_refusal_says_why() -> None:
    async with served() as here:
        reader, writer = await dialled(here)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nx: a")
        await asyncio.sleep(0.05)  # so that it comes in two pieces
        writer.write(b"a" * (HEAD_BYTES_MOST + 1))
        async with asyncio.timeout(60):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert b'"reason":"head_too_large"' in answer
        writer.close()


@pytest.mark.parametrize(
    "before", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"], ids=["first", "second"]
)
@pytest.mark.parametrize("begin", [b"", b"GET / HTTP/1.1\r\nHost: loc"], ids=["nothing", "a part"])
async def test_a_head_that_does_not_come_is_not_waited_for(
    before: bytes, begin: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEAD_WITHIN_S", 0.3)
    async with served() as here:
        stream = await here.connect()
        reader, writer = await dialled(here)
        writer.write(before + begin)
        async with asyncio.timeout(60):
            with contextlib.suppress(ConnectionResetError):
                await reader.read()
        writer.close()
        assert here.app._live.slots.taken == 1, "an answer may last longer"
        await here.push()
        await stream.next(2)


async def test_trailers_without_an_end_are_refused() -> None:
    async with served() as here:
        _, writer = await dialled(here)
        writer.write(
            b"GET /v1/users/u/live HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        )
        sent = await sent_until_refused(writer, b"x: " + b"a" * 500 + b"\r\n", 100 * HEAD_BYTES_MOST)
        assert sent < 100 * HEAD_BYTES_MOST
        await here.eventually(lambda: here.app._live.slots.taken == 0)
        writer.close()


async def test_a_large_body_is_no_head() -> None:
    async with served() as here:
        reader, writer = await dialled(here)
        body = b" " * (4 * HEAD_BYTES_MOST) + b"{}"
        for _ in range(2):
            writer.write(
                b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)
            )
            for at in range(0, len(body), PIECE):
                writer.write(body[at : at + PIECE])
                await writer.drain()
            async with asyncio.timeout(60):
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
            assert head.startswith(b"HTTP/1.1 4")
            assert b" 431 " not in head
        writer.close()


async def test_requests_that_wait_are_bounded() -> None:
    async with served() as here:
        stream = await here.connect()
        await stream.next(1)
        ask = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        await stream.say(ask * (PIPELINED_MOST - 1))
        await here.push(slate_id="s1")
        await stream.next(1)
        (protocol,) = here.server.server_state.connections
        assert isinstance(protocol, HttpToolsProtocol)
        assert len(protocol.pipeline) == PIPELINED_MOST - 1
        other = await here.connect()
        await other.next(1)
        await other.say(ask * 5_000)
        await other.until_closed()
        await here.eventually(lambda: here.app._live.slots.taken == 1)


async def test_nothing_is_written_into_the_midst_of_a_stream() -> None:
    async with served() as here:
        stream = await here.connect()
        await stream.next(1)
        await stream.say(b"\x00 nonsense\r\n\r\n")
        await stream.until_closed()
        assert not stream.ended
        assert stream._raw == b""
        await here.eventually(lambda: here.app._live.slots.taken == 0)


async def upgraded(here: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket, frame by frame."""
    reader, writer = await dialled(here)
    writer.write(
        b"GET /v1/users/u/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with asyncio.timeout(60):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    return reader, writer


def frame(opcode: int, payload: bytes, last: bool = True) -> bytes:
    """Of a client, whose mask changes nothing."""
    assert len(payload) < 126
    return bytes(((0x80 if last else 0) | opcode, 0x80 | len(payload))) + bytes(4) + payload


async def test_pings_whose_answers_nobody_reads_end_the_connection() -> None:
    async with served() as here:
        await here.push()
        _, writer = await upgraded(here)
        most = 200 * UNREAD_BYTES_MOST
        assert await sent_until_refused(writer, frame(9, os.urandom(125)) * 500, most) < most
        await here.eventually(lambda: here.app._live.slots.taken == 0)
        writer.close()


async def test_a_message_of_fragments_without_an_end_ends_the_connection() -> None:
    async with served() as here:
        await here.push()
        reader, writer = await upgraded(here)
        writer.write(frame(1, b"p", last=False) + frame(0, b"", last=False) * 20 + frame(0, b"ing"))
        async with asyncio.timeout(60):
            await reader.readuntil(b"pong")
        writer.write(frame(1, b"p", last=False) + frame(0, b"", last=False) * 10 * FRAGMENTS_MOST)
        await here.eventually(lambda: here.app._live.slots.taken == 0)
        writer.close()
