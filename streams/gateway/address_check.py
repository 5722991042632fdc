"""An address that would be read as another one is refused.

Python reads what is no UTF-8 as "�", so all ids that are encoded in GBK, say, would become one: their users
would share a feed. The framework passes over an empty step, so where an app has lost an id, what it asks of
"/v1/users//feed" would be asked of the user "feed": it would be deleted, too.
"""

from __future__ import annotations

from collections.abc import Awaitable
from urllib.parse import unquote_to_bytes

from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, Scope, Send, WebSocketScope

from streams.gateway.answers import send_answer
from streams.gateway.errors import Problem, problem, problem_answer
from streams.gateway.host_check import App
from streams.gateway.openapi import GUARDED
from streams.gateway.refused_sockets import refuse_socket

REPLACED = "\ufffd"


class AddressCheck:
    """The app behind the check."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] in (ScopeType.HTTP, ScopeType.WEBSOCKET):
            refused = _refused(scope)
            if refused is not None:
                return self._refuse(refused, scope, receive, send)
        return self._app(scope, receive, send)

    def _refuse(self, told: Problem, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == ScopeType.WEBSOCKET:
            return refuse_socket(problem_answer(told), scope, receive, send)
        return send_answer(problem_answer(told), send)


def _refused(scope: HTTPScope | WebSocketScope) -> Problem | None:
    """Why; None where there is nothing to refuse."""
    path = scope["path"]
    if not path.startswith(GUARDED):
        return None
    if "//" in path and b"//" in scope["raw_path"]:
        return problem(
            400,
            "empty_step",
            expected="an address without empty steps",
            came=path[:200],
            remedy="write the id between the slashes, percent-encoded",
        )
    if came := _not_utf8(scope):
        return problem(
            400,
            "not_utf8",
            expected="an address whose texts are UTF-8, percent-encoded",
            came=came[:200].decode("latin-1"),
            remedy="encode texts as UTF-8 first, as encodeURIComponent of JavaScript does",
        )
    return None


def _not_utf8(scope: HTTPScope | WebSocketScope) -> bytes:
    """The part of the address that is no UTF-8; empty where all of it is."""
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
