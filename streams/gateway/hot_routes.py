"""The gateway as an ASGI app: two hot routes in plain ASGI, everything else through Litestar.

A framework costs several times what a read of a feed costs. So a request that is written the usual way is
answered here: GET of a feed, with `n` and `impression` or without, and POST of events. Any other spelling,
method or parameter goes to Litestar, which holds the same routes, describes them (/schema) and refuses what
is wrong with them. Both ways share what they answer (`FeedReads`, `EventIntake`).
"""

from __future__ import annotations

import re
from collections.abc import Coroutine, Iterable
from typing import Any, NamedTuple

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, Scope, Send

from streams.gateway.answers import Answer, send_answer
from streams.gateway.bodies import BodyError, received_body
from streams.gateway.errors import ProblemError, crashed, problem_answer, refused_by_http
from streams.gateway.events import EVENTS_PATH, read_event
from streams.gateway.feed_route import FEED_TEMPLATE
from streams.gateway.feeds import FeedReads
from streams.gateway.intake import EventIntake
from streams.gateway.metrics import GatewayMetrics

BEFORE_USER, _, AFTER_USER = FEED_TEMPLATE.partition("{user_id}")
_N, _IMPRESSION = rb"n=(0|[1-9]\d{0,3})", rb"impression=(true|false)"
_QUERY = re.compile(rb"%b|%b|%b&%b" % (_N, _IMPRESSION, _N, _IMPRESSION))
_HOST = re.compile(rb"[A-Za-z0-9.:\[\]_-]*")
_LENGTH = re.compile(rb"\d{1,15}")


class FeedQuery(NamedTuple):
    """`n` is None where it is left out."""

    n: int | None = None
    impression: bool = True


def feed_query(query: bytes) -> FeedQuery | None:
    """The parameters as clients write them; None for any other spelling, which Litestar reads or refuses.

    >>> feed_query(b""), feed_query(b"n=5&impression=false")
    (FeedQuery(n=None, impression=True), FeedQuery(n=5, impression=False))
    >>> feed_query(b"n=-1"), feed_query(b"n=1&n=2"), feed_query(b"impression=0")
    (None, None, None)
    """
    if not query:
        return FeedQuery()
    if (found := _QUERY.fullmatch(query)) is None:
        return None
    n, impression = found[1] or found[3], found[2] or found[4]
    return FeedQuery(None if n is None else int(n), impression != b"false")


class Gateway:
    """The app. `described`: a framework's app with the same routes and all others."""

    def __init__(
        self,
        described: Litestar,
        reads: FeedReads,
        intake: EventIntake,
        metrics: GatewayMetrics,
        body_max_bytes: int,
    ) -> None:
        self.described = described
        self._reads, self._intake, self._metrics = reads, intake, metrics
        self._body_max_bytes = body_max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or (hot := self._hot(scope, receive)) is None:
            await self.described(scope, receive, send)
            return
        template, answering = hot
        try:
            answer = await answering
        except ProblemError as error:
            answer = problem_answer(error.problem, error.headers)
        except BodyError as error:
            answer = refused_by_http(error.status, scope["method"], scope["path"], error.detail)
        except Exception as error:  # as Litestar does: the client gets an answer, the log gets the error
            answer = crashed(scope["method"], scope["path"], error)
        self._metrics.count_answer(template, answer.status)
        await send_answer(answer, send)

    def _hot(self, scope: HTTPScope, receive: Receive) -> tuple[str, Coroutine[Any, Any, Answer]] | None:
        """The route's template and what answers the request; None for a request that Litestar takes."""
        path, method = scope["path"], scope["method"]
        if scope.get("root_path"):
            return None
        if method == "GET" and path.startswith(BEFORE_USER) and path.endswith(AFTER_USER):
            user = path[len(BEFORE_USER) : -len(AFTER_USER)]
            query = feed_query(scope["query_string"])
            if user and "/" not in user and query is not None and _plain(scope["headers"]):
                n = self._reads.default if query.n is None else query.n
                return FEED_TEMPLATE, self._reads.answer(user, n, query.impression)
        elif method == "POST" and path == EVENTS_PATH and _plain(scope["headers"]):
            return EVENTS_PATH, self._events(scope["headers"], receive)
        return None

    async def _events(self, headers: Iterable[tuple[bytes, bytes]], receive: Receive) -> Answer:
        announced = next((int(value) for name, value in headers if name == b"content-length"), None)
        body = await received_body(receive, announced, self._body_max_bytes)
        return await self._intake.take(body, read_event)


def _plain(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the headers that count are written the usual way."""
    for name, value in headers:
        if name == b"host":
            if _HOST.fullmatch(value) is None:
                return False
        elif name == b"content-length" and _LENGTH.fullmatch(value) is None:
            return False
    return True
