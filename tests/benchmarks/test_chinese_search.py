"""A Chinese shop end to end, default encoder: search, completions, similar items, feeds and reasons."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from benchmarks.chinese_goods import chinese_goods
from benchmarks.chinese_queries import QUERIES, Query
from benchmarks.chinese_search import NOW_MS, ChineseShop, judged, measured
from export.registry import Registry
from export.text import encoder_name, load_text_encoder
from model.universal import UNIVERSAL
from streams.events.schema import Click
from streams.ranking.lists.item_lists import ItemLists
from streams.ranking.lists.page import ListAsk
from streams.ranking.lists.similar import SimilarAsk
from streams.search.suggesting import suggest
from streams.state.fold import Delivery
from streams.state.user_state import UserState


@pytest.fixture(scope="module")
def chinese(universal_registry: Registry) -> ChineseShop:
    encoder = load_text_encoder(universal_registry.text.get(encoder_name(UNIVERSAL)))
    return ChineseShop(chinese_goods(), encoder)


def test_the_shop_is_what_the_queries_need() -> None:
    goods = chinese_goods()
    assert len(goods) == len({good.item_id for good in goods}) == 192
    assert goods == chinese_goods()
    assert len(QUERIES) >= 40
    for query in QUERIES:
        assert any(map(query.wants, goods)), query.text
        assert not all(map(query.wants, goods)), query.text


def test_searches_are_answered(chinese: ChineseShop) -> None:
    figures = measured(chinese)
    assert figures["all"]["mrr"] >= 0.93, figures
    assert figures["all"]["filled"] >= 0.9, figures
    for group in ("plain", "traditional", "to traditional", "mixed"):
        assert figures[group]["first"] == 1.0, figures


def test_words_alone_find_both_spellings_and_mixed_scripts() -> None:
    words = measured(ChineseShop(chinese_goods(), None))
    for group in ("plain", "traditional", "to traditional", "mixed"):
        assert words[group]["first"] == 1.0, words


@pytest.mark.parametrize(
    "query", [query for query in QUERIES if query.group == "price"], ids=lambda q: q.text
)
def test_prices_are_kept(chinese: ChineseShop, query: Query) -> None:
    found = chinese.found(query.text)
    understood = chinese.index.understand(query.text).prices
    if understood.bounded:
        assert all(query.low <= good.price <= query.high for good in found)
    else:
        assert understood.leaning == -1
    assert judged(query, found, list(chinese.goods.values()))[0] >= 0.5


@pytest.mark.parametrize(
    ("typed", "begins"),
    [("运动", "运动鞋"), ("運動", "运动鞋"), ("耳", "耳机"), ("nik", "Nike"), ("罗", "罗技")],
)
def test_completions(chinese: ChineseShop, typed: str, begins: str) -> None:
    found = suggest(chinese.core, chinese.index, typed, 8).completions
    assert begins in [each.text for each in found], found


def kinds(shop: ChineseShop, item_ids: Sequence[str]) -> list[str]:
    return [shop.goods[item_id].kind for item_id in item_ids]


def test_what_is_close_to_an_item_is_of_its_kind(chinese: ChineseShop) -> None:
    right, total, lists = 0, 0, ItemLists(chinese.core.settings)
    for item_id in ("shoe-1", "earbud-2", "tea-3", "tent-1", "shampoo-2", "tw-1", "tw-7", "guitar-0"):
        row = chinese.core.catalog.rows[item_id]
        [near] = lists.similar(chinese.core.pipeline, [SimilarAsk(row, "text", ListAsk(5, NOW_MS))])
        kind = chinese.goods[item_id].kind
        found = kinds(chinese, [chinese.core.catalog.ids[each.row] for each in near.entries])
        right, total = right + found.count(kind), total + len(found)
    assert total == 40
    assert right >= 34


def test_a_feed_follows_what_was_met_and_says_why(chinese: ChineseShop) -> None:
    core, state = chinese.core, UserState()
    for n, item_id in enumerate(("tw-1", "shoe-2")):
        event = Click(event_id=f"c{n}", ts=NOW_MS + n, user_id="李雷", item_id=item_id)
        state = core.apply(state, event, Delivery("clicks-0", n), None).state
    plan = core.plan({"candidates": {"sources": ["nearest"]}})
    request = core.request(state, NOW_MS + 10, user="李雷", plan=plan, size=5)
    [slate] = core.recommend([request])
    assert kinds(chinese, [item.item_id for item in slate.items]).count("shoe") >= 4
    assert {item.reason.kind for item in slate.items} == {"similar"}
    assert {item.reason.item_id for item in slate.items} <= {"tw-1", "shoe-2"}
