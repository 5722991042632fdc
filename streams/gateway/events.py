"""POST /v1/events: clicks, reviews, impressions, users and items from an app, one or many."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from model.errors import EventError
from streams.events.schema import (
    AnyEvent,
    Click,
    Control,
    Event,
    EventLimits,
    Forget,
    Impression,
    Item,
    Review,
    User,
    decode,
)
from streams.gateway.answers import response
from streams.gateway.bodies import body_of
from streams.gateway.idempotency import IdempotentAnswers
from streams.gateway.intake import EventIntake
from streams.gateway.openapi import EVENT_RECEIPTS, takes
from streams.gateway.receipts import Receipt, RefusedReceipt
from streams.settings.tree import Settings

EVENTS_PATH = "/v1/events"

_IDENTITY = (
    "each event needs event_id (unique; the same on a retry) and ts (milliseconds since the epoch, UTC)"
)


FROM_APPS: tuple[type[Event], ...] = (Click, Review, Impression, Item, User)

EXAMPLES: dict[str, dict[str, object]] = {
    "click": {
        "type": "click",
        "event_id": "c-1",
        "user_id": "u-7",
        "item_id": "i-42",
        "action": "purchase",
        "value": 19.9,
    },
    "review": {
        "type": "review",
        "event_id": "r-1",
        "user_id": "u-7",
        "item_id": "i-42",
        "rating": 5,
        "text": "Exactly what my guitar needed.",
    },
    "item": {
        "type": "item",
        "event_id": "i-42-v1",
        "item_id": "i-42",
        "title": "Guitar strings, light",
        "categories": ["strings"],
        "price": 9.5,
    },
    "user": {
        "type": "user",
        "event_id": "u-7-v1",
        "user_id": "u-7",
        "profile": {"country": "DE"},
    },
}


def examples_of(now_ms: int) -> dict[str, object]:
    """What the document shows, of now: an old event would be refused."""
    now = {name: {**event, "ts": now_ms} for name, event in EXAMPLES.items()}
    return {**now, "many": list(now.values())}


def events_route(
    intake: EventIntake, settings: Settings, answers: IdempotentAnswers, now_ms: int
) -> HTTPRouteHandler:
    """The route that takes events; plain routes answer most requests (`streams.gateway.hot_routes`). now_ms:
    when the document is made.
    """

    @post(
        EVENTS_PATH,
        status_code=202,
        summary="Send events",
        description=(
            "One event, or an array of them. The gateway reads each event on its own: a bad event does not "
            "keep out the others. `results` holds the result of each event, in the same order. 202: the "
            "gateway accepted at least one event (or the array is empty). 422: it accepted none. 503: Kafka "
            "did not confirm some events in time; send those again with the same `event_id`, they count "
            "once. A body of NDJSON, an event a line, may be of any length: each line is answered while the "
            "body comes (200)."
        ),
        tags=["events"],
        operation_class=takes(FROM_APPS, examples_of(now_ms), settings, lines=True),
        responses=EVENT_RECEIPTS,
    )
    async def send_events(
        request: Request[Any, Any, Any],
        answers_to: Annotated[
            Literal["each", "refused"],
            QueryParameter(name="answers", description="Of NDJSON: which lines are answered."),
        ] = "each",
    ) -> Response[Receipt] | Response[RefusedReceipt]:
        body = await body_of(request)
        return response(
            await answers.answer(
                request.scope["headers"], f"POST {EVENTS_PATH}", body, lambda _: intake.take(body, read_event)
            )
        )

    return send_events


def read_event(raw: bytes, now_ms: int, limits: EventLimits) -> AnyEvent:
    """An event that an app may send; raises `EventError`.

    >>> read_event(b'{"type":"control","event_id":"e","ts":5,"command":"activate_model"}', 5, EventLimits())
    Traceback (most recent call last):
    model.errors.EventError: expected an event of an app, got a control event; send it from the command line
    """
    try:
        event = decode(raw, now_ms, limits)
    except EventError as error:
        if "missing required field" in str(error):
            raise EventError(error.reason, f"{error}; {_IDENTITY}") from None
        raise
    if isinstance(event, Forget):
        raise EventError(
            "not_allowed",
            "expected an event of an app, got the deletion of a user; ask DELETE /v1/users/{user_id} for it",
        )
    if isinstance(event, Control):
        raise EventError(
            "not_allowed",
            "expected an event of an app, got a control event; send it from the command line",
        )
    return event
