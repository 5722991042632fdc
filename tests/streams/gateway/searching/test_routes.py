"""Search over HTTP: what is found, what is understood, and that nothing that anybody types is an error."""

from __future__ import annotations

import asyncio
from typing import Any

from streams.events.schema import Impression
from tests.streams.gateway.searching.conftest import Stocked, announce, found, until
from tests.streams.search.catalogue import SHOP, Goods
from tests.streams.worker.conftest import NOW_MS

ODD = [
    "🎸", "x" * 10_240, "耳机 " * 3_000, "the of and", '"guitar', "(guitar OR", "title:guitar^2 AND -strap",
    "*", "\\", "/v1/../", "%", "a\u0000b", "under", "under under 50", "0", "٣٤", "\u202egnirts", " ", "()",
]  # fmt: skip


async def test_it_finds_by_words_in_any_language(stocked: Stocked) -> None:
    async with stocked() as site:
        assert (await found(site, q="leather guitar strap"))[0] == "shop-0"
        assert (await found(site, q="蓝牙耳机"))[0] == "shop-4"
        assert (await found(site, q="鞋"))[0] == "shop-3"
        assert (await found(site, q="กีตาร์"))[0] == "shop-7"
        assert (await found(site, q="gutar strp under 10")) == ["shop-1"]
        assert await found(site, q="xyzzy") == []


async def test_an_answer_says_what_was_understood(stocked: Stocked) -> None:
    async with stocked() as site:
        answer = (await site.http.get("/v1/search", params={"q": "sony hedphones under 50"})).json()
        understood = answer["understood"]
        assert understood["corrected"] == "sony headphones"
        assert (understood["price_from"], understood["price_to"]) == (None, 50.0)
        assert {each["kind"] for each in understood["names"]} == {"maker", "category"}
        assert answer["items"][0]["item_id"] == "shop-6"
        assert answer["query"] == "sony hedphones under 50"


async def test_scores_are_the_sums_of_their_contributions(stocked: Stocked) -> None:
    async with stocked() as site:
        body = {"q": "guitar strap", "user_id": "u1", "explain": True}
        answer = (await site.http.post("/v1/search", json=body)).json()
        assert len(answer["items"]) >= 3
        for item in answer["items"]:
            parts = {each["name"]: each["value"] for each in item["contributions"]}
            assert abs(sum(parts.values()) - item["score"]) < 1e-9
            assert item["source"] in ("words", "meaning", "named", "price")
            assert "words" in parts
        assert any("model" in [each["name"] for each in item["contributions"]] for item in answer["items"])
        slate = (await site.http.get(f"/v1/slates/{answer['slate_id']}")).json()
        assert [item["item_id"] for item in slate["items"]] == [item["item_id"] for item in answer["items"]]


async def test_filters(stocked: Stocked) -> None:
    async with stocked() as site:
        assert await found(site, q="guitar", categories="Strings") == ["shop-2"]
        assert set(await found(site, q="guitar strap", price_to=10)) == {"shop-1"}
        assert set(await found(site, q="headphones", attributes="brand:Sony")) == {"shop-5", "shop-6"}
        assert "shop-0" not in await found(site, q="guitar strap", exclude="shop-0")
        await announce(site.desk, 0, SHOP[0]._replace(available=False), ts=NOW_MS + 1)
        await until(lambda: not site.ranker.live.recommender.catalog.available[24])  # type: ignore[union-attr]
        assert "shop-0" not in await found(site, q="leather guitar strap")
        assert "shop-0" in await found(site, q="leather guitar strap", available=False)


async def test_pages_are_of_one_search(stocked: Stocked) -> None:
    async with stocked() as site:
        whole = await found(site, q="guitar headphones", n=20)
        assert len(whole) >= 4
        paged: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            asked = {"cursor": cursor} if cursor else {"q": "guitar headphones"}
            answer = (await site.http.get("/v1/search", params={"n": 2, **asked})).json()
            paged += [item["item_id"] for item in answer["items"]]
            assert answer["query"] == "guitar headphones"
            cursor = answer["cursor"]
        assert paged == whole
        gone = await site.http.get("/v1/search", params={"cursor": f"{'0' * 24}.2"})
        assert (gone.status_code, gone.json()["reason"]) == (400, "wrong_cursor")
        mixed = await site.http.get("/v1/search", params={"cursor": f"{'0' * 24}.2", "q": "x"})
        assert mixed.status_code == 400


async def test_an_impression_tells_what_was_shown_to_whom(stocked: Stocked) -> None:
    async with stocked() as site:
        answer = (await site.http.get("/v1/search", params={"q": "guitar", "user_id": "u1", "n": 2})).json()
        await found(site, q="guitar", user_id="u1", impression=False)
        await found(site, q="guitar")
        # They are written in their order: what should not come would come before this one.
        last = (await site.http.get("/v1/search", params={"q": "guitar", "user_id": "u2", "n": 2})).json()
        await until(lambda: len(site.sink.delivered) >= 2)
        shown = [each for each in site.sink.delivered if isinstance(each, Impression)]
        assert [each.slate_id for each in shown] == [answer["slate_id"], last["slate_id"]]
        assert (shown[0].user_id, shown[0].surface) == ("u1", "search")
        assert shown[0].items == [item["item_id"] for item in answer["items"]]


async def test_an_empty_query_is_the_feed_within_the_filter(stocked: Stocked) -> None:
    async with stocked() as site:
        assert await found(site, user_id="u1")
        assert set(await found(site, categories="Headphones", user_id="u1")) == {"shop-5", "shop-6"}
        assert set(await found(site, q="under 10")) == {"shop-1", "shop-9"}


async def test_odd_queries_are_answered(stocked: Stocked) -> None:
    async with stocked() as site:
        for query in ODD:
            for path in ("/v1/search", "/v1/suggest"):
                answer = await site.http.get(path, params={"q": query})
                assert answer.status_code == 200, (query[:20], answer.text)
            posted = await site.http.post("/v1/search", json={"q": query, "user_id": "u1"})
            assert posted.status_code == 200, (query[:20], posted.text)


async def test_what_can_not_be_asked_is_refused_with_what_to_do(stocked: Stocked) -> None:
    async with stocked() as site:
        wrong: list[dict[str, Any]] = [
            {"q": "x", "foo": 1}, {"n": 0}, {"n": 101}, {"q": ["a", "b"]}, {"user_id": "a", "session": "b"},
            {"price_from": 5, "price_to": 1}, {"attributes": "("}, {"cursor": "x"}, {"user_id": ""},
        ]  # fmt: skip
        for asked in wrong:
            answer = await site.http.get("/v1/search", params=asked)
            assert answer.status_code == 400, (asked, answer.text)
            assert answer.json()["remedy"]
        for body, status in (("{", 400), ('{"q": 5}', 422), ('{"query": "x"}', 422)):
            assert (await site.http.post("/v1/search", content=body)).status_code == status
        assert (await site.http.get("/v1/suggest", params={"n": 51})).status_code == 400


async def test_suggestions(stocked: Stocked) -> None:
    async with stocked() as site:
        answer = (await site.http.get("/v1/suggest", params={"q": "leather gui"})).json()
        assert {"text": "Leather guitar strap", "kind": "item", "item_id": "shop-0"} in answer["completions"]
        assert answer["corrected"] is None
        for user in ("a", "b", "c"):
            await found(site, q="guitar strap nylon", user_id=user)
        texts = (await site.http.get("/v1/suggest", params={"q": "guitar st"})).json()["completions"]
        assert {"text": "guitar strap nylon", "kind": "query", "item_id": None} in texts


async def test_the_index_is_made_anew_by_order(stocked: Stocked) -> None:
    async with stocked() as site:
        items = site.ranker.items
        assert items is not None
        before = items.index
        answer = await site.http.post("http://127.0.0.1/v1/admin/search/rebuild")
        assert (answer.status_code, answer.json()) == (200, {"items": len(SHOP)})
        assert items.index is not before
        assert (await found(site, q="蓝牙耳机"))[0] == "shop-4"
        await announce(site.desk, 40, Goods("Brand new kazoo"))
        await until(lambda: items.index.words.frequency("kazoo"))
        assert await found(site, q="kazoo") == ["shop-40"]


async def test_more_than_may_wait_is_refused(stocked: Stocked) -> None:
    async with stocked(ranker={"queue_max": 1}) as site:
        asked = [site.http.get("/v1/search", params={"q": "guitar"}) for _ in range(8)]
        answers = await asyncio.gather(*asked)
        refused = [each for each in answers if each.status_code == 503]
        assert any(each.status_code == 200 for each in answers)
        assert refused
        assert {each.json()["reason"] for each in refused} == {"busy"}
        assert all(each.headers["retry-after"] for each in refused)
        assert (await found(site, q="leather strap"))[0] == "shop-0"


async def test_without_an_index_the_answer_says_so(stocked: Stocked, site: Stocked) -> None:
    async with site(search={"enabled": False}) as bare:
        answer = await bare.http.get("/v1/search", params={"q": "x"})
        assert (answer.status_code, answer.json()["reason"]) == (503, "no_search")
