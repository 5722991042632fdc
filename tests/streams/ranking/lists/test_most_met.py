"""Trending and popular: the order of the counts, whatever happens between two pages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import RequestError
from streams.ranking.lists.item_lists import ItemLists
from streams.ranking.lists.page import ListAsk, Page
from streams.ranking.request import ItemFilter
from streams.ranking.slate import Reason
from streams.state.catalog import ItemRecord
from tests.streams.core import HOUR_MS, START_MS, Small
from tests.streams.ranking.lists.asked import all_pages, rows_of

COLUMN = {"trending": 0, "popular": 1}


def busy(items: int = 30, seed: int = 1) -> Small:
    small = Small(items=items)
    for row in range(items):
        record = ItemRecord(f"i{row}", START_MS, row % 7 != 0, categories=[f"c{row % 3}"], price=float(row))
        small.core.put_item(row, record)
    small.random_events(200, users=12, seed=seed)
    return small


def page(small: Small, name: str, asked: ListAsk) -> Page:
    return ItemLists(small.core.settings).page(small.core.pipeline, name, asked)


def in_order(small: Small, name: str) -> list[int]:
    """The plain sort."""
    core = small.core
    counts = core.counters.popularity.decayed[: len(core.catalog), COLUMN[name]]
    rows = [row for row in range(len(counts)) if counts[row] > 0 and core.catalog.available[row]]
    return sorted(rows, key=lambda row: (-counts[row], row))


@pytest.mark.parametrize("name", COLUMN)
@given(n=st.integers(1, 12), seed=st.integers(0, 3))
@settings(max_examples=12, deadline=None)
def test_pages_are_the_sorted_counts(name: str, n: int, seed: int) -> None:
    small = busy(seed=seed)
    pages = all_pages(lambda asked: page(small, name, asked), n, small.now_ms)
    assert rows_of(pages) == in_order(small, name)
    half_life_ms = 1_000 * small.core.settings.counters.half_lives_s[COLUMN[name]]
    popularity = small.core.counters.popularity
    for entry in pages[0]:
        age = 0.5 ** ((small.now_ms - popularity.landmark_ms) / half_life_ms)
        expected = popularity.decayed[entry.row, COLUMN[name]] * age
        assert entry.score == pytest.approx(expected, abs=1e-6)
        assert (entry.source, entry.reason) == (name, Reason("popular"))


@pytest.mark.parametrize("name", COLUMN)
def test_the_list_is_what_the_source_of_its_name_brings(name: str) -> None:
    small = busy()
    (source,) = [each for each in small.core.pipeline.sources if each.name == name]
    entries = page(small, name, ListAsk(20, small.now_ms)).entries
    assert [entry.row for entry in entries] == small.find(source, "a stranger")[:20]


def test_what_happens_between_two_pages_repeats_nothing() -> None:
    small = busy()
    before = in_order(small, "trending")
    first = page(small, "trending", ListAsk(5, small.now_ms))
    shown = [entry.row for entry in first.entries]
    for user, row in enumerate([before[7], before[7], before[2], before[-1], before[-1], before[-1]] * 3):
        small.act(f"new-{user}", row)
    after = in_order(small, "trending")
    assert after != before
    rest = []
    cursor = first.cursor
    while cursor:
        following = page(small, "trending", ListAsk(5, small.now_ms, cursor=cursor))
        rest += [entry.row for entry in following.entries]
        cursor = following.cursor
    assert not set(shown) & set(rest)
    risen = [row for row in after[: after.index(shown[-1])] if row not in shown]
    assert risen, "else this test shows nothing"
    assert rest == [row for row in after if row not in shown and row not in risen]


def test_a_cursor_outlives_the_scaling_of_the_counts() -> None:
    small = busy()
    first = page(small, "trending", ListAsk(5, small.now_ms))
    landmark = small.core.counters.popularity.landmark_ms
    order = in_order(small, "trending")
    late = small.now_ms + int(500 * 24 * HOUR_MS)
    small.act("somebody", order[0], ts=late)
    assert small.core.counters.popularity.landmark_ms > landmark
    following = page(small, "trending", ListAsk(30, late, cursor=first.cursor))
    assert [entry.row for entry in following.entries] == order[5:]


def test_filters_and_what_cannot_be_had() -> None:
    small = busy()
    asked = ItemFilter(categories=("c1",), price_from=5.0, available=False)
    rows = rows_of(all_pages(lambda each: page(small, "popular", each), 3, small.now_ms, asked))
    assert rows == [row for row in in_order(small, "popular") if row % 3 == 1 and row >= 5]
    assert rows
    for row in rows:
        assert row % 7, "withdrawn items never show"
    nothing = ItemFilter(categories=("no such",))
    assert page(small, "popular", ListAsk(3, small.now_ms, nothing)) == Page([])


@pytest.mark.parametrize("name", COLUMN)
def test_nothing_met_and_nothing_there(name: str) -> None:
    assert page(Small(items=3), name, ListAsk(5, START_MS)) == Page([])
    assert page(Small(items=0), name, ListAsk(5, START_MS)) == Page([])


def test_a_count_that_is_no_number_never_shows() -> None:
    small = busy()
    row = in_order(small, "popular")[2]
    small.core.counters.popularity.decayed[row] = np.nan
    rows = rows_of(all_pages(lambda asked: page(small, "popular", asked), 4, small.now_ms))
    assert row not in rows
    assert len(rows) == len(in_order(small, "popular"))


def test_the_cursor_of_another_list_is_refused() -> None:
    small = busy()
    cursor = page(small, "popular", ListAsk(2, small.now_ms)).cursor
    with pytest.raises(RequestError, match="cursor"):
        page(small, "trending", ListAsk(2, small.now_ms, cursor=cursor))
