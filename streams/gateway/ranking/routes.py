"""The routes of this room."""

from __future__ import annotations

import msgspec
from litestar.handlers import HTTPRouteHandler

from streams.gateway.idempotency import IdempotentAnswers
from streams.gateway.ranking.bodies import RankBody
from streams.gateway.ranking.feed_body import FeedBody
from streams.gateway.ranking.on_request import OnRequest
from streams.gateway.ranking.rank_route import Rankings, rank_route
from streams.gateway.ranking.slate_routes import slate_routes
from streams.stores.base import Store

KINDS: tuple[type[msgspec.Struct], ...] = (RankBody, FeedBody)
"""What their bodies are made of, for /schema."""


def ranking_routes(
    on_request: OnRequest, rankings: Rankings, store: Store, answers: IdempotentAnswers
) -> list[HTTPRouteHandler]:
    """All of them, but for the feed's own (`streams.gateway.feed_route`)."""
    return [rank_route(rankings, answers), *slate_routes(on_request, store)]
