"""Rankings and searches without the framework, which costs as much as what it would hand on.

Only requests that are written the usual way are answered here (`hot_routes.py`). Both ways share what they
answer (`Rankings`, `Searches`), and a test compares their bytes.
"""

from __future__ import annotations

import re
from collections.abc import Coroutine
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar.types import HTTPScope, Receive

from streams.gateway.answers import Answer
from streams.gateway.bodies import received_body
from streams.gateway.idempotency import has_key
from streams.gateway.ranking.rank_route import PATH as RANK_PATH
from streams.gateway.ranking.rank_route import Rankings
from streams.gateway.searching.bodies import SearchBody
from streams.gateway.searching.searches import PATH as SEARCH_PATH
from streams.gateway.searching.searches import Searches

PATHS = frozenset((RANK_PATH, SEARCH_PATH))
_NUMBER = re.compile(r"[1-9]\d{0,3}")
_FLAGS = {"true": True, "false": False}
_TEXTS = frozenset(("q", "user_id", "session"))
_SWITCHES = frozenset(("impression", "explain", "personal"))

Answering = tuple[str, Coroutine[Any, Any, Answer]]


class PlainRanking:
    """`body_max_bytes`: of one request."""

    def __init__(self, rankings: Rankings, searches: Searches, body_max_bytes: int) -> None:
        self._rankings, self._searches = rankings, searches
        self._body_max_bytes = body_max_bytes

    def answering(self, scope: HTTPScope, receive: Receive) -> Answering | None:
        """The route's template and what answers the request; None for a request that Litestar takes."""
        path, method, query = scope["path"], scope["method"], scope["query_string"]
        if path == RANK_PATH and method == "POST" and not query and not has_key(scope["headers"]):
            return RANK_PATH, self._ranking(scope, receive)
        if path == SEARCH_PATH and method == "GET" and (body := search_asked(query)) is not None:
            return SEARCH_PATH, self._searches.answer(body)
        return None

    async def _ranking(self, scope: HTTPScope, receive: Receive) -> Answer:
        return await self._rankings.answer(await received_body(scope, receive, self._body_max_bytes))


def search_asked(query: bytes) -> SearchBody | None:
    """The parameters as clients write them, each once and none empty; None for any other spelling, for
    further parameters, and for what is out of bounds: Litestar reads or refuses these.

    >>> search_asked(b"q=red%20shoes&n=5&impression=false").n
    5
    >>> search_asked(b"q=a&q=b"), search_asked(b"q=a&n=0"), search_asked(b"q=a&n=05"), search_asked(b"q=%ff")
    (None, None, None, None)
    """
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        return None
    given: dict[str, Any] = {}
    for name, value in pairs:
        if name in given or not value:
            return None
        if name in _TEXTS:
            given[name] = value
        elif name in _SWITCHES and value in _FLAGS:
            given[name] = _FLAGS[value]
        elif name == "n" and _NUMBER.fullmatch(value):
            given[name] = int(value)
        else:
            return None
    try:
        return msgspec.convert(given, SearchBody)
    except msgspec.ValidationError:
        return None
