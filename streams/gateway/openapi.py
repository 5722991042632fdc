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
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)

from streams.events.schema import Event, EventLimits
from streams.gateway.errors import PROBLEM_JSON, Problem
from streams.gateway.receipts import Receipt, RefusedReceipt
from streams.settings.tree import Settings

REF = "#/components/schemas/{name}"

RECEIPTS = {
    202: ResponseSpec(Receipt, description="At least one event was accepted"),
    400: ResponseSpec(Problem, description="The body is not JSON", media_type=PROBLEM_JSON),
    408: ResponseSpec(
        Problem, description="The body did not come to its end in time", media_type=PROBLEM_JSON
    ),
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
    """A schema in the form in which msgspec wrote it."""

    written: dict[str, Any] = field(default_factory=dict)

    def to_schema(self) -> dict[str, Any]:
        return self.written


def takes(
    kinds: Sequence[type[Event]], examples: Mapping[str, object], settings: Settings
) -> type[Operation]:
    """The operation of a route whose body is one of `kinds`, or an array of them."""
    one: list[Schema | Reference] = [Reference(ref=REF.format(name=kind.__name__)) for kind in kinds]
    single = one[0] if len(one) == 1 else Schema(one_of=one)
    events_max = settings.gateway.events_max
    many = Schema(type=OpenAPIType.ARRAY, items=single, max_items=events_max)
    media = OpenAPIMediaType(
        schema=Schema(any_of=[single, many]),
        examples={name: Example(value=value) for name, value in examples.items()},
    )
    body = RequestBody(
        content={"application/json": media},
        description=(
            f"One event, or an array of at most {events_max}. The body has at most "
            f"{settings.gateway.body_max_bytes} bytes; each event in it has at most "
            f"{settings.events.max_bytes}, where an escape counts as the character that it stands for."
        ),
        required=True,
    )
    return _taking(body)


def body_as(kind: type[msgspec.Struct], example: object, optional: bool = False) -> type[Operation]:
    """The operation of a route whose body is one value of this kind."""
    media = OpenAPIMediaType(
        schema=Reference(ref=REF.format(name=kind.__name__)),
        examples={"example": Example(value=example)},
    )
    return _taking(RequestBody(content={"application/json": media}, required=not optional))


def _taking(body: RequestBody) -> type[Operation]:
    @dataclass
    class Takes(Operation):
        """What /schema says of the body."""

        def __post_init__(self) -> None:
            self.request_body = body

    return Takes


def describe_kinds(app: Litestar, kinds: Sequence[type[msgspec.Struct]]) -> None:
    """Put these, and all that they are made of, among the schemas of the document."""
    _, schemas = msgspec.json.schema_components(kinds, ref_template=REF)
    _put(app, schemas)


def config(version: str) -> OpenAPIConfig:
    """/schema and /schema/openapi.json answer JSON; no page loads scripts from another host."""
    return OpenAPIConfig(
        title="Headrace",
        version=version,
        description="Events in, fresh recommendations out. Send events; read a feed to show it.",
        path="/schema",
        render_plugins=[JsonRenderPlugin()],
    )


def describe_bodies(
    app: Litestar,
    kinds: Sequence[type[Event]],
    limits: EventLimits,
    now_ms: int,
    implied: Collection[str] = (),
) -> None:
    """Put these events among the schemas of the document. `implied`: fields that the route fills in."""
    _put(app, event_schemas(kinds, limits, now_ms, implied))


def _put(app: Litestar, schemas: Mapping[str, dict[str, Any]]) -> None:
    for name, written in schemas.items():
        app.openapi_schema.components.schemas[name] = JsonSchema(written=written)


def name_actions(app: Litestar, names: Collection[str]) -> None:
    """Name the actions that a click may have: the built-in ones and those that the settings declare."""
    written = app.openapi_schema.components.schemas["Click"]
    assert isinstance(written, JsonSchema)
    fields = written.written["properties"]
    of_clicks = [name for name in names if name != "review"]
    fields["action"] = _or_null({"type": "string", "enum": of_clicks, "default": "click"})


def event_schemas(
    kinds: Sequence[type[Event]], limits: EventLimits, now_ms: int, implied: Collection[str] = ()
) -> dict[str, dict[str, Any]]:
    """The JSON schema of each kind, by its name: what `decode` takes at `now_ms`.

    The oldest `ts` that the gateway takes rises with time, so it later refuses a `ts` that is valid now. The
    schema has no number for the newest `ts`: clients that are generated from the document would refuse every
    later event.
    """
    _, schemas = msgspec.json.schema_components(kinds, ref_template=REF)
    for written in schemas.values():
        written["required"] = [name for name in written["required"] if name not in implied]
        fields = written["properties"]
        for name in implied:
            fields[name].pop("default", None)
        fields["ts"]["minimum"] = max(0, now_ms - limits.max_late_ms)
        fields["ts"]["description"] = (
            "When it happened, in whole milliseconds since the epoch (UTC): at most "
            f"{limits.max_late_ms} ms before the time of arrival (`minimum` is of the time at which this "
            f"document was made), and at most {limits.max_early_ms} ms after it."
        )
        if "profile" in fields:
            fields["profile"]["additionalProperties"] = _or_null(fields["profile"]["additionalProperties"])
        for name in fields.keys() - set(written["required"]):
            fields[name] = _or_null(fields[name])
    return schemas


def _or_null(written: dict[str, Any]) -> dict[str, Any]:
    """A field that a client may leave out may be null."""
    if {"type": "null"} in written.get("anyOf", ()):
        return written
    outside: dict[str, Any] = {
        name: written.pop(name) for name in ("default", "description") if name in written
    }
    return {"anyOf": [written, {"type": "null"}], **outside}


def bound_feed_parameters(app: Litestar, path: str, size: int, default: int, id_max: int) -> None:
    """The bounds that the feed's route checks itself: the number of items, and the id in its path."""
    bounds = {
        "n": Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=size, default=default),
        # "." and ".." are steps in a path, and a slash ends the id.
        "user_id": Schema(
            type=OpenAPIType.STRING, min_length=1, max_length=id_max, pattern=r"^(?!\.{1,2}$)[^/]+$"
        ),
    }
    feed = (app.openapi_schema.paths or {})[path].get
    for parameter in (feed and feed.parameters) or []:
        if isinstance(parameter, Parameter) and parameter.name in bounds:
            parameter.schema = bounds[parameter.name]
