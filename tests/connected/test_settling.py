"""A load waits until the gateway ranks, and until all items that the store holds are found by their words."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.console import Console

from streams.bench.settling import until_settled
from streams.bench.under_load import UnderLoad, scrape
from streams.clock import SystemClock
from streams.demo.demo import with_gateway_port
from streams.demo.gateway_client import GatewayClient
from streams.demo.progress import Steps
from streams.kafka.topics import ensure_topics
from streams.local.services import Services
from streams.local.stack import LocalStack
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord, encode_item
from streams.stores.commit import Commit
from streams.stores.redis.store import RedisStore

ITEMS = 3_000


async def stored(settings: Settings) -> None:
    """Topics, and items with titles in the store."""
    await ensure_topics(settings.kafka)
    store = RedisStore(settings.redis, settings.state, settings.learning)
    now_ms = SystemClock().now_ms()
    names = [f"item-{n}" for n in range(ITEMS)]
    items = {name: encode_item(ItemRecord(name, now_ms, title=f"red guitar {name}")) for name in names}
    try:
        await store.intern(names)
        await store.commit(Commit({}, {}, {}, {}, items), "test")
    finally:
        await store.close()


async def found(running: UnderLoad, steps: Steps) -> tuple[bool, float, float]:
    """Right after the wait: whether the gateway ranks; items that are found, and that wait."""
    url = running.services.gateway_url
    async with GatewayClient(url, 2) as client:
        await until_settled(running, client, steps)
        samples = await scrape(client, [url])
        ranks = await client.ranks({"user_id": "ann", "items": ["item-1"], "impression": False})
        names = ("headrace_search_items", "headrace_search_waiting_items")
        items, waiting = (samples.total(name) for name in names)
        return ranks, items, waiting


def test_a_load_begins_when_everything_is_found(tmp_path: Path) -> None:
    with (
        Steps(Console(quiet=True)) as steps,
        LocalStack(with_gateway_port(Settings())) as stack,
    ):
        asyncio.run(stored(stack.settings))
        with Services(stack.settings, tmp_path, workers=0, deadline_s=600.0) as services:
            running = UnderLoad(stack.settings, stack, services, tmp_path)
            assert asyncio.run(found(running, steps)) == (True, ITEMS, 0)
