"""How long it takes from a click in a browser to the changed feed on its screen, through the whole system.

    headrace demo --rate 20                          # in one terminal; wait for "live"
    python -m benchmarks.click_to_screen --url http://127.0.0.1:8080 [--clicks 200] [--json FILE]

A new visitor opens the demo application in a headless Chromium and clicks one item of the feed after the
other. The page measures each click by its own clock:

    gateway     until the gateway accepted the event
    made        until a worker had made the new feed
    arrived     until the page had it
    seen        until the first frame with the new feed was painted

Each is counted from the click on. Where things move, that frame is the first of the motion. The demo's
simulated users go on meanwhile. Chromium draws without a GPU here, on the same cores as everything else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Page, async_playwright

from benchmarks.machine import made
from model.errors import SettingsError

STAGES = ("gateway", "made", "arrived", "seen")
PACKAGES = ("headrace", "playwright", "faust-streaming", "aiokafka", "redis", "onnxruntime", "uvicorn")
WARM_UP = 10
PAUSE_MS = 700
"""The motion is over by then; who clicks is a person."""
_KEEP = """
globalThis.measured = [];
document.addEventListener("measured", (event) => globalThis.measured.push(event.detail));
"""
_SEEN = "globalThis.measured.length"
_NEXT = "#feed .place:not([data-leaving])"


async def clicks(url: str, number: int, chromium: str) -> tuple[list[dict[str, float]], str]:
    """The samples of so many clicks, in ms since each click; and what the browser calls itself."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"], chromium_sandbox=False
        )
        try:
            page = await browser.new_page(viewport={"width": 1280, "height": 900})
            await page.add_init_script(_KEEP)
            await page.goto(f"{url}/demo")
            await page.locator(_NEXT).nth(5).wait_for()
            await page.wait_for_timeout(2_000)
            for k in range(WARM_UP + number):
                await _click(page, k)
            found: list[dict[str, float]] = await page.evaluate("globalThis.measured")
            return found[WARM_UP:], f"{browser.browser_type.name} {browser.version}"
        finally:
            await browser.close()


async def _click(page: Page, k: int) -> None:
    """Click another place each time, and wait until its feed was seen."""
    before = await page.evaluate(_SEEN)
    await page.locator(_NEXT).nth(k * 5 % 12).locator("[data-part=open]").click(force=True)
    async with asyncio.timeout(20):
        while await page.evaluate(_SEEN) == before:  # the page's policy lets nothing wait inside it
            await page.wait_for_timeout(100)
    await page.wait_for_timeout(PAUSE_MS)


def summary(samples: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Median and 99th percentile of each stage, in ms."""
    found = {}
    for stage in STAGES:
        name = "accepted" if stage == "gateway" else stage
        p50, p99 = np.percentile([each[name] for each in samples if each[name] is not None], [50, 99])
        found[stage] = {"p50_ms": round(float(p50), 1), "p99_ms": round(float(p99), 1)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="of the gateway of a running demo")
    parser.add_argument("--clicks", type=int, default=200, metavar="N")
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="a Chromium")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result here")
    args = parser.parse_args()
    if args.chromium is None:
        raise SettingsError("no Chromium: install one, or name it by --chromium")
    result: dict[str, Any] = made(f"python -m benchmarks.click_to_screen --clicks {args.clicks}", PACKAGES)
    samples, browser = asyncio.run(clicks(args.url, args.clicks, args.chromium))
    result |= {"browser": browser, "clicks": len(samples), "from_the_click": summary(samples)}
    for stage, figures in result["from_the_click"].items():
        print(f"{stage:8} p50 {figures['p50_ms']:6.1f} ms  p99 {figures['p99_ms']:6.1f} ms")
    if args.json is not None:
        args.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
