"""Live pages come back by themselves, whatever took their stream: a refusal, a sleep, a network that went."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.async_api import Page, Route, expect

from streams.stores.memory import MemoryStore
from tests.browser.conftest import OpenPage, closed, picture
from tests.browser.demo_stage import Stage, stage
from tests.browser.playing import PlayedWorker, acting
from tests.browser.serving import served
from tests.browser.test_demo import loaded


@pytest.fixture(scope="module")
def demo() -> Iterator[Stage]:
    with stage() as made:
        yield made


async def refused(page: Page, pattern: str, status: int) -> None:
    """The gateway has no place for the stream any more."""

    async def answer(route: Route) -> None:
        await route.fulfill(status=status, content_type="application/json", body="{}")

    await page.context.route(pattern, answer)
    await page.reload()


@pytest.mark.parametrize("status", [429, 503])
async def test_a_demo_that_is_refused_asks_again(demo: Stage, open_page: OpenPage, status: int) -> None:
    page = await open_page(demo.address, allowed=(f"status of {status}",))
    await loaded(page)
    await refused(page, "**/v1/users/*/live*", status)
    state = page.locator("[data-live-state=refused]")
    await expect(state).to_contain_text("Refused, perhaps for too many live pages; again in")
    await page.context.unroute("**/v1/users/*/live*")
    await expect(page.locator("[data-live-state=open]")).to_be_visible()
    await loaded(page)


async def test_a_console_that_is_refused_asks_again(open_page: OpenPage) -> None:
    store = MemoryStore()
    with served(store=store) as address:
        async with acting(PlayedWorker("host-a:101", store)):
            page = await open_page(f"{address}/console", language="zh", allowed=("status of 503",))
            await refused(page, "**/console/live", 503)
            await expect(page.locator("[data-live-state=refused]")).to_contain_text("秒后重试")
            await page.context.unroute("**/console/live")
            await expect(page.locator("[data-live-state=open]")).to_be_visible()
            await expect(page.locator("#workers tbody tr")).to_have_count(1)
            await closed(page)


async def test_figures_of_before_that_are_refused_once_come_later(open_page: OpenPage) -> None:
    store = MemoryStore()
    with served(store=store) as address:
        async with acting(PlayedWorker("host-a:101", store)):
            page = await open_page(f"{address}/console", allowed=("status of 503",))
            await refused(page, "**/console/figures", 503)
            await expect(page.locator("[data-live-state=open]")).to_be_visible()
            await page.context.unroute("**/console/figures")
            await expect(page.locator("#workers tbody tr")).to_have_count(1)
            await closed(page)


async def test_a_machine_that_slept_asks_anew_and_is_sent_nothing_that_it_has(
    demo: Stage, open_page: OpenPage
) -> None:
    page = await open_page(demo.address)
    await loaded(page)
    async with page.expect_request(lambda request: "last_event_id=" in request.url):
        await page.evaluate("const real = Date.now; Date.now = () => real() + 60_000")
    await expect(page.locator("[data-live-state=open]")).to_be_visible()


async def test_without_a_network_a_gateway_on_this_machine_is_no_trouble(
    demo: Stage, open_page: OpenPage
) -> None:
    page = await open_page(demo.address)
    await loaded(page)
    await page.evaluate(
        "Object.defineProperty(navigator, 'onLine', { value: false, configurable: true });"
        "dispatchEvent(new Event('offline'))"
    )
    await expect(page.locator("[data-live-state=open]")).to_be_visible()
    await expect(page.locator("#offline")).to_be_hidden()


async def test_a_list_that_is_renewed_keeps_the_focus(open_page: OpenPage) -> None:
    store = MemoryStore()
    with served(store=store) as address:
        async with acting(PlayedWorker("host-a:101", store)):
            # The item's page asks a ranker, which is not there.
            page = await open_page(f"{address}/console/exposure", allowed=("status of 503",))
            first = page.locator("#items tbody tr a").first
            await first.focus()
            seen = await page.locator("#sample").text_content()
            await expect(page.locator("#sample")).not_to_have_text(seen or "")
            assert await page.evaluate("document.activeElement.tagName") == "A"
            href = await first.get_attribute("href")
            assert href is not None
            answer = await page.goto(f"{address}{href}")
            assert answer is not None
            assert answer.status == 200, "its page, whether or not somebody has described it"
            await closed(page)


TOKENS = """() => {
  const probe = document.body.appendChild(document.createElement("span"));
  const names = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
    .filter((rule) => rule.selectorText === ":root").flatMap((rule) => [...rule.style])
    .filter((name) => getComputedStyle(probe).getPropertyValue(name).includes("light-dark"));
  const found = Object.fromEntries(names.map((name) => {
    probe.style.boxShadow = name.startsWith("--shadow") ? `var(${name})` : `0 0 1px var(${name})`;
    return [name, getComputedStyle(probe).boxShadow];
  }));
  probe.remove();
  return found;
}"""
"""Each colour of the theme, as it comes out."""


async def test_a_theme_is_the_same_whoever_chose_it(open_page: OpenPage) -> None:
    with served() as address:
        found = {}
        for system in ("light", "dark"):
            page = await open_page(f"{address}/console/settings", theme=system)
            found[system, "system"] = await page.evaluate(TOKENS)
            for chosen in ("light", "dark"):
                await page.evaluate(f"document.documentElement.dataset.theme = '{chosen}'")
                found[system, chosen] = await page.evaluate(TOKENS)
            await closed(page)
    light, dark = found["light", "system"], found["dark", "system"]
    assert len(light) > 25
    assert found["light", "light"] == found["dark", "light"] == light
    assert found["light", "dark"] == found["dark", "dark"] == dark
    assert all(light[name] != dark[name] for name in light)


@pytest.mark.parametrize(
    ("path", "said"), [("/demo", "needs JavaScript"), ("/console", "Without JavaScript")]
)
async def test_without_scripts_a_page_says_so(demo: Stage, open_page: OpenPage, path: str, said: str) -> None:
    base = demo.address.removesuffix("/demo")
    page = await open_page(f"{base}{path}", java_script_enabled=False)
    await expect(page.locator("noscript p")).to_be_visible()
    await expect(page.locator("noscript p")).to_contain_text(said)
    await picture(page, f"no-script{path.replace('/', '-')}")
