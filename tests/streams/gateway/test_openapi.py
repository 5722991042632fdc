"""/schema is a document that clients can be made from: it validates what the gateway accepts and refuses."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from litestar.testing import TestClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from streams.gateway.events import FROM_APPS
from streams.gateway.hot_routes import Gateway
from streams.ranking.slate import encode
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import NOW_MS
from tests.streams.gateway.test_feeds import put, slate

Client = TestClient[Gateway]


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    answer = client.get("/schema/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == client.get("/schema").json()
    body: dict[str, Any] = answer.json()
    return body


def media(document: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """The JSON body of a route, its references made absolute to the document."""
    body: dict[str, Any] = document["paths"][path][method]["requestBody"]["content"]["application/json"]
    return {**body, "schema": {**body["schema"], "components": document["components"]}}


def test_every_route_is_described(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == {
        "/v1/events",
        "/v1",
        "/v1/items",
        "/v1/items/{item_id}",
        "/v1/users",
        "/v1/users/{user_id}",
        "/v1/users/{user_id}/feed",
        "/v1/users/{user_id}/live",
        "/v1/admin/models",
        "/v1/admin/models/{name}",
        "/v1/admin/models/{name}/activate",
        "/v1/admin/models/roll-back",
        "/v1/admin/models/{name}/retain",
        "/v1/admin/models/{name}/release",
        "/v1/admin/renewal",
        "/v1/admin/learner",
        "/v1/admin/learner/course",
        "/v1/admin/dead-letters",
        "/v1/admin/users/state",
        "/v1/admin/users/why",
        "/v1/admin/items/reach",
        "/v1/admin/items/similar",
        "/v1/admin/dead-letters/{position}",
        "/v1/admin/dead-letters/replay",
        "/v1/admin/dead-letters/{position}/replay",
        "/v1/users/{user_id}/neighbours",
        "/v1/items/{item_id}/aspects",
        "/v1/items/{item_id}/similar",
        "/v1/trending",
        "/v1/popular",
        "/v1/latest",
        "/v1/rank",
        "/v1/search",
        "/v1/suggest",
        "/v1/admin/search/rebuild",
        "/v1/slates/{slate_id}",
        "/v1/slates/{slate_id}/explanation",
        "/v1/admin/experiments",
        "/v1/admin/experiments/audit",
        "/v1/admin/experiments/{name}",
        "/v1/admin/experiments/{name}/reading",
        "/v1/admin/experiments/{name}/course",
        "/v1/admin/experiments/{name}/start",
        "/v1/admin/experiments/{name}/stop",
        "/v1/admin/experiments/{name}/arms/{arm}/stop",
        "/v1/admin/experiments/{name}/ship",
        "/v1/admin/experiments/{name}/remove",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    assert set(document["paths"]["/v1/events"]["post"]["responses"]) == {
        *("200", "202", "400", "408", "409", "413", "422", "503")
    }
    receipt = document["paths"]["/v1/events"]["post"]["responses"]["202"]["content"]["application/json"]
    assert receipt["schema"] == {"$ref": "#/components/schemas/Receipt"}


def test_the_document_is_openapi(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    operations = [each for path in document["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]
    assert len(set(names)) == len(names)
    for each in operations:
        assert each["summary"]
        assert all(answer["description"] for answer in each["responses"].values())


def test_no_field_that_may_be_left_out_has_a_default(document: dict[str, Any]) -> None:
    """Generators of clients make of one a field that must be sent."""
    bodies = [
        json.dumps(each["requestBody"])
        for path in document["paths"].values()
        for each in path.values()
        if "requestBody" in each
    ]
    schemas, sent = document["components"]["schemas"], set[str]()
    while (
        found := {name for body in bodies for name in re.findall(r"#/components/schemas/(\w+)", body)} - sent
    ):
        sent |= found
        bodies = [json.dumps(schemas[name]) for name in found]
    assert {"Click", "ItemBody", "ItemContent", "UserContent", "Replay", "ChangeReason", "GivenItem"} <= sent
    for name in sent:
        for field, written in schemas[name].get("properties", {}).items():
            assert "default" not in written or field == "type", (name, field)


def test_strict_languages_know_the_type_of_each_value(document: dict[str, Any]) -> None:
    """Where a type is left out, clients take and give anything. A union in an array has no name."""

    def faults(node: object, where: str) -> list[str]:
        if isinstance(node, list):
            return [each for i, inner in enumerate(node) for each in faults(inner, f"{where}/{i}")]
        if not isinstance(node, dict):
            return []
        found = [where] if isinstance(node.get("enum"), list) and "type" not in node else []
        kinds = [each for each in node.get("oneOf") or node.get("anyOf") or [] if each.get("type") != "null"]
        if len(kinds) > 1 and all("$ref" in each for each in kinds) and "discriminator" not in node:
            found.append(where)
        if where.endswith("/items") and len(kinds) > 1 and "oneOf" in node:
            found.append(where)
        return found + [each for name, inner in node.items() for each in faults(inner, f"{where}/{name}")]

    assert faults({name: document[name] for name in ("paths", "components")}, "") == []
    event = document["components"]["schemas"]["Event"]
    for tag, reference in event["discriminator"]["mapping"].items():
        assert {"$ref": reference} in event["oneOf"]
        kind = document["components"]["schemas"][reference.rsplit("/", 1)[1]]["properties"]["type"]
        assert kind["enum"] == [tag]
    assert len(event["oneOf"]) == len(FROM_APPS) == len(event["discriminator"]["mapping"])
    for path, method in (("/v1/events", "post"), ("/v1/items", "put")):
        body = document["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
        assert body.keys() == {"$ref"}, "oapi-codegen sends {} of a union without a name"


def test_no_example_is_made_up_of_random_words(document: dict[str, Any]) -> None:
    for written in document["components"]["schemas"].values():
        assert '"examples": [' not in json.dumps(written)


def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert {kind.__name__ for kind in FROM_APPS} <= set(schemas)

    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [ref for value in node.values() for ref in references(value)]
        if isinstance(node, list):
            return [ref for value in node for ref in references(value)]
        return []

    assert {ref.removeprefix("#/components/schemas/") for ref in references(document)} <= set(schemas)


@pytest.mark.parametrize(("method", "path"), [("post", "/v1/events"), ("put", "/v1/items")])
def test_the_examples_are_valid_and_accepted(
    client: Client, document: dict[str, Any], method: str, path: str
) -> None:
    body = media(document, method, path)
    assert body["examples"]
    for example in body["examples"].values():
        jsonschema.validate(example["value"], body["schema"])
        answer = client.request(method, path, json=example["value"])
        assert answer.status_code == 202, answer.text
        assert answer.json()["rejected"] == 0


@pytest.mark.parametrize(
    "event",
    [
        {"type": "click", "event_id": "e", "ts": NOW_MS, "user_id": "u"},
        {"type": "click", "event_id": "e", "ts": NOW_MS, "user_id": "u", "item_id": "i", "action": "stare"},
        {"type": "review", "event_id": "e", "ts": NOW_MS, "user_id": "u", "item_id": "i", "rating": 6},
        {"type": "control", "event_id": "e", "ts": NOW_MS, "command": "activate_model"},
    ],
)
def test_what_the_document_refuses_the_gateway_refuses(
    client: Client, document: dict[str, Any], event: dict[str, Any]
) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(event, media(document, "post", "/v1/events")["schema"])
    assert client.post("/v1/events", json=event).status_code == 422


def test_no_page_that_loads_scripts_from_elsewhere(client: Client) -> None:
    for path in ("/schema", "/schema/swagger", "/schema/redoc", "/schema/elements", "/schema/rapidoc"):
        assert "<script" not in client.get(path).text


@pytest.mark.parametrize(
    ("method", "path", "target", "body"),
    [
        ("get", "/v1/users/{user_id}/feed", "/v1/users/u/feed", None),
        ("get", "/v1/users/{user_id}/feed", "/v1/users/stranger/feed?n=3", None),
        ("get", "/v1/users/{user_id}/feed", "/v1/users/u/feed?n=0", None),
        ("get", "/v1/users/{user_id}/feed", "/v1/users/u/feed?n=x", None),
        ("post", "/v1/events", "/v1/events", b"[]"),
        ("post", "/v1/events", "/v1/events", b'[{"type":"click"}]'),
        ("post", "/v1/events", "/v1/events", b"no JSON"),
        ("post", "/v1/events", "/v1/events", b" " * 2_000_001),
    ],
)
def test_an_answer_is_what_the_document_says(
    client: Client,
    store: MemoryStore,
    document: dict[str, Any],
    method: str,
    path: str,
    target: str,
    body: bytes | None,
) -> None:
    put(client, store, "u", encode(slate("u")))
    answer = client.request(method, target, content=body)
    told = document["paths"][path][method]["responses"][str(answer.status_code)]["content"]
    assert list(told) == [answer.headers["content-type"]]
    (media,) = told.values()
    schema = {**media["schema"], "components": document["components"]}
    jsonschema.validate(answer.json(), schema)
    named = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    assert set(answer.json()) <= set(named["properties"])


def test_the_headers_that_clients_read_are_named(client: Client, document: dict[str, Any]) -> None:
    path = "/v1/items/{item_id}"
    content, key = {"title": "A lamp"}, {"Idempotency-Key": "k-1"}
    put = client.put("/v1/items/i", json=content, headers=key)
    again = client.put("/v1/items/i", json=content, headers=key)
    read = client.get("/v1/items/i")
    known = client.get("/v1/items/i", headers={"If-None-Match": read.headers["etag"]})
    seen = [("put", path, put), ("put", path, again), ("get", path, read), ("get", path, known)]
    seen.append(
        ("delete", "/v1/users/{user_id}", client.delete("/v1/users/u", headers={"Idempotency-Key": "k-2"}))
    )
    event = {"type": "click", "event_id": "e", "ts": NOW_MS, "user_id": "u", "item_id": "i"}
    for _ in range(2):
        sent = client.post("/v1/events", json=event, headers={"Idempotency-Key": "k-3"})
        seen.append(("post", "/v1/events", sent))
    assert [answer.status_code for *_, answer in seen] == [202, 202, 200, 304, 202, 202, 202]
    found = set[tuple[str, str, str]]()
    for method, template, answer in seen:
        named = document["paths"][template][method]["responses"][str(answer.status_code)].get("headers", {})
        for name in ("ETag", "Idempotent-Replayed", "Headrace-Event-Id"):
            if name in answer.headers:
                assert name in named, (method, template, name)
                found.add((method, template, name))
    told = {
        (method, template, name)
        for method, template, _ in seen
        for status, answer in document["paths"][template][method]["responses"].items()
        for name in answer.get("headers", {})
        if status < "400"
    }
    # A deletion is not sent twice here.
    assert told - found == {("delete", "/v1/users/{user_id}", "Idempotent-Replayed")}
    late = document["paths"]["/v1/rank"]["post"]["responses"]["503"]
    assert late["headers"]["Retry-After"]["schema"] == {"type": "integer"}
