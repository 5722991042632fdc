"""The demo application in a real browser, over a store in memory: acts are applied and feeds come at once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from streams.events.schema import Click, Impression, Review
from tests.browser.accessibility import violations
from tests.browser.conftest import PHONE, EachLook, OpenPage
from tests.browser.demo_stage import FILMS, Stage, stage

PLACES = 12


@pytest.fixture(scope="module")
def demo() -> Iterator[Stage]:
    with stage() as made:
        yield made


async def loaded(page: Page) -> None:
    await expect(places(page)).to_have_count(PLACES)
    await expect(page.locator("#trending .place").first).to_be_visible()


def places(page: Page) -> Locator:
    return page.locator("#feed .place:not([data-leaving])")


async def keys(page: Page) -> list[str]:
    found: list[str] = await places(page).evaluate_all("all => all.map((each) => each.dataset.key)")
    return found


def title_of(key: str) -> str:
    return FILMS[int(key.removeprefix("f"))][0]


async def opened(open_page: OpenPage, demo: Stage, **more: Any) -> Page:
    page = await open_page(demo.address, **more)
    await loaded(page)
    demo.sink.delivered.clear()
    return page


async def act(page: Page, part: str, place: int = 0) -> str:
    """Press a button of a place; the key of its item."""
    card = places(page).nth(place)
    key = await card.get_attribute("data-key")
    assert key is not None
    await card.locator(f"[data-part={part}]").focus()
    await page.keyboard.press("Enter")
    return key


async def test_it_looks_right_in_every_way(demo: Stage, each_look: EachLook) -> None:
    await each_look(demo.address, "demo-cold", loaded)


async def test_a_phone_leads_to_the_console_too(demo: Stage, open_page: OpenPage) -> None:
    page = await open_page(demo.address, width=PHONE)
    await expect(page.locator("#history .figures"), "nothing is measured yet").to_be_hidden()
    await page.get_by_role("link", name="Open the console").click()
    await expect(page.locator("h1")).to_have_text("Overview")
    await page.get_by_role("link", name="Demo", exact=True).click()
    await expect(page.locator("h1")).to_have_text("Click something. Watch the feed move.")


async def test_what_opens_on_it_looks_right_too(demo: Stage, each_look: EachLook) -> None:
    async def explained(page: Page) -> None:
        await loaded(page)
        await act(page, "open", 1)
        await expect(page.locator("#feed .took")).to_be_visible()
        await act(page, "why", 2)
        await page.locator("#details summary").click()
        await page.locator("#compare").click()
        await expect(page.locator("#arms .place").nth(12)).to_be_visible()

    await each_look(demo.address, "demo-explained", explained)


async def test_a_system_without_items_says_what_to_do(each_look: EachLook) -> None:
    with stage(items=False, experiment=False) as empty:
        base = empty.address.removesuffix("/demo")

        async def waited(page: Page) -> None:
            await expect(page.locator("#feed[data-feed=empty] pre")).to_contain_text(f"{base}/v1/items")
            await expect(page.locator("#trending")).to_be_hidden()

        await each_look(empty.address, "demo-empty", waited)


async def test_a_click_is_sent_as_an_app_would_and_the_feed_moves(demo: Stage, open_page: OpenPage) -> None:
    page = await open_page(demo.address)
    await loaded(page)
    key = await act(page, "open", 2)
    await expect(page.locator(f"#feed [data-key={key}]")).to_have_count(0)
    await expect(page.locator("#feed .took")).to_have_text(re.compile(r"on screen [\d,.]+ ms after your act"))
    event = demo.events[-1]
    assert isinstance(event, Click)
    assert (event.item_id, event.action, event.position, event.surface) == (key, "click", 2, None)
    assert event.user_id.startswith("visitor-")
    shown = [each for each in demo.sink.delivered if isinstance(each, Impression)]
    answered = next(
        each for each in shown if each.slate_id == event.slate_id
    )  # what was seen counts as shown
    assert (answered.user_id, answered.items[2]) == (event.user_id, key)
    first = places(page).first
    await expect(first.locator(".made")).to_have_text(re.compile(r"\d ms"))
    await expect(page.locator("#said")).to_have_text(
        re.compile(r"The feed changed .* ms after your act: \d+ items")
    )
    await expect(page.locator("#history .median")).to_have_text(re.compile(r"[\d,.]+ ms"))
    await expect(page.locator("#history ol li")).to_have_text([re.compile(rf"Opened {title_of(key)}.* ms")])
    await expect(page.locator("#history .bars .bar")).to_have_count(1)


async def test_what_was_disliked_leaves_and_stays_away(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo)
    key = await act(page, "dislike", 0)
    await expect(page.locator(f"#feed [data-key={key}]")).to_have_count(0)
    await act(page, "open", 0)
    await expect(page.locator("#history ol li")).to_have_count(2)
    assert key not in await keys(page)
    assert [each.action for each in demo.events if isinstance(each, Click)] == ["dislike", "click"]


async def test_stars_and_words_are_a_review(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo)
    key = await act(page, "open", 0)
    details = page.locator("#details")
    await details.get_by_role("button", name="Send").click()  # says nothing yet, so nothing is sent
    await details.locator("label[for=star-4]").click()
    await expect(details.get_by_role("radio", name="4 of 5")).to_be_checked()
    await details.get_by_label("Your review").fill("水车很美, and quiet.")
    await details.get_by_role("button", name="Send").click()
    await expect(page.locator("#history ol li")).to_have_count(2)
    await expect(page.locator("#history ol li").first).to_have_text(re.compile(r"Reviewed .* ms"))
    (review,) = [each for each in demo.events if isinstance(each, Review)]
    assert (review.item_id, review.rating, review.text) == (key, 4.0, "水车很美, and quiet.")


async def test_a_search_completes_by_keyboard_and_finds_in_chinese(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo)
    field = page.get_by_role("combobox", name="Search in any language")
    await field.fill("流浪")
    option = page.get_by_role("option")
    await expect(option.first).to_contain_text("流浪的水车")
    await field.press("ArrowDown")
    await expect(option.first).to_have_attribute("aria-selected", "true")
    await expect(field).to_have_attribute("aria-activedescendant", "completion-0")
    await field.press("Escape")
    await expect(page.get_by_role("listbox")).to_have_count(0)
    await field.fill("水车")
    await field.press("Enter")
    found = page.locator("#found .place")
    await expect(found.first).to_have_attribute("data-key", "f2")
    await expect(page.locator("#found h2")).to_have_text("Found for “水车”")
    await found.first.locator("[data-part=open]").click()
    await expect(page.locator("#details h2")).to_have_text("流浪的水车")
    await expect(page.locator("#history ol li")).to_have_count(1)
    (event,) = demo.events
    assert isinstance(event, Click)
    assert (event.query, event.surface, event.position) == ("水车", "search", 0)


async def test_a_search_says_what_it_read_of_prices(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo)
    field = page.get_by_role("combobox", name="Search in any language")
    for text, told in (
        ("millrace 二十以内", "Priced at 20.00 at most."),
        ("millrace 十到二十元", "Priced from 10.00 to 20.00."),
        ("millrace 10元以上", "Priced at 10.00 at least."),
        ("millrace 5元以下", "Nothing has this price, so other prices are shown."),
    ):
        await field.fill(text)
        await field.press("Enter")
        await expect(page.locator("#found")).to_contain_text(told)
        await expect(page.locator("#found .place").first).to_have_attribute("data-key", "f4")


async def test_a_category_is_a_feed_of_its_own(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo)
    chip = page.locator("#categories").get_by_role("button", name="Thriller")
    await chip.click()
    await expect(chip).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#found h2")).to_have_text("Thriller, for you")
    shown = await page.locator("#found .place").evaluate_all("all => all.map((each) => each.dataset.key)")
    assert shown
    assert all("Thriller" in FILMS[int(key[1:])][1:] for key in shown)
    await chip.click()
    await expect(page.locator("#found")).to_be_hidden()


async def test_what_was_found_is_narrowed_and_put_in_another_order(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo)
    await page.get_by_role("combobox", name="Search in any language").fill("water film")
    await page.keyboard.press("Enter")
    facet = page.locator("#found").get_by_role("group", name="Category")
    chip = facet.get_by_role("button", name=re.compile("^Animation, "))
    told = int((await chip.locator("small").text_content()) or "")
    await chip.focus()
    await page.keyboard.press("Enter")
    await expect(chip).to_have_attribute("aria-pressed", "true")
    await expect(chip, "the focus stays where it was").to_be_focused()
    assert await facet.get_by_role("button").count() > 1, "the others can still be chosen"
    await page.get_by_label("Order").select_option("newest")
    await expect(page.locator("#found .told")).to_have_text(f"{told} items.")
    found = page.locator("#found .place:not([data-leaving])")
    await expect(found).to_have_count(told)
    shown = await found.evaluate_all("all => all.map((each) => each.dataset.key)")
    assert all("Animation" in FILMS[int(key[1:])][1:] for key in shown)
    await expect(found.first.locator(".reason")).to_be_empty()
    await page.locator("#found-close").click()
    await page.locator("#categories").get_by_role("button", name="Drama").click()
    await page.get_by_label("Order").select_option("price:desc")
    await expect(found.first.locator(".about")).to_contain_text("9.50")
    await expect(page.locator("#found h2")).to_have_text("Drama")


async def test_two_arms_stand_side_by_side_and_count_for_nobody(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo)
    compare = page.get_by_role("button", name="Two arms side by side")
    await compare.click()
    sides = page.locator("#arms .side")
    await expect(sides.nth(0).locator("select")).to_have_value("ranking=new")
    await expect(sides.nth(1).locator("select")).to_have_value("ranking=all")
    await expect(sides.nth(0).locator(".place")).to_have_count(10)
    await expect(page.locator("#arms .overlap")).to_have_text(re.compile(r"\d+ of 10 items are in both\."))
    key = await act(page, "dislike", 0)
    await expect(page.locator(f"#arms [data-key={key}]:not([data-leaving])")).to_have_count(0)
    await sides.nth(1).locator("select").select_option("ranking=new")
    await expect(page.locator("#arms .overlap")).to_have_text("10 of 10 items are in both.")
    shown = [each for each in demo.sink.delivered if isinstance(each, Impression)]
    assert all(each.arm == "default" for each in shown)
    await sides.nth(0).locator("[data-part=open]").first.click()
    await expect(page.locator("#history ol li")).to_have_count(2)
    click = demo.events[-1]
    assert isinstance(click, Click)
    assert (click.surface, click.slate_id, click.position) == ("compare", None, None)
    await compare.click()
    await expect(page.locator("#arms")).to_be_hidden()


async def test_why_is_told_in_words_and_its_numbers_are_exact(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo)
    await act(page, "open", 0)
    await expect(page.locator("#feed .took")).to_be_visible()
    await act(page, "why", 1)
    why = page.locator("#details .why")
    await expect(why.locator("p").first).to_have_text(re.compile("No model scores here|It was found by"))
    await why.locator("summary").click()
    cells = await why.locator("tr").evaluate_all(
        "all => all.map((row) => [row.cells[0].textContent, row.cells[1].textContent])"
    )
    numbers = {name: float(value.replace(",", "")) for name, value in cells}
    assert numbers.pop("Score") == pytest.approx(
        sum(v for k, v in numbers.items() if not k.startswith("Without"))
    )


async def test_no_feed_for_two_seconds_is_said_and_taken_back(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo)
    late = page.locator("#late")
    await expect(late).to_be_hidden()
    demo.sink.works = False
    try:
        await act(page, "open", 0)
        await expect(late).to_be_visible()
        await expect(late).to_contain_text("no new feed has come")
    finally:
        demo.sink.works = True
    await act(page, "open", 1)  # the worker applies both
    await expect(late).to_be_hidden()
    await expect(page.locator("#feed .took")).to_be_visible()


async def test_what_the_gateway_refuses_is_told(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo, allowed=("status of 503",))
    demo.sink.confirms = 0
    try:
        await act(page, "open", 0)
        await expect(page.locator(".toast.bad")).to_contain_text("503")
        await expect(page.locator("#history ol li")).to_have_attribute("data-state", "failed")
    finally:
        demo.sink.confirms = 1_000_000


async def test_offline_is_said(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo, allowed=("ERR_INTERNET_DISCONNECTED",))
    await page.context.set_offline(True)
    await expect(page.locator("#offline")).to_be_visible()
    await page.context.set_offline(False)
    await expect(page.locator("#offline")).to_be_hidden()


FOCUSED = """() => {
  const all = [...document.querySelectorAll('#feed .place:not([data-leaving])')];
  return all.indexOf(document.activeElement.closest('.place'));
}"""
"""The place that has the focus."""


async def test_the_focus_goes_along(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo)
    await act(page, "dislike", 3)
    await expect(page.locator("#feed .took")).to_be_visible()
    assert await page.evaluate(FOCUSED) == 3  # the one that took its place
    assert await page.evaluate("document.activeElement.dataset.part") == "dislike"
    await act(page, "why", 5)
    await expect(page.locator("#details h2")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#details")).to_be_hidden()
    assert await page.evaluate(FOCUSED) == 5


WATCH_MOTION = """() => {
  globalThis.most = 0;
  const list = document.querySelector('#feed ol');
  const isPlace = (each) => each.effect.target.matches('.place');
  const moving = () => list.getAnimations({subtree: true}).filter(isPlace).length;
  const look = () => { globalThis.most = Math.max(globalThis.most, moving()); };
  new MutationObserver(() => requestAnimationFrame(look)).observe(list, {childList: true});
}"""
"""Counts the places that move at once, at most."""


async def test_who_asks_for_less_motion_gets_none(demo: Stage, open_page: OpenPage) -> None:
    for still in (False, True):
        page = await opened(open_page, demo, reduced_motion="reduce" if still else "no-preference")
        await page.evaluate(WATCH_MOTION)
        await act(page, "dislike", 0)
        await expect(page.locator("#feed .took")).to_be_visible()
        assert (await page.evaluate("globalThis.most") == 0) == still


async def test_a_visitor_stays_and_another_begins_cold(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo)
    await expect(page.locator("#feed")).to_have_attribute("data-feed", "cold")
    name = await page.locator("#visitor").inner_text()
    await act(page, "open", 0)
    await expect(page.locator("#feed")).to_have_attribute("data-feed", "own")
    await page.reload()
    await loaded(page)
    await expect(page.locator("#visitor")).to_have_text(name)
    await expect(page.locator("#feed")).to_have_attribute("data-feed", "own")
    await page.locator("#visitor").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="User u1")).to_contain_text("30 · miller")
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Be a new visitor").click()
    await expect(page.locator("#feed")).to_have_attribute("data-feed", "cold")
    assert await page.locator("#visitor").inner_text() != name
    await page.goto(f"{demo.address}?user=u1")
    await expect(page.locator("#visitor")).to_have_text("User u1")


async def test_each_tab_keeps_its_visitor(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo)
    visitor = await page.locator("#visitor").inner_text()
    other = await page.context.new_page()
    await other.goto(demo.address)
    await expect(other.locator("#visitor")).to_have_text(visitor)  # until another one is chosen
    await other.locator("#visitor").click()
    await other.get_by_role("dialog").get_by_role("button", name="User u1").click()
    await expect(other.locator("#visitor")).to_have_text("User u1")
    assert other.url.endswith("?user=u1")
    await page.reload()
    await expect(page.locator("#visitor")).to_have_text(visitor)
    await other.go_back()
    await expect(other.locator("#visitor")).to_have_text(visitor)
    await other.go_forward()
    await other.get_by_role("link", name="中文").click()
    await expect(other.locator("#visitor")).to_have_text("用户 u1")
    await act(page, "open", 0)
    await expect(page.locator("#history ol li")).to_have_count(1)
    await page.get_by_role("link", name="Skip to the content").press("Enter")
    # A step within the page is none to another visitor.
    await expect(page.locator("#history ol li")).to_have_count(1)


async def test_without_storage_a_step_within_the_page_keeps_the_visitor(
    demo: Stage, open_page: OpenPage
) -> None:
    page = await opened(open_page, demo)
    await page.add_init_script("Storage.prototype.getItem = () => { throw new Error('off') }")
    await page.reload()
    await loaded(page)
    visitor = await page.locator("#visitor").inner_text()
    await page.get_by_role("link", name="Skip to the content").press("Enter")
    await page.wait_for_url("**#main")
    await act(page, "open", 0)
    await expect(page.locator("#visitor")).to_have_text(visitor)


DIFFERENT = """() => {
  const drawn = [...document.querySelectorAll('#feed .cover > svg')];
  return new Set(drawn.map((each) => each.innerHTML.replace(/cover-\\d+/g, ''))).size;
}"""
"""How many covers of the feed differ from all others."""


async def test_covers_are_drawn_here_and_always_the_same(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo)
    await expect(page.locator(".cover > img")).to_have_count(0)
    draw = "document.querySelector('#trending [data-key={key}] svg').innerHTML.replace(/cover-\\d+/g, '')"
    key = await page.locator("#trending .place").first.get_attribute("data-key")
    before = await page.evaluate(draw.format(key=key))
    others = await page.evaluate(DIFFERENT)
    await page.reload()
    await loaded(page)
    assert await page.evaluate(draw.format(key=key)) == before
    assert others == PLACES


MODULE = "import('{base}/{name}')"


async def module(page: Page, name: str) -> str:
    main: str = await page.evaluate("document.querySelector('script[src*=\"demo/main\"]').src")
    return MODULE.format(base=main.rpartition("/")[0], name=name)


async def test_latencies_are_measured_by_the_pages_own_clock(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo)
    latency = await module(page, "latency.js")
    offsets = await page.evaluate(
        f"{latency}.then(({{ clockOffset }}) => [110, 5_110, -390].map((at) => clockOffset(100, 120, at)))"
    )
    assert offsets == [0, 5_000, -500]
    sample = await page.evaluate(
        f"""{latency}.then(({{ Latencies }}) => {{
          const all = new Latencies();
          all.began('a', 1000, 'first');
          all.began('b', 1010, 'second');
          all.began('c', 1020, 'third');
          all.accepted('b', 1018);
          const feed = {{ cause: 'b', times: {{ accepted: 7014, made: 7024 }} }};
          const strange = all.ledTo({{ cause: 'x', times: {{}} }}, 2000).length;
          const acts = all.ledTo(feed, 2000);
          const sample = all.note(acts.at(-1), feed, 1030, 1040);
          const late = all.late(5, 1030).length;
          const waited = all.ledTo({{ cause: 'x', times: {{}} }}, 4000);
          return [strange, acts.map((each) => each.id), sample, late, waited.map((each) => each.id)];
        }})"""
    )
    # 7014 is the middle between 1010 and 1018 by a clock that is 6000 ahead.
    second = {"what": "second", "accepted": 4, "made": 14, "arrived": 20, "seen": 30}
    assert sample == [0, ["a", "b"], second, 1, ["c"]]


async def test_of_two_clicks_at_once_both_are_measured(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo)
    demo.sink.works = False
    try:
        await act(page, "dislike", 0)
        await act(page, "dislike", 1)
        await expect(page.locator("#history ol li[data-state=accepted]")).to_have_count(2)
    finally:
        demo.sink.works = True
    await act(page, "dislike", 2)  # all three are one batch
    await expect(page.locator("#history ol li[data-state=seen]")).to_have_count(3)
    await expect(page.locator("#history .bars .bar")).to_have_count(3)


async def test_a_feed_does_not_wait_for_titles_that_come_late(demo: Stage, open_page: OpenPage) -> None:
    page = await opened(open_page, demo)
    held = asyncio.Event()

    async def late(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await page.route("**/demo/items", late)
    await page.reload()
    await expect(places(page)).to_have_count(PLACES)
    await expect(places(page).first.locator(".title")).to_have_text(re.compile(r"^f\d+$"))
    held.set()
    first = (await keys(page))[0]
    await expect(places(page).first.locator(".title")).to_have_text(title_of(first))
    await expect(places(page).first.locator("[data-part=dislike]")).to_have_accessible_name(
        f"{title_of(first)} is not for me"
    )
