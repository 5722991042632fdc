"""A query is read in one go: in the core's thread, or beside where that takes long. What is at hand is not
read again, and who is late goes by words alone.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from model.errors import RankerLateError
from model.schema import F32
from streams.search.index import SearchIndex
from streams.serving.query_reading import IN_CORE_S, LONG, QueryReader, ReadQuery
from streams.serving.ranker_queries import Queries
from streams.settings.search import SearchSettings
from streams.state.catalog import ItemRecord
from streams.state.event_meaning import Encode

TITLES = ("leather guitar strap", "guitar strings", "snare drum")


class Encoder:
    """`read`: what it was given; it waits until it may begin."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.may_begin = threading.Event()
        self.may_begin.set()

    def __call__(self, texts: Sequence[str]) -> F32:
        self.may_begin.wait()
        self.read += texts
        return np.array([[len(text), 1.0] for text in texts], np.float32)


@pytest.fixture
def index() -> Iterator[SearchIndex]:
    made = SearchIndex(SearchSettings())
    for row, title in enumerate(TITLES):
        made.note(row, ItemRecord(item_id=str(row), ts=0, title=title))
    made.commit()
    yield made
    made.words.close()


async def read(
    reader: QueryReader, index: SearchIndex, text: str, encode: Encode | None, search: bool = True
) -> ReadQuery:
    reading = reader.begin(index, text, search, encode)
    try:
        await reader.beside(reading)
        return await asyncio.to_thread(reading.read)  # as the core's thread
    finally:
        reader.end(reading)


async def test_it_is_read_as_its_parts_are(index: SearchIndex) -> None:
    queries = Queries(timeout_s=5.0)
    reader = QueryReader(queries, 5.0)
    for text in ("guitar", "guitat", "drum", "nothing of it", "", "!?"):
        understood, hits, vector = await read(reader, index, text, Encoder())
        assert understood == index.understand(text)
        if understood.empty:
            assert hits is None
        else:
            assert hits is not None
            best = index.words.search(understood.looked_for, index.settings.per_list)
            assert hits.rows.tolist() == best.rows.tolist()
            assert hits.scores.tolist() == best.scores.tolist()
        to_encode = understood.to_encode
        assert (vector is None) == (not to_encode)
        if vector is not None:
            assert vector.tolist() == [len(to_encode), 1.0]
            assert queries.at_hand(to_encode) is vector
    await queries.close()


async def test_what_is_left_out_is_not_made(index: SearchIndex) -> None:
    queries = Queries(timeout_s=5.0)
    reader = QueryReader(queries, 5.0)
    without = await read(reader, index, "guitar", None)
    assert without.vector is None
    assert without.hits is not None
    within_a_filter = await read(reader, index, "guitar", Encoder(), search=False)
    assert within_a_filter.hits is None
    assert within_a_filter.vector is not None
    await queries.close()


async def test_what_is_at_hand_is_made_once_and_anew_after_a_change(index: SearchIndex) -> None:
    queries, encoder = Queries(timeout_s=5.0), Encoder()
    reader = QueryReader(queries, 5.0)
    made = await asyncio.gather(*(read(reader, index, "guitar", encoder) for _ in range(3)))
    assert encoder.read == ["guitar"]
    assert {id(each.hits) for each in made} == {id(made[0].hits)}
    again = reader.begin(index, "guitar", True, encoder)
    assert again.took_s is None
    assert again.read().vector is made[0].vector
    assert again.took_s is None, "all of it is at hand"
    index.note(3, ItemRecord(item_id="3", ts=0, title="bass guitar"))
    index.commit()
    changed = await read(reader, index, "guitar", encoder)
    assert changed.hits is not None
    assert sorted(changed.hits.rows.tolist()) == [0, 1, 3]
    assert encoder.read == ["guitar"], "its vector is not of the index"
    await queries.close()


async def test_a_vector_that_is_late_is_left_out_and_kept_for_the_next(index: SearchIndex) -> None:
    queries, encoder = Queries(timeout_s=5.0), Encoder()
    encoder.may_begin.clear()
    late = await read(QueryReader(queries, 0.3), index, "guitar", encoder)
    assert late.vector is None
    assert late.hits is not None
    assert sorted(late.hits.rows.tolist()) == [0, 1]
    encoder.may_begin.set()
    await queries.close()
    assert queries.at_hand("guitar") is not None


async def test_words_that_are_late_are_told(index: SearchIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    queries, may_begin = Queries(timeout_s=5.0), threading.Event()
    understand = index.understand

    def slow(text: str) -> object:
        may_begin.wait()
        return understand(text)

    monkeypatch.setattr(index, "understand", slow)
    with pytest.raises(RankerLateError, match="words were not read within 50 ms"):
        await read(QueryReader(queries, 0.05), index, "guitar", None)
    may_begin.set()
    await queries.close()


async def test_what_fails_is_told_to_all_who_wait_and_read_again(index: SearchIndex) -> None:
    queries = Queries(timeout_s=5.0)
    reader = QueryReader(queries, 5.0)

    def torn(texts: Sequence[str]) -> F32:
        raise ValueError("no vectors today")

    both = [read(reader, index, "guitar", torn) for _ in range(2)]
    told = await asyncio.gather(*both, return_exceptions=True)
    assert [str(each) for each in told] == 2 * ["no vectors today"]
    assert (await read(reader, index, "guitar", Encoder())).vector is not None
    await queries.close()


async def test_the_core_reads_it_unless_that_takes_long(index: SearchIndex) -> None:
    queries, threads = Queries(timeout_s=5.0), list[str]()
    reader, work_s = QueryReader(queries, 5.0), 0.0

    def encode(texts: Sequence[str]) -> F32:
        threads.append(threading.current_thread().name)
        began_s = time.thread_time()
        while time.thread_time() - began_s < work_s:
            pass
        return np.ones((len(texts), 2), np.float32)

    async def threads_of(text: str) -> str:
        reading = reader.begin(index, text, True, encode)
        await reader.beside(reading)
        assert reading.read().vector is not None
        reader.end(reading)
        return threads.pop()

    here = threading.current_thread().name
    assert await threads_of("first") != here, "how long it takes is not known"
    reader.takes_s = 0.0  # the first one may have waited for the processor
    assert await threads_of("guitar") == here
    assert queries.at_hand("guitar") is not None
    assert reader.takes_s > 0.0
    reader.takes_s = 0.0
    assert await threads_of(long := "guitar " * (LONG // 7 + 1)) != here, "it is long"
    assert reader.begin(index, long, True, encode).at_hand(), "its vector is kept"
    assert reader.takes_s == 0.0, "a long one says nothing of the others"
    work_s = 0.2
    assert await threads_of("strap") == here
    assert reader.takes_s > IN_CORE_S
    assert await threads_of("drum") != here
    await queries.close()


async def test_two_who_ask_the_core_for_one_query_have_it_read_once(index: SearchIndex) -> None:
    queries, encoder = Queries(timeout_s=5.0), Encoder()
    reader = QueryReader(queries, 5.0)
    reader.takes_s = 0.0
    one, other = (reader.begin(index, "guitar", True, encoder) for _ in range(2))
    reader.end(one)  # it waits no more
    another = reader.begin(index, "guitar", True, encoder)
    assert one is other
    assert another is not one, "nothing stays of what was never read"
    assert other.read() == other.read()
    reader.end(other)
    reader.end(another)
    assert encoder.read == ["guitar"]


async def test_what_fails_in_the_core_is_read_again(index: SearchIndex) -> None:
    queries = Queries(timeout_s=5.0)
    reader = QueryReader(queries, 5.0)
    reader.takes_s = 0.0

    def torn(texts: Sequence[str]) -> F32:
        raise ValueError("no vectors today")

    with pytest.raises(ValueError, match="no vectors today"):
        await read(reader, index, "guitar", torn)
    assert (await read(reader, index, "guitar", Encoder())).vector is not None
    assert reader.takes_s > 0.0
