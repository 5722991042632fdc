"""Problem answers: JSON with what was expected, what came, and what to do (RFC 9457, extended)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec

from streams.events.refused_value import SHOWN
from streams.gateway.answers import Answer, json_answer, response

log = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"


class Problem(msgspec.Struct, kw_only=True):
    """Why the gateway did not serve a request. `reason` is a code for programs; the rest is for people."""

    status: int
    title: str
    reason: str
    expected: str
    came: str
    remedy: str


def says(status: int, text: str) -> dict[int, ResponseSpec]:
    """A problem that a route may answer, for /schema."""
    return {status: ResponseSpec(Problem, description=text, media_type=PROBLEM_JSON)}


class ProblemError(Exception):
    """A handler raises it to answer with `problem`."""

    def __init__(self, problem: Problem, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{problem.status} {problem.reason}: {problem.came}")
        self.problem = problem
        self.headers = headers or {}


def problem(status: int, reason: str, *, expected: str, came: str, remedy: str) -> Problem:
    """A problem with the usual title of its status.

    >>> problem(503, "kafka_unavailable", expected="an ack", came="none", remedy="try again").title
    'Service Unavailable'
    """
    return Problem(
        status=status,
        title=HTTPStatus(status).phrase,
        reason=reason,
        expected=expected,
        came=came,
        remedy=remedy,
    )


def unavailable(part: str, came: str, retry_after_s: int) -> ProblemError:
    """503 with Retry-After: Kafka or the store did not answer in time."""
    return ProblemError(
        problem(
            503,
            f"{part}_unavailable",
            expected=f"an answer from the {part} within the timeout",
            came=came,
            remedy=f"try again in {retry_after_s} s; GET /readyz says when all parts are back",
        ),
        retry_after(retry_after_s),
    )


def retry_after(seconds: int) -> dict[str, str]:
    """The header that tells a client when to come back."""
    return {"Retry-After": str(seconds)}


def problem_answer(body: Problem, headers: Mapping[str, str] | None = None) -> Answer:
    """A problem (or a subclass that says more) as an answer."""
    return json_answer(body.status, body, PROBLEM_JSON, tuple((headers or {}).items()))


def refused_by_http(
    status: int, method: str, path: str, detail: str, headers: Mapping[str, str] | None = None
) -> Answer:
    """The answer where HTTP itself refuses: a path, a method, a body that is too large or comes too late.

    `detail` is told where the status alone does not say what came.
    """
    reason, expected, remedy = _FRAMEWORK.get(status, _OTHER)
    came = f"{method} {path[:200]}" if status in _FRAMEWORK else detail
    return problem_answer(problem(status, reason, expected=expected, came=came, remedy=remedy), headers)


def crash(method: str, path: str, error: Exception) -> Problem:
    """What is told of a defect of the gateway; the details stay in the log."""
    log.error("%s %s failed", method, path, exc_info=error)
    return problem(
        500,
        "internal",
        expected="an answer",
        came="an unexpected error; the gateway's log holds it",
        remedy="report it with the time of the request",
    )


def crashed(method: str, path: str, error: Exception) -> Answer:
    """The answer for a defect of the gateway."""
    return problem_answer(crash(method, path, error))


def on_problem(_: Request[Any, Any, Any], error: ProblemError) -> Response[Any]:
    """The answer for an error that a handler raised on purpose."""
    return response(problem_answer(error.problem, error.headers))


def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """The answer where the framework refuses a route, a method, a parameter, or the size of a body."""
    if isinstance(error, ValidationException):
        reason, expected, remedy = _FRAMEWORK.get(error.status_code, _OTHER)
        came = "; ".join(_violations(error, request)) or error.detail
        told = problem(error.status_code, reason, expected=expected, came=came, remedy=remedy)
        return response(problem_answer(told, error.headers))
    return response(
        refused_by_http(error.status_code, request.method, request.url.path, error.detail, error.headers)
    )


def on_crash(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The answer for a defect, where Litestar found it."""
    return response(crashed(request.method, request.scope["path"], error))


def _violations(error: ValidationException, request: Request[Any, Any, Any]) -> list[str]:
    """`parameter: what is wrong with it: its value`, for each parameter."""
    details = error.extra if isinstance(error.extra, list) else []
    told = [(d.get("key", "?"), d.get("message", "")) for d in details if isinstance(d, dict)]
    query = request.query_params
    return [
        f"{key}: {said}" + (f": there is {query[key][:SHOWN]!r}" if key in query else "")
        for key, said in told
    ]


_SEE_SCHEMA = "GET /schema describes every route"
_OTHER = ("refused", "a request as described by /schema", _SEE_SCHEMA)
_FRAMEWORK = {
    400: ("bad_request", "parameters as described by /schema", "correct the parameters that are named"),
    404: ("not_found", "a path that exists", _SEE_SCHEMA),
    405: ("method_not_allowed", "a method that this path has, see the Allow header", _SEE_SCHEMA),
    413: ("body_too_large", "a body of at most gateway.body_max_bytes", "send fewer events in one request"),
}
