"""What the routes of operators have in common."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response

from model.errors import BrokerUnavailableError, StoreError
from streams.events.refused_value import read_with_value
from streams.gateway.answers import json_answer, response
from streams.gateway.errors import ProblemError, problem, says, unavailable
from streams.gateway.feeds import NO_STORE
from streams.gateway.loopback import check_loopback
from streams.settings.processes import GatewaySettings

READ = {
    **says(400, "A parameter is out of range, or unknown"),
    **says(404, "There is none of this name"),
    **says(503, "Kafka or the store does not answer in time"),
}
CHANGED = {
    **READ,
    **says(403, "Not from a loopback address"),
    **says(409, "It can't be done as things stand"),
}

BODY = {
    **says(400, "The body is not JSON, or a parameter is unknown"),
    **says(408, "The body did not come to its end in time"),
    **says(413, "The body is too large"),
    **says(422, "The body is wrong"),
}
"""Of routes that take a body."""
B = TypeVar("B", bound=msgspec.Struct)
T = TypeVar("T")


async def changed(request: Request[Any, Any, Any], change: Callable[[], Awaitable[T]]) -> Response[T]:
    """What a change comes to, for a client of this machine; `ProblemError` (403) for another one."""
    check_loopback(request)
    return response(json_answer(200, await change(), headers=NO_STORE))


def admin_body(raw: bytes, kind: type[B]) -> B:
    """The body of a request as one of this kind; an empty one is an empty object. Raises `ProblemError`."""
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        wrong = isinstance(error, msgspec.ValidationError)
        raise ProblemError(
            problem(
                422 if wrong else 400,
                "bad_body" if wrong else "not_json",
                expected=f"a JSON object with some of {', '.join(kind.__struct_fields__)}",
                came=read_with_value(str(error), raw) if wrong else str(error),
                remedy="correct the body; GET /schema describes it",
            )
        ) from None


class StoreCalls:
    """Blocks in which the store, or Kafka, has to answer in time; else the answer is 503."""

    def __init__(self, gateway: GatewaySettings) -> None:
        self._gateway = gateway

    @asynccontextmanager
    async def answering(self, timeout_s: float | None = None, part: str = "store") -> AsyncIterator[None]:
        """`timeout_s`: in place of `gateway.timeout_ms`. `part`: what is asked."""
        within_s = self._gateway.timeout_ms / 1_000 if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(within_s):
                yield
        except BrokerUnavailableError as error:
            raise unavailable("kafka", str(error), self._gateway.retry_after_s) from None
        except (StoreError, TimeoutError) as error:
            came = str(error) or f"no answer within {within_s:g} s"
            raise unavailable(part, came, self._gateway.retry_after_s) from None
