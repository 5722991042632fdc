"""The console's own pages, with workers that a test plays, and without any."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from model.errors import StoreUnavailableError
from streams.settings.processes import GatewaySettings
from streams.settings.tree import Settings
from streams.stores.base import StoredReport
from streams.stores.memory import MemoryStore
from tests.browser.accessibility import violations
from tests.browser.conftest import PHONE, EachLook, OpenPage, closed, picture
from tests.browser.playing import PlayedWorker, acting
from tests.browser.read_aloud import heard, listen
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
    await expect(page.locator("canvas").first).to_be_visible()


@pytest.mark.parametrize("path", PAGES)
async def test_pages_of_a_system_that_runs(
    address: str, store: MemoryStore, each_look: EachLook, path: str
) -> None:
    async with acting(*two(store)):
        await each_look(address + path, f"console{path.replace('/', '-') or '-overview'}", live)


@pytest.mark.parametrize("path", PAGES)
async def test_pages_of_a_system_without_workers(address: str, each_look: EachLook, path: str) -> None:
    await each_look(address + path, f"console{path.replace('/', '-') or '-overview'}-empty")


async def test_alarms_come_and_go_in_words(address: str, store: MemoryStore, open_page: OpenPage) -> None:
    one, other = two(store)
    page = await open_page(address)
    alarms = page.locator("#alarms")
    await expect(alarms).to_contain_text("No worker has reported")
    async with acting(one, other):
        await expect(alarms).to_have_text("Nothing needs attention")
        await expect(page.locator("#workers tbody tr")).to_have_count(2)
        await listen(page, "#alarms-said")
        one.quiet = True
        await expect(alarms).to_contain_text(re.compile(r"Worker host-a:101 has not reported for \d+ s"))
        await expect(page.locator("#workers tbody")).to_contain_text("silent")
        first = await alarms.text_content()
        await expect(alarms).not_to_have_text(first or "")  # more seconds
        await expect(alarms).to_contain_text("has not reported")
        assert [each.count("has not reported") for each in await heard(page)] == [1], (
            "said once, not each second"
        )
        other.ready, other.trouble = False, "it <b>starts</b>"
        other.slower, other.rung, other.letters = 60, "counters", 3
        await expect(alarms).to_contain_text("Worker host-b:77 is not ready: it <b>starts</b>")
        await expect(alarms).to_contain_text("Freshness p99 is")
        await expect(alarms).to_contain_text("made on a lower rung")
        await expect(alarms).to_contain_text("3 dead letters in the last 5 minutes")
        await expect(page.locator("#stat-p99.over")).to_be_visible()
        assert await violations(page) == []
        await picture(page, "console-overview-alarms")
        one.quiet = False
        await expect(alarms).not_to_contain_text("has not reported")


class Away(MemoryStore):
    away = False

    async def reports(self) -> list[StoredReport]:
        if self.away:
            raise StoreUnavailableError("redis at store:6379 did not answer within 2 s; try again")
        return await super().reports()


async def test_a_store_that_is_away_is_said_on_each_page(open_page: OpenPage) -> None:
    store = Away()
    with served(store=store) as address:
        async with acting(*two(store)):
            page = await open_page(f"{address}/console/servers")
            await live(page)
            store.away = True
            await expect(page.locator("#alarms")).to_contain_text(
                "The store does not answer: redis at store:6379"
            )
            await expect(page.locator("#store-state")).to_have_text("does not answer")
            await picture(page, "console-servers-away")
            for path in PAGES:
                answer = await page.goto(f"{address}/console{path}")
                assert answer is not None
                assert answer.status == 200
            store.away = False
            await page.goto(f"{address}/console")
            await expect(page.locator("#alarms")).to_have_text("Nothing needs attention")
            await closed(page)


async def test_a_keyboard_reaches_everything(address: str, store: MemoryStore, open_page: OpenPage) -> None:
    async with acting(*two(store)):
        page = await open_page(address)
        await live(page)
        await expect(page.locator("canvas:visible")).to_have_count(4)
        reached = set()
        for _ in range(40):
            await page.keyboard.press("Tab")
            here = await page.evaluate(
                "[document.activeElement.tagName, document.activeElement.textContent.trim().slice(0, 40),"
                " getComputedStyle(document.activeElement).outlineStyle]"
            )
            reached.add((here[0], here[1]))
            assert here[0] == "BODY" or here[2] != "none", f"{here} has the focus, and does not show it"
        assert {("A", "Store and broker"), ("A", "Sources and exposure"), ("A", "中文")} <= reached
        assert sum(tag == "SUMMARY" for tag, _ in reached) == 4
        summary = page.locator("#chart-throughput summary")
        await summary.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("#chart-throughput table")).to_contain_text("Events applied")
        assert await violations(page) == []


async def test_a_phone_shows_all_of_it(address: str, store: MemoryStore, open_page: OpenPage) -> None:
    async with acting(*two(store)):
        page = await open_page(address, width=PHONE)
        await live(page)
        for link in ("Store and broker", "Sources and exposure", "Overview"):
            await page.get_by_role("link", name=link, exact=True).click()
            await expect(page.locator("h1")).to_have_text(link)


async def test_the_first_paint(
    address: str, store: MemoryStore, open_page: OpenPage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Printed, not judged: how long it takes depends on what else the machine does."""
    told = []
    async with acting(*two(store)):
        for path in PAGES:
            page = await open_page(address + path)
            await live(page)
            paint = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
            size = await page.evaluate(
                "performance.getEntriesByType('resource')"
                ".reduce((sum, each) => sum + each.encodedBodySize, 0)"
            )
            told.append(f"/console{path}: first paint after {paint:.0f} ms, {size / 1_000:.0f} KB")
            assert paint > 0
            await closed(page)
    with capsys.disabled():
        print("", *told, sep="\n")


async def test_the_stream_comes_back(store: MemoryStore, open_page: OpenPage) -> None:
    """A gateway that is started again on the same port; meanwhile the page says that it has lost it."""
    with served(store=store) as address:
        page = await open_page(f"{address}/console", allowed=("ERR_",))
        await expect(page.locator("[data-live-state=open]")).to_be_visible()
    await expect(page.locator("[data-live-state=lost]")).to_be_visible()
    port = int(address.rpartition(":")[2])
    with served(store=store, port=port):
        await expect(page.locator("[data-live-state=open]")).to_be_visible()
        await closed(page)
