"""A real HTTP server for one test, on a port of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

Said = tuple[int, Any]
"""A status, and what becomes JSON (bytes: the body as it is)."""


class Asked(msgspec.Struct):
    """One request. `path`: its parts, decoded."""

    method: str
    path: list[str]
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@contextmanager
def serving(answer: Callable[[Asked], Said]) -> Iterator[str]:
    """A server on a port of its own; its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            split = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = [unquote(part) for part in split.path.strip("/").split("/")]
            status, said = answer(
                Asked(self.command, path, parse_qs(split.query), dict(self.headers.items()), body)
            )
            said = said if isinstance(said, bytes) else msgspec.json.encode(said)
            self.wfile.write(b"HTTP/1.1 %d -\r\nContent-Length: %d\r\n\r\n" % (status, len(said)) + said)

        do_POST = do_PUT = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
