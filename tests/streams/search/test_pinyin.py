"""Pinyin as the words of a Chinese catalogue."""

from __future__ import annotations

import time
from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.search.pinyin import Pinyin
from streams.search.pronunciations import is_pronounced, pronunciations
from streams.search.scripts import pairs
from streams.search.suggesting import suggest
from tests.streams.search.catalogue import Goods, Shop, shop

TITLES = (
    "华为 手机 Mate 60", "小米 手机", "安踏 跑步鞋", "重庆火锅底料", "银行卡包", "连衣裙 女装", "音乐 盒",
    "充电宝", "零食", "绿茶", "西安 旅游", "運動鞋",
)  # fmt: skip


def learned(*titles: str) -> tuple[Pinyin, Counter[str]]:
    frequency = Counter(pair for title in titles for word in title.split() for pair in pairs(word))
    made = Pinyin()
    made.learn(frequency)
    return made, frequency


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("shouji", ["手机"]),
        ("huaweishouji", ["华为", "手机"]),
        ("xiaomi shouji", ["小米", "手机"]),
        ("pao bu xie", ["跑步鞋"]),
        ("chongqinghuoguo", ["重庆火锅"]),
        ("yinhangkabao", ["银行卡包"]),
        ("yinyue", ["音乐"]),
        ("lvcha", ["绿茶"]),
        ("xian", ["西安"]),
        ("yundongxie", ["運動鞋"]),
        ("guitar", []),
        ("shoes", []),
        ("shou", []),
        ("shoujiq", []),
        ("", []),
        ("手机", []),
    ],
)
def test_words(typed: str, words: list[str]) -> None:
    made, frequency = learned(*TITLES)
    assert made.words(typed.split() or [""], frequency.__getitem__) == words


@pytest.mark.parametrize(
    ("after", "typed", "first"),
    [
        ("", "shouj", "手机"),
        ("", "lianyi", "连衣"),
        ("充", "d", "充电"),
        ("充", "dianb", "充电宝"),
        ("", "paobux", "跑步鞋"),
    ],
)
def test_completed(after: str, typed: str, first: str) -> None:
    made, frequency = learned(*TITLES)
    assert made.completed(after, [typed], frequency.__getitem__, 3)[0] == first


def test_what_is_gone_is_not_meant() -> None:
    made, _ = learned(*TITLES)
    assert made.words(["shouji"], lambda _: 0) == []


def test_it_learns_in_any_order_and_once() -> None:
    made, _ = learned(*TITLES)
    other = Pinyin()
    for title in reversed(TITLES):
        for _ in range(2):
            other.learn([pair for word in title.split() for pair in pairs(word)])
    assert made._pairs.tolist() == other._pairs.tolist() == sorted(set(made._pairs.tolist()))


@given(st.text("手机运动鞋重庆银行", min_size=2, max_size=6))
@settings(deadline=None)
def test_every_word_is_found_in_each_way_that_it_may_be_pronounced(word: str) -> None:
    made, frequency = learned(word)
    known = pronunciations()
    ways = [[known.syllables[n] for n in known.of[ord(each) - 0x4E00].tolist() if n >= 0] for each in word]
    for way in list(product(*ways))[:20]:
        found = made.words(list(way), frequency.__getitem__)
        assert found
        said = "".join(found)
        assert len(said) == len(word)
        for character, syllable in zip(said, way, strict=True):
            assert known.syllables.index(syllable) in known.of[ord(character) - 0x4E00]


@given(st.text("anghiosuxyz ", max_size=40), st.booleans())
@settings(deadline=None)
def test_any_letters_may_be_typed(typed: str, whole: bool) -> None:
    made, frequency = learned(*TITLES)
    if whole:
        made.words(typed.split() or [""], frequency.__getitem__)
    else:
        made.completed("", typed.split() or [""], frequency.__getitem__, 3)


@pytest.mark.parametrize("typed", ["an" * 19 + "q", "nan" * 13 + "q", "shi" * 13, "xian" * 10, "a" * 40])
def test_letters_that_can_be_parted_in_many_ways_take_no_time(typed: str) -> None:
    """Without a memory of dead ends the first of them has millions of ways."""
    made, frequency = learned(*TITLES, "是事实时" * 3)
    began = time.process_time()
    made.words([typed], frequency.__getitem__)
    made.completed("", [typed], frequency.__getitem__, 3)
    assert time.process_time() - began < 2


def test_only_characters_with_a_known_pronunciation_are_pronounced() -> None:
    assert [is_pronounced(each) for each in ("手", "a", "𠮷", "", "龘")] == [True, False, False, False, True]


@pytest.fixture(scope="module")
def stocked() -> Shop:
    return shop(
        [Goods(title) for title in TITLES] + [Goods("Running shoes", "Nike"), Goods("罗技 K380 键盘")]
    )


@pytest.mark.parametrize(
    ("query", "corrected", "best"),
    [
        ("shouji", "手机", {"华为 手机 Mate 60", "小米 手机"}),
        ("PAOBUXIE 2026", "跑步鞋 2026", {"安踏 跑步鞋"}),
        ("安踏 paobuxie", "安踏 跑步鞋", {"安踏 跑步鞋"}),
        ("安踏paobuxie", "安踏跑步鞋", {"安踏 跑步鞋"}),
        ("running", "", {"Running shoes"}),
        ("mate60", "", {"华为 手机 Mate 60"}),
        ("华为mate60", "", {"华为 手机 Mate 60"}),
        ("k 380", "", {"罗技 K380 键盘"}),
    ],
)
def test_queries(stocked: Shop, query: str, corrected: str, best: set[str]) -> None:
    understood = stocked.indexed.understand(query)
    assert understood.corrected == corrected
    found = stocked.indexed.best(understood).rows.tolist()
    assert {stocked.indexed.titles[row] for row in found[: len(best)]} == best


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("shouj", "小米 手机"),
        ("充dianb", "充电宝"),
        ("充d", "充电宝"),
        ("安踏paob", "安踏 跑步鞋"),
        ("lianyi", "连衣裙 女装"),
    ],
)
def test_completions(stocked: Shop, typed: str, title: str) -> None:
    made = suggest(stocked.core, stocked.indexed, typed, 5)
    assert title in [each.text for each in made.completions]
    assert made.corrected
