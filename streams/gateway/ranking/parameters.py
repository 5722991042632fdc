"""Query parameters that may stand once; `gateway/known_parameters.py` has checked which ones a route has."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from litestar import Request

from streams.gateway.errors import ProblemError, problem


def check_once(request: Request[Any, Any, Any], once: Collection[str]) -> None:
    """Raises `ProblemError` for one of `once` that stands twice."""
    names = [name for name, _ in request.query_params.multi_items()]
    if twice := [name for name in once if names.count(name) > 1]:
        raise ProblemError(
            problem(
                400,
                "repeated_parameter",
                expected=f"{twice[0]} once",
                came=f"{twice[0]} {names.count(twice[0])} times",
                remedy="send it once",
            )
        )
