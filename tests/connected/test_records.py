"""Items and profiles through two gateways, Kafka and a worker: writers add up, whoever they ask."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from streams.settings.tree import Settings
from tests.connected.gateway_process import gateway
from tests.connected.worker_process import worker

PATCHES = 12


def ready(client: httpx.Client) -> None:
    until_s = time.monotonic() + 240
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < until_s, client.get("/readyz").text
        time.sleep(0.1)


def test_what_two_gateways_write_at_once_adds_up(settings: Settings, tmp_path: Path) -> None:
    kafka, redis = settings.kafka, settings.redis
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    more = {"HEADRACE_KAFKA__PREFIX": kafka.prefix, "HEADRACE_REDIS__PREFIX": redis.prefix}
    with (
        gateway(folders[0], kafka.bootstrap, redis.url, "", more=more) as one,
        gateway(folders[1], kafka.bootstrap, redis.url, "", more=more) as two,
        ThreadPoolExecutor(PATCHES) as callers,
    ):
        clients = [one.client, two.client]
        for client in clients:
            ready(client)
        first = one.client.put("/v1/items/lamp", json={"title": "Lamp", "text": "Warm light."})
        assert first.status_code == 202, first.text
        assert two.client.get("/v1/items/lamp").headers["etag"] == first.headers["etag"]

        def patch(n: int) -> httpx.Response:
            body = {"attributes": {f"a{n}": str(n)}}
            return clients[n % 2].patch("/v1/items/lamp", json=body)

        answers = list(callers.map(patch, range(PATCHES)))
        assert {answer.status_code for answer in answers} == {202}, [answer.text for answer in answers]
        expected = {f"a{n}": str(n) for n in range(PATCHES)}
        assert one.client.get("/v1/items/lamp").json()["attributes"] == expected

        tag = two.client.get("/v1/items/lamp").headers["etag"]

        def replace(n: int) -> int:
            answer = clients[n % 2].patch("/v1/items/lamp", json={"price": n + 1}, headers={"If-Match": tag})
            return answer.status_code

        statuses = list(callers.map(replace, range(PATCHES)))
        assert sorted(statuses) == [202] + [412] * (PATCHES - 1)
        price = statuses.index(202) + 1
        body = "\n".join(json.dumps({"user_id": f"u{n}", "profile": {"n": str(n)}}) for n in range(50))
        lines = {"Content-Type": "application/x-ndjson"}
        stream = two.client.post("/v1/users?answers=refused", content=body, headers=lines)
        assert json.loads(stream.text)["accepted"] == 50

        with worker(tmp_path, kafka, redis):
            applied(one.client, expected, price)
            users: set[str] = set()
            cursor: str | None = ""
            while cursor is not None:
                page = one.client.get("/v1/users", params={"cursor": cursor, "n": 20}).json()
                users |= {user["user_id"] for user in page["users"]}
                cursor = page["cursor"]
            assert users == {f"u{n}" for n in range(50)}


def applied(client: httpx.Client, attributes: dict[str, str], price: int) -> None:
    """What the worker has stored, in the list, which looks at nothing else; profiles come after it."""
    until_s = time.monotonic() + 240
    items: list[dict[str, Any]] = []
    while time.monotonic() < until_s:
        items = client.get("/v1/items").json()["items"]
        known = client.get("/v1/users", params={"n": 1_000}).json()["users"]
        if items and items[0]["price"] == price and len({user["user_id"] for user in known}) == 50:
            break
        time.sleep(0.1)
    (item,) = items
    assert (item["attributes"], item["price"], item["text"]) == (attributes, price, "Warm light.")
