"""A server of the test's own, with nothing of it left when the test is over; and a place without one."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def nobody_listens() -> Iterator[int]:
    """A port that refuses connections. It is taken all the while: a free one may get a server meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@asynccontextmanager
async def listening(answer: Answering, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server that hands each connection to `answer`, and closes it after that.

    At the end what still answers is cancelled, and all connections are closed. asyncio's own server leaves
    both to the garbage collector, which then blames whatever test runs at that moment.
    """
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())  # type: ignore[arg-type]  # there is one: this runs in it
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass  # the other side has gone, or the test hung up
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
