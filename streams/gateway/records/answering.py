"""What the routes of items and users do alike: a write as it is asked for; a list as a page, or as lines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.response import Stream

from streams.gateway.answers import Answer, json_answer, response
from streams.gateway.conditional import Conditions, conditions_of
from streams.gateway.feeds import NO_STORE
from streams.gateway.idempotency import IdempotentAnswers
from streams.gateway.lines import NDJSON
from streams.gateway.records.listing import Listing, Page, all_lines, one_page
from streams.gateway.records.records import Records
from streams.gateway.records.replies import check_n, wants_lines

D = TypeVar("D", bound=msgspec.Struct)
Asked = Request[Any, Any, Any]
Write = Callable[[Conditions, str], Awaitable[Answer]]
"""Writes a record under these conditions, with this `event_id`."""


async def written(
    request: Asked, answers: IdempotentAnswers, body: bytes, write: Write, about: str = ""
) -> Response[Any]:
    """What `write` answers, once under an Idempotency-Key. about: the user whom the answer names."""
    headers = request.scope["headers"]
    conditions = conditions_of(headers)
    target = f"{request.method} {request.url.path}"
    return response(
        await answers.answer(headers, target, body, lambda event_id: write(conditions, event_id), about)
    )


async def listed(
    request: Asked,
    records: Records[D],
    listing: Listing[D],
    cursor: str,
    n: int | None,
    shown: Callable[[Page[D]], msgspec.Struct],
) -> Response[Any]:
    """A page as `shown` has it; where the client asks for lines, all records from it on, one a line."""
    count = check_n(n)
    page = await one_page(records, listing, cursor, count)
    if wants_lines(request):
        return Stream(all_lines(records, listing, page, count), media_type=NDJSON)
    return response(json_answer(200, shown(page), headers=NO_STORE))
