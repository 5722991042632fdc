"""Rankings and searches that rankers elsewhere answer, handed on without the framework.

As in `plain_ranking.py`, only requests that are written the usual way. Whatever else there is goes by the
framework, whose handlers hand it on (`ForwardError`); a test compares what both hand on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar.types import HTTPScope, Receive

from streams.gateway.answers import Answer
from streams.gateway.bodies import received_body
from streams.gateway.plain_ranking import Answering, search_asked
from streams.gateway.ranking.rank_route import PATH as RANK_PATH
from streams.gateway.searching.searches import PATH as SEARCH_PATH

if TYPE_CHECKING:
    from streams.gateway.ranking.elsewhere import RankersElsewhere


class PlainHandOn:
    """`body_max_bytes`: of one request."""

    def __init__(self, rankers: RankersElsewhere, body_max_bytes: int) -> None:
        self._rankers, self._body_max_bytes = rankers, body_max_bytes

    def answering(self, scope: HTTPScope, receive: Receive) -> Answering | None:
        """The route's template and what answers the request; None for a request that Litestar takes."""
        path, method, query = scope["path"], scope["method"], scope["query_string"]
        if path == RANK_PATH and method == "POST" and not query:
            return RANK_PATH, self._handed_on(scope, receive)
        if path == SEARCH_PATH and method == "GET" and search_asked(query) is not None:
            return SEARCH_PATH, self._handed_on(scope, receive)
        return None

    async def _handed_on(self, scope: HTTPScope, receive: Receive) -> Answer:
        body = b""
        if scope["method"] == "POST":
            body = await received_body(scope, receive, self._body_max_bytes)
        told = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        return await self._rankers.hand_on(scope, told, body)
