"""Query parameters that a route does not know are refused: a misspelt one is not left out in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from litestar import Litestar, Request
from litestar.routes import HTTPRoute

from streams.gateway.errors import ProblemError, problem
from streams.gateway.openapi import GUARDED


class KnownParameters:
    """Litestar's `before_request` hook; it knows what /schema names, without making that document."""

    def __init__(self) -> None:
        self._names: Mapping[tuple[str, str], frozenset[str]] = {}

    def read(self, app: Litestar) -> None:
        """Read the signatures of the routes, once all are there."""
        self._names = {
            (str(method), route.path_format): frozenset(
                each.field_alias for each in takes.expected_query_params
            )
            for route in app.routes
            if isinstance(route, HTTPRoute)
            for method, (handler, takes) in route.route_handler_map.items()
            if handler.resolve_include_in_schema()
        }

    async def check(self, request: Request[Any, Any, Any]) -> None:
        """Raises `ProblemError` (400) for a parameter that the route does not have."""
        query = request.scope["query_string"]
        if not query or not request.scope["path"].startswith(GUARDED):
            return
        names = self._names.get((request.method, request.scope.get("path_template") or ""))
        if names is None:
            return
        came = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
        if unknown := [name for name in came if name not in names]:
            raise ProblemError(
                problem(
                    400,
                    "unknown_parameter",
                    expected=f"some of the parameters {', '.join(sorted(names))}"
                    if names
                    else "no parameter",
                    came=", ".join(unknown)[:200],
                    remedy="correct the name, or leave it out; GET /schema describes each route",
                )
            )
