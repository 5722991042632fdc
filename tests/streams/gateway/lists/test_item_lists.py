"""Trending, popular, latest and similar items over HTTP: what the core has, by ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np
import pytest
from litestar.testing import TestClient

from model.errors import StoreUnavailableError
from streams.events.schema import Impression, Item
from streams.gateway.hot_routes import Gateway
from streams.ranking.lists.page import MOST
from streams.state import user_state_codec
from tests.connected.events_on_kafka import eventually
from tests.streams.gateway.ranking.conftest import Opened, Site
from tests.streams.worker.conftest import NOW_MS, click, message

LISTS = "trending", "popular", "latest"
PATHS = [*(f"/v1/{name}" for name in LISTS), "/v1/items/item-3/similar"]


async def read(site: Site, path: str, **asked: Any) -> Any:
    answer = await site.http.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ids(site: Site, path: str, **asked: Any) -> list[str]:
    return [item["item_id"] for item in (await read(site, path, **asked))["items"]]


async def refused(site: Site, path: str, **asked: Any) -> tuple[int, str]:
    answer = await site.http.get(path, params=asked)
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["expected"]
    assert body["remedy"]
    return answer.status_code, body["reason"]


def announced(n: int, item: str, **more: Any) -> Any:
    return message(Item(event_id=f"item-{n}", ts=NOW_MS, item_id=item, **more), n)


async def followed(site: Site, items: int) -> None:
    """Until the ranker knows so many items by their announcements."""

    async def known() -> bool:
        found = await site.ranker.ask(
            lambda core: (core.catalog.announced_ms[: len(core.catalog)] >= 0).sum()
        )
        return bool(found >= items)

    await eventually(known)


@pytest.mark.parametrize("path", PATHS)
async def test_pages_follow_each_other_to_the_end(site: Opened, path: str) -> None:
    async with site() as here:
        whole = await ids(here, path, n=MOST)
        pages: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await read(here, path, n=5, **({"cursor": cursor} if cursor else {}))
            cursor = page["cursor"]
            assert len(page["items"]) == 5 or cursor is None
            pages += [item["item_id"] for item in page["items"]]
    assert pages == whole
    assert len(whole) == len(set(whole)) == (7 if "similar" in path else 24), "a user met every third item"


async def test_an_item_says_how_and_why_it_is_there(site: Opened) -> None:
    async with site() as here:
        trending = await read(here, "/v1/trending", n=1)
        latest = await read(here, "/v1/latest", n=1)
        similar = await read(here, "/v1/items/item-3/similar", by="behaviour", n=1)
    popular = {"kind": "popular", "item_id": None, "text": None}
    assert trending["items"][0] == {
        "item_id": "item-0", "score": pytest.approx(3.0, abs=0.001), "source": "trending", "reason": popular
    }  # fmt: skip
    assert latest["items"][0]["reason"]["kind"] == "new"
    assert latest["items"][0]["score"] == NOW_MS
    (item,) = similar["items"]
    assert (item["source"], item["reason"]["kind"], item["reason"]["item_id"]) == (
        "together",
        "with",
        "item-3",
    )
    assert item["score"] > 0.0
    assert (similar["item_id"], similar["by"], similar["user_id"]) == ("item-3", "behaviour", None)


async def test_filters_and_withdrawn_items(site: Opened) -> None:
    async with site() as here:
        await here.desk.take(
            announced(0, "item-6", categories=["drums"], tags=["new", "loud"], price=5.0),
            announced(1, "item-9", categories=["drums", "rock"], tags=["loud"], price=9.0),
            announced(2, "item-12", categories=["harps"], attributes={"colour": "red:ish"}),
            announced(3, "item-15", categories=["drums"], available=False),
        )
        await followed(here, 4)
        for path in PATHS:
            assert set(await ids(here, path, categories="drums")) == {"item-6", "item-9"}
            assert set(await ids(here, path, categories=["rock", "harps"])) == {"item-9", "item-12"}
            assert await ids(here, path, tags=["loud", "new"]) == ["item-6"]
            assert await ids(here, path, attributes='colour:"red:ish"') == ["item-12"]
            assert await ids(here, path, price_from=6) == ["item-9"]
            assert await ids(here, path, price_from=5, price_to=5) == ["item-6"]
            assert await ids(here, path, categories="none such") == []
            assert "item-15" not in await ids(here, path, n=MOST)
        assert await ids(here, "/v1/items/item-15/similar", n=3), "an item that is sold out has similar ones"


@pytest.mark.parametrize("path", PATHS)
async def test_what_cannot_be_asked_is_refused(site: Opened, path: str) -> None:
    async with site() as here:
        cursor = (await read(here, path, n=2))["cursor"]
        for bad in (
            "n=0",
            "n=201",
            "n=x",
            "n=1.5",
            "price_from=-1",
            "price_from=nan",
            "price_to=inf",
            "price_to=x",
        ):
            name, _, value = bad.partition("=")
            assert (await refused(here, path, **{name: value}))[0] == 400, bad
        assert await refused(here, path, price_from=2, price_to=1) == (422, "bad_request")
        assert await refused(here, path, categories="") == (422, "bad_request")
        assert await refused(here, path, n=[1, 2]) == (400, "repeated_parameter")
        assert await refused(here, path, categories="c" * 257) == (400, "out_of_range")
        assert await refused(here, path, attributes="colour") == (400, "wrong_expression")
        assert await refused(here, path, category="drums") == (400, "unknown_parameter")
        assert await refused(here, path, cursor="x") == (422, "bad_request")
        assert await refused(here, path, cursor=cursor, tags="other") == (422, "bad_request")
        for other in PATHS:
            if other != path:
                assert await refused(here, other, cursor=cursor) == (422, "bad_request")


async def test_an_item_that_nobody_knows(site: Opened) -> None:
    async with site() as here:
        assert await refused(here, "/v1/items/nowhere/similar") == (404, "unknown_item")
        assert await refused(here, "/v1/items/nowhere/similar", user_id="u1") == (404, "unknown_item")
        assert await refused(here, "/v1/items/item-3/similar", by="magic") == (400, "bad_request")


async def test_for_a_user_it_is_in_the_order_of_their_slate(site: Opened) -> None:
    async with site() as here:
        plain = await read(here, "/v1/items/item-3/similar", n=MOST)
        assert await refused(here, "/v1/items/item-3/similar", user_id="u" * 129) == (400, "bad_request")
        mine = await read(here, "/v1/items/item-3/similar", user_id="stranger", n=MOST)
        order = [item["item_id"] for item in mine["items"]]
        assert sorted(order) == sorted(item["item_id"] for item in plain["items"])
        assert order != [item["item_id"] for item in plain["items"]]
        scores = [item["score"] for item in mine["items"]]
        assert scores == sorted(scores, reverse=True)
        assert (mine["user_id"], mine["model"], mine["arm"]) == ("stranger", "first", "default")
        reasons = {item["item_id"]: item["reason"] for item in plain["items"]}
        assert {item["item_id"]: item["reason"] for item in mine["items"]} == reasons
        first = await read(here, "/v1/items/item-3/similar", user_id="stranger", n=4, impression=False)
        rest = await read(
            here,
            "/v1/items/item-3/similar",
            user_id="stranger",
            n=MOST,
            cursor=first["cursor"],
            impression=False,
        )
        seen = [item["item_id"] for item in first["items"] + rest["items"]]
        assert sorted(seen) == sorted(order)
    [shown] = here.sink.delivered  # what waited was written when the gateway ended
    assert isinstance(shown, Impression)
    assert (shown.user_id, shown.surface, shown.slate_id) == ("stranger", "similar", mine["slate_id"])
    assert shown.items == order


async def test_what_a_user_has_met_is_not_in_their_list(site: Opened) -> None:
    async with site() as here:
        state = user_state_codec.decode((await here.store.states(["u1"]))[0])
        met = await here.ranker.ask(lambda core: {core.catalog.ids[row] for row in state.items.tolist()})
        page = await read(here, "/v1/items/item-3/similar", user_id="u1", n=MOST)
        everything = await ids(here, "/v1/items/item-3/similar", n=MOST)
    assert {item["item_id"] for item in page["items"]} == set(everything) - met


async def test_a_user_who_has_met_it_all_gets_an_empty_list(site: Opened) -> None:
    async with site() as here:
        await here.desk.take(*(click(60 + n, "glutton", f"item-{n}") for n in range(24)))
        page = await read(here, "/v1/items/item-3/similar", user_id="glutton")
    assert (page["items"], page["cursor"], page["slate_id"]) == ([], None, None)


async def test_lists_follow_the_events(site: Opened) -> None:
    async with site() as here:
        for n in range(12):
            await here.desk.take(
                click(60 + 2 * n, f"new-{n}", "item-20"), click(61 + 2 * n, f"new-{n}", "novelty")
            )

        async def first() -> bool:
            return (await ids(here, "/v1/trending", n=1)) == ["item-20"]

        await eventually(first)
        assert "novelty" in await ids(here, "/v1/items/item-20/similar", by="behaviour", n=MOST)


ODD = [
    *("", " ", "0", "-1", "1e400", "nan", "999999999999999999999", "true", "None", "null", "a" * 5_000),
    *(
        "\x00",
        "é",
        "日本",
        "😀",
        "..",
        "/",
        "%",
        "&",
        "[]",
        "{}",
        "a:b",
        "a:b or",
        "not",
        '"',
        "\\",
    ),
]


@pytest.mark.parametrize("path", [*PATHS, "/v1/items/item-3/similar?user_id=u1", "/v1/users/u1/neighbours"])
async def test_whatever_is_asked_is_answered_or_refused(site: Opened, path: str) -> None:
    names = [
        *("n", "cursor", "categories", "tags", "attributes", "price_from", "price_to", "by", "user_id"),
        *("impression", "other"),
    ]
    rng = np.random.default_rng(7)
    base, _, query = path.partition("?")
    given: list[tuple[str, str]] = [("user_id", "u1")] if query else []
    async with site() as here:
        good = (await read(here, base, n=2))["cursor"] if "neighbours" not in base else "x"
        for _ in range(150):
            asked = [(str(rng.choice(names)), ODD[rng.integers(len(ODD))]) for _ in range(rng.integers(1, 4))]
            asked += [("cursor", good[: rng.integers(len(good))])] * int(rng.integers(2))
            answer = await here.http.get(base, params=httpx.QueryParams([*given, *asked]))
            assert answer.status_code in (200, 400, 404, 422), (asked, answer.text)
            if answer.status_code != 200:
                assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/users/u1/neighbours", "/v1/items/item-3/similar?user_id=u1"])
async def test_a_store_that_is_away_is_said(site: Opened, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(users: Sequence[str]) -> list[bytes | None]:
        raise StoreUnavailableError("no answer")

    async with site() as here:
        monkeypatch.setattr(here.store, "states", away)
        answer = await here.http.get(path)
    assert (answer.status_code, answer.json()["reason"]) == (503, "store_unavailable")
    assert answer.headers["retry-after"]


@pytest.mark.parametrize("path", [*PATHS, "/v1/users/u1/neighbours", "/v1/items/item-3/similar?user_id=u"])
def test_without_a_ranker_it_says_so(client: TestClient[Gateway], path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["reason"]) == (503, "no_ranker")
