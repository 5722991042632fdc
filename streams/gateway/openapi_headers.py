"""What /schema says of the headers of answers: clients that are generated from it read them by name."""

from __future__ import annotations

from litestar.openapi.spec import (
    OpenAPI,
    OpenAPIHeader,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    Schema,
)

from streams.gateway.idempotency import REPLAYED
from streams.gateway.openapi import GUARDED, METHODS
from streams.gateway.operations import IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH
from streams.gateway.records.records import EVENT_ID

COMES_BACK = {"429", "503"}
TAG = "Names what the answer is about, as it is. Send it back in If-Match or If-None-Match."
FEED_TAG = "In answers to requests with If-None-Match: the slate's id, in quotes."


def describe_headers(document: OpenAPI) -> None:
    """Put the headers that clients read among the answers of the document."""
    for template, path in (document.paths or {}).items():
        for method in METHODS:
            operation: Operation | None = getattr(path, method)
            if operation is not None:
                answers = operation.responses or {}
                done = "202" if "202" in answers else "200"  # beside 202, 200 is a stream, which takes no key
                for status, answer in answers.items():
                    if isinstance(answer, OpenAPIResponse):
                        told = _headers(template, method, status, _parameters(operation), status == done)
                        if told:
                            answer.headers = {**(answer.headers or {}), **told}


def _headers(
    template: str, method: str, status: str, takes: frozenset[str], done: bool
) -> dict[str, OpenAPIHeader]:
    found = dict[str, OpenAPIHeader]()
    if status in COMES_BACK and template.startswith(GUARDED):
        found["Retry-After"] = _header("In how many seconds to ask again.", OpenAPIType.INTEGER)
    if status >= "400":
        return found
    if takes & {IF_MATCH, IF_NONE_MATCH} and not (method == "delete" and template.startswith("/v1/users")):
        found["ETag"] = _header(FEED_TAG if template.endswith("/feed") else TAG)
    if IDEMPOTENCY_KEY in takes and done:
        found[REPLAYED[0]] = _header("`true`: the request was done before, and this is its answer.")
        if IF_MATCH in takes:
            found[EVENT_ID.title()] = _header("The id of the event that was written.")
    return found


def _header(description: str, kind: OpenAPIType = OpenAPIType.STRING) -> OpenAPIHeader:
    return OpenAPIHeader(description=description, schema=Schema(type=kind))


def _parameters(operation: Operation) -> frozenset[str]:
    return frozenset(
        each.name
        for each in operation.parameters or []
        if isinstance(each, Parameter) and each.param_in == "header"
    )
