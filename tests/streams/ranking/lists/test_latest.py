"""What came last."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import RequestError
from streams.ranking.lists.item_lists import ItemLists
from streams.ranking.lists.page import ListAsk, Page
from streams.ranking.request import ItemFilter
from streams.ranking.slate import Reason
from streams.state.catalog import ItemRecord
from tests.streams.core import START_MS, Small
from tests.streams.ranking.lists.asked import all_pages, rows_of


def page(small: Small, asked: ListAsk) -> Page:
    return ItemLists(small.core.settings).page(small.core.pipeline, "latest", asked)


@given(dates=st.lists(st.integers(0, 4), max_size=30), n=st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_pages_are_the_sorted_dates(dates: list[int], n: int) -> None:
    small = Small(items=len(dates))
    for row, date in enumerate(dates):
        small.core.put_item(row, ItemRecord(f"i{row}", START_MS + date, row % 5 != 3))
    pages = all_pages(lambda asked: page(small, asked), n, small.now_ms)
    expected = sorted((row for row in range(len(dates)) if row % 5 != 3), key=lambda row: (-dates[row], -row))
    assert rows_of(pages) == expected
    for entry in pages[0]:
        assert entry.score == START_MS + dates[entry.row]
        assert (entry.source, entry.reason) == ("fresh", Reason("new"))


def test_what_comes_between_two_pages_is_on_the_first_one() -> None:
    small = Small(items=0)
    small.core.meet([f"i{row}" for row in range(6)], START_MS)
    first = page(small, ListAsk(2, START_MS))
    small.core.meet(["new"], START_MS + 1)
    following = page(small, ListAsk(9, START_MS, cursor=first.cursor))
    assert rows_of([first.entries, following.entries]) == [5, 4, 3, 2, 1, 0]
    assert page(small, ListAsk(1, START_MS)).entries[0].row == 6


def test_an_item_of_which_no_date_is_known_is_not_in_it() -> None:
    small = Small(items=2)
    small.core.meet(["named alone"], 0)
    assert [entry.row for entry in page(small, ListAsk(9, START_MS)).entries] == [1, 0]


def test_filters_and_other_cursors() -> None:
    small = Small(items=6)
    for row in range(6):
        small.core.put_item(row, ItemRecord(f"i{row}", START_MS + row, tags=["odd"] if row % 2 else []))
    odd = ItemFilter(tags=("odd",))
    first = page(small, ListAsk(2, START_MS, odd))
    assert [entry.row for entry in first.entries] == [5, 3]
    with pytest.raises(RequestError, match="cursor"):
        page(small, ListAsk(2, START_MS, cursor=first.cursor))
