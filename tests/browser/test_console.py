"""The console's own pages, with workers that a test plays, and without any."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from streams.settings.sections import GatewaySettings
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.browser.conftest import EachLook
from tests.browser.playing import PlayedWorker, acting
from tests.browser.serving import served

PAGES = ("", "/servers", "/exposure")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def address(store: MemoryStore) -> Iterator[str]:
    with served(Settings(gateway=GatewaySettings(freshness_p99_ms=100)), store) as address:
        yield f"{address}/console"


def two(store: MemoryStore) -> tuple[PlayedWorker, PlayedWorker]:
    return PlayedWorker("host-a:101", store), PlayedWorker("host-b:77", store, (2, 3))


async def live(page: Page) -> None:
    """Figures of several seconds are there."""
    await expect(page.locator("[data-live-state=open]")).to_be_visible()
    await expect(page.locator("canvas").first).to_be_visible(timeout=20_000)


@pytest.mark.parametrize("path", PAGES)
async def test_pages_of_a_system_that_runs(
    address: str, store: MemoryStore, each_look: EachLook, path: str
) -> None:
    async with acting(*two(store)):
        await each_look(address + path, f"console{path.replace('/', '-') or '-overview'}", live)


@pytest.mark.parametrize("path", PAGES)
async def test_pages_of_a_system_without_workers(address: str, each_look: EachLook, path: str) -> None:
    await each_look(address + path, f"console{path.replace('/', '-') or '-overview'}-empty")
