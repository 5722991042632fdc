"""What waits for the index comes in the order in which it was noted, in parts of a commit's size."""

from __future__ import annotations

import numpy as np

from streams.search.documents import document_of
from streams.search.waiting import BLOCK_BYTES, BLOCK_ITEMS, Block, Mark, Waiting
from streams.state.catalog import ItemRecord


def record(n: int, text: str = "") -> ItemRecord:
    return ItemRecord(
        f"i{n}", n, text=b"\0" * 128, title=f"guitar {n}", categories=["Strings"], price=2.5, tags=["new"],
        attributes={"brand": "Fender"}, description=text or "six strings",
    )  # fmt: skip


def test_all_comes_in_its_order_with_marks_between() -> None:
    waiting = Waiting()
    assert waiting.take() is None
    for n in range(BLOCK_ITEMS + 3):
        waiting.note(n, record(n))
    waiting.mark(Mark(np.arange(3)))
    waiting.note(7, record(7), stored=True)
    assert len(waiting) == BLOCK_ITEMS + 3 + 2
    first, second, mark, last = (waiting.take() for _ in range(4))
    assert isinstance(first, Block)
    assert isinstance(second, Block)
    assert isinstance(last, Block)
    assert isinstance(mark, Mark)
    assert [each.row for each in (*first, *second)] == list(range(BLOCK_ITEMS + 3))
    assert len(first) == BLOCK_ITEMS
    assert not any(each.stored for each in (*first, *second))
    assert [(each.row, each.stored) for each in last] == [(7, True)]
    assert not len(waiting)


def test_search_reads_of_a_record_that_has_waited_what_it_read_before() -> None:
    waiting = Waiting()
    waiting.note(4, record(4))
    block = waiting.take()
    assert isinstance(block, Block)
    (change,) = block
    assert document_of(4, change.record) == document_of(4, record(4))
    assert not change.record.text


def test_long_texts_are_parts_of_fewer_items() -> None:
    waiting, long = Waiting(), "word " * 100_000
    for n in range(20):
        waiting.note(n, record(n, long))
    first = waiting.take()
    assert isinstance(first, Block)
    assert len(first) * len(long) < BLOCK_BYTES + len(long)
