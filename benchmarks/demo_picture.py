"""The picture of the demo application in the README, taken of a demo that runs.

    headrace demo                                 # in one terminal; wait for "live"
    python -m benchmarks.demo_picture --url http://127.0.0.1:8080

A new visitor opens some films and dislikes one; the picture shows the feed that came of it.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
from pathlib import Path

from playwright.async_api import Page, async_playwright

from model.errors import SettingsError

FILE = Path(__file__).parents[1] / "docs" / "demo.png"
ACTS = (
    ("Star Wars", "open"),
    ("Toy Story", "open"),
    ("Return of the Jedi", "open"),
    ("Liar Liar", "dislike"),
)
"""By titles as ml-100k has them; what the feed does not have is passed over."""
AT_MOST_BYTES = 200_000


async def take(url: str, file: Path, chromium: str) -> int:
    """The size of the picture in bytes."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            page = await browser.new_page(viewport={"width": 1_280, "height": 600}, color_scheme="light")
            await page.goto(f"{url}/demo")
            await page.locator("#feed .place").nth(5).wait_for()
            await page.wait_for_timeout(2_000)
            for title, part in ACTS:
                await _act(page, title, part)
            await page.wait_for_timeout(1_000)
            await page.locator("#details .close").click()
            await page.mouse.move(0, 0)
            await page.evaluate("document.activeElement.blur()")
            await page.wait_for_timeout(300)
            return len(await page.screenshot(path=file))
        finally:
            await browser.close()


async def _act(page: Page, title: str, part: str) -> None:
    place = page.locator("#feed .place:not([data-leaving])").filter(
        has=page.locator(".title").get_by_text(title, exact=True)
    )
    if await place.count():
        await place.first.hover()
        await place.first.locator(f"[data-part={part}]").click()
        await page.wait_for_timeout(1_500)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="of the gateway of a running demo")
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="a Chromium")
    parser.add_argument("--file", type=Path, default=FILE, help="where the picture goes (docs/demo.png)")
    args = parser.parse_args()
    if args.chromium is None:
        raise SettingsError("no Chromium: install one, or name it by --chromium")
    size = asyncio.run(take(args.url, args.file, args.chromium))
    print(f"{args.file}: {size:,} bytes")
    if size > AT_MOST_BYTES:
        raise SettingsError(f"{size:,} bytes; expected {AT_MOST_BYTES:,} at most: take a smaller window")


if __name__ == "__main__":
    main()
