"""An answer's head goes out with its body: two writes are two calls of the system, and two for the client."""

from __future__ import annotations

import asyncio


class JoinedWrites:
    """What an answer is written to, in the place of its connection's transport. The first write waits for the
    second one, until the end of this turn of the loop: the head of a stream goes out alone.
    """

    __slots__ = ("_begun", "_first", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._first, self._begun = b"", False

    def write(self, data: bytes) -> None:
        """See `asyncio.WriteTransport`."""
        if not self._begun:
            self._begun, self._first = True, data
            self._loop.call_soon(self._flush)
        elif self._first:
            first, self._first = self._first, b""
            self._transport.write(first + data)
        else:
            self._transport.write(data)

    def is_closing(self) -> bool:
        """See `asyncio.BaseTransport`."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close the connection, once all is written."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        first, self._first = self._first, b""
        if first and not self._transport.is_closing():
            self._transport.write(first)
