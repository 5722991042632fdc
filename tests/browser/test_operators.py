"""The pages of operators: what they show, what their buttons do, and that no id breaks them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import msgspec
import pytest
from playwright.async_api import Browser, Page, expect

from streams.gateway.web.language import texts
from streams.serving.renewal_notes import end_renewal, read_renewal, take_renewal
from streams.serving.retained_models import read_retained
from tests.browser.conftest import PHONE, EachLook, OpenPage
from tests.browser.enlarging import enlarged
from tests.browser.operators import ODD, Site, console, settings_with
from tests.browser.serving import served

PAGES = ("experiments", "learner", "models", "users", "items", "settings")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with console(tmp_path_factory.mktemp("models")) as made:
        yield made


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(settings_with(tmp_path_factory.mktemp("none"))) as address:
        yield f"{address}/console"


async def open_all(page: Page) -> None:
    await page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")


@pytest.mark.parametrize("name", PAGES)
async def test_a_fresh_system_looks_right(fresh: str, each_look: EachLook, name: str) -> None:
    await each_look(f"{fresh}/{name}", f"{name}-empty")


@pytest.mark.parametrize(
    "path",
    [
        "experiments",
        "experiments/length",
        "experiments/waits",
        "experiments/drafts",
        "learner",
        "models",
        "users",
        "items",
        "settings",
    ],
)
async def test_a_used_one_looks_right(site: Site, each_look: EachLook, path: str) -> None:
    await each_look(f"{site.address}/{path}", path.replace("/", "-"), before=open_all)


@pytest.mark.parametrize("page", ["users", "items"])
async def test_an_odd_id_breaks_nothing(site: Site, each_look: EachLook, page: str) -> None:
    async def asked(opened: Page) -> None:
        await open_all(opened)
        if page == "users":
            await opened.locator("#why").click()
            await expect(opened.locator("#why-said [role=alert]")).to_be_visible()
        else:
            await expect(opened.locator("[role=alert]:visible")).to_have_count(1)

    allowed = ("status of 503",)  # this gateway has no ranker
    await each_look(f"{site.address}/{page}?{urlencode({'id': ODD})}", f"{page}-odd", asked, allowed)


async def test_a_user_is_found_and_leads_to_items(site: Site, open_page: OpenPage) -> None:
    page = await open_page(f"{site.address}/users", allowed=("status of 503",))
    await page.get_by_label("User id").fill(ODD)
    await page.get_by_role("button", name="Find").click()
    await expect(page.locator("h1")).to_have_text(ODD)
    await expect(page.locator("main")).to_contain_text("length=")
    await expect(page.locator("#met a.id", has_text="A <b>bold</b> title item-3").first).to_be_visible()
    why = page.locator("#why")
    await why.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#why-said [role=alert]")).to_be_visible()
    await expect(why).to_be_focused()
    await page.locator("#met a.id", has_text="onerror").click()
    await expect(page.locator("main")).to_contain_text("Nobody has described this item")
    assert await page.evaluate("document.querySelectorAll('main img').length") == 0


async def test_an_experiment_is_started_stopped_and_removed(site: Site, open_page: OpenPage) -> None:
    page = await open_page(f"{site.address}/experiments/waits")
    await page.get_by_role("button", name="Start").click()
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await expect(page.locator("main")).to_contain_text("It has not started")
    await page.get_by_role("button", name="Start").click()
    await page.get_by_role("dialog").get_by_role("button", name="Start").click()
    await expect(page.locator("#toasts")).to_contain_text("Started")
    await expect(page.locator(".badge").first).to_have_text("running")
    await page.get_by_role("button", name="Stop", exact=True).click()
    await page.get_by_role("dialog").get_by_label("Why").fill("it <b>ended</b>")
    await page.get_by_role("dialog").get_by_role("button", name="Stop", exact=True).click()
    await expect(page.locator(".badge").first).to_have_text("stopped")
    await expect(page.locator("main")).to_contain_text("it <b>ended</b>")
    await page.get_by_role("button", name="Remove").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(page).to_have_url(re.compile("/console/experiments$"))
    await expect(page.locator("#toasts")).to_contain_text("Removed")
    await expect(page.locator("tbody")).not_to_contain_text("waits")


async def test_the_verdict_and_the_intervals_are_those_of_the_reading(
    site: Site, open_page: OpenPage
) -> None:
    page = await open_page(f"{site.address}/experiments/length")
    await expect(page.locator("main")).to_contain_text("bold is better than plain")
    await page.locator("#chart-lift-0 summary").click()
    await expect(page.locator("#chart-lift-0 tbody tr")).to_have_count(9)
    chinese = await open_page(f"{site.address}/experiments/length", language="zh")
    await expect(chinese.locator("main")).to_contain_text("bold 优于 plain")


async def test_a_model_is_retained_and_a_renewal_asked_for(site: Site, open_page: OpenPage) -> None:
    page = await open_page(f"{site.address}/models")
    await page.get_by_role("button", name="Retain renewed-2").click()
    await expect(page.get_by_role("button", name="Release renewed-2")).to_be_visible()
    assert "renewed-2" in await read_retained(site.store)
    await page.locator("#renew").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").get_by_label("Why").fill("new items")
    await page.keyboard.press("Enter")
    await expect(page.locator("#renewal")).to_contain_text("new items")
    await expect(page.locator("#renew")).to_be_disabled()
    await expect(page.locator("#renew")).to_be_focused()
    asked = (await read_renewal(site.store)).asked
    assert asked is not None
    assert asked.because == "new items"
    taken = msgspec.structs.replace(asked, tries=1)
    assert await take_renewal(site.store) == taken
    await end_renewal(site.store, asked.request_id)
    await expect(page.locator("#renew")).to_be_enabled()


async def test_a_page_shows_what_another_one_changed_and_keeps_the_focus(
    site: Site, open_page: OpenPage
) -> None:
    page = await open_page(f"{site.address}/models")
    row = page.locator("#registry tbody tr", has_text="ml-first").first
    await expect(row.locator(".badge.good")).to_have_count(0)
    details = page.locator("tr.more details").first
    await details.locator("summary").click()
    button = page.get_by_role("button", name="Activate renewed-2")
    await button.focus()
    before = await site.store.active_model()
    await site.store.activate("ml-first")
    await expect(row.locator(".badge.good")).to_have_text("active")
    await expect(button).to_be_focused()
    await expect(details).to_have_attribute("open", "")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_contain_text("Activate renewed-2?")
    await page.keyboard.press("Escape")
    await expect(button).to_be_focused()
    assert before is not None
    await site.store.activate(before)


@pytest.mark.parametrize(("text_px", "width"), [(16, 320), (32, PHONE)])
async def test_enlarged_pages_stay_within_the_window(
    site: Site, browser: Browser, text_px: int, width: int
) -> None:
    found = []
    async with enlarged(browser, text_px, width, 256) as page:
        for path in ("", "models", "learner", "experiments/length", "users?id=user-1", "settings"):
            await page.goto(f"{site.address}/{path}")
            size = await page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)")
            assert size == 15 / 16 * text_px
            if (wide := await page.evaluate("document.documentElement.scrollWidth")) > width:
                found.append((path, wide))
        top = await page.locator(".top").evaluate("each => getComputedStyle(each).position")
    assert not found
    assert top == "static", "what stays in sight would hide half of so small a page"


async def test_a_models_numbers_have_room_and_its_buttons_are_in_sight(
    site: Site, open_page: OpenPage
) -> None:
    page = await open_page(f"{site.address}/models")
    await open_all(page)
    widths = await page.locator("tr.more dd").evaluate_all(
        "all => all.map((each) => each.getBoundingClientRect().width)"
    )
    assert min(widths) > 300
    scroll = page.get_by_role("region", name="Registry")
    assert await scroll.evaluate("each => each.scrollWidth <= each.clientWidth")


async def test_a_log_has_room_on_a_phone(site: Site, open_page: OpenPage) -> None:
    page = await open_page(f"{site.address}/experiments/length", width=PHONE)
    await expect(page.locator(".sides [aria-current]")).to_have_text("Experiments")
    width = await page.locator("td.roomy").last.evaluate("each => each.getBoundingClientRect().width")
    assert width >= 200


async def test_an_order_that_no_worker_obeys_is_said(site: Site, open_page: OpenPage) -> None:
    page = await open_page(f"{site.address}/models")
    await page.get_by_role("button", name="Activate other").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Activate other?")
    await dialog.get_by_role("button", name="Activate").click()
    await expect(page.locator("#toasts")).to_contain_text("no worker has confirmed it yet")


async def test_passwords_are_not_shown_and_changes_are(site: Site, open_page: OpenPage) -> None:
    page = await open_page(f"{site.address}/settings?which=changed")
    assert "s3cret" not in await page.content()
    await expect(page.locator("main")).to_contain_text("redis://•••@store:6379/0")
    await expect(page.locator("main")).not_to_contain_text("kafka.partitions")


async def test_another_level_of_the_learner_is_chosen(site: Site, open_page: OpenPage) -> None:
    page = await open_page(f"{site.address}/learner")
    await expect(page.get_by_label("Level")).to_have_value("global")
    await page.locator("#chart-weights summary").click()
    await expect(page.locator("#chart-weights tbody tr").first).to_contain_text("%")
    await page.locator("#chart-loss summary").click()
    rows = page.locator("#chart-loss tbody tr")
    await expect(rows).to_have_count(39)  # of 40 points: before the first lesson there is no loss


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_word_of_state_has_a_text(language: str) -> None:
    t = texts("zh" if language == "zh" else "en")
    for state in ("declared", "waiting", "running", "over", "stopped", "shipped"):
        assert t(f"console.state.{state}")
    for outcome in ("promoted", "kept", "ordered", "waiting", "no_model", "failed"):
        assert t(f"console.js.models.outcome.{outcome}")
