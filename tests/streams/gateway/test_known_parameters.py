"""A parameter that a route does not have is refused on every route of the API, hot ones too."""

from __future__ import annotations

import re

import pytest
from litestar.testing import TestClient

from streams.gateway.hot_routes import Gateway
from streams.gateway.openapi import METHODS

Client = TestClient[Gateway]


def test_on_every_route(client: Client) -> None:
    asked = 0
    for template, path in client.get("/schema").json()["paths"].items():
        for method in METHODS:
            if method in path and template.startswith("/v1/"):
                target = re.sub(r"\{\w+\}", "1", template)
                answer = client.request(method, f"{target}?surprise=1&n=1")
                assert (answer.status_code, answer.json()["reason"]) == (400, "unknown_parameter"), target
                assert "surprise" in answer.json()["came"]
                listed = path[method].get("parameters", ())
                names = sorted({each["name"] for each in listed if each["in"] == "query"})
                told = answer.json()["expected"].removeprefix("some of the parameters ")
                known = sorted(told.removesuffix(", each once").split(", "))
                assert known == (names or ["no parameter"]), "what is refused is what /schema does not name"
                asked += 1
    assert asked > 15


def test_the_known_ones_are_named(client: Client) -> None:
    answer = client.get("/v1/items?N=5")
    assert answer.json()["expected"] == "some of the parameters available, cursor, n"
    assert "impression, n," in client.get("/v1/users/u/feed?N=5").json()["expected"]
    assert client.get("/v1/users/u/feed?n=5").status_code == 200


@pytest.mark.parametrize("path", ["/healthz?x=1", "/metrics?name=a", "/schema?x"])
def test_operations_take_what_probes_send(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200
