"""From reviews to what an item is praised for: trained, registered, loaded, counted once, told on request."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from export.registry import Registry
from export.text import encoder_name, load_text_encoder
from model.universal import UNIVERSAL
from streams.clock import ManualClock
from streams.events.schema import Review
from streams.gateway.app import create_app
from streams.offline.training.opinions import opinions_of
from streams.serving import kept_counters
from streams.serving.ranker import open_ranker
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import RecordingSink
from tests.streams.gateway.ranking.conftest import Site
from tests.streams.offline.training.test_opinions import reviewed, silent
from tests.streams.worker.conftest import NOW_MS, Desk, message

PRAISE = "The strings sound bright. I love it, excellent quality."
BLAME = "这根弦太差了，质量很差，非常失望。"


@pytest.fixture(scope="module")
def opined_settings(universal_registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A registry as `headrace train` leaves one, without a model."""
    registry = Registry(tmp_path_factory.mktemp("registry"))
    name = encoder_name(UNIVERSAL)
    shutil.copytree(universal_registry.text.get(name), registry.text.folder / name)
    encoder = load_text_encoder(registry.text.get(name))
    assert opinions_of(reviewed(), 500, encoder, registry, 1, silent) is not None
    return override(
        Settings(), {"model": {"registry": str(registry.folder)}, "worker": {"ledger_every_ms": 20}}
    )


Opened = Callable[[], AbstractAsyncContextManager[Site]]


@pytest.fixture
def opened(opined_settings: Settings) -> Opened:
    @asynccontextmanager
    async def site() -> AsyncIterator[Site]:
        store, sink, clock = MemoryStore(), RecordingSink(), ManualClock(NOW_MS + 1_000)
        desk = Desk(store, opined_settings)
        async with AsyncExitStack() as running:
            running.push_async_callback(desk.replica.close)
            ranker = await running.enter_async_context(open_ranker(opined_settings, store, clock))
            assert ranker.live is not None
            reader = desk.batches.reader
            reader.encode, reader.opine = ranker.live.encode, ranker.live.opine
            served: Any = create_app(opined_settings, store, sink, clock, ranker=ranker)
            transport = httpx.ASGITransport(served, raise_app_exceptions=False)
            async with (
                served.described.lifespan(),
                httpx.AsyncClient(transport=transport, base_url="http://headrace") as http,
            ):
                yield Site(http, ranker, desk, store, sink, clock, served)

    return site


def review(n: int, item: str, text: str, rating: float | None = None) -> Review:
    return Review(event_id=f"r{n}", ts=NOW_MS + n, user_id=f"u{n}", item_id=item, text=text, rating=rating)


async def aspects(here: Site, item: str, reviews: int) -> Any:
    """What is told of the item once so many reviews were counted."""
    async with asyncio.timeout(60):
        while True:
            answer = await here.http.get(f"/v1/items/{item}/aspects")
            if answer.status_code == 200 and answer.json()["reviews"] >= reviews:
                return answer.json()
            await asyncio.sleep(0.02)


async def test_reviews_become_what_an_item_is_praised_for(opened: Opened) -> None:
    """Without a star, in two languages, and once each, however often they come."""
    async with opened() as here:
        messages = [message(review(n, "good", PRAISE), n) for n in range(4)]
        await here.desk.take(*messages)
        await here.desk.take(*messages)  # redelivered
        await here.desk.take(*(message(review(n, "bad", BLAME, 5.0), n) for n in range(4, 7)))
        good, bad = await aspects(here, "good", 4), await aspects(here, "bad", 3)
        slate = await here.http.post("/v1/rank", json={"user_id": "u1", "items": ["good", "bad"]})
        why = await here.http.get(f"/v1/slates/{slate.json()['slate_id']}/explanation")
        replayed = here.desk.replica.recommender
        raw = kept_counters.copied(replayed).pack()
        told = await here.ranker.ask(lambda core: core.counters.aspects.pack())
    assert (good["reviews"], bad["reviews"]) == (4, 3)
    assert good["sentiment"] > 0.5
    assert bad["sentiment"] < -0.5  # whatever its stars say
    assert good["praised_for"]
    assert not bad["praised_for"]
    names = [each["name"] for each in good["aspects"]]
    assert set(good["praised_for"]) <= set(names)
    assert all(each["praised"] <= 4 * 8 for each in good["aspects"])
    praised = {item["item_id"]: item["praised_for"] for item in why.json()["items"]}
    assert praised == {"good": good["praised_for"], "bad": []}
    # The follower counted what the writer counted, and the snapshot holds it.
    assert told == replayed.counters.aspects.pack() != b""
    assert raw


async def test_an_item_without_reviews_and_one_that_nobody_knows(opened: Opened) -> None:
    async with opened() as here:
        await here.desk.take(message(review(0, "good", ""), 0))
        plain = await aspects(here, "good", 0)
        missing = await here.http.get("/v1/items/nowhere/aspects")
        wrong = await here.http.get("/v1/items/good/aspects?n=3")
    assert plain == {"item_id": "good", "reviews": 0, "sentiment": None, "praised_for": [], "aspects": []}
    assert (missing.status_code, missing.json()["reason"]) == (404, "unknown_item")
    assert (wrong.status_code, wrong.json()["reason"]) == (400, "unknown_parameter")
