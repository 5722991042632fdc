"""Who may open /demo, and what its cards are made of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from model.errors import StoreUnavailableError
from streams.clock import ManualClock
from streams.gateway.app import create_app
from streams.gateway.demo_app.items import card
from streams.gateway.web.language import LANGUAGES, texts
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord, encode_item
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import NOW_MS, RecordingSink

STATIC = Path(__file__).parents[4] / "streams" / "gateway" / "demo_app" / "static"


def record(item_id: str, **fields: Any) -> ItemRecord:
    return ItemRecord(item_id=item_id, ts=NOW_MS, text=b"", **{"title": "", "categories": [], **fields})


def client(
    store: MemoryStore, mode: str, address: str = "127.0.0.1", host: str = "127.0.0.1"
) -> httpx.AsyncClient:
    settings = override(Settings(), {"gateway": {"demo_app": mode, "timeout_ms": 2_000}})
    app: Any = create_app(settings, store, RecordingSink(), ManualClock(NOW_MS))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 5_000))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}:8080")


async def test_it_is_off_unless_it_is_opened() -> None:
    assert Settings().gateway.demo_app == "off"
    async with client(MemoryStore(), "off") as http:
        assert (await http.get("/demo")).status_code == 404
        assert (await http.post("/demo/items", json={"ids": []})).status_code == 404


async def test_from_elsewhere_it_opens_only_where_that_is_set() -> None:
    for mode, status in (("loopback", 403), ("on", 200)):
        async with client(MemoryStore(), mode, address="10.0.0.9") as http:
            assert (await http.get("/demo")).status_code == status
            answer = await http.post("/demo/items", json={"ids": []})
            assert answer.status_code == status
            assert answer.headers["content-type"].startswith("application/")
    async with client(MemoryStore(), "loopback") as http:
        page = await http.get("/demo")
        assert page.status_code == 200
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert "style=" not in page.text
        schema = (await http.get("/schema")).json()
        assert not [path for path in schema["paths"] if path.startswith("/demo")]


async def test_cards_come_in_the_order_asked_for_without_what_nobody_described() -> None:
    store = MemoryStore()
    items = {each.item_id: encode_item(each) for each in (record("a", title="A"), record("中", title="中"))}
    await store.commit(Commit({}, {}, {}, {}, items), "w")
    async with client(store, "loopback") as http:
        answer = await http.post("/demo/items", json={"ids": ["中", "b", "a", "中"]})
        assert [each["id"] for each in answer.json()["items"]] == ["中", "a"]
        for body in ({"ids": ["a"] * 201}, {"ids": [1]}, {}, {"ids": [], "more": 1}):
            assert (await http.post("/demo/items", json=body)).status_code == 422


async def test_a_store_that_is_away_is_told_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()

    async def away(*_: object) -> list[bytes | None]:
        raise StoreUnavailableError("it is away")

    monkeypatch.setattr(store, "items", away)
    async with client(store, "loopback") as http:
        answer = await http.post("/demo/items", json={"ids": ["a"]})
        assert (answer.status_code, answer.json()["reason"]) == (503, "store_unavailable")


def test_a_card_takes_what_any_catalog_has() -> None:
    bare = card(record("b"))
    assert (bare.title, bare.price, bare.brand, bare.image, bare.facts, bare.text) == (
        "b",
        None,
        None,
        None,
        [],
        "",
    )
    full = card(
        record(
            "f", title="Strings", categories=["strings"], price=9.5, tags=["light"], description="x" * 900,
            attributes={"品牌": "Miller", "colour": "red", "image": "/pictures/f.png"},
        )
    )  # fmt: skip
    assert (full.brand, full.image, full.facts) == ("Miller", "/pictures/f.png", ["light", "colour: red"])
    assert len(full.text) == 600


@pytest.mark.parametrize(
    "address",
    [
        "https://a.example/b.png",
        "//a.example/b.png",
        "/\\a.example/b",
        "javascript:x",
        "/\tb.png",
        "/v1/users/u/feed",
        "/v1/a.png",
        "/a.png?b",
    ],
)
def test_no_card_has_a_picture_of_another_host(address: str) -> None:
    assert card(record("f", attributes={"image": address})).image is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_text_that_the_modules_name_is_there(language: Any) -> None:
    known = set(texts(language).in_browser("demo"))
    named = {
        f"demo.js.{key}"
        for file in STATIC.glob("*.js")
        for key in re.findall(r'\b(?:say|phrase)\("([\w.]+)"', file.read_text(encoding="utf-8"))
    }
    assert len(named) > 40
    assert named <= known
