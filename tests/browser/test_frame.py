"""What every page has: its frame, both languages, both themes, and what it says where it can't be shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from tests.browser.conftest import PHONE, EachLook, OpenPage
from tests.browser.serving import served


@pytest.fixture
def address() -> Iterator[str]:
    with served() as address:
        yield address


async def test_it_looks_right_in_every_way(address: str, each_look: EachLook) -> None:
    await each_look(f"{address}/console/nowhere", "problem", allowed=("status of 404",))


async def test_the_reader_chooses_a_language(address: str, open_page: OpenPage) -> None:
    page = await open_page(f"{address}/console?a=1")
    await expect(page.locator("h1")).to_have_text("Overview")
    await page.get_by_role("link", name="中文").click()
    await expect(page.locator("h1")).to_have_text("概览")
    assert "a=1" in page.url
    await page.goto(f"{address}/console")
    await expect(page.locator("h1")).to_have_text("概览")


async def test_the_reader_chooses_a_theme(address: str, open_page: OpenPage) -> None:
    page = await open_page(f"{address}/console", theme="dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    dark = await page.evaluate(ground)
    switch = page.get_by_role("button", name="Theme: as the system has it")
    await switch.click()
    await expect(page.get_by_role("button", name="Theme: light")).to_be_visible()
    light = await page.evaluate(ground)
    assert light != dark
    await page.reload()
    assert await page.evaluate(ground) == light
    await page.get_by_role("button", name="Theme: light").click()
    assert await page.evaluate(ground) == dark


async def test_a_keyboard_skips_to_the_content(address: str, open_page: OpenPage) -> None:
    page = await open_page(f"{address}/console")
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()


async def test_a_page_that_is_not_there_says_so(address: str, open_page: OpenPage) -> None:
    page = await open_page(f"{address}/console/nowhere", allowed=("status of 404",))
    await expect(page.locator("h1")).to_have_text("This page can't be shown")
    await expect(page.locator("main")).to_contain_text("GET /console/nowhere")
    await page.get_by_role("link", name="To the first page").click()
    await expect(page.locator("h1")).to_have_text("Overview")


async def test_a_phone_shows_which_page_is_open(address: str, open_page: OpenPage) -> None:
    page = await open_page(f"{address}/console/settings", width=PHONE)
    await expect(page.locator(".sides [aria-current=page]")).to_be_in_viewport(ratio=0.9)


GROUND = "each => getComputedStyle(each).backgroundColor"


async def test_colours_of_the_system_leave_to_see_what_is_chosen(address: str, open_page: OpenPage) -> None:
    page = await open_page(f"{address}/console", forced_colors="active")
    here, other = page.locator(".sides [aria-current]"), page.locator(".sides a:not([aria-current])").first
    assert await here.evaluate(GROUND) != await other.evaluate(GROUND)
    dot = page.locator("[data-live-state=open] .dot")
    await expect(dot).to_have_count(1)
    assert await dot.evaluate(GROUND) != await page.locator("body").evaluate(GROUND)


async def test_on_paper_there_are_no_buttons(address: str, open_page: OpenPage) -> None:
    page = await open_page(f"{address}/console/settings", theme="dark")
    await page.emulate_media(media="print")
    await expect(page.locator("h1")).to_be_visible()
    await expect(page.locator(".top")).to_be_hidden()
    await expect(page.locator(".sides")).to_be_hidden()
    assert await page.locator("html").evaluate(GROUND) == "rgb(245, 247, 249)"
