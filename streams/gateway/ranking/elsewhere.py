"""Rankers in processes of their own: a gateway hands on to them, in turn, what it can't answer itself.

Only such a gateway loads this, for an HTTP client is a tenth of the start of any.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send
from yarl import URL

from streams.gateway.answers import JSON, Answer, send_answer
from streams.gateway.bodies import body_of
from streams.gateway.errors import problem_answer, refused_by_http, unavailable
from streams.gateway.ranking.forwarding import ForwardError
from streams.settings.tree import Settings

log = logging.getLogger(__name__)

PASSED_ON = ("accept", "accept-language", "content-type", "idempotency-key", "traceparent", "tracestate")
PASSED_BACK = ("cache-control", "retry-after", "etag", "idempotent-replayed")
NEXT_AFTER = frozenset((502, 503, 504))
"""A ranker that says this is starting, or has too much to do: another one may answer."""


class _Forwarded(Response[Any]):
    """An answer that is asked for when it is sent: Litestar's exception handlers don't wait."""

    def __init__(self, rankers: RankersElsewhere, request: Request[Any, Any, Any], held: bool) -> None:
        super().__init__(None)
        self._rankers, self._request, self._held = rankers, request, held

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIApp:  # type: ignore[override]
        """What Litestar calls to have it sent."""

        async def send_it(scope: Scope, receive: Receive, send: Send) -> None:
            await send_answer(await self._rankers.answer(self._request, self._held), send)

        return send_it


class RankersElsewhere:
    """`addresses`: http://HOST:PORT each. `start` before the first request, `stop` after the last."""

    def __init__(self, settings: Settings) -> None:
        self._addresses = settings.ranker.addresses
        self._again_s = settings.gateway.retry_after_s
        self._timeout = aiohttp.ClientTimeout(
            total=(settings.ranker.timeout_ms + settings.gateway.timeout_ms) / 1_000,
            sock_connect=settings.gateway.timeout_ms / 1_000,
        )
        self._turn = 0
        self._away: set[str] = set()
        self._client: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._client = aiohttp.ClientSession(
            timeout=self._timeout, connector=aiohttp.TCPConnector(limit=256), auto_decompress=False
        )

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.close()

    def on_forward(self, request: Request[Any, Any, Any], error: ForwardError) -> Response[Any]:
        """The answer of the first ranker that has one."""
        return _Forwarded(self, request, error.held)

    async def answer(self, request: Request[Any, Any, Any], held: bool) -> Answer:
        """The same of a request that Litestar took. `held`: see `ForwardError`."""
        try:
            body = await body_of(request)
        except HTTPException as refused:
            return refused_by_http(refused.status_code, request.method, request.url.path, refused.detail)
        return await self.hand_on(request.scope, request.headers, body, held)

    async def hand_on(
        self, scope: HTTPScope, told: Mapping[str, str], body: bytes, held: bool = False
    ) -> Answer:
        """Ask one after the other. told: the request's headers, their names in small letters."""
        passed = {name: value for name in PASSED_ON if (value := told.get(name)) is not None}
        # Else the client asks for a compressed answer; this gateway compresses for who asks it.
        headers = {**passed, "accept-encoding": "identity"}
        raw_path = scope.get("raw_path") or scope["path"].encode()
        query = scope["query_string"].decode("latin-1")
        path = raw_path.decode("latin-1").partition("?")[0] + (f"?{query}" if query else "")
        came = "no ranker at any of ranker.addresses"
        later: Answer | None = None
        unknown: Answer | None = None
        for address in self._in_turn():
            try:
                answer = await self._ask(address, scope["method"], path, headers, body)
            except (aiohttp.ClientError, TimeoutError, OSError) as failed:
                came = f"{address}: {str(failed) or type(failed).__name__}"
                if address not in self._away:
                    log.warning("a ranker does not answer: %s", came)
                self._away.add(address)
                continue
            self._away.discard(address)
            if answer.status in NEXT_AFTER:
                later = answer
            elif held and (answer.status == 404 or b'"wrong_cursor"' in answer.body):
                unknown = answer
            else:
                return answer
        if (last := later or unknown) is not None:  # one that is busy may hold what the others don't know
            return last
        error = unavailable("ranker", came, self._again_s)
        return problem_answer(error.problem, error.headers)

    def _in_turn(self) -> Sequence[str]:
        """All of them, each time from another one on."""
        self._turn = (self._turn + 1) % len(self._addresses)
        return self._addresses[self._turn :] + self._addresses[: self._turn]

    async def _ask(
        self, address: str, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        assert self._client is not None
        async with self._client.request(
            method, URL(address + path, encoded=True), headers=headers, data=body or None
        ) as came:
            back = tuple((name, came.headers[name]) for name in PASSED_BACK if name in came.headers)
            return Answer(came.status, await came.read(), came.headers.get("content-type", JSON), back)

    async def trouble(self) -> str:
        """Why none of them can rank just now; "" where one can."""
        asked = [self._ready(address) for address in self._addresses]
        troubles = await asyncio.gather(*asked)
        return "" if "" in troubles else "; ".join(troubles)

    async def _ready(self, address: str) -> str:
        try:
            answer = await self._ask(address, "GET", "/readyz", {}, b"")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return f"{address}: {str(error) or type(error).__name__}"
        return "" if answer.status == 200 else f"{address}: status {answer.status}"
