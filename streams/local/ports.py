"""Free TCP ports on the loopback address."""

from __future__ import annotations

import contextlib
import secrets
import socket

LOOPBACK = "127.0.0.1"
# Below the range from which systems take ports for outgoing connections, so that no connection takes a port
# between our look and the server's bind.
FIRST, LAST = 20_000, 32_000


def free_ports(count: int) -> list[int]:
    """`count` different ports that are free at this moment.

    Another process may be faster: if a server finds its port taken, start it again on other ports.
    """
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            port = FIRST + secrets.randbelow(LAST - FIRST)
            candidate = held.enter_context(socket.socket())
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                candidate.bind((LOOPBACK, port))
                ports.append(port)
        return ports


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there at this moment."""
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((host, port))
        except OSError:
            return False
    return True


def ask(port: int, question: bytes, size: int, timeout_s: float = 0.5) -> bytes:
    """The first `size` bytes of the server's answer on `port`; fewer, or none, if it does not answer."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout_s) as connection:
            connection.sendall(question)
            return connection.recv(size, socket.MSG_WAITALL)
    except OSError:
        return b""
