"""One Chromium of the machine for all tests here, and pages of it that are watched.

All of them run in one event loop, for the browser belongs to the loop that started it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.browser.accessibility import still, violations
from tests.browser.read_aloud import faults_of_speech
from tests.browser.starting import FLAGS, chromium
from tests.browser.watching import Watch

HERE = Path(__file__).parent
PICTURES = Path(__file__).parents[2] / "var" / "pictures"
WIDE, PHONE = 1280, 390
CLOSED_WITHIN_S = 30.0

# A page that waits for the processor has done nothing wrong; Playwright would wait for 5 s.
expect.set_options(timeout=60_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if pytest_asyncio.is_async_test(item):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Started once, ended with the tests."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=chromium(), args=FLAGS, chromium_sandbox=False
        )
        yield started
        await started.close()


class OpenPage(Protocol):
    """Opens an address in a context of its own. `allowed`: see `Watch`."""

    async def __call__(
        self,
        address: str,
        *,
        theme: str = "light",
        language: str = "en",
        width: int = WIDE,
        allowed: tuple[str, ...] = (),
        **context: Any,
    ) -> Page: ...


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser) -> AsyncIterator[OpenPage]:
    """Opens pages, and says after the test what they did that no page may do."""
    watches, contexts = [], []

    async def opened(
        address: str,
        *,
        theme: str = "light",
        language: str = "en",
        width: int = WIDE,
        allowed: tuple[str, ...] = (),
        **context: Any,
    ) -> Page:
        made = await browser.new_context(
            viewport={"width": width, "height": 844 if width == PHONE else 900},
            color_scheme="dark" if theme == "dark" else "light",
            locale="zh-CN" if language == "zh" else "en-GB",
            timezone_id="UTC",
            **context,
        )
        watch = Watch(address, allowed)
        contexts.append(made)
        watches.append(watch)
        page = await watch.watch(made)
        await page.goto(address)
        return page

    yield opened
    for context in contexts:
        await _close(context)
    troubles = [trouble for watch in watches for trouble in watch.troubles]
    assert not troubles, "\n".join(troubles)


async def closed(page: Page) -> None:
    """Close the page, and its context. Never `page.close()` alone: it has no bound."""
    await _close(page.context)


async def _close(context: BrowserContext) -> None:
    """Chromium may forget to close a page whose document changes at that moment, and Playwright waits for
    ever (microsoft/playwright issue 42068). A context that is closed later takes such a page with it.
    """
    for page in context.pages:
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSED_WITHIN_S):
                await page.close()
    async with asyncio.timeout(CLOSED_WITHIN_S):
        await context.close()


class Look(NamedTuple):
    """One way in which a page is seen."""

    theme: str
    language: str
    width: int


LOOKS = (
    Look("light", "en", WIDE),
    Look("dark", "zh", WIDE),
    Look("light", "zh", PHONE),
    Look("dark", "en", PHONE),
)
ALL_LOOKS = tuple(
    Look(theme, language, width)
    for theme in ("light", "dark")
    for language in ("en", "zh")
    for width in (WIDE, PHONE)
)
Before = Callable[[Page], Awaitable[object]]


class EachLook(Protocol):
    """Looks at a page in all ways; `before`: what is done with it first, e.g. waiting for live numbers."""

    async def __call__(
        self, address: str, name: str, before: Before | None = None, allowed: tuple[str, ...] = ()
    ) -> None: ...


@pytest_asyncio.fixture(loop_scope="session")
async def each_look(open_page: OpenPage) -> EachLook:
    """In both themes and languages, on a wide window and a phone: axe finds nothing grave, a screen reader
    says what is there, and nothing is wider than the window. Takes pictures into var/pictures/ where
    HEADRACE_PICTURES is set.
    """

    async def look(
        address: str, name: str, before: Before | None = None, allowed: tuple[str, ...] = ()
    ) -> None:
        for each in ALL_LOOKS if os.environ.get("HEADRACE_PICTURES") else LOOKS:
            page = await open_page(address, **each._asdict(), allowed=allowed)
            if before is not None:
                await before(page)
            await still(page)
            await picture(page, f"{name}-{each.theme}-{each.language}-{each.width}")
            assert await page.evaluate("document.documentElement.lang") == (
                "zh-Hans" if each.language == "zh" else "en"
            )
            assert await violations(page) == [], each
            assert await faults_of_speech(page) == [], each
            assert await page.evaluate("document.documentElement.scrollWidth") <= each.width, each
            await closed(page)

    return look


async def picture(page: Page, name: str) -> None:
    """A picture of the whole page, for people to look at, where HEADRACE_PICTURES is set."""
    if os.environ.get("HEADRACE_PICTURES"):
        PICTURES.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
