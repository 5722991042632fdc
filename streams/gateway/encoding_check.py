"""An address whose percent-encoding is no UTF-8 is refused.

Python reads such bytes as "�", so all ids that are encoded in GBK, say, would become one: their users would
share a feed.
"""

from __future__ import annotations

from collections.abc import Awaitable
from urllib.parse import unquote_to_bytes

from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, Scope, Send, WebSocketScope

from streams.gateway.answers import send_answer
from streams.gateway.errors import problem, problem_answer
from streams.gateway.host_check import App
from streams.gateway.openapi import GUARDED
from streams.gateway.refused_sockets import refuse_socket

REPLACED = "\ufffd"


class EncodingCheck:
    """The app behind the check."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] in (ScopeType.HTTP, ScopeType.WEBSOCKET):
            came = _not_utf8(scope)
            if came:
                return self._refuse(came, scope, receive, send)
        return self._app(scope, receive, send)

    def _refuse(self, came: bytes, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        told = problem(
            400,
            "not_utf8",
            expected="an address whose texts are UTF-8, percent-encoded",
            came=came[:200].decode("latin-1"),
            remedy="encode texts as UTF-8 first, as encodeURIComponent of JavaScript does",
        )
        if scope["type"] == ScopeType.WEBSOCKET:
            return refuse_socket(problem_answer(told), scope, receive, send)
        return send_answer(problem_answer(told), send)


def _not_utf8(scope: HTTPScope | WebSocketScope) -> bytes:
    """The part of the address that is no UTF-8; empty where all of it is."""
    if not scope["path"].startswith(GUARDED):
        return b""
    if REPLACED in scope["path"] and not _is_utf8(path := scope["raw_path"]):
        return path
    query = scope["query_string"]
    return query if b"%" in query and not _is_utf8(query) else b""


def _is_utf8(encoded: bytes) -> bool:
    """Whether what stands percent-encoded is UTF-8.

    >>> _is_utf8(b"/v1/items/%E6%89%8B"), _is_utf8(b"/v1/items/%CA%D6")
    (True, False)
    """
    try:
        unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        return False
    return True
