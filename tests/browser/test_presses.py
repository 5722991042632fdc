"""What a reader presses is answered or refused aloud: on a page that isn't whole yet, that is renewed at that
moment, that gets no answer, or that has many windows beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.demo_stage import Stage, stage
from tests.browser.operators import Site, console
from tests.browser.test_demo import loaded, places

PLACES = 4
"""So many live streams one browser has, as `web/places.js` says."""
LIVE = "[data-live-state=open]"
CROWDED = "[data-live-state=crowded]"
DEAD = """
() => [...document.querySelectorAll("main button, main select, header button:not(#theme-switch)")]
  .filter((each) => each.checkVisibility() && !each.closest("dialog, form[method=get]") && !each.disabled)
  .map((each) => each.outerHTML)
"""
"""What can be seen and pressed, and does nothing without a module. That of the theme is there already."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with console(tmp_path_factory.mktemp("models")) as made:
        yield made


@pytest.fixture(scope="module")
def demo() -> Iterator[Stage]:
    with stage() as made:
        yield made


async def asked_to_activate(page: Page) -> None:
    await page.get_by_role("button", name="Activate other").click()
    await page.get_by_role("dialog").get_by_role("button", name="Activate").click()


async def awaits_nothing(page: Page) -> None:
    await expect(page.locator("[data-awaits]")).to_have_count(0)
    assert await page.locator("main button:disabled").count() == 0


CONTROLS = {
    "models": "models.js",
    "experiments/length": "experiment.js",
    "learner": "learner.js",
    "users?id=user-1": "user.js",
}


@pytest.mark.parametrize("path", CONTROLS)
async def test_nothing_can_be_pressed_in_the_console_before_it_does_something(
    site: Site, open_page: OpenPage, path: str
) -> None:
    await _holds_until_whole(
        await open_page(f"{site.address}/settings"), f"{site.address}/{path}", CONTROLS[path]
    )


async def test_nothing_can_be_pressed_in_the_demo_before_it_does_something(
    demo: Stage, open_page: OpenPage
) -> None:
    await _holds_until_whole(
        await open_page(f"{demo.address}/nowhere", allowed=("404",)), demo.address, "main.js"
    )


async def _holds_until_whole(page: Page, address: str, module: str) -> None:
    come = asyncio.Event()

    async def held(route: Route) -> None:
        await come.wait()
        await route.continue_()

    await page.route(f"**/{module}", held)
    await page.goto(address, wait_until="commit")
    await expect(page.locator("[data-awaits]").first).to_be_visible()
    await expect(page.locator("#toasts")).to_be_attached()
    assert await page.evaluate(DEAD) == []
    await expect(page.locator("#unready")).to_contain_text("still being loaded", timeout=15_000)
    come.set()
    await awaits_nothing(page)
    await expect(page.locator("#unready")).to_be_hidden()


@pytest.mark.parametrize(("language", "words"), [("en", "could not be loaded"), ("zh", "未能加载")])
async def test_a_module_that_does_not_come_is_told(
    site: Site, open_page: OpenPage, language: str, words: str
) -> None:
    page = await open_page(f"{site.address}/settings", language=language, allowed=("status of 503",))
    await page.route("**/console/doing.js", lambda route: route.fulfill(status=503, body=""))
    await page.goto(f"{site.address}/models")
    await expect(page.locator("#unready")).to_contain_text(words)
    assert await page.evaluate(DEAD) == []


async def test_a_press_lasts_while_the_page_is_renewed(site: Site, open_page: OpenPage) -> None:
    page = await open_page(f"{site.address}/models")
    button = page.get_by_role("button", name="Activate ml-first")
    await button.scroll_into_view_if_needed()
    box = await button.bounding_box()
    assert box is not None
    before = await site.store.active_model()
    await page.mouse.move(box["x"] + 5, box["y"] + 5)
    await page.mouse.down()
    await site.store.activate("other")  # the page has something to renew
    async with page.expect_response(f"{site.address}/models") as seen:
        pass
    await (await seen.value).finished()
    await asyncio.sleep(0.3)
    await page.mouse.up()
    await expect(page.get_by_role("dialog")).to_contain_text("Activate ml-first?")
    await page.keyboard.press("Escape")
    active = page.locator("#registry tbody tr", has_text="other").first.locator(".badge.good")
    await expect(active, "and then it is renewed").to_have_text("active", timeout=20_000)
    assert before is not None
    await site.store.activate(before)


async def test_a_press_lasts_while_the_feed_comes(demo: Stage, open_page: OpenPage) -> None:
    page = await open_page(demo.address)
    await loaded(page)
    demo.sink.works = False
    first = places(page).first
    await first.locator("[data-part=like]").click()
    await expect(page.locator("#history ol li")).to_have_count(1)
    card = places(page).nth(3)
    key = await card.get_attribute("data-key")
    await card.locator("[data-part=dislike]").hover()
    await page.mouse.down()
    demo.sink.works = True
    await demo.sink.work()
    await asyncio.sleep(0.5)
    await page.mouse.up()
    await expect(page.locator("#history ol li")).to_have_count(2)
    await expect(page.locator(f"#feed [data-key={key}]:not([data-leaving])")).to_have_count(0)


async def test_no_question_is_taken_away_by_a_page_that_loads_itself_anew(
    site: Site, open_page: OpenPage
) -> None:
    page = await open_page(f"{site.address}/experiments/length")
    await page.get_by_role("button", name="Stop", exact=True).click()
    why = page.get_by_role("dialog").get_by_label("Why")
    await why.fill("half a sentence")
    await page.evaluate("document.getElementById('charts').append(document.createElement('figure'))")
    for _ in range(2):
        async with page.expect_response(f"{site.address}/experiments/length"):
            pass
    await expect(why).to_have_value("half a sentence")
    await page.keyboard.press("Escape")
    await page.wait_for_event("load")


async def test_what_gets_no_answer_is_told_at_once_and_at_last(
    site: Site, browser: Browser, open_page: OpenPage
) -> None:
    page = await open_page(f"{site.address}/settings")
    await page.add_init_script(
        "const real = AbortSignal.timeout; AbortSignal.timeout = (ms) => real.call(AbortSignal, ms / 10);"
    )
    held: list[Route] = []
    await page.route("**/activate", lambda route: held.append(route))
    await page.goto(f"{site.address}/models")
    await asked_to_activate(page)
    await expect(page.locator("#toasts")).to_contain_text("Sent; waiting for the answer", timeout=1_000)
    await expect(page.locator("#toasts")).to_contain_text(
        "has not answered within 20 s. What was asked may still"
    )
    await expect(page.locator("#toasts")).not_to_contain_text("waiting for")
    await expect(page.get_by_role("button", name="Activate other")).to_be_enabled()
    assert len(held) == 1


async def test_a_refusal_without_a_reason_is_told_by_its_number(site: Site, open_page: OpenPage) -> None:
    page = await open_page(f"{site.address}/models", allowed=("status of 502",))
    await page.route("**/activate", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>"))
    await asked_to_activate(page)
    await expect(page.locator("#toasts")).to_contain_text("answered 502")


async def test_many_windows_leave_room_for_what_is_pressed(site: Site, open_page: OpenPage) -> None:
    page = await open_page(f"{site.address}/models")
    windows = []
    for _ in range(PLACES + 3):  # with a stream each, no connection would be left
        window = await page.context.new_page()
        await window.goto(site.address)
        await expect(window.locator(f"{LIVE}, {CROWDED}")).to_be_visible()
        windows.append(window)
    await asked_to_activate(page)
    await expect(page.locator("#toasts")).to_contain_text("no worker has confirmed it yet", timeout=15_000)

    async def live() -> list[bool]:
        return [await window.locator(LIVE).count() == 1 for window in windows]

    async def all_places_taken() -> None:
        for _ in range(200):
            if sum(await live()) == PLACES:
                return
            await asyncio.sleep(0.1)
        pytest.fail(f"{await live()}: expected {PLACES} live windows")

    await all_places_taken()
    crowded = windows[(await live()).index(False)]
    await expect(crowded.locator(CROWDED)).to_have_text("Paused: four other windows are live")
    await crowded.evaluate("dispatchEvent(new Event('focus'))")  # the reader turns to it
    await expect(crowded.locator(LIVE)).to_be_visible()
    await all_places_taken()
    await windows[(await live()).index(True)].goto("about:blank")
    await all_places_taken()
