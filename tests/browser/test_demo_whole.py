"""The demo application as a newcomer has it: `headrace demo` with all of its real parts, and a browser."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.accessibility import violations
from tests.browser.conftest import OpenPage, picture
from tests.connected.test_demo import SLICE, command, wait_for

pytestmark = [pytest.mark.connected, pytest.mark.timeout(1_500)]  # the demo may train for 15 minutes first
UNHURRIED = {
    "HEADRACE_GATEWAY__FRESHNESS_P50_MS": "5000",
    "HEADRACE_GATEWAY__FRESHNESS_P99_MS": "9000",
    "HEADRACE_LADDER__FEWER_AT_MS": "5000",
    "HEADRACE_LADDER__COUNTERS_AT_MS": "5000",
    "HEADRACE_LADDER__POPULAR_AT_MS": "6000",
}
"""What the machine of a test is too slow for is no fault of the demo's."""


def text_of(output: Path) -> str:
    return output.read_text()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Where a demo that runs serves its application; it ends, and had no problem."""
    folder = tmp_path_factory.mktemp("demo")
    output = folder / "output.txt"
    with command(
        "demo", *SLICE, "--rate", "5", "--folder", str(folder), output=output, **UNHURRIED
    ) as process:
        text = await asyncio.to_thread(wait_for, process, output, lambda text: "look at it: " in text, 900)
        found = re.search(r"^the demo application: (\S+)$", text, re.MULTILINE)
        assert found is not None, text
        assert f"the console: {found[1].removesuffix('/demo')}/console" in text
        yield found[1]
        process.terminate()
        await asyncio.to_thread(process.wait, 120)
        assert process.returncode == 0, text_of(output)
        assert re.search(r"^\d+ events came from elsewhere", text_of(output), re.MULTILINE)


async def opened(open_page: OpenPage, address: str) -> Page:
    # A ranker that starts says 503 for a moment.
    page = await open_page(address, allowed=("status of 503",))
    await expect(page.locator("#feed .place")).to_have_count(12)
    await expect(page.locator("#trending .place").first).to_be_visible()
    return page


async def test_an_afternoon(address: str, open_page: OpenPage) -> None:
    page = await opened(open_page, address)
    feed = page.locator("#feed .place:not([data-leaving])")
    took, acts = page.locator("#feed .took"), page.locator("#history ol li[data-state=seen]")

    clicked = await feed.nth(3).get_attribute("data-key")
    await feed.nth(3).locator("[data-part=open]").click()
    await expect(took).to_have_text(re.compile(r"on screen [\d,.]+ ms after your act"))
    await expect(page.locator(f"#feed [data-key='{clicked}']")).to_have_count(0)
    await expect(page.locator("#feed")).to_have_attribute("data-feed", "own")
    await expect(page.locator("#feed .state")).to_have_text(
        re.compile(r"^ranked by [^·]+$")
    )  # in no experiment

    disliked = await feed.nth(0).get_attribute("data-key")
    await feed.nth(0).hover()
    await feed.nth(0).locator("[data-part=dislike]").click()
    await expect(acts).to_have_count(2)
    await expect(page.locator(f"#feed [data-key='{disliked}']")).to_have_count(0)

    await page.locator("#query").fill("星球大战")
    await page.keyboard.press("Enter")
    # Among the best twenty of 1,682, whose titles are all English.
    star_wars = page.locator("#found .title").get_by_text("Star Wars", exact=True)
    await expect(star_wars).to_have_count(1)
    await page.locator("#found-close").click()

    await feed.nth(1).hover()
    await feed.nth(1).locator("[data-part=why]").click()
    why = page.locator("#details .why")
    await expect(why.locator("p").first).to_have_text(re.compile("It was found by this source"))
    await why.locator("summary").click()
    rows = await why.locator("tr").evaluate_all(
        "all => all.map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    rows = [(name, float(value.replace(",", ""))) for name, value in rows]
    numbers = dict(rows)
    parts = [value for name, value in rows if name != "Score" and not name.startswith("Change without")]
    assert "How likely you click" in numbers
    assert numbers["Score"] == pytest.approx(sum(parts), abs=2e-6), rows

    await page.get_by_role("button", name="Two arms side by side").click()
    sides = page.locator("#arms .side")
    await expect(sides.nth(0).locator("select")).to_have_value("ranking=model")
    await expect(sides.nth(1).locator("select")).to_have_value("ranking=popular")
    for side in (0, 1):
        await expect(sides.nth(side).locator(".place")).to_have_count(10)
    await expect(sides.nth(1).locator(".reason").first).to_have_text("Popular now")
    await picture(page, "demo-whole")
    assert await violations(page) == []


async def test_an_afternoon_in_chinese_on_a_phone(address: str, open_page: OpenPage) -> None:
    page = await open_page(address, language="zh", theme="dark", width=390, allowed=("status of 503",))
    feed = page.locator("#feed .place:not([data-leaving])")
    await expect(feed).to_have_count(12)
    await feed.nth(0).locator("[data-part=open]").click()
    await expect(page.locator("#feed .took")).to_have_text(re.compile("操作后 .*毫秒出现在屏幕上"))
    await expect(page.locator("#details")).to_be_visible()
    await picture(page, "demo-whole-phone")
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_the_console_of_a_healthy_demo_tells_of_nothing(address: str, open_page: OpenPage) -> None:
    """Half of the users are in an arm that asks for no model; the store is one that is thrown away."""
    page = await open_page(address.removesuffix("/demo") + "/console", allowed=("status of 503",))
    await expect(page.locator("[data-live-state=open]")).to_be_visible()
    await page.wait_for_timeout(12_000)  # alarms go by the last ten seconds
    await expect(page.locator("#stat-slates")).to_contain_text(re.compile("[1-9]"))
    await expect(page.locator("#alarms")).to_have_text("Nothing needs attention")
    await picture(page, "demo-whole-console")
