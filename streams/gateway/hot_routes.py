"""The gateway as an ASGI app: hot routes and streams in plain ASGI, everything else through Litestar.

A framework costs several times what a read of a feed costs. So a request that is written the usual way is
answered here: GET of a feed, with `n` and `impression` or without, POST of events, and, where this process
ranks, POST of a ranking and GET of a search (`plain_ranking.py`). Any other spelling, method or parameter
goes to Litestar, which holds the same routes, describes them (/schema) and refuses what is wrong with them.
Both ways share what they answer (`FeedReads`, `EventIntake`, `Rankings`, `Searches`).

Streams are plain because a framework's generators are not told when a client goes away: NDJSON in
(`LineStreams`), and live feeds out (`streams.gateway.live`), which may be on a WebSocket.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NamedTuple

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, Scope, Send, WebSocketScope

from streams.gateway.answers import Answer, send_answer
from streams.gateway.bodies import BodyError, received_body
from streams.gateway.errors import ProblemError, crashed, problem_answer, refused_by_http
from streams.gateway.events import EVENTS_PATH, read_event
from streams.gateway.feed_route import FEED_TEMPLATE
from streams.gateway.feeds import FeedReads
from streams.gateway.intake import EventIntake
from streams.gateway.items import read_item
from streams.gateway.line_stream import LineStreams
from streams.gateway.lines import is_ndjson
from streams.gateway.live.answering import LiveAnswers
from streams.gateway.live.asked import user_of
from streams.gateway.live.live import LiveFeeds
from streams.gateway.metrics import GatewayMetrics
from streams.gateway.plain_hand_on import PlainHandOn
from streams.gateway.plain_headers import plain_headers
from streams.gateway.plain_ranking import PATHS, PlainRanking
from streams.gateway.records.item_routes import ITEMS_PATH
from streams.gateway.records.user_lines import read_user
from streams.gateway.records.user_routes import USERS_PATH
from streams.gateway.refused_sockets import refuse_socket
from streams.gateway.representations import Representations

BEFORE_USER, _, AFTER_USER = FEED_TEMPLATE.partition("{user_id}")
_N, _IMPRESSION = rb"n=(0|[1-9]\d{0,3})", rb"impression=(true|false)"
_QUERY = re.compile(rb"%b|%b|%b&%b" % (_N, _IMPRESSION, _N, _IMPRESSION))
READS_AND_EVENTS = (FEED_TEMPLATE, EVENTS_PATH)
"""The plain routes whose answers are sent as they are: they are small."""
READS_OF_LINES = {EVENTS_PATH: read_event, ITEMS_PATH: read_item, USERS_PATH: read_user}
"""The routes that take NDJSON, and what a line of each is."""


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
    """The app. `described`: a framework's app with the same routes and all others. `ranking`: where
    this process ranks on request, or hands on. `end_its`: ends the streams that are answered there.
    """

    def __init__(
        self,
        described: Litestar,
        reads: FeedReads,
        intake: EventIntake,
        metrics: GatewayMetrics,
        body_max_bytes: int,
        streams: LineStreams,
        representations: Representations,
        live: LiveFeeds,
        ranking: PlainRanking | PlainHandOn | None = None,
        end_its: Callable[[], None] = lambda: None,
    ) -> None:
        self.described = described
        self._live, self._live_answers = live, LiveAnswers(live, metrics)
        self._end_its, self._ranking = end_its, ranking
        self._reads, self._intake, self._metrics = reads, intake, metrics
        self._body_max_bytes = body_max_bytes
        self._streams, self._representations = streams, representations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            if str(scope["type"]) == "lifespan":
                await self.described(scope, receive, send)
            else:
                await self._socket(scope, receive, send)
            return
        if (hot := self._hot(scope, receive)) is None:
            await self._other(scope, receive, send)
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
        if template not in READS_AND_EVENTS:
            send = self._representations.of(answer, scope, send)
        await send_answer(answer, send)

    def _hot(self, scope: HTTPScope, receive: Receive) -> tuple[str, Coroutine[Any, Any, Answer]] | None:
        """The route's template and what answers the request; None for a request that Litestar takes."""
        path, method = scope["path"], scope["method"]
        if scope.get("root_path"):
            return None
        if method == "GET" and path.startswith(BEFORE_USER) and path.endswith(AFTER_USER):
            user = path[len(BEFORE_USER) : -len(AFTER_USER)]
            query = feed_query(scope["query_string"])
            if user and "/" not in user and query is not None and plain_headers(scope["headers"]):
                n = self._reads.default if query.n is None else query.n
                return FEED_TEMPLATE, self._reads.answer(user, n, query.impression)
        elif (
            method == "POST"
            and path == EVENTS_PATH
            and not scope["query_string"]
            and plain_headers(scope["headers"])
        ):
            return EVENTS_PATH, self._events(scope, receive)
        elif self._ranking is not None and path in PATHS and plain_headers(scope["headers"]):
            return self._ranking.answering(scope, receive)
        return None

    async def _other(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """A stream, or what Litestar takes."""
        if (
            scope["method"] == "GET"
            and (followed := user_of(scope["path"], scope.get("root_path", ""))) is not None
        ):
            await self._live_answers.stream(followed, scope, receive, send)
            return
        path = scope["path"].removesuffix("/")
        if scope["method"] != "POST" or path not in READS_OF_LINES or not _has_lines(scope["headers"]):
            await self.described(scope, receive, self._representations.sending(scope, send))
            return
        try:
            status = await self._streams.answer(receive, send, READS_OF_LINES[path], scope["query_string"])
        except (ProblemError, BodyError) as error:
            if isinstance(error, ProblemError):
                answer = problem_answer(error.problem, error.headers)
            else:
                answer = refused_by_http(error.status, "POST", path, error.detail)
            status = answer.status
            await send_answer(answer, send)
        self._metrics.count_answer(path, status)

    async def _socket(self, scope: WebSocketScope, receive: Receive, send: Send) -> None:
        """A live feed: nothing else is on a WebSocket."""
        if (followed := user_of(scope["path"], scope.get("root_path", ""))) is not None:
            await self._live_answers.socket(followed, scope, receive, send)
        else:
            await refuse_socket(refused_by_http(404, "WebSocket", scope["path"], ""), scope, receive, send)

    def end_streams(self) -> None:
        """Before the server waits for all answers to end: end those that would not."""
        self._live.end()
        self._end_its()

    async def _events(self, scope: HTTPScope, receive: Receive) -> Answer:
        body = await received_body(scope, receive, self._body_max_bytes)
        return await self._intake.take(body, read_event)


def _has_lines(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-type" and is_ndjson(value) for name, value in headers)
