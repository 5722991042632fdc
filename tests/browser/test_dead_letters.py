"""Dead letters in a real Kafka, read, mended and sent back in a browser; their bytes are hostile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from streams.clock import SystemClock
from streams.kafka.dead_letters import DeadLetter, KafkaDeadLetters
from streams.kafka.message import Message
from streams.kafka.topics import ensure_topics
from streams.settings.tree import Settings
from tests.browser.conftest import EachLook, OpenPage
from tests.browser.operators import settings_with
from tests.browser.serving import served

HOSTILE = (
    b'{"type":"click","user_id":"<img src=x onerror=alert(1)>",'
    b'"text":"\xe2\x80\xaeabc</code></pre><script>alert(2)</script>"}'
)
BINARY = bytes(range(256)) * 4
LETTERS = 30


async def put(settings: Settings) -> None:
    await ensure_topics(settings.kafka)
    now_ms = SystemClock().now_ms()
    values = [b'{"n":%d}' % n for n in range(LETTERS - 2)] + [HOSTILE, BINARY]
    box = KafkaDeadLetters(settings.kafka)
    await box.send(
        [
            DeadLetter(
                Message("clicks", 0, n, 0, b"<b>key</b>\xff", value),
                "invalid" if n % 2 else "not_json",
                f"why <i>{n}</i>",
                now_ms,
            )
            for n, value in enumerate(values)
        ]
    )
    await box.stop()


@pytest.fixture(scope="module")
def address(kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("none")
    settings = settings_with(folder, kafka={"bootstrap": kafka_bootstrap, "prefix": "letters."})
    asyncio.run(put(settings))
    with served(settings) as address:
        yield f"{address}/console/dead-letters"


async def test_hostile_bytes_are_bytes_in_every_look(address: str, each_look: EachLook) -> None:
    await each_look(address, "dead-letters")
    for n in (LETTERS - 1, LETTERS - 2):
        await each_look(f"{address}/{n}", f"dead-letter-{n}")


async def test_they_are_listed_page_by_page_and_by_reason(address: str, open_page: OpenPage) -> None:
    page = await open_page(address)
    await expect(page.locator("tbody tr")).to_have_count(25)
    await page.get_by_role("link", name="Older").click()
    await expect(page.locator("tbody tr")).to_have_count(LETTERS - 25)
    await page.get_by_label("Reason").fill("invalid")
    await page.get_by_role("button", name="Filter").click()
    await expect(page.locator("tbody tr")).to_have_count(LETTERS // 2)
    assert await page.evaluate("document.querySelectorAll('main img, main script, main i').length") == 0


async def test_one_is_mended_once_it_is_right(address: str, open_page: OpenPage) -> None:
    page = await open_page(f"{address}/{LETTERS - 2}", allowed=("status of 422",))
    await expect(page.locator("pre")).to_contain_text("onerror=alert(1)")
    await expect(page.locator("pre")).to_contain_text("\ufffdabc")
    text = page.get_by_label("The event as JSON")
    await text.fill("{")
    await page.get_by_role("button", name="Send mended").click()
    await expect(page.locator("#mended-wrong")).to_contain_text("This is no JSON")
    await text.fill("{}")
    await page.get_by_role("button", name="Send mended").click()
    await page.get_by_role("dialog").get_by_role("button", name="Send mended").click()
    await expect(page.locator("#mended-wrong")).to_contain_text("missing required field")
    event = {
        "type": "click", "event_id": "e", "ts": SystemClock().now_ms(), "user_id": "<img>", "item_id": "i",
    }  # fmt: skip
    await text.fill(json.dumps(event))
    await page.get_by_role("button", name="Send mended").click()
    await page.get_by_role("dialog").get_by_role("button", name="Send mended").click()
    await expect(page.locator("#toasts .toast.good")).to_be_visible()  # for six seconds
    await expect(page.locator(".badge").first).to_have_text("sent back")
    await expect(page.get_by_role("button", name="Send mended")).to_have_count(0)


async def test_the_others_go_back_as_they_are(address: str, open_page: OpenPage) -> None:
    page = await open_page(f"{address}?reason=not_json")
    await page.get_by_role("button", name="Send back").click()
    await page.get_by_role("dialog").get_by_role("button", name="Send back").click()
    await expect(page.locator("#toasts")).to_contain_text("letters were sent back")
    await expect(page.locator("tbody .badge.good")).to_have_count(LETTERS // 2)


async def test_one_that_is_not_there_is_said(address: str, open_page: OpenPage) -> None:
    page = await open_page(f"{address}/999", allowed=("status of 404",))
    await expect(page.locator("[role=alert]:visible")).to_contain_text("999")
