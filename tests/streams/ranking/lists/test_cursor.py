"""Cursors: there and back, and nothing else is taken for one."""

from __future__ import annotations

import base64
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import RequestError
from streams.ranking.lists.cursor import (
    LONGEST,
    VERSION,
    ShownCursor,
    ValueCursor,
    after,
    name_of,
    read_after,
    read_shown,
    shown,
)
from streams.ranking.lists.page import MOST
from streams.ranking.request import NO_FILTER, ItemFilter

rows = st.integers(0, 2**31 - 1)
OF = name_of("trending", NO_FILTER)


@given(st.floats(allow_nan=False, allow_infinity=False), rows, st.integers(0, 2_000_000_000_000))
def test_the_last_item_there_and_back(value: float, row: int, landmark_ms: int) -> None:
    assert read_after(after(OF, value, row, landmark_ms), OF) == ValueCursor(
        VERSION, OF, value, row, landmark_ms
    )


@given(st.lists(rows, max_size=MOST))
def test_what_was_shown_there_and_back(drawn: list[int]) -> None:
    cursor = shown(OF, np.array(drawn, np.int32))
    assert len(cursor) <= LONGEST
    assert read_shown(cursor, OF).tolist() == drawn


def test_the_first_page_has_none() -> None:
    assert read_after("", OF) is None
    assert read_shown("", OF).tolist() == []


def test_a_cursor_of_one_list_is_none_of_another() -> None:
    filters = [
        NO_FILTER,
        ItemFilter(categories=("a",)),
        ItemFilter(categories=("a", "b")),
        ItemFilter(tags=("a",)),
        ItemFilter(attributes={"a": "b"}),
        ItemFilter(expression=("is", "a", "b")),
        ItemFilter(expression=("not", ("is", "a", "b"))),
        ItemFilter(price_from=1.0),
        ItemFilter(price_to=1.0),
    ]
    names = [name_of(name, each, *more) for name in ("one", "two") for each in filters for more in ((), (3,))]
    assert len(set(names)) == len(names)
    for of in names[1:]:
        with pytest.raises(RequestError, match="asked for with the same"):
            read_after(after(names[0], 1.0, 2), of)
    same = name_of("one", ItemFilter(categories=("b", "a", "a")))
    assert same == name_of("one", ItemFilter(categories=("a", "b"))), "their order means nothing"


def packed(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(value)).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "no cursor",
        "é",
        "A" * (LONGEST + 1),
        packed(["after", VERSION, OF, 1.0, -1, 0]),
        packed(["after", VERSION, OF, 1.0, 2**31, 0]),
        packed(["after", VERSION, OF, 1.0, 2**63, 0]),
        packed(["after", VERSION, OF, 1.0, 1, -1]),
        packed(["after", VERSION, OF, 1.0, 1, 2**62]),
        packed(["after", VERSION + 1, OF, 1.0, 1, 0]),
        packed(ValueCursor(VERSION, OF, math.nan, 1)),
        packed(ValueCursor(VERSION, OF, math.inf, 1)),
        packed(ShownCursor(VERSION, OF, b"")),
        packed(["other", VERSION, OF]),
        packed([]),
        packed({"after": 1}),
    ],
)
def test_anything_else_is_refused_after_an_item(cursor: str) -> None:
    with pytest.raises(RequestError, match="cursor is"):
        read_after(cursor, OF)


@pytest.mark.parametrize(
    "cursor",
    [
        packed(ValueCursor(VERSION, OF, 1.0, 1)),
        packed(ShownCursor(VERSION, OF, b"abc")),
        packed(ShownCursor(VERSION, OF, bytes(4 * (MOST + 1)))),
        packed(ShownCursor(VERSION, OF, np.array([-1], "<i4").tobytes())),
    ],
)
def test_anything_else_is_refused_for_what_was_shown(cursor: str) -> None:
    with pytest.raises(RequestError, match="cursor is"):
        read_shown(cursor, OF)


@given(st.text(max_size=60))
def test_no_text_is_worse_than_refused(text: str) -> None:
    for read in (read_after, read_shown):
        try:
            read(text, OF)
        except RequestError:
            continue
        assert text == ""
