"""TLS in front of a server that has none: the Valkey of the wheels is built without it.

What a client meets is a real handshake, with a certificate that it must check, and encrypted records that are
cut where TLS cuts them. Behind it every byte goes to the server and back as it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from pathlib import Path

import trustme

from streams.local.ports import LOOPBACK

CHUNK_BYTES = 1 << 16


class TlsFront:
    """Listens in a thread of its own, so that a test's loop may come and go. `authority`: the file of the
    certificate that clients must trust, which is `made`'s where several fronts have one.
    """

    def __init__(self, folder: Path, port: int, made: trustme.CA | None = None) -> None:
        made = made or trustme.CA()
        self.authority = folder / "authority.pem"
        made.cert_pem.write_to_path(self.authority)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.issue_cert(LOOPBACK).configure_cert(self._context)
        self._behind = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tls-front")
        self._thread.start()
        self.port: int = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    @property
    def url(self) -> str:
        return f"rediss://{LOOPBACK}:{self.port}/0?ssl_ca_certs={self.authority}"

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0, ssl=self._context)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection(LOOPBACK, self._behind)
        with contextlib.suppress(asyncio.CancelledError):  # at the end; asyncio would print it
            await asyncio.gather(_copy(reader, behind_writer), _copy(behind_reader, writer))


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """All bytes until either side is gone; the other side hears of it."""
    try:
        while data := await source.read(CHUNK_BYTES):
            sink.write(data)
            await sink.drain()
    except (OSError, ssl.SSLError):
        pass
    finally:
        sink.close()
