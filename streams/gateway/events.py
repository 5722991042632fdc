"""POST /v1/events: clicks, reviews, impressions, users and items from an app, one or many."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler

from model.errors import EventError
from streams.events import AnyEvent, Control, EventLimits, decode
from streams.gateway.intake import Intake
from streams.gateway.openapi import RECEIPTS, EventsOperation
from streams.gateway.receipts import Receipt, RefusedReceipt

_IDENTITY = (
    "each event needs event_id (unique; the same on a retry) and ts (milliseconds since the epoch, UTC)"
)


def events_route(intake: Intake) -> HTTPRouteHandler:
    """The route that takes events."""

    @post(
        "/v1/events",
        status_code=202,
        summary="Send events",
        description=(
            "One event, or an array of them; each is read on its own: a bad one keeps out no other. "
            "`results` says in the same order what became of each. 202: at least one was accepted (or the "
            "array was empty). 422: none was. 503: Kafka did not confirm some of them in time; send those "
            "again with the same `event_id`, they count once."
        ),
        tags=["events"],
        operation_class=EventsOperation,
        responses=RECEIPTS,
    )
    async def send_events(request: Request[Any, Any, Any]) -> Response[Receipt] | Response[RefusedReceipt]:
        return await intake.take(request, read_event)

    return send_events


def read_event(raw: bytes, now_ms: int, limits: EventLimits) -> AnyEvent:
    """An event that an app may send; raises `EventError`.

    >>> read_event(b'{"type":"control","event_id":"e","ts":5,"command":"activate_model"}', 5, EventLimits())
    Traceback (most recent call last):
    model.errors.EventError: a control event came over HTTP; those are expected from the command line
    """
    try:
        event = decode(raw, now_ms, limits)
    except EventError as error:
        if "missing required field" in str(error):
            raise EventError(error.reason, f"{error}; {_IDENTITY}") from None
        raise
    if isinstance(event, Control):
        raise EventError(
            "not_allowed",
            "a control event came over HTTP; those are expected from the command line",
        )
    return event
