"""Completions: by the beginnings of words, corrected, and never what a single person searched for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.search.completions import Beginnings, PastQueries
from streams.search.scripts import normalized
from streams.search.suggesting import suggest
from tests.streams.search.catalogue import SHOP, Goods, Shop, shop


@pytest.fixture(scope="module")
def stocked() -> Shop:
    return shop()


def texts(made: Shop, typed: str, limit: int = 10) -> list[str]:
    return [each.text for each in suggest(made.core, made.indexed, typed, limit).completions]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("str", "Strings"),
        ("leather gui", "Leather guitar strap"),
        ("son", "Sony"),
        ("耳", "耳机"),
        ("蓝牙耳", "蓝牙耳机 无线降噪"),
        ("กีตา", "กีตาร์โปร่ง"),
        ("イヤ", "イヤホン"),
        ("HEAD", "Headphones"),
    ],
)
def test_completed_by(stocked: Shop, typed: str, expected: str) -> None:
    assert expected in texts(stocked, typed)


@pytest.mark.parametrize(
    "title", ["Shure SM-57 microphone", "python3-numpy arrays", "libstdc++6 runtime", "C++ primer"]
)
def test_a_name_with_signs_is_completed_after_each_letter(title: str) -> None:
    made = shop((*SHOP, Goods(title)))
    for length in range(2, len(title) + 1):
        assert title in texts(made, title[:length]), title[:length]


@pytest.mark.parametrize(
    ("typed", "expected"), [("giut", "guitar"), ("hedph", "headph"), ("lether str", "leather str")]
)
def test_typos_are_mended(stocked: Shop, typed: str, expected: str) -> None:
    made = suggest(stocked.core, stocked.indexed, typed, 5)
    assert expected.startswith(made.corrected) or made.corrected.startswith(expected)
    assert made.completions


def test_the_more_popular_comes_first() -> None:
    made = shop()
    made.core.counters.popularity.events[1] = 9
    assert texts(made, "guitar strap")[0] == "Nylon guitar strap"


def test_what_is_withdrawn_is_not_offered() -> None:
    made = shop()
    made.put(0, SHOP[0]._replace(available=False), 1_800_000_000_000)
    assert "Leather guitar strap" not in texts(made, "leather")


@given(st.text(max_size=30), st.integers(1, 8))
@settings(deadline=None)
def test_any_text_may_be_typed(stocked: Shop, typed: str, limit: int) -> None:
    assert len(texts(stocked, typed, limit)) <= limit


@given(st.sets(st.text("ab 耳", min_size=1, max_size=8)), st.text("ab 耳", max_size=4))
def test_beginnings_are_those_of_brute_force(names: set[str], begins: str) -> None:
    made, asked = Beginnings(), " ".join(normalized(begins).split())
    for name in names:
        made.add(name)
    has = {
        name
        for name in names
        for at in range(len(name.split()))
        if " ".join(normalized(name).split()[at:]).startswith(asked)
    }
    assert set(made.find(asked, 1_000)) == has
    for name in names:
        made.discard(name)
    assert not made.find("", 10)


def test_a_query_is_shown_after_several_users_asked_it() -> None:
    asked = PastQueries(most=10, shown_from=3)
    for user in ("ann", "bob", "ann", ""):
        asked.note("Secret gift", user)
    assert asked.find("sec", 5) == []
    asked.note("secret  GIFT", "eve")
    assert asked.find("gif", 5) == ["Secret gift"]


def test_only_the_latest_queries_are_kept() -> None:
    asked = PastQueries(most=2, shown_from=1)
    for query in ("alpha", "beta", "alpha", "gamma"):
        asked.note(query, "ann")
    assert asked.find("b", 5) == []
    assert asked.find("a", 5) == ["alpha"]
