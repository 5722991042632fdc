"""Requests drawn from /schema itself: what it calls valid is accepted, and what is refused it calls invalid.

Two rules are said in words there, since JSON Schema has no way to say them: how late `ts` may be (the bound
moves with time), and that an impression has as many propensities, and teams, as items.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote

import jsonschema
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from model.errors import EventError
from streams.clock import ManualClock
from streams.events.schema import TOPIC_OF, EventLimits, decode
from streams.gateway.app import create_app
from streams.gateway.hot_routes import Gateway
from streams.gateway.openapi import event_schemas
from streams.settings.processes import GatewaySettings
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import NOW_MS, RecordingSink
from tests.streams.gateway.from_schema import from_schema
from tests.streams.gateway.test_any_request import JSON_VALUES, NEARLY_EVENTS

Client = TestClient[Gateway]
LIMITS = EventLimits()
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
BOUNDED = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=SLOW)


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    with TestClient(app(), raise_server_exceptions=False) as client:
        yield client


def app() -> Gateway:
    config = Settings(gateway=GatewaySettings(events_max=3))
    return create_app(config, MemoryStore(), RecordingSink(), ManualClock(NOW_MS))


@cache
def document() -> dict[str, Any]:
    """The document as clients read it."""
    with TestClient(app()) as client:
        read: dict[str, Any] = client.get("/schema/openapi.json").json()
    return read


def body_schema(method: str, path: str) -> dict[str, Any]:
    content = document()["paths"][path][method]["requestBody"]["content"]
    return {**content["application/json"]["schema"], "components": document()["components"]}


def said_in_words(body: Any) -> Any:
    """A drawn body with the two rules that the schema only tells of."""
    for event in body if isinstance(body, list) else [body]:
        if isinstance(event.get("ts"), int | float):
            event["ts"] = min(event["ts"], NOW_MS + LIMITS.max_early_ms)
        for name, one in (("propensities", 0.5), ("teams", 0)):
            if event.get(name) is not None and event.get("type") == "impression":
                longer = event[name] * len(event["items"]) or [one] * len(event["items"])
                event[name] = longer[: len(event["items"])]
    return body


def _is_finite(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


ROUTES = [("post", "/v1/events"), ("put", "/v1/items")]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@BOUNDED
@given(data=st.data())
def test_a_body_that_the_schema_calls_valid_is_accepted(
    shared: Client, method: str, path: str, data: st.DataObject
) -> None:
    body = said_in_words(data.draw(from_schema(body_schema(method, path), document())))
    ascii_only = data.draw(st.booleans())
    answer = shared.request(method, path, content=json.dumps(body, ensure_ascii=ascii_only).encode())
    assert answer.status_code == 202, answer.text
    assert answer.json()["rejected"] == 0, answer.text


@pytest.mark.parametrize("route", [0, 1])
@settings(BOUNDED, max_examples=100)
@given(body=(NEARLY_EVENTS | st.lists(NEARLY_EVENTS, max_size=5) | JSON_VALUES).filter(_is_finite))
def test_a_body_that_is_refused_the_schema_calls_invalid(shared: Client, route: int, body: Any) -> None:
    method, path = ROUTES[route]
    answer = shared.request(method, path, content=json.dumps(body).encode())
    assert answer.status_code in {202, 413, 422}, answer.text
    accepted = answer.status_code == 202 and not answer.json()["rejected"]
    assert accepted == is_valid(body, body_schema(method, path)), answer.text


def is_valid(value: Any, schema: dict[str, Any]) -> bool:
    """Whether the schema says so, and the two rules in words."""
    if not jsonschema.Draft202012Validator(schema).is_valid(value):
        return False
    try:
        return bool(said_in_words(json.loads(json.dumps(value))) == value)
    except (AttributeError, KeyError, TypeError):
        return True


@BOUNDED
@given(data=st.data())
def test_a_feed_that_the_schema_allows_to_ask_for_is_answered(shared: Client, data: st.DataObject) -> None:
    asked: dict[str, Any] = {}
    for parameter in document()["paths"]["/v1/users/{user_id}/feed"]["get"]["parameters"]:
        if parameter["required"] or (parameter["in"] == "query" and data.draw(st.booleans())):
            asked[parameter["name"]] = data.draw(from_schema(parameter["schema"], document()))
    user = quote(asked.pop("user_id"), safe="")
    answer = shared.get(f"/v1/users/{user}/feed", params=asked)
    if asked.keys() <= {"n", "impression"}:
        assert answer.status_code == 200, answer.text
        return
    # There is no ranker here. Rules over several parameters, and what an expression says, are in words.
    assert answer.status_code in {200, 400, 503}, answer.text
    if answer.status_code != 200:
        assert answer.json()["reason"] in {
            "bad_request", "no_ranker", "wrong_cursor", "wrong_expression", "repeated_parameter",
        }, answer.text  # fmt: skip


@pytest.mark.parametrize("n", [0, -1, 21, 1.5, "", "ten"])
def test_a_number_of_items_that_is_refused_is_none_for_the_schema(shared: Client, n: Any) -> None:
    (schema,) = [
        parameter["schema"]
        for parameter in document()["paths"]["/v1/users/{user_id}/feed"]["get"]["parameters"]
        if parameter["name"] == "n"
    ]
    assert not jsonschema.Draft202012Validator(schema).is_valid(n)
    assert shared.get("/v1/users/u/feed", params={"n": n}).status_code == 400


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/schema"])
def test_what_takes_no_body_is_answered(shared: Client, path: str) -> None:
    assert shared.get(path).status_code == 200


# The schemas and `decode`, without HTTP between: every kind, in both directions.

KINDS = {str(kind.__struct_config__.tag): kind for kind in TOPIC_OF}
SCHEMAS: dict[str, dict[str, Any]] = {
    tag: {"$ref": f"#/components/schemas/{kind.__name__}", "components": {"schemas": schemas}}
    for schemas in [event_schemas(list(KINDS.values()), LIMITS, NOW_MS)]
    for tag, kind in KINDS.items()
}


def decodes(value: Any) -> bool:
    try:
        decode(json.dumps(value).encode(), NOW_MS, LIMITS)
    except EventError:
        return False
    return True


@pytest.mark.parametrize("tag", KINDS)
@settings(BOUNDED, max_examples=60)
@given(data=st.data())
def test_an_event_is_valid_exactly_where_it_decodes(tag: str, data: st.DataObject) -> None:
    """Drawn from the schema, then one field is anything at all, or gone."""
    event = said_in_words(data.draw(from_schema(SCHEMAS[tag], SCHEMAS[tag])))
    assert decodes(event)
    assert is_valid(event, SCHEMAS[tag])
    name = data.draw(st.sampled_from([*sorted(KINDS[tag].__struct_fields__), "surprise"]))
    event[name] = data.draw(JSON_VALUES | st.floats(-10, 10) | st.integers(-10, 10).map(float))
    if data.draw(st.booleans()):
        del event[name]
    if not _is_finite(event):
        return
    assert decodes(event) == is_valid(event, SCHEMAS[tag]), event


@pytest.mark.parametrize("tag", KINDS)
def test_what_may_be_left_out_may_be_null(tag: str) -> None:
    kind = KINDS[tag]
    required = {name: value for name, value in FULL.items() if name in SCHEMAS_REQUIRED[tag]}
    event = {**required, "type": tag}
    optional = [field.name for field in msgspec.structs.fields(kind) if not field.required]
    assert optional
    for names in [*[[name] for name in optional], optional]:
        nulls = {**event, **dict.fromkeys(names)}
        assert decode(json.dumps(nulls).encode(), NOW_MS, LIMITS) == decode(
            json.dumps(event).encode(), NOW_MS, LIMITS
        )
        assert is_valid(nulls, SCHEMAS[tag])


FULL: dict[str, Any] = {
    "event_id": "e",
    "ts": NOW_MS,
    "user_id": "u",
    "item_id": "i",
    "slate_id": "s",
    "items": ["i"],
    "command": "activate_model",
}
SCHEMAS_REQUIRED = {
    tag: set(schema["components"]["schemas"][KINDS[tag].__name__]["required"])
    for tag, schema in SCHEMAS.items()
}
