"""Lists as tests ask for them: pages until the last one."""

from __future__ import annotations

from collections.abc import Callable

from streams.ranking.lists.page import Entry, ListAsk, Page
from streams.ranking.request import NO_FILTER, ItemFilter


def all_pages(
    page: Callable[[ListAsk], Page], n: int, now_ms: int, asked: ItemFilter = NO_FILTER
) -> list[list[Entry]]:
    """All pages of a list; every page but the last is full."""
    pages, cursor = [], ""
    while True:
        found = page(ListAsk(n, now_ms, asked, cursor))
        pages.append(found.entries)
        if not found.cursor:
            return pages
        assert len(found.entries) == n
        cursor = found.cursor


def rows_of(pages: list[list[Entry]]) -> list[int]:
    return [entry.row for entries in pages for entry in entries]
