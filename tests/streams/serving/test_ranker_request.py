"""What is asked by ids becomes rows, and what is said of candidates stands by row."""

from __future__ import annotations

import numpy as np
import pytest

from streams.ranking.given_fields import CandidateFields
from streams.serving.ranker_asked import Asked, GivenItem
from streams.serving.ranker_request import candidates_of, given_of, known_rows
from tests.streams.core import Small, unit

ROWS = {f"i{row}": row for row in range(5)}
TOLD = GivenItem(CandidateFields(price=2.0), title="A lamp")


def test_known_candidates_are_looked_up_in_their_order() -> None:
    asked = Asked("u", items=("i3", "i0", "i4"))
    assert known_rows(asked, ROWS) == (3, 0, 4) == tuple(candidates_of(asked, ROWS).values())


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        (Asked("u"), {}),
        (Asked("u", items=()), {}),
        (Asked("u", items=("i3",)), {"i3": 3}),
        (Asked("u", items=("i3", "i0", "i3")), {"i3": 3, "i0": 0}),
        (Asked("u", items=("i3", "nobody", "i1")), {"i3": 3, "i1": 1}),
        (Asked("u", items=("i3", "new"), given={"new": TOLD}), {"i3": 3, "new": -1}),
        (Asked("u", items=("i3", "i1"), given={"i1": TOLD}), {"i3": 3, "i1": 1}),
    ],
)
def test_what_is_not_several_known_items_each_once_is_looked_at_one_by_one(
    asked: Asked, rows: dict[str, int]
) -> None:
    assert known_rows(asked, ROWS) is None
    assert candidates_of(asked, ROWS) == rows


def test_the_text_of_an_announcement_stands_and_a_described_item_without_one_has_the_callers() -> None:
    small, words = Small(items=3), unit(np.ones(64)).astype(np.float16).astype(np.float32)
    small.announce(0, words)
    small.announce(1)
    told = GivenItem(CandidateFields(price=2.0), title="A lamp")
    asked = Asked("u", items=("i0", "i1", "new", "i2"), given=dict.fromkeys(("i0", "i1", "new"), told))
    rows = candidates_of(asked, small.core.catalog.rows)
    given = given_of(asked, rows, {"A lamp": words}, small.core.catalog)
    assert rows == {"i0": 0, "i1": 1, "new": -1, "i2": 2}
    assert {row: fields.text is words for row, fields in given.items()} == {0: False, 1: True, -1: True}
    assert {row: fields.item_id for row, fields in given.items()} == {0: "", 1: "", -1: "new"}
