"""What axe-core finds wrong with a page for readers who use a keyboard, a screen reader, or see little."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page

GRAVE = ("serious", "critical")
# Texts that fade in have less contrast until they are there. What turns for ever is not waited for.
STILL = """Promise.all(document.getAnimations()
  .filter((each) => each.effect.getComputedTiming().endTime < Infinity)
  .map((each) => each.finished.catch(() => {})))"""


async def still(page: Page) -> None:
    """Wait until nothing on it moves."""
    await page.evaluate(STILL)


async def violations(page: Page) -> list[str]:
    """The serious and critical ones, each with the elements that have it; [] where all is well."""
    await still(page)
    await page.evaluate(AXE_SCRIPT)
    found: dict[str, Any] = await page.evaluate("axe.run({resultTypes: ['violations']})")
    assert found["passes"], "axe looked at nothing"
    return [
        f"{each['id']} ({each['impact']}): {node['target']} {node['html'][:200]} {node['failureSummary']}"
        for each in found["violations"]
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]
