"""What /schema says of one operation beyond what Litestar reads from its handler: bodies, headers, lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar.openapi.spec import (
    Example,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIFormat

from streams.gateway.answers import JSON
from streams.gateway.lines import NDJSON

REF = "#/components/schemas/{name}"

IF_MATCH, IF_NONE_MATCH, IDEMPOTENCY_KEY = "If-Match", "If-None-Match", "Idempotency-Key"
LAST_EVENT_ID = "Last-Event-ID"
_HEADERS = {
    IF_MATCH: "Entity tags: do it only where what is there has one of them. `*`: only where something is.",
    IF_NONE_MATCH: (
        "Entity tags. A read answers 304 where what is there has one of them; a write is refused (412). "
        "`*` in a write: only where nothing is there yet."
    ),
    IDEMPOTENCY_KEY: (
        "1 to 128 visible ASCII characters, new for each different request. Sent again under the same key, a "
        "request is done once and gets the same answer."
    ),
    LAST_EVENT_ID: "`id` of the last event that came: a feed that the client has is not sent again.",
}


def json_body(
    kind: type[msgspec.Struct], example: object, types: Sequence[str] = (JSON,), required: bool = True
) -> RequestBody:
    """A body that is one value of this kind."""
    media = OpenAPIMediaType(
        schema=Reference(ref=REF.format(name=kind.__name__)), examples={"example": Example(value=example)}
    )
    return RequestBody(content=dict.fromkeys(types, media), required=required)


def lines_body(of: Sequence[type[msgspec.Struct]], longest: int) -> OpenAPIMediaType:
    """Lines, each of which is one of these."""
    names = " or ".join(kind.__name__ for kind in of)
    return OpenAPIMediaType(
        schema=Schema(
            type=OpenAPIType.STRING,
            format=OpenAPIFormat.BINARY,
            description=(
                f"Lines of JSON that end with a line feed, each one of the schema {names}. A line has at "
                f"most {longest} bytes; there is no bound on their number."
            ),
        )
    )


def operation(
    body: RequestBody | None = None,
    headers: Sequence[str] = (),
    lines: str = "",
    status: str = "200",
    replaced: bool = False,
) -> type[Operation]:
    """An operation with this body and these request headers.

    lines: what each line of the NDJSON is that it may answer with `status`; `replaced`: it answers nothing
    else.
    """

    class Described(Operation):
        """What /schema says of it. No dataclass of its own: to make one for each route takes long."""

        def __init__(self, **fields: Any) -> None:
            super().__init__(**fields)
            if body is not None:
                self.request_body = body
            self.parameters = [*(self.parameters or []), *map(_header, headers)] or None
            if lines and self.responses and isinstance(answer := self.responses[status], OpenAPIResponse):
                schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY, description=lines)
                media = OpenAPIMediaType(schema=schema)
                answer.content = {**({} if replaced else answer.content or {}), NDJSON: media}

    return Described


def _header(name: str) -> Parameter:
    return Parameter(
        name=name,
        param_in="header",
        required=False,
        description=_HEADERS[name],
        schema=Schema(type=OpenAPIType.STRING),
    )
