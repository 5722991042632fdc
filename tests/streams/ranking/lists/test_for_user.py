"""A list in one user's order: pages of what is left, in the order of the slate that ranks it."""

from __future__ import annotations

import numpy as np
import pytest

from model.errors import RequestError
from streams.ranking.lists.cursor import read_shown
from streams.ranking.lists.for_user import in_order_of
from streams.ranking.lists.page import Entry, ListAsk, Page
from streams.ranking.lists.similar import SimilarAsk
from streams.ranking.slate import Reason

NOW_MS = 1_700_000_000_000
LEFT = Page([Entry(row, 0.5, "together", Reason("with", "i0")) for row in (3, 5, 7, 9)])
ORDERED = [(9, 2.0), (3, 1.0), (7, -1.0)]


def ask(n: int, cursor: str = "", user: str = "ann") -> SimilarAsk:
    return SimilarAsk(0, "blended", ListAsk(n, NOW_MS, cursor=cursor), user)


def test_scores_and_order_are_the_slates_and_reasons_the_lists() -> None:
    page = in_order_of(ask(2), LEFT, ORDERED)
    assert [(entry.row, entry.score, entry.source) for entry in page.entries] == [
        (9, 2.0, "together"),
        (3, 1.0, "together"),
    ]
    assert {entry.reason for entry in page.entries} == {Reason("with", "i0")}
    assert read_shown(page.cursor, ask(1).name).tolist() == [9, 3]


def test_the_next_page_remembers_all_before_it() -> None:
    first = in_order_of(ask(1), LEFT, ORDERED)
    second = in_order_of(ask(1, first.cursor), LEFT, [(7, 4.0), (3, 1.0)])
    assert read_shown(second.cursor, ask(1).name).tolist() == [9, 7]
    last = in_order_of(ask(5, second.cursor), LEFT, [(3, 1.0)])
    assert ([entry.row for entry in last.entries], last.cursor) == ([3], "")


@pytest.mark.parametrize("n", [3, 200])
def test_what_the_slate_leaves_out_is_not_waited_for(n: int) -> None:
    page = in_order_of(ask(n), LEFT, ORDERED)
    assert ([entry.row for entry in page.entries], page.cursor) == ([9, 3, 7], "")
    assert in_order_of(ask(n), LEFT, []) == Page([])


def test_a_cursor_is_of_one_user() -> None:
    cursor = in_order_of(ask(1), LEFT, ORDERED).cursor
    with pytest.raises(RequestError, match="cursor"):
        read_shown(cursor, ask(1, user="bob").name)
    assert np.array_equal(read_shown(cursor, ask(3, user="ann").name), [9])
