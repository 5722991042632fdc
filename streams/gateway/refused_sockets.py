"""A WebSocket that is refused: its handshake is answered like any request that is refused."""

from __future__ import annotations

from typing import Any

from litestar.types import Receive, Scope, Send

from streams.gateway.answers import Answer

DENIAL = "websocket.http.response"
"""The extension of ASGI by which a handshake is answered with more than 403."""
REFUSED = 1008


async def refuse_socket(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the handshake."""
    say: Any = send
    first: Any = await receive()
    if first["type"] != "websocket.connect":
        return
    if DENIAL not in (scope.get("extensions") or {}):
        await say({"type": "websocket.close", "code": REFUSED})
        return
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    headers += (
        (b"content-type", answer.media_type.encode("latin-1")),
        (b"content-length", b"%d" % len(answer.body)),
    )
    await say({"type": f"{DENIAL}.start", "status": answer.status, "headers": headers})
    await say({"type": f"{DENIAL}.body", "body": answer.body, "more_body": False})
