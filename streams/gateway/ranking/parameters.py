"""Query parameters that a route has; any other one is refused, so that a misspelt one is not passed over."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from litestar import Request

from streams.gateway.errors import ProblemError, problem


def check_known(request: Request[Any, Any, Any], known: Collection[str], once: Collection[str] = ()) -> None:
    """Raises `ProblemError` for a parameter that is not among those known, and for one of `once` that stands
    twice.
    """
    names = [name for name, _ in request.query_params.multi_items()]
    if unknown := [name for name in dict.fromkeys(names) if name not in known]:
        raise ProblemError(
            problem(
                400,
                "unknown_parameter",
                expected=f"some of {', '.join(known)}",
                came=", ".join(name[:40] for name in unknown[:5]),
                remedy="leave it out, or correct its name",
            )
        )
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
