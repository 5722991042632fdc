"""What /schema says beyond what Litestar reads from the handlers: bodies, examples and refusals."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Example,
    OpenAPIMediaType,
    OpenAPIType,
    Reference,
    RequestBody,
    Schema,
)

from streams.events import Event
from streams.gateway.errors import PROBLEM_JSON, Problem
from streams.gateway.receipts import Receipt, RefusedReceipt

REF = "#/components/schemas/{name}"

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


def one_or_many(kinds: Sequence[type[Event]], examples: Mapping[str, object]) -> RequestBody:
    """A JSON body that is one of `kinds`, or an array of them."""
    one: list[Schema | Reference] = [Reference(ref=REF.format(name=kind.__name__)) for kind in kinds]
    single = one[0] if len(one) == 1 else Schema(one_of=one)
    media = OpenAPIMediaType(
        schema=Schema(any_of=[single, Schema(type=OpenAPIType.ARRAY, items=single)]),
        examples={name: Example(value=value) for name, value in examples.items()},
    )
    return RequestBody(content={"application/json": media}, required=True)


def config(version: str) -> OpenAPIConfig:
    """/schema and /schema/openapi.json answer JSON; no page that would load scripts from elsewhere."""
    return OpenAPIConfig(
        title="Headrace",
        version=version,
        description="Events in, fresh recommendations out. Send events; read a feed to show it.",
        path="/schema",
        render_plugins=[JsonRenderPlugin()],
    )


def describe_bodies(app: Litestar, kinds: Sequence[type[Event]], implied: Collection[str] = ()) -> None:
    """Put these events among the schemas of the document. `implied`: fields that the route fills in."""
    _, schemas = msgspec.json.schema_components(kinds, ref_template=REF)
    for name, written in schemas.items():
        written["required"] = [required for required in written["required"] if required not in implied]
        for filled in implied:
            written["properties"][filled].pop("default", None)
        app.openapi_schema.components.schemas[name] = JsonSchema(written=written)
