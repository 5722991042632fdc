"""Types and formats of values in /schema, for generators of clients in languages with strict types.

A number without a format becomes one of 32 bits; a time in ms needs more. A list of names without a type
becomes a field that may be anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from litestar.openapi.spec import OpenAPI, OpenAPIType, Parameter, Schema

from streams.gateway.openapi import METHODS, JsonSchema

_OF = {"integer": "int64", "number": "double"}


def describe_values(document: OpenAPI) -> None:
    """Say of all whole numbers that they have 64 bits, of all others that they are doubles, and of lists of
    names that they are texts. Litestar's examples go: they are random words.
    """
    for schema in document.components.schemas.values():
        _put(schema)
    for path in (document.paths or {}).values():
        for method in METHODS:
            operation = getattr(path, method)
            for parameter in (operation and operation.parameters) or []:
                if isinstance(parameter, Parameter):
                    _put(parameter.schema)


def _put(schema: Any) -> None:
    if isinstance(schema, JsonSchema):
        _write(schema.written)
    elif isinstance(schema, Schema):
        if schema.format is None and isinstance(schema.type, OpenAPIType) and schema.type.value in _OF:
            schema.format = cast("Any", _OF[schema.type.value])  # Litestar knows formats of texts alone
        schema.examples = None
        for inner in _inside(schema):
            _put(inner)


def _inside(schema: Schema) -> Iterable[Any]:
    yield from (schema.properties or {}).values()
    yield from (schema.items, schema.additional_properties)
    for several in (schema.any_of, schema.one_of, schema.all_of):
        yield from several or ()


def _write(written: Any) -> None:
    if isinstance(written, dict):
        kind = written.get("type")
        if isinstance(kind, str) and kind in _OF and "properties" not in written:
            written.setdefault("format", _OF[kind])
        names = written.get("enum")
        if kind is None and isinstance(names, list) and all(isinstance(each, str) for each in names):
            written["type"] = "string"
        for inner in written.values():
            _write(inner)
    elif isinstance(written, list):
        for inner in written:
            _write(inner)
