"""What the console's pages call items."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from model.errors import StoreUnavailableError
from streams.clock import ManualClock
from streams.gateway.app import create_app
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state.catalog import encode_item
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import NOW_MS, RecordingSink
from tests.streams.gateway.demo_app.test_routes import record


def client(store: MemoryStore) -> httpx.AsyncClient:
    settings = override(Settings(), {"gateway": {"timeout_ms": 2_000}})
    app: Any = create_app(settings, store, RecordingSink(), ManualClock(NOW_MS))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 5_000))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")


async def test_what_has_a_title_and_can_be_read_has_one_here() -> None:
    store = MemoryStore()
    told = {each.item_id: encode_item(each) for each in (record("中", title="水车"), record("a/b"))}
    await store.commit(Commit({}, {}, {}, {}, {**told, "broken": b"\xff"}), "w")
    async with client(store) as http:
        answer = await http.post("/console/titles", json={"ids": ["中", "a/b", "broken", "nobody's", "中"]})
        assert answer.json() == {"titles": {"中": "水车"}}
        for body in ({"ids": ["a"] * 201}, {"ids": [1]}, {}):
            assert (await http.post("/console/titles", json=body)).status_code == 422


async def test_pages_of_others_are_told_nothing() -> None:
    async with client(MemoryStore()) as http:
        headers = {"Sec-Fetch-Site": "same-site"}
        answer = await http.post("/console/titles", json={"ids": []}, headers=headers)
        assert answer.status_code == 403


async def test_a_store_that_is_away_is_told_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()

    async def away(*_: object) -> list[bytes | None]:
        raise StoreUnavailableError("it is away")

    monkeypatch.setattr(store, "items", away)
    async with client(store) as http:
        answer = await http.post("/console/titles", json={"ids": ["a"]})
        assert answer.status_code == 503
        assert answer.json()["came"] == "it is away"
