"""Facets and orders over HTTP: what is counted, pages in an order, and what of it is logged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from streams.events.schema import Impression
from tests.streams.gateway.ranking.conftest import Site
from tests.streams.gateway.searching.conftest import Stocked, announce, until
from tests.streams.search.catalogue import SHOP, Goods
from tests.streams.worker.conftest import NOW_MS

CABLES = [
    Goods(
        f"Guitar cable {k} m", ("Fender", "Planet")[k % 2],
        [f"Music > Cables > {'Long' if k > 9 else 'Short'}"], None if k % 5 == 0 else float(k * 7 % 13),
    )
    for k in range(20)
]  # fmt: skip


async def answered(site: Site, **asked: Any) -> dict[str, Any]:
    answer = await site.http.get("/v1/search", params=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def paged(site: Site, n: int, **asked: Any) -> list[dict[str, Any]]:
    """All places, page by page."""
    answer = await answered(site, n=n, **asked)
    places: list[dict[str, Any]] = answer["items"]
    cursor = answer["cursor"]
    while cursor is not None:
        answer = await answered(site, n=n, cursor=cursor)
        assert (answer["total"], answer["facets"]) == (None, [])
        places, cursor = places + answer["items"], answer["cursor"]
    return places


@pytest.fixture
def cables(stocked: Stocked) -> Stocked:
    """The shop with many cables, one later than the other."""

    @asynccontextmanager
    async def opened(**sections: object) -> AsyncIterator[Site]:
        async with stocked(**sections) as site:
            for k, each in enumerate(CABLES):
                await announce(site.desk, len(SHOP) + k, each, ts=NOW_MS + 10 * k)
            items = site.ranker.items
            assert items is not None
            await until(lambda: items.index.committed >= len(SHOP) + len(CABLES))
            yield site

    return opened


def facet(answer: dict[str, Any], field: str) -> dict[str, int]:
    (its,) = [each for each in answer["facets"] if each["field"] == field]
    return {each["value"]: each["count"] for each in its["values"]}


async def test_facets_count_all_that_has_the_words(cables: Stocked) -> None:
    async with cables() as site:
        answer = await answered(
            site, q="guitar cable", n=3, facets=["categories", "attributes.brand", "price"]
        )
        assert (answer["total"], answer["exact"], answer["matched_by"]) == (20, True, "words")
        assert len(answer["items"]) == 3
        assert facet(answer, "attributes.brand") == {"Fender": 10, "Planet": 10}
        assert facet(answer, "categories") == {
            "Music": 20, "Music > Cables": 20, "Music > Cables > Long": 10, "Music > Cables > Short": 10,
        }  # fmt: skip
        prices = answer["facets"][2]
        assert prices["price_from"] == min(each.price for each in CABLES if each.price is not None)
        for each in prices["ranges"]:
            bounds = {name: each[name] for name in ("price_from", "price_to")}
            asked = await answered(site, q="guitar cable", sort="price:asc", n=20, **bounds)
            assert asked["total"] == len(asked["items"]) == each["count"]


async def test_a_chosen_value_narrows_other_facets_and_not_its_own(cables: Stocked) -> None:
    async with cables() as site:
        fields = ["categories.3", "attributes.brand", "available"]
        answer = await answered(site, q="guitar cable", attributes="brand:Fender", facets=fields)
        assert answer["total"] == 10
        assert facet(answer, "attributes.brand") == {"Fender": 10, "Planet": 10}
        assert facet(answer, "categories.3") == {"Music > Cables > Long": 5, "Music > Cables > Short": 5}
        assert facet(answer, "available") == {"true": 10}
        brands = answer["facets"][1]["values"]
        assert [(each["value"], each["chosen"]) for each in brands] == [("Fender", True), ("Planet", False)]
        wide = await answered(site, q="cable", categories="Music", facets=["categories.1", "categories.3"])
        assert (wide["total"], facet(wide, "categories.1")) == (20, {"Music": 20})
        assert sum(facet(wide, "categories.3").values()) == 20


async def test_nothing_is_counted_that_nobody_asks_for(cables: Stocked) -> None:
    async with cables() as site:
        answer = await answered(site, q="guitar cable")
        assert (answer["total"], answer["exact"], answer["matched_by"], answer["facets"]) == (
            None,
            None,
            None,
            [],
        )


@pytest.mark.parametrize("sort", ["price:asc", "price:desc", "newest", "popular"])
async def test_pages_in_an_order_have_no_gaps_and_no_repeats(cables: Stocked, sort: str) -> None:
    async with cables() as site:
        whole = (await answered(site, q="guitar cable", sort=sort, n=100))["items"]
        assert len({each["item_id"] for each in whole}) == len(whole) == 20
        for n in (1, 3, 7):
            assert await paged(site, n, q="guitar cable", sort=sort) == whole
        rows = [int(each["item_id"].removeprefix("shop-")) for each in whole]
        assert rows == expected(sort)
        value = {each["item_id"]: each["score"] for each in whole}
        if sort.startswith("price"):
            prices = {f"shop-{len(SHOP) + k}": each.price or 0.0 for k, each in enumerate(CABLES)}
            assert value == prices


def expected(sort: str) -> list[int]:
    """The rows in an order, by hand."""
    rows = list(range(len(SHOP), len(SHOP) + len(CABLES)))
    if sort == "popular":
        return rows  # nobody has met any: those that were known first
    if sort == "newest":
        return rows[::-1]
    prices = {row: each.price for row, each in zip(rows, CABLES, strict=True)}
    priced = sorted(
        (row for row in rows if prices[row] is not None),
        key=lambda row: (prices[row], row) if sort == "price:asc" else (-prices[row], row),  # type: ignore[operator]
    )
    return priced + [row for row in rows if prices[row] is None]


async def test_an_order_of_lists_is_that_of_searches(cables: Stocked) -> None:
    async with cables() as site:
        for path, sort in (("/v1/latest", "newest"), ("/v1/popular", "popular")):
            listed = [
                each["item_id"] for each in (await site.http.get(path, params={"n": 40})).json()["items"]
            ]
            searched = [each["item_id"] for each in (await answered(site, sort=sort, n=40))["items"]]
            assert listed
            assert searched[: len(listed)] == listed


async def test_lists_count_facets_over_all_their_items(cables: Stocked) -> None:
    async with cables() as site:
        for path in ("/v1/latest", "/v1/popular", "/v1/trending"):
            asked: dict[str, Any] = {
                "n": 200,
                "categories": "Music",
                "facets": ["categories.3", "attributes.brand"],
            }
            listed = (await site.http.get(path, params=asked)).json()
            page = (await site.http.get(path, params={**asked, "n": 1})).json()
            assert (page["total"], page["facets"]) == (len(listed["items"]), listed["facets"])
            if path == "/v1/latest":
                assert facet(page, "attributes.brand") == {"Fender": 10, "Planet": 10}
                assert facet(page, "categories.3") == {
                    "Music > Cables > Long": 10,
                    "Music > Cables > Short": 10,
                }
        plain = (await site.http.get("/v1/latest")).json()
        assert (plain["total"], plain["facets"]) == (None, [])
        wrong = await site.http.get("/v1/latest", params={"facets": "colour"})
        assert (wrong.status_code, wrong.json()["reason"]) == (400, "unknown_facet")


async def test_words_that_no_item_has_all_of_and_words_of_another_language(cables: Stocked) -> None:
    async with cables() as site:
        some = await answered(site, q="guitar cable xyzzy", sort="price:asc")
        assert (some["total"], some["matched_by"]) == (20, "some_words")
        every = await answered(site, sort="price:asc", n=100)
        assert (every["matched_by"], every["exact"]) == ("everything", True)
        assert every["total"] == len(every["items"])
        pairs = await answered(site, q="男款运动鞋", sort="price:asc")
        assert ([each["item_id"] for each in pairs["items"]], pairs["matched_by"]) == (["shop-3"], "words")


async def test_prices_in_words_bound_what_is_counted_and_are_left_out_where_nothing_has_them(
    cables: Stocked,
) -> None:
    async with cables() as site:
        cheap = await answered(site, q="guitar cable under 5", sort="price:desc", n=100)
        scores = [each["score"] for each in cheap["items"]]
        assert scores == sorted(scores, reverse=True)
        assert max(scores) <= 5.0
        assert not cheap["understood"]["relaxed"]
        dear = await answered(site, q="guitar cable over 500", sort="price:desc", facets="price")
        assert (dear["total"], dear["understood"]["relaxed"]) == (20, True)


async def test_a_slate_in_an_order_is_nobodys_ranking(cables: Stocked) -> None:
    async with cables() as site:
        answer = await answered(site, q="guitar cable", sort="price:asc", user_id="u1", n=5, explain=True)
        assert (answer["model"], answer["arm"], answer["personal"]) == ("", "default", 0.0)
        assert {each["source"] for each in answer["items"]} == {"price"}
        assert {each["reason"]["kind"] for each in answer["items"]} == {"sorted"}
        await until(lambda: any(isinstance(each, Impression) for each in site.sink.delivered))
        (shown,) = [each for each in site.sink.delivered if isinstance(each, Impression)]
        assert (shown.slate_id, shown.arm, shown.model, shown.propensities) == (
            answer["slate_id"],
            "default",
            "",
            None,
        )
        assert shown.items == [each["item_id"] for each in answer["items"]]
        kept = (await site.http.get(f"/v1/slates/{answer['slate_id']}")).json()
        assert len(kept["items"]) == 20
        why = await site.http.get(f"/v1/slates/{answer['slate_id']}/explanation")
        assert why.status_code == 200
        other = await answered(site, q="guitar cable", sort="price:asc", user_id="u2", n=5)
        assert other["items"] == answer["items"] or [each["item_id"] for each in other["items"]] == [
            each["item_id"] for each in answer["items"]
        ]


async def test_post_takes_the_same_and_pages_hold(cables: Stocked) -> None:
    async with cables() as site:
        body = {"q": "guitar cable", "sort": "price:desc", "facets": ["*"], "facet_values": 1, "n": 4}
        answer = (await site.http.post("/v1/search", json=body)).json()
        got = await answered(site, **body)
        assert answer["items"] == got["items"]
        assert answer["facets"] == got["facets"]
        assert {"categories", "price", "attributes.brand"} <= {each["field"] for each in answer["facets"]}
        (brand,) = [each for each in answer["facets"] if each["field"] == "attributes.brand"]
        assert (len(brand["values"]), brand["more"]) == (1, 1)
        await announce(
            site.desk, len(SHOP), Goods("Guitar cable 0 m", "Fender", ["Music"], 1_000.0), ts=NOW_MS + 9_000
        )
        further = (await site.http.post("/v1/search", json={"cursor": answer["cursor"], "n": 4})).json()
        seen = {each["item_id"] for each in answer["items"]}
        assert seen.isdisjoint(each["item_id"] for each in further["items"])


async def test_what_is_no_facet_and_no_order_is_refused_with_what_to_do(stocked: Stocked) -> None:
    async with stocked() as site:
        wrong = await site.http.get("/v1/search", params={"q": "x", "facets": "colour"})
        problem = wrong.json()
        assert (wrong.status_code, problem["reason"]) == (400, "unknown_facet")
        assert "attributes.NAME" in problem["expected"]
        assert "'colour'" in problem["came"]
        assert "docs/search.md" in problem["remedy"]
        posted = await site.http.post("/v1/search", json={"facets": ["colour"]})
        assert (posted.status_code, posted.json()["reason"]) == (400, "unknown_facet")
        for params in ({"sort": "cheap"}, {"facet_values": 0}, {"facets": ["tags"] * 17}):
            answer = await site.http.get("/v1/search", params=params)
            assert answer.status_code == 400, params
            assert answer.json()["remedy"]
        mixed = await site.http.get("/v1/search", params={"cursor": f"{'0' * 24}.2", "sort": "newest"})
        assert (mixed.status_code, mixed.json()["reason"]) == (400, "wrong_cursor")
