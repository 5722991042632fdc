"""Values that a JSON schema calls valid, drawn from it; of keywords, it knows those that /schema uses."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

Schema = Mapping[str, Any]

TOLD = {
    *("title", "description", "default", "examples", "components", "$ref", "anyOf", "oneOf", "enum", "type"),
    "discriminator",
    "format",
}
OF_TYPE = {
    "null": set[str](),
    "boolean": set[str](),
    "string": {"minLength", "maxLength", "pattern"},
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum"},
    "array": {"items", "minItems", "maxItems"},
    "object": {"properties", "required", "additionalProperties", "propertyNames", "maxProperties"},
}
# More names than are described: what a schema doesn't forbid is valid.
SURPRISES = st.dictionaries(st.text(max_size=3).map("x-".__add__), st.integers() | st.text(), max_size=2)


def from_schema(schema: Schema, root: Schema) -> st.SearchStrategy[Any]:
    """A strategy for what is valid. `root`: where references begin."""
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return from_schema(target, root)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return st.one_of([from_schema(each, root) for each in schema[choice]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema["type"]
    assert schema.keys() <= TOLD | OF_TYPE[kind], f"{schema.keys()}: a keyword that is not drawn from"
    draw: dict[str, Callable[[Schema, Schema], st.SearchStrategy[Any]]] = {
        "null": lambda *_: st.none(),
        "boolean": lambda *_: st.booleans(),
        "string": _texts,
        "integer": _integers,
        "number": _numbers,
        "array": _arrays,
        "object": _objects,
    }
    return draw[kind](schema, root)


def _texts(schema: Schema, _: Schema) -> st.SearchStrategy[str]:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 50)
    if "pattern" in schema:
        drawn: st.SearchStrategy[str] = st.from_regex(str(schema["pattern"]))
        return drawn.filter(
            lambda text: least <= len(text) <= most and text.isprintable() and "\n" not in text
        )
    letter = st.characters(codec="utf-8")
    # The longest and the widest too, which a strategy alone would hardly draw.
    long = letter.map(lambda one: one * most)
    return st.text(letter, min_size=least, max_size=min(most, 30)) | long


def _integers(schema: Schema, _: Schema) -> st.SearchStrategy[Any]:
    least, most = schema.get("minimum", -(2**40)), schema.get("maximum", 2**40)
    drawn = st.integers(least, most)
    return drawn | drawn.map(float).filter(lambda number: least <= number <= most) | st.just(most)


def _numbers(schema: Schema, _: Schema) -> st.SearchStrategy[Any]:
    least, most = schema.get("minimum", -1e300), schema.get("maximum", 1e300)
    return st.floats(least, most) | st.integers(math.ceil(least), math.floor(most))


def _arrays(schema: Schema, root: Schema) -> st.SearchStrategy[list[Any]]:
    least, most = schema.get("minItems", 0), schema.get("maxItems", 8)
    item = from_schema(schema["items"], root)
    full = item.map(lambda one: [one] * most)
    return st.lists(item, min_size=least, max_size=min(most, least + 4)) | full


def _objects(schema: Schema, root: Schema) -> st.SearchStrategy[dict[str, Any]]:
    if "properties" not in schema:
        names = _texts(schema.get("propertyNames", {}), root)
        values = from_schema(schema["additionalProperties"], root)
        return st.dictionaries(names, values, max_size=min(schema.get("maxProperties", 8), 4))
    assert schema.get("additionalProperties", True) is True
    fields = {name: from_schema(each, root) for name, each in schema["properties"].items()}
    required = set(schema["required"])
    known = st.fixed_dictionaries(
        {name: fields[name] for name in sorted(required)},
        optional={name: fields[name] for name in sorted(fields.keys() - required)},
    )
    return st.builds(lambda more, own: {**more, **own}, SURPRISES, known)
