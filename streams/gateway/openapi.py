"""What /schema says beyond what Litestar reads from the handlers: bodies, examples and refusals."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import (
    Example,
    OpenAPI,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)

from streams.events.schema import Event, EventLimits
from streams.gateway.errors import PROBLEM_JSON, Problem
from streams.gateway.line_stream import LINE_ANSWERS, longest_line
from streams.gateway.lines import NDJSON
from streams.gateway.operations import IDEMPOTENCY_KEY, REF, json_body, lines_body, operation
from streams.gateway.receipts import Receipt, RefusedReceipt
from streams.settings.tree import Settings

RECEIPTS = {
    202: ResponseSpec(Receipt, description="At least one event was accepted"),
    400: ResponseSpec(
        Problem, description="The body is not JSON, or a parameter is unknown", media_type=PROBLEM_JSON
    ),
    408: ResponseSpec(
        Problem, description="The body did not come to its end in time", media_type=PROBLEM_JSON
    ),
    409: ResponseSpec(
        Problem,
        description="The same request is at work under this Idempotency-Key",
        media_type=PROBLEM_JSON,
    ),
    413: ResponseSpec(Problem, description="Too many events, or too large a body", media_type=PROBLEM_JSON),
    422: ResponseSpec(RefusedReceipt, description="No event was accepted", media_type=PROBLEM_JSON),
    503: ResponseSpec(
        RefusedReceipt,
        description="Kafka did not confirm some of the events in time",
        media_type=PROBLEM_JSON,
    ),
}

EVENT_RECEIPTS = {
    **RECEIPTS,
    200: ResponseSpec(Receipt, description="NDJSON: each line is answered", media_type=NDJSON),
}

GUARDED = "/v1/"
"""The routes under it refuse parameters that they do not know."""
METHODS = ("get", "put", "post", "patch", "delete")


@dataclass
class JsonSchema(Schema):
    """A schema in the form in which msgspec wrote it."""

    written: dict[str, Any] = field(default_factory=dict)

    def to_schema(self) -> dict[str, Any]:
        return self.written


def takes(
    kinds: Sequence[type[Event]], examples: Mapping[str, object], settings: Settings, lines: bool = False
) -> type[Operation]:
    """The operation of a route whose body is one of `kinds`, or an array of them; with `lines` NDJSON too.

    `describe_takes` puts the schema of the body.
    """
    events_max = settings.gateway.events_max
    media = OpenAPIMediaType(
        schema=Reference(ref=REF.format(name=_body_name(kinds))),
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
    if lines:
        body.content[NDJSON] = lines_body(kinds, longest_line(settings))
        return operation(body, [IDEMPOTENCY_KEY], lines=LINE_ANSWERS)
    return operation(body, [IDEMPOTENCY_KEY])


def takes_lines(kind: type[Event], settings: Settings) -> type[Operation]:
    """The operation of a route whose body is NDJSON alone."""
    body = RequestBody(content={NDJSON: lines_body([kind], longest_line(settings))}, required=True)
    return operation(body, lines=LINE_ANSWERS, replaced=True)


def body_as(
    kind: type[msgspec.Struct], example: object, headers: Sequence[str] = (), optional: bool = False
) -> type[Operation]:
    """The operation of a route whose body is one value of this kind, with these request headers."""
    return operation(json_body(kind, example, required=not optional), headers)


def describe_kinds(document: OpenAPI, kinds: Sequence[type[msgspec.Struct]]) -> None:
    """Put these, and all that they are made of, among the schemas of the document."""
    _, schemas = msgspec.json.schema_components(kinds, ref_template=REF)
    for written in schemas.values():
        for each in written.get("properties", {}).values():
            each.pop("default", None)  # see `_or_null`
    _put(document, schemas)


def describe_bodies(
    document: OpenAPI,
    kinds: Sequence[type[Event]],
    limits: EventLimits,
    now_ms: int,
    implied: Collection[str] = (),
) -> None:
    """Put these events among the schemas of the document. `implied`: fields that the route fills in."""
    _put(document, event_schemas(kinds, limits, now_ms, implied))


def describe_takes(document: OpenAPI, kinds: Sequence[type[Event]], events_max: int) -> None:
    """Put the schema of a body that is one of `kinds`, or an array of them; several kinds are an `Event`.

    Each union has a name, for generators write a type of it; of a union without one, some write what does not
    compile, or sends nothing. Without the mapping, they take the names of the schemas for values of `type`.
    """
    one = _single(kinds)
    if len(kinds) > 1:
        refs = {str(kind.__struct_config__.tag): REF.format(name=kind.__name__) for kind in kinds}
        union = {
            "oneOf": [{"$ref": ref} for ref in refs.values()],
            "discriminator": {"propertyName": "type", "mapping": refs},
        }
        _put(document, {one: union})
    single = {"$ref": REF.format(name=one)}
    many = {"type": "array", "items": single, "maxItems": events_max}
    _put(document, {_body_name(kinds): {"anyOf": [single, many]}})


def _single(kinds: Sequence[type[Event]]) -> str:
    return (kinds[0] if len(kinds) == 1 else Event).__name__


def _body_name(kinds: Sequence[type[Event]]) -> str:
    return f"{_single(kinds)}OrMany"


def _put(document: OpenAPI, schemas: Mapping[str, dict[str, Any]]) -> None:
    for name, written in schemas.items():
        document.components.schemas[name] = JsonSchema(written=written)


def name_actions(document: OpenAPI, names: Collection[str]) -> None:
    """Name the actions that a click may have: the built-in ones and those that the settings declare."""
    written = document.components.schemas["Click"]
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
    said = [written.pop("description")] if "description" in written else []
    if (default := written.pop("default", None)) not in (None, "", [], {}):
        # In words: some generators of clients take a field with a default for one that must be sent.
        said.append(f"Left out: {msgspec.json.encode(default).decode()}.")
    if {"type": "null"} not in written.get("anyOf", ()):
        written = {"anyOf": [written, {"type": "null"}]}
    return {**written, "description": " ".join(said)} if said else written


def describe_contents(document: OpenAPI, kinds: Sequence[type[msgspec.Struct]]) -> None:
    """Put these among the schemas of the document: what a client may leave out may be null."""
    _, schemas = msgspec.json.schema_components(kinds, ref_template=REF)
    for written in schemas.values():
        fields = written["properties"]
        for name in fields.keys() - set(written["required"]):
            if name.endswith("_id"):
                fields[name].pop("default", None)  # the address has it
            fields[name] = _or_null(fields[name])
        for name in fields.keys() & {"profile", "attributes"}:
            entries = fields[name]["anyOf"][0]
            entries["additionalProperties"] = _or_null(entries["additionalProperties"])
    _put(document, schemas)


def describe_refusals(document: OpenAPI) -> None:
    """Every route of the API refuses parameters that it does not know; so do those of which Litestar says
    that they answer 400 in its own form.
    """
    problem = OpenAPIMediaType(schema=Reference(ref=REF.format(name="Problem")))
    for template, path in (document.paths or {}).items():
        for method in METHODS:
            operation: Operation | None = getattr(path, method)
            if operation is None or operation.responses is None or not template.startswith(GUARDED):
                continue
            told = operation.responses.get("400")
            if not isinstance(told, OpenAPIResponse) or PROBLEM_JSON not in (told.content or {}):
                text = "A parameter is out of range, or unknown"
                operation.responses["400"] = OpenAPIResponse(
                    description=text, content={PROBLEM_JSON: problem}
                )


def bound_parameters(document: OpenAPI, bounds: Mapping[tuple[str, str], Schema]) -> None:
    """Give parameters the bounds that the routes check themselves, by the path's template ("" for what is
    itself in a path) and the parameter's name.
    """
    for template, path in (document.paths or {}).items():
        for method in METHODS:
            operation = getattr(path, method)
            for parameter in (operation and operation.parameters) or []:
                if isinstance(parameter, Parameter):
                    found = bounds.get((template, parameter.name))
                    if found is None and parameter.param_in == "path":
                        found = bounds.get(("", parameter.name))
                    if found is not None:
                        parameter.schema = found
