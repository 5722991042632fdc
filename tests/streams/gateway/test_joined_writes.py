"""A head goes out with the body that follows it at once, and alone where none does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.gateway.joined_writes import JoinedWrites


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[JoinedWrites, socket.socket]]:
    """What is written, and the socket at which it comes out."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
    try:
        yield JoinedWrites(transport, loop), theirs
    finally:
        transport.abort()
        theirs.close()


def come(link: socket.socket) -> bytes | None:
    """What lies there; None for nothing, b"" where the other side has closed."""
    try:
        return link.recv(1_000)
    except BlockingIOError:
        return None


async def test_a_head_waits_for_its_body() -> None:
    async with connected() as (answer, client):
        answer.write(b"head ")
        assert come(client) is None
        answer.write(b"body")
        assert come(client) == b"head body"
        answer.write(b" more")
        assert come(client) == b" more"
        await asyncio.sleep(0)
        assert come(client) is None, "nothing goes out twice"


async def test_the_head_of_a_stream_goes_out_at_the_end_of_the_turn() -> None:
    async with connected() as (answer, client):
        answer.write(b"head")
        await asyncio.sleep(0)
        assert come(client) == b"head"
        answer.write(b"first part")
        assert come(client) == b"first part"


async def test_a_connection_that_is_closed_has_had_its_head() -> None:
    async with connected() as (answer, client):
        answer.write(b"head")
        answer.close()
        assert answer.is_closing()
        await asyncio.sleep(0.01)
        assert (come(client), come(client)) == (b"head", b"")


async def test_a_connection_that_broke_takes_nothing() -> None:
    async with connected() as (answer, client):
        answer.write(b"head")
        answer._transport.abort()
        await asyncio.sleep(0.01)
        assert come(client) == b""
