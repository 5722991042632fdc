"""The routes of live feeds in plain ASGI: `GET`, and WebSockets of the same address."""

from __future__ import annotations

from litestar.types import HTTPScope, Receive, Send, WebSocketScope

from streams.gateway.answers import Answer, send_answer
from streams.gateway.errors import ProblemError, crashed, problem_answer
from streams.gateway.live.asked import LIVE_TEMPLATE, live_asked
from streams.gateway.live.connection import Connection
from streams.gateway.live.event_stream import EventStream
from streams.gateway.live.live import LiveFeeds
from streams.gateway.live.live_socket import LiveSocket
from streams.gateway.metrics import GatewayMetrics
from streams.gateway.refused_sockets import refuse_socket


class LiveAnswers:
    """Answers who asks for a live feed."""

    def __init__(self, live: LiveFeeds, metrics: GatewayMetrics) -> None:
        self._live, self._metrics = live, metrics

    async def stream(self, user: str, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """By server-sent events."""
        connection = EventStream(scope, receive, send, self._live.settings)
        answer = await self._followed(user, scope, connection)
        if answer is not None:
            await send_answer(answer, send)

    async def socket(self, user: str, scope: WebSocketScope, receive: Receive, send: Send) -> None:
        """On a WebSocket."""
        connection = LiveSocket(scope, receive, send, self._live.settings)
        answer = await self._followed(user, scope, connection)
        if answer is not None:
            await refuse_socket(answer, scope, receive, send)

    async def _followed(
        self, user: str, scope: HTTPScope | WebSocketScope, connection: Connection
    ) -> Answer | None:
        """The answer where nothing is pushed; None once that is over."""
        answer: Answer | None = None
        try:
            asked = live_asked(user, scope["query_string"], scope["headers"], self._live.reads)
            await self._live.follow(asked, connection)
        except ProblemError as error:
            answer = problem_answer(error.problem, error.headers)
        except Exception as error:
            if connection.begun and isinstance(error, OSError):
                return None  # the client is gone
            answer = crashed("GET", scope["path"], error)
            if connection.begun:
                connection.abort()
                answer = None
        self._metrics.count_answer(LIVE_TEMPLATE, connection.status if answer is None else answer.status)
        return answer
