"""Requests as an ASGI server hands them over, and the answers as it gets them: every byte of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from litestar.types import ASGIApp

Headers = Sequence[tuple[bytes, bytes]]
HELD = b"nothing more comes"
"""In the place of a part of a body: the client sends no more, and holds the connection open."""
HOST = (b"host", b"127.0.0.1:8080")


class Sent(NamedTuple):
    """An answer: its status, its headers in their order, and its body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Asked(NamedTuple):
    """A request. `body`: in parts, as they arrive; None in the place of one: the client goes away."""

    method: str
    target: bytes
    headers: Headers = (HOST,)
    body: Sequence[bytes | None] = (b"",)
    root_path: str = ""

    @property
    def scope(self) -> dict[str, Any]:
        """As uvicorn makes it."""
        path, _, query = self.target.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "server": ("127.0.0.1", 8080),
            "client": ("127.0.0.1", 50_000),
            "root_path": self.root_path,
            "path": self.root_path + unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "headers": list(self.headers),
            "state": {},
        }


async def ask(app: ASGIApp, asked: Asked) -> Sent:
    """The app's answer."""
    parts = list(asked.body)
    sent: list[Any] = []
    answered = asyncio.Event()

    async def receive() -> Any:
        part = parts.pop(0) if parts else HELD
        if part is HELD:
            await answered.wait()  # a server says then that this request is over
        if part is HELD or part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            answered.set()

    await app(asked.scope, receive, send)  # type: ignore[arg-type]  # a dict in the place of a typed one
    start, *bodies = sent
    return Sent(start["status"], list(start["headers"]), b"".join(part["body"] for part in bodies))
