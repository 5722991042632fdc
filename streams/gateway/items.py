"""PUT /v1/items: the catalog, one item or many."""

from __future__ import annotations

import uuid
from typing import Any

from litestar import Request, Response, put
from litestar.handlers import HTTPRouteHandler

from streams.events.schema import VERSION, EventLimits, Id, Item, Timestamp, check
from streams.events.strict_json import EventReader
from streams.gateway.answers import response
from streams.gateway.bodies import body_of
from streams.gateway.idempotency import IdempotentAnswers
from streams.gateway.intake import EventIntake
from streams.gateway.openapi import RECEIPTS, takes
from streams.gateway.receipts import Receipt, RefusedReceipt
from streams.settings.tree import Settings


class ItemBody(Item, frozen=True, kw_only=True, tag="item"):
    """An item as PUT takes it: the route implies the type, and the time of arrival."""

    event_id: Id = ""
    ts: Timestamp = -1


EXAMPLE = {"item_id": "i-42", "title": "Guitar strings, light", "categories": ["strings"], "price": 9.5}


EXAMPLES = {"item": EXAMPLE, "withdrawn": {**EXAMPLE, "available": False}, "many": [EXAMPLE]}

_reader: EventReader[ItemBody] = EventReader(ItemBody, VERSION)


def items_route(intake: EventIntake, settings: Settings, answers: IdempotentAnswers) -> HTTPRouteHandler:
    """The route that takes items."""

    @put(
        "/v1/items",
        status_code=202,
        summary="Put items",
        description=(
            "One item, or an array of them; each is the whole item, not a patch. You may leave out `type`, "
            "`event_id` and `ts` (the gateway then takes the time of arrival). `available: false` withdraws "
            "an item: it stays known, and no feed shows it once a worker has applied the event. The answers "
            "are those of POST /v1/events, which accepts items too."
        ),
        tags=["items"],
        operation_class=takes([ItemBody], EXAMPLES, settings),
        responses=RECEIPTS,
    )
    async def put_items(request: Request[Any, Any, Any]) -> Response[Receipt] | Response[RefusedReceipt]:
        body = await body_of(request)
        return response(
            await answers.answer(
                request.scope["headers"], "PUT /v1/items", body, lambda _: intake.take(body, read_item)
            )
        )

    return put_items


def read_item(raw: bytes, now_ms: int, limits: EventLimits) -> Item:
    """An item with the fields that the route implies; raises `EventError`.

    >>> read_item(b'{"item_id": "i", "title": "Pad"}', 5, EventLimits()).ts
    5
    """
    body = _reader.read(raw, limits.max_bytes)
    fields = {name: getattr(body, name) for name in Item.__struct_fields__}
    fields["event_id"] = body.event_id or uuid.uuid4().hex
    fields["ts"] = body.ts if body.ts >= 0 else now_ms
    item = Item(**fields)
    check(item, now_ms, limits)
    return item
