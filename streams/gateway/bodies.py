"""The whole body of a request, within a size and a time."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from litestar import Request
from litestar.exceptions import HTTPException
from litestar.types import HTTPScope, Receive

from streams.gateway.plain_headers import announced_length

BODY_TIMEOUT_S = 30.0
"""The gateway waits for a body this long at most."""
WHOLE = "headrace.whole"
"""Under this key of a scope the server says that all of the body is there (`streams.gateway.server`): nearly
always it comes with the head.
"""


class BodyError(Exception):
    """The body is too large, came too late, or broke off; `status` and `detail` say so."""

    def __init__(self, status: HTTPStatus, detail: str = "") -> None:
        super().__init__(detail or status.phrase)
        self.status, self.detail = status.value, detail or status.phrase


async def body_of(request: Request[Any, Any, Any]) -> bytes:
    """The body of a request that Litestar took; it checks the size."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.body()
    except TimeoutError:
        raise HTTPException(status_code=408) from None


async def received_body(scope: HTTPScope, receive: Receive, max_bytes: int) -> bytes:
    """The body as an ASGI server hands it over, of a request with plain headers; raises `BodyError`.

    What is announced as too large is not read at all. The bytes that come are counted all the same.
    """
    announced = announced_length(scope["headers"])
    if announced is not None and announced > max_bytes:
        raise BodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if WHOLE in scope:  # nobody is waited for
        return await _all_parts(receive, max_bytes)
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await _all_parts(receive, max_bytes)
    except TimeoutError:
        raise BodyError(HTTPStatus.REQUEST_TIMEOUT) from None


async def _all_parts(receive: Receive, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise BodyError(HTTPStatus.INTERNAL_SERVER_ERROR, "client disconnected prematurely")
        part = message.get("body", b"")
        size += len(part)
        if size > max_bytes:
            raise BodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)
