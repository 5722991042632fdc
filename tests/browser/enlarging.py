"""A page as readers see it who have told their browser to write larger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page

from tests.browser.starting import FLAGS, chromium


@asynccontextmanager
async def enlarged(browser: Browser, text_px: int, width: int, height: int) -> AsyncIterator[Page]:
    """In a browser of its own, for the size of text is the browser's. `text_px`: 16 is usual."""
    large = await browser.browser_type.launch(
        executable_path=chromium(), args=[*FLAGS, f"--blink-settings=defaultFontSize={text_px}"]
    )
    try:
        yield await large.new_page(viewport={"width": width, "height": height})
    finally:
        await large.close()
