"""Charts, in a page under the usual policy: drawn, told as a table, drawn anew in another theme."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import expect

from streams.gateway.web.assets import assets
from tests.browser.accessibility import violations
from tests.browser.conftest import OpenPage, picture
from tests.browser.serving import served

DRAW = """
async ([charts, page, kind, options]) => {
  const { [kind]: draw } = await import(charts);
  const { el } = await import(page);
  const plot = el("div", { class: "plot" }, el("canvas", { role: "img", "aria-label": "A chart" }), el("p", { class: "none", hidden: true }, "No data"));
  const table = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "A chart" }, el("table"));
  const figure = el("figure", { class: "chart card", id: "drawn" }, plot, el("details", {}, el("summary", {}, "As a table"), table));
  document.querySelector("main").append(figure);
  window.drawn = draw(figure, options);
}
"""  # noqa: E501  # a module's text
INK = """() => {
  const canvas = document.querySelector("#drawn canvas");
  const copy = document.createElement("canvas");
  copy.width = canvas.width;
  copy.height = canvas.height;
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, copy.width, copy.height);
  const seen = new Set();
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] > 250) seen.add(`${data[at]},${data[at + 1]},${data[at + 2]}`);
  }
  return [...seen];
}"""

AT = 1_763_934_000_000
OVER_TIME = [
    {"name": "p50", "values": [[AT, 12.0], [AT + 1_000, 15.0], [AT + 2_000, 13.0]]},
    {"name": "p99", "values": [[AT, 80.0], [AT + 1_000, 300.5], [AT + 2_000, 90.0]]},
    {"name": "objective", "objective": True, "values": [[AT, 250], [AT + 2_000, 250]]},
]
KINDS: list[tuple[str, dict[str, Any], str]] = [
    ("line", {"series": OVER_TIME, "unit": "ms", "min": 0}, "301 ms"),
    ("line", {"series": OVER_TIME[:2], "unit": "integer", "stacked": True}, "301"),
    (
        "bars",
        {
            "series": [{"name": "share", "values": [["popular", 0.25], ["nearest", 0.75]]}],
            "unit": "percent",
            "across": True,
        },
        "75%",
    ),
    (
        "intervals",
        {
            "series": [{"name": "lift", "values": [[AT, -0.1, 0.02, 0.1], [AT + 5_000, -0.02, 0.03, 0.08]]}],
            "unit": "percent",
            "zero": 0,
        },
        "-2% – 8%",
    ),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as address:
        yield address


@pytest.mark.parametrize(("kind", "options", "told"), KINDS)
async def test_a_chart_is_drawn_and_told(
    address: str, open_page: OpenPage, kind: str, options: dict[str, Any], told: str
) -> None:
    page = await open_page(f"{address}/console/nowhere", allowed=("status of 404",))
    own = [address + assets().address(name) for name in ("web/charts.js", "web/page.js")]
    await page.evaluate(DRAW, [*own, kind, options])
    light = set(await page.evaluate(INK))
    assert len(light) > 3, "something is drawn"
    await page.get_by_text("As a table").click()
    await expect(page.locator("#drawn table")).to_contain_text(told)
    assert await violations(page) == []
    await picture(page, f"chart-{kind}-light")
    for _ in range(2):
        await page.locator("#theme-switch").click()
    await picture(page, f"chart-{kind}-dark")
    assert set(await page.evaluate(INK)) != light


async def test_a_chart_without_numbers_says_so(address: str, open_page: OpenPage) -> None:
    page = await open_page(f"{address}/console/nowhere", allowed=("status of 404",))
    own = [address + assets().address(name) for name in ("web/charts.js", "web/page.js")]
    await page.evaluate(DRAW, [*own, "line", {"series": []}])
    await expect(page.get_by_text("No data")).to_be_visible()
    await page.evaluate("series => window.drawn.show(series)", OVER_TIME)
    await expect(page.get_by_text("No data")).to_be_hidden()
    assert len(await page.evaluate(INK)) > 3
