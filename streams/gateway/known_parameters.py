"""Query parameters that a route does not know are refused: a misspelt one is not left out in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from litestar import Litestar, Request
from litestar.openapi.spec import Parameter

from streams.gateway.errors import ProblemError, problem
from streams.gateway.openapi import GUARDED, METHODS


class KnownParameters:
    """Litestar's `before_request` hook; it goes by what /schema says (`read`)."""

    def __init__(self) -> None:
        self._names: Mapping[tuple[str, str], frozenset[str]] = {}

    def read(self, app: Litestar) -> None:
        """Read the document, once it is whole."""
        found = {}
        for template, path in (app.openapi_schema.paths or {}).items():
            for method in METHODS:
                if (operation := getattr(path, method)) is not None:
                    listed = [each for each in operation.parameters or [] if isinstance(each, Parameter)]
                    names = frozenset(each.name for each in listed if each.param_in == "query")
                    found[method.upper(), template] = names
        self._names = found

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
