"""What a list is asked for with, and a page of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from streams.ranking.request import NO_FILTER, ItemFilter
from streams.ranking.slate import Reason

MOST = 200
"""Items of one page at most, and of one list of similar items in all."""


@dataclass(frozen=True, slots=True)
class ListAsk:
    """`n`: 1 to `MOST`. `cursor`: of the page before; "" for the first page.

    A list never shows what can't be had, whatever `filter.available` says.
    """

    n: int
    now_ms: int
    filter: ItemFilter = NO_FILTER
    cursor: str = ""


class Entry(NamedTuple):
    """One item of a list: its row, its score there, the candidate source that ranks it best, and why."""

    row: int
    score: float
    source: str
    reason: Reason


class Page(NamedTuple):
    """`cursor` asks for the next page; "" where this is the last one."""

    entries: list[Entry]
    cursor: str = ""
