"""What all connections to a store have in common, and the client library would make anew for each.

For the context of TLS it reads every authority that the system trusts (30 ms of CPU), for its own version its
package's metadata (4 ms). Both hold up the loop, and after an outage many connections are opened at once.
"""

from __future__ import annotations

import os
import ssl
from functools import cache
from typing import Any

from redis import DriverInfo
from redis.asyncio import BlockingConnectionPool, SSLConnection
from redis.asyncio.connection import RedisSSLContext

Stamp = tuple[tuple[str, int, int], ...]
"""Of each file: its path, when it was written, its size; zeros where it is not there."""


class SharedTls:
    """The context of TLS of all connections with one URL. Files that have changed on disk are read anew, so a
    certificate is renewed without a restart.
    """

    def __init__(self) -> None:
        self._made: RedisSSLContext | None = None
        self._stamp: Stamp = ()

    def of(self, asked: RedisSSLContext) -> RedisSSLContext:
        """The context for a connection that would make `asked` for itself."""
        stamp = _stamp(asked)
        if self._made is None or stamp != self._stamp:
            self._made, self._stamp = asked, stamp
        return self._made


class TlsConnection(SSLConnection):
    """A connection of the library's with a context that others have, too."""

    def __init__(self, shared_tls: SharedTls, **given: Any) -> None:
        super().__init__(**given)
        self.ssl_context = shared_tls.of(self.ssl_context)


def share(pool: BlockingConnectionPool, tls: SharedTls) -> None:
    """Let the connections that the pool will make share what they can."""
    pool.connection_kwargs["driver_info"] = driver_info()
    if pool.connection_class is SSLConnection:
        pool.connection_class = TlsConnection
        pool.connection_kwargs["shared_tls"] = tls


@cache
def driver_info() -> DriverInfo:
    """What the server is told of the client."""
    return DriverInfo()


def _stamp(context: RedisSSLContext) -> Stamp:
    """Of the files of a context, and of the system's authorities."""
    system = ssl.get_default_verify_paths()
    paths = (
        context.keyfile, context.certfile, context.ca_certs, context.ca_path, system.cafile, system.capath,
    )  # fmt: skip
    return tuple((path, *_state(path)) for path in paths if path)


def _state(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:  # to open a connection with it says why
        return 0, 0
    return found.st_mtime_ns, found.st_size
