"""A site whose worker has announced a small shop in several languages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from streams.events.schema import Item
from tests.streams.gateway.ranking.conftest import Opened, Site, ranked_settings, site
from tests.streams.search.catalogue import SHOP, Goods
from tests.streams.worker.conftest import NOW_MS, Desk, message

__all__ = ["ranked_settings", "site"]

Stocked = Callable[..., AbstractAsyncContextManager[Site]]


async def announce(desk: Desk, first: int, *goods: Goods, ts: int = NOW_MS) -> None:
    """Items as a worker takes them; the first has the id `shop-{first}` and that offset."""
    events = [
        Item(
            event_id=f"item-{row}-{ts}", ts=ts, item_id=f"shop-{row}", title=each.title,
            categories=list(each.categories), price=each.price, text=each.text, available=each.available,
            attributes={"brand": each.maker} if each.maker else {},
        )
        for row, each in enumerate(goods, first)
    ]  # fmt: skip
    offset = getattr(desk, "announced", 0)
    await desk.take(*(message(event, offset + k) for k, event in enumerate(events)))
    desk.announced = offset + len(events)  # type: ignore[attr-defined]


async def until(seen: Callable[[], Any]) -> None:
    """Returns once it is so."""
    async with asyncio.timeout(60):
        while not seen():  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.01)


async def found(opened: Site, **asked: Any) -> list[str]:
    """The ids that a search finds, best first."""
    answer = await opened.http.get("/v1/search", params=asked)
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


@pytest.fixture
def stocked(site: Opened) -> Stocked:
    @asynccontextmanager
    async def opened(**sections: object) -> AsyncIterator[Site]:
        async with site(**{"search": {"commit_ms": 20}, **sections}) as made:
            await announce(made.desk, 0, *SHOP)
            items = made.ranker.items
            assert items is not None
            await until(lambda: items.index.committed >= len(SHOP))
            yield made

    return opened
