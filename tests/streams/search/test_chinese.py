"""Traditional and simplified Chinese find each other, and Japanese stays as it is."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.search.analysis import terms
from streams.search.chinese import (
    elsewhere,
    mainland,
    may_be_chinese,
    second_spelling,
    simplified,
    spellings,
)
from streams.search.finding import find
from streams.search.suggesting import suggest
from streams.state.user_state import UserState
from tests.streams.search.catalogue import NOW_MS, Goods, Shop, shop

GOODS = (
    Goods("体验装 护手霜", "百雀羚", ["护肤"], 20.0),
    Goods("體驗組 木吉他", "山葉", ["樂器"], 900.0),
    Goods("頭髮滋養洗髮精", "絲蘊", ["洗護"], 60.0),
    Goods("头发护理 洗发水", "清扬", ["洗护"], 40.0),
    Goods("中国经济发展史", "人民出版社", ["图书"], 50.0),
    Goods("台灣經濟發展史", "聯經", ["圖書"], 70.0),
    Goods("東京限定 鞄", "吉田", ["かばん"], 300.0, "東京のかばん"),
    Goods("運動鞋子 男款", "李寧", ["鞋子"], 200.0),
    Goods("乾淨的杯子", "富光", ["杯壶"], 30.0),
    Goods("乾隆通寶 硬幣", "", ["收藏"], 10.0),
)


def rows(made: Shop, query: str) -> set[int]:
    """What words alone find."""
    understood = made.indexed.understand(query)
    request = made.core.request(UserState(), NOW_MS)
    return set(find(made.core, made.indexed, understood, None, request).rows.tolist())


@pytest.fixture(scope="module")
def goods() -> Shop:
    return shop(GOODS)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("體驗", {0, 1}),
        ("体验", {0, 1}),
        ("頭髮", {2, 3}),
        ("头发", {2, 3}),
        ("發展", {4, 5}),
        ("发展", {4, 5}),
        ("鞋子", {7}),
        ("运动鞋", {7}),
        ("洗髮精", {2, 3}),
        ("髮精", {2}),
        ("发精", {2}),
        ("干净", {8}),
        ("乾隆", {9}),
        ("經濟", {4, 5}),
        ("かばん", {6}),
        ("東京", {6}),
        ("吉他", {1}),
    ],
)
def test_either_spelling_finds_both_and_one_that_has_several_does_not_mix_them(
    goods: Shop, query: str, found: set[int]
) -> None:
    assert rows(goods, query) == found


def test_japanese_is_indexed_as_it_is_written(goods: Shop) -> None:
    words = goods.indexed.words
    assert words.frequency("東京")
    assert not words.frequency("东京")
    assert words.frequency("经济")
    assert words.frequency("經濟")


def test_names_are_named_in_either_spelling(goods: Shop) -> None:
    for query, name in (
        ("乐器", "樂器"), ("樂器", "樂器"), ("圖書", "图书"), ("图书", "圖書"), ("李宁", "李寧"),
        ("かばん", "かばん"),
    ):  # fmt: skip
        named = {each.name for each in goods.indexed.understand(query).named}
        assert name in named, (query, named)


def test_completions_come_in_either_spelling(goods: Shop) -> None:
    for typed, text in (
        ("乐", "樂器"), ("樂", "樂器"), ("圖", "图书"), ("图", "圖書"), ("头发", "頭髮滋養洗髮精"),
        ("頭髮", "头发护理 洗发水"), ("東京", "東京限定 鞄"), ("か", "かばん"), ("運動", "運動鞋子 男款"),
    ):  # fmt: skip
        shown = suggest(goods.core, goods.indexed, typed, 10)
        assert text in [each.text for each in shown.completions], (typed, shown)
        assert len({each.text for each in shown.completions}) == len(shown.completions)


def test_past_queries_are_completed_in_either_spelling() -> None:
    made = shop(GOODS)
    for user in ("a", "b", "c"):
        made.indexed.queries.note("運動鞋", user)
    for typed in ("运动", "運動"):
        assert "運動鞋" in [each.text for each in suggest(made.core, made.indexed, typed, 5).completions]


def test_terms_have_their_other_spelling() -> None:
    assert spellings("ＮＩＫＥ運動鞋") == {"運動": "运动", "動鞋": "动鞋"}
    assert spellings("运动鞋") == {}
    assert second_spelling("頭髮 sale", terms("頭髮 sale", indexed=True)) == ["头发", "发"]


REGIONS = (
    Goods("三星 固态硬盘 1TB", "三星", ["存储"], 500.0),
    Goods("創見 外接硬碟 1TB", "創見", ["儲存設備"], 600.0),
    Goods("闪迪 U盘 64GB", "闪迪", ["存储"], 60.0),
    Goods("罗技 无线鼠标", "罗技", ["鼠标"], 90.0),
    Goods("羅技 無線滑鼠", "羅技", ["滑鼠"], 95.0),
    Goods("捷安特 腳踏車", "捷安特", ["運動"], 2000.0),
    Goods("凤凰 自行车", "凤凰", ["运动"], 900.0),
    Goods("程序设计入门", "", ["图书"], 50.0),
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("硬碟", {0, 1}), ("硬盘", {0, 1}), ("滑鼠", {3, 4}), ("鼠标", {3, 4}), ("無線滑鼠", {3, 4}),
        ("腳踏車", {5, 6}), ("自行车", {5, 6}), ("１ＴＢ硬碟", {0, 1}), ("进程", set()),
    ],
)  # fmt: skip
def test_words_of_taiwan_and_of_the_mainland_find_each_other(query: str, found: set[int]) -> None:
    assert rows(shop(REGIONS), query) == found


def test_a_word_of_other_letters_is_found_first() -> None:
    made = shop(REGIONS)
    request = made.core.request(UserState(), NOW_MS)
    found = find(made.core, made.indexed, made.indexed.understand("隨身碟"), None, request)
    assert found.rows[found.score.argmax()] == 2, "U盘; 硬盘 has one letter of it"


def test_names_are_named_in_the_words_of_either_region() -> None:
    made = shop(REGIONS)
    for query in ("滑鼠", "鼠标"):
        assert {"滑鼠", "鼠标"} <= {each.name for each in made.indexed.understand(query).named}, query


def test_only_a_text_in_traditional_characters_gets_the_words_of_the_mainland() -> None:
    assert second_spelling("程序", ["程序"]) == []
    assert "鼠标" in second_spelling("無線滑鼠", terms("無線滑鼠", indexed=True))
    assert elsewhere("東京の 滑鼠") == {}, "it is Japanese"
    assert mainland("乾隆") == "乾隆"


@given(st.text(max_size=30))
def test_a_second_spelling_is_made_of_any_text(text: str) -> None:
    other = simplified(text)
    assert simplified(other) == other or may_be_chinese(text)
    assert set(spellings(text)) <= set(terms(text))
    assert set(elsewhere(text)) <= set(terms(text))
    if not may_be_chinese(text):
        assert other == text


def test_threads_have_converters_of_their_own() -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(simplified("頭髮" * 500))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["头发" * 500] * 4
