"""What /schema says beyond what Litestar reads from the handlers: bodies, examples and refusals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Example, OpenAPIMediaType, Operation, Reference, RequestBody, Schema

from streams.events import Click, Event, Impression, Item, Review, User
from streams.gateway.errors import PROBLEM_JSON, Problem
from streams.gateway.receipts import Receipt, RefusedReceipt

FROM_APPS: tuple[type[Event], ...] = (Click, Review, Impression, Item, User)
REF = "#/components/schemas/{name}"

EXAMPLES = {
    "click": {
        "type": "click",
        "event_id": "c-1",
        "ts": 1763934000123,
        "user_id": "u-7",
        "item_id": "i-42",
        "action": "purchase",
        "value": 19.9,
    },
    "review": {
        "type": "review",
        "event_id": "r-1",
        "ts": 1763934060456,
        "user_id": "u-7",
        "item_id": "i-42",
        "rating": 5,
        "text": "Exactly what my guitar needed.",
    },
    "item": {
        "type": "item",
        "event_id": "i-42-v1",
        "ts": 1763930000000,
        "item_id": "i-42",
        "title": "Guitar strings, light",
        "categories": ["strings"],
        "price": 9.5,
    },
    "user": {
        "type": "user",
        "event_id": "u-7-v1",
        "ts": 1763930000000,
        "user_id": "u-7",
        "profile": {"country": "DE"},
    },
}

RECEIPTS = {
    202: ResponseSpec(Receipt, description="At least one event was accepted"),
    400: ResponseSpec(Problem, description="The body is not JSON", media_type=PROBLEM_JSON),
    413: ResponseSpec(Problem, description="Too many events, or too large a body", media_type=PROBLEM_JSON),
    422: ResponseSpec(RefusedReceipt, description="No event was accepted", media_type=PROBLEM_JSON),
    503: ResponseSpec(
        RefusedReceipt,
        description="Kafka did not confirm some of the events in time",
        media_type=PROBLEM_JSON,
    ),
}


@dataclass
class JsonSchema(Schema):
    """A schema that msgspec has written already."""

    written: dict[str, Any] = field(default_factory=dict)

    def to_schema(self) -> dict[str, Any]:
        return self.written


def _one_or_many(kinds: tuple[type[Event], ...], examples: dict[str, object]) -> RequestBody:
    one: list[Schema | Reference] = [Reference(ref=REF.format(name=kind.__name__)) for kind in kinds]
    single = one[0] if len(one) == 1 else Schema(one_of=one)
    media = OpenAPIMediaType(
        schema=Schema(any_of=[single, Schema(type="array", items=single)]),  # type: ignore[arg-type]
        examples={name: Example(value=value) for name, value in examples.items()},
    )
    return RequestBody(content={"application/json": media}, required=True)


@dataclass
class EventsOperation(Operation):
    """POST /v1/events, with its body."""

    def __post_init__(self) -> None:
        self.request_body = _one_or_many(FROM_APPS, {**EXAMPLES, "many": list(EXAMPLES.values())})


@dataclass
class ItemsOperation(Operation):
    """PUT /v1/items, with its body."""

    def __post_init__(self) -> None:
        item = {k: v for k, v in EXAMPLES["item"].items() if k not in ("type", "event_id", "ts")}
        withdrawn = {**item, "available": False}
        self.request_body = _one_or_many((Item,), {"item": item, "withdrawn": withdrawn, "many": [item]})


def config(version: str) -> OpenAPIConfig:
    """/schema and /schema/openapi.json answer JSON; no page that would load scripts from elsewhere."""
    return OpenAPIConfig(
        title="Headrace",
        version=version,
        description="Events in, fresh recommendations out. Send events; read a feed to show it.",
        path="/schema",
        render_plugins=[JsonRenderPlugin()],
    )


def describe_events(app: Litestar) -> None:
    """Put the events among the schemas of the document."""
    _, schemas = msgspec.json.schema_components(FROM_APPS, ref_template=REF)
    for name, written in schemas.items():
        app.openapi_schema.components.schemas[name] = JsonSchema(written=written)
