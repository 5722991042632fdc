"""What is known of a connection beneath ASGI: enough to keep little in its buffers, and to cut it.

A server that puts its transport into the scope (`streams.gateway.server`) makes that possible. Without it,
feeds are pushed all the same, and what a slow client has not read is bounded by the server alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Mapping
from typing import Any

TRANSPORT = "headrace.transport"
"""Under this key of a scope the server puts the connection's `asyncio.Transport`."""
SEND_BUFFER_BYTES = 16_384
"""What the kernel keeps for a client that does not read; Linux doubles it for its own records. Feeds that lie
there are old by the time they are read.
"""


class Wire:
    """A connection's transport, where there is one."""

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._transport: asyncio.Transport | None = scope.get(TRANSPORT)

    def narrow(self, unread_s: float) -> None:
        """Keep little for the client, and nothing in this process: what can't go out waits to be replaced.

        unread_s: a client that has confirmed or read nothing for so long is cut off by the kernel, where it
        can do that.
        """
        if self._transport is None:
            return
        self._transport.set_write_buffer_limits(high=0)
        link = self._transport.get_extra_info("socket")
        if link is None:
            return
        with contextlib.suppress(OSError):  # it is closed already, or no TCP
            link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(unread_s * 1_000))

    def cut(self) -> bool:
        """Close at once, whatever waits to be read; False where that is not possible."""
        if self._transport is None:
            return False
        self._transport.abort()
        return True
