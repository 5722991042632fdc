"""The routes of this room."""

from __future__ import annotations

import msgspec
from litestar.handlers import HTTPRouteHandler

from streams.gateway.ranking.bodies import RankBody
from streams.gateway.ranking.on_request import OnRequest
from streams.gateway.ranking.rank_route import rank_route

KINDS: tuple[type[msgspec.Struct], ...] = (RankBody,)
"""What their bodies are made of, for /schema."""


def ranking_routes(on_request: OnRequest) -> list[HTTPRouteHandler]:
    """All of them."""
    return [rank_route(on_request)]
