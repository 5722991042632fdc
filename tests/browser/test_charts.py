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
OVER_TIME: list[dict[str, Any]] = [
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
        "-2.0% – 8.0%",
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


TOLD = """() => [...document.querySelectorAll("#drawn tr")]
  .map((row) => [...row.cells].map((cell) => cell.textContent))"""


async def test_a_table_has_the_level_in_each_row_and_keeps_rows_that_say_the_same(
    address: str, open_page: OpenPage
) -> None:
    """A screen reader stays in a row while further ones come; a time without numbers has none."""
    page = await open_page(f"{address}/console/nowhere", allowed=("status of 404",))
    own = [address + assets().address(name) for name in ("web/charts.js", "web/page.js")]
    marks = {"name": "drift", "objective": True, "values": [[AT, 0], [AT, 9], [AT, None]]}
    await page.evaluate(DRAW, [*own, "line", {"series": [*OVER_TIME, marks], "unit": "ms"}])
    await page.get_by_text("As a table").click()
    await expect(page.locator("#drawn tbody tr")).to_have_count(3)
    assert await page.evaluate(TOLD) == [
        ["Time", "p50", "p99", "objective"],
        ["21:40:02", "13 ms", "90 ms", "250 ms"],
        ["21:40:01", "15 ms", "301 ms", "250 ms"],
        ["21:40:00", "12 ms", "80 ms", "250 ms"],
    ]
    row = await page.query_selector("#drawn tbody tr:nth-child(2)")
    assert row is not None
    further = [
        {**each, "values": [*each["values"][1:], [AT + 2_001, None], [AT + 9_000, 250]]}
        for each in OVER_TIME[:2]
    ]
    further.append({**OVER_TIME[2], "values": [[AT + 1_000, 250], [AT + 9_000, 250]]})
    await page.evaluate("series => window.drawn.show(series)", further)
    assert [cells[0] for cells in await page.evaluate(TOLD)] == ["Time", "21:40:09", "21:40:02", "21:40:01"]
    assert await row.evaluate("row => row === document.querySelector('#drawn tbody tr:nth-child(3)')")


SCALE = "() => { const { min, max, ticks } = window.drawn.chart.scales.x; return [min, max, ticks.map((each) => each.label)]; }"  # noqa: E501
AN_HOUR, A_DAY = 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("first", "last", "labels"),
    [
        (AT + 400, AT + 3_900, ["21:40:01", "21:40:02", "21:40:03"]),
        (AT, AT + 8 * AN_HOUR, ["22:00", "00:00", "02:00", "04:00"]),
        (AT, AT + 4 * A_DAY, ["Nov 24", "Nov 25", "Nov 26", "Nov 27"]),
    ],
)
async def test_times_are_round_and_end_where_the_numbers_end(
    address: str, open_page: OpenPage, first: int, last: int, labels: list[str]
) -> None:
    page = await open_page(f"{address}/console/nowhere", allowed=("status of 404",))
    own = [address + assets().address(name) for name in ("web/charts.js", "web/page.js")]
    series = [{"name": "p50", "values": [[first, 1.0], [last, 2.0]]}]
    await page.evaluate(DRAW, [*own, "line", {"series": series}])
    low, high, told = await page.evaluate(SCALE)
    assert (low, high) == (first, last)
    assert told[: len(labels)] == labels
    later = [{"name": "p50", "values": [[first, 1.0], [last, 2.0], [last + 1_000, 2.0]]}]
    await page.evaluate("series => window.drawn.show(series)", later)
    assert (await page.evaluate(SCALE))[:2] == [first, last + 1_000]


async def test_other_numbers_than_times_end_there_too(address: str, open_page: OpenPage) -> None:
    page = await open_page(f"{address}/console/nowhere", allowed=("status of 404",))
    own = [address + assets().address(name) for name in ("web/charts.js", "web/page.js")]
    series = [{"name": "loss", "values": [[3, 1.0], [17, 2.0]]}]
    await page.evaluate(DRAW, [*own, "line", {"series": series, "time": False}])
    assert (await page.evaluate(SCALE))[:2] == [3, 17]


async def test_a_number_without_neighbours_is_a_dot(address: str, open_page: OpenPage) -> None:
    page = await open_page(f"{address}/console/nowhere", allowed=("status of 404",))
    own = [address + assets().address(name) for name in ("web/charts.js", "web/page.js")]
    values = [[AT, None], [AT + 1_000, 5.0], [AT + 2_000, None], [AT + 3_000, 4.0], [AT + 4_000, 4.5]]
    await page.evaluate(DRAW, [*own, "line", {"series": [{"name": "p50", "values": values}]}])
    radius = "() => window.drawn.chart.getDatasetMeta(0).data.map((each) => each.options.radius)"
    assert await page.evaluate(radius) == [0, 3, 0, 0, 0]


async def test_a_legend_shows_the_dashes_of_its_lines(address: str, open_page: OpenPage) -> None:
    page = await open_page(f"{address}/console/nowhere", allowed=("status of 404",))
    own = [address + assets().address(name) for name in ("web/charts.js", "web/page.js")]
    await page.evaluate(DRAW, [*own, "line", {"series": OVER_TIME}])
    dashes = await page.evaluate("() => window.drawn.chart.legend.legendItems.map((each) => each.lineDash)")
    assert dashes == [[], [6, 3], [4, 4]]
