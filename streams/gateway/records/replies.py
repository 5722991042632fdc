"""What the routes of items and users have in common: answers that /schema lists, and what is asked for."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.openapi.datastructures import ResponseSpec

from streams.gateway.errors import PROBLEM_JSON, ProblemError, problem, says
from streams.gateway.idempotency import AT_WORK
from streams.gateway.lines import NDJSON
from streams.gateway.records.listing import PAGE_DEFAULT, PAGE_MOST

MERGE_PATCH = "application/merge-patch+json"


AWAY = says(503, "Kafka or the store does not answer in time")
READ = {
    **says(400, "The id, or a parameter, is out of range"),
    **says(404, "There is none of this id"),
    **AWAY,
    304: ResponseSpec(None, description="It is as the client knows it", media_type=PROBLEM_JSON),
}
PUT = {
    **says(400, "The body is not JSON, or the id is out of range"),
    **says(408, "The body did not come to its end in time"),
    **says(409, AT_WORK),
    **says(412, "It is not as the client knows it"),
    **says(413, "The body is too large"),
    **says(422, "The fields are wrong, or the Idempotency-Key was sent with another request"),
    **AWAY,
}
CHANGED = {
    **PUT,
    **says(404, "There is none of this id"),
    **says(409, f"Its text is not known. {AT_WORK}"),
}
DELETED = {
    **says(400, "The id is out of range, or a header is wrong"),
    **says(409, AT_WORK),
    **says(412, "It is not as the client knows it"),
    **says(422, "The Idempotency-Key was sent with another request"),
    **AWAY,
}
LISTED = {**says(400, "A parameter is out of range, or unknown"), **AWAY}
STREAMED = {
    **says(400, "A parameter is unknown"),
    **says(408, "Nothing came in time"),
    **says(415, "The body is not NDJSON"),
    **says(503, "Too many streams are open"),
}


def check_n(n: int | None) -> int:
    """How many records a page has; raises `ProblemError`."""
    if n is None:
        return PAGE_DEFAULT
    if 1 <= n <= PAGE_MOST:
        return n
    raise ProblemError(
        problem(
            400,
            "out_of_range",
            expected=f"n: 1 to {PAGE_MOST}",
            came=str(n),
            remedy="ask again with n in range",
        )
    )


def wants_lines(request: Request[Any, Any, Any]) -> bool:
    """Whether the client asks for a record a line."""
    return NDJSON in request.headers.get("accept", "")


def not_lines(request: Request[Any, Any, Any]) -> ProblemError:
    """What is said where a body is none of NDJSON."""
    return ProblemError(
        problem(
            415,
            "not_ndjson",
            expected=f"a body of {NDJSON}: a JSON object a line",
            came=request.headers.get("content-type", "")[:100] or "no content type",
            remedy=f"send it with the header Content-Type: {NDJSON}",
        )
    )
