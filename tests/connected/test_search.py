"""Items that an app sends are found, in any script, by a gateway with a ranker; clicks follow a search."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from streams.kafka.topics import ensure_topics
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import now_ms
from tests.connected.gateway_process import gateway
from tests.connected.worker_process import worker

GOODS = [
    {
        "item_id": "shoe",
        "title": "运动鞋 男款 轻便 透气",
        "categories": ["鞋"],
        "price": 99,
        "attributes": {"品牌": "安踏"},
    },
    {"item_id": "ear", "title": "蓝牙耳机 无线降噪", "categories": ["耳机"], "price": 300},
    {"item_id": "cheap", "title": "有线耳机", "categories": ["耳机"], "price": 30},
    {"item_id": "strap", "title": "Leather guitar strap", "categories": ["Straps"], "price": 20},
]


async def test_items_are_found_soon_after_they_came(
    settings: Settings, store: RedisStore, tmp_path: Path
) -> None:
    await ensure_topics(settings.kafka)
    (tmp_path / "worker").mkdir()
    with (
        worker(tmp_path / "worker", settings.kafka, settings.redis),
        gateway(
            tmp_path, settings.kafka.bootstrap, settings.redis.url, settings.kafka.prefix,
            more={
                "HEADRACE_RANKER__WHERE": "here",
                "HEADRACE_REDIS__PREFIX": settings.redis.prefix,
                "HEADRACE_MODEL__REGISTRY": str(tmp_path / "models"),
            },
        ) as running,
    ):  # fmt: skip
        http = running.client
        eventually(lambda: http.get("/v1/search").status_code == 200, running.log)
        assert http.put("/v1/items", json=GOODS).status_code == 202
        sent = time.monotonic()
        eventually(lambda: found(http, q="蓝牙耳机")[:1] == ["ear"], running.log)
        print(f"found after {time.monotonic() - sent:.2f} s")  # a timing decides no test
        assert found(http, q="鞋") == ["shoe"]
        assert found(http, q="便宜的耳机")[0] == "cheap"
        assert found(http, q="100元以下的耳机") == ["cheap"]
        assert found(http, q="安踏") == ["shoe"]
        assert found(http, q="gutar straps") == ["strap"]
        assert suggested(http, "蓝") == ["蓝牙耳机 无线降噪"]
        assert found(http, q="耳机", sort="price:asc") == ["cheap", "ear"]
        assert found(http, q="耳机", sort="price:desc") == ["ear", "cheap"]
        assert found(http, sort="price:asc") == ["strap", "cheap", "shoe", "ear"]
        counted = http.get(
            "/v1/search", params={"categories": "鞋", "facets": ["categories", "price"]}
        ).json()
        assert (counted["total"], counted["exact"]) == (1, True)
        values = {each["value"]: each["count"] for each in counted["facets"][0]["values"]}
        assert values == {"耳机": 2, "鞋": 1, "Straps": 1}
        assert (counted["facets"][1]["price_from"], counted["facets"][1]["price_to"]) == (99.0, 99.0)

        http.put("/v1/items", json={**GOODS[3], "title": "Nylon banjo strap"})
        eventually(lambda: found(http, q="banjo") == ["strap"], running.log)

        answer = http.get("/v1/search", params={"q": "耳机", "user_id": "ann"}).json()
        click = {
            "type": "click", "event_id": "c1", "ts": now_ms(), "user_id": "ann", "item_id": "ear",
            "query": "耳机", "slate_id": answer["slate_id"], "position": 0, "surface": "search",
        }  # fmt: skip
        assert http.post("/v1/events", json=click).status_code == 202

        def fed() -> bool:
            feed = http.get("/v1/users/ann/feed", params={"impression": False}).json()
            return bool(feed["cause"] == "c1" and "ear" not in [item["item_id"] for item in feed["items"]])

        eventually(fed, running.log)


def found(http: httpx.Client, **asked: Any) -> list[str]:
    answer = http.get("/v1/search", params=asked)
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def suggested(http: httpx.Client, typed: str) -> list[str]:
    return [each["text"] for each in http.get("/v1/suggest", params={"q": typed}).json()["completions"]]


def eventually(seen: Callable[[], bool], log: Callable[[], str], deadline_s: float = 240.0) -> None:
    until = time.monotonic() + deadline_s
    while not seen():
        assert time.monotonic() < until, log()[-3_000:]
        time.sleep(0.05)
