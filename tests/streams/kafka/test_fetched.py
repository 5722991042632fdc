"""Chunks of a partition, and since which offset nothing lies before them."""

from __future__ import annotations

import pytest
from aiokafka.errors import KafkaError, RecordTooLargeError, TopicAuthorizationFailedError
from hypothesis import given
from hypothesis import strategies as st

from model.errors import UndecodableError
from streams.kafka.fetched import Fetched
from streams.kafka.salvage import Undecodable
from streams.kafka.spans import Span
from tests.streams.kafka.fetching import CLICKS, Fetcher, read_all
from tests.streams.kafka.record_batches import LZ4, ZSTD, batch, record

ABORT, COMMIT = (record(0, key=key, value=b"\0" * 6) for key in (b"\0\0\0\0", b"\0\0\0\1"))
TRANSACTIONAL, MARKER = 0x10, 0x30


async def test_markers_and_what_was_aborted_are_passed_over() -> None:
    log = [
        batch(0, [record(0)]),
        batch(1, [record(0), record(1)], attributes=TRANSACTIONAL, producer=7),
        batch(3, [ABORT], attributes=MARKER, producer=7),
        batch(4, [record(0)], attributes=TRANSACTIONAL, producer=7),
        batch(5, [COMMIT], attributes=MARKER, producer=7),
        batch(6, [record(1), record(3)], last_delta=5),  # compacted, at its start and its end
        batch(12, [], last_delta=2),  # compacted away
        batch(15, [record(0)], attributes=TRANSACTIONAL, producer=7),
        batch(16, [ABORT], attributes=MARKER, producer=7),
    ]
    fetcher, fetched = Fetcher(log, 17, aborted=[(7, 1), (7, 15)]), Fetched()
    (chunk,) = await read_all(fetcher, fetched)
    assert [each.offset for each in chunk.records] == [0, 4, 7, 9]
    assert chunk.since == 0
    assert fetched.spans[CLICKS] == Span(0, 10, 17)
    fetcher.log += [batch(17, [record(0)])]
    (chunk,) = await read_all(fetcher, fetched)
    assert ([each.offset for each in chunk.records], chunk.since) == ([17], 10)


async def test_a_seek_ends_the_span_and_has_a_number() -> None:
    fetcher, fetched = Fetcher([batch(0, [record(n) for n in range(4)])], 4), Fetched()
    (before,) = await read_all(fetcher, fetched)
    number = fetched.sought(CLICKS)
    fetcher.seek(2)
    (after,) = await read_all(fetcher, fetched)
    assert ([each.offset for each in after.records], after.since) == ([2, 3], 2)
    assert before.seek < after.seek == number
    assert Fetched().sought(CLICKS) > number, "a consumer made anew does not begin to count anew"


async def test_another_assignment_is_another_span() -> None:
    fetcher, fetched = Fetcher([batch(0, [record(n) for n in range(4)])], 4), Fetched()
    await read_all(fetcher, fetched)
    fetcher._subscriptions.assign_from_user({CLICKS})
    fetcher.seek(1)
    (chunk,) = await read_all(fetcher, fetched)
    assert (chunk.since, fetched.spans[CLICKS]) == (1, Span(1, 4, 4))


async def test_a_broken_batch_costs_no_other_one() -> None:
    odd = record(1, headers=[(b"\xff", b"")])
    log = [
        batch(0, [record(0)], codec=LZ4),
        batch(1, [record(0), odd, record(2)]),
        batch(4, [record(0)], codec=ZSTD)[:-1] + b"!",
        batch(5, [record(0)]),
        batch(6, [record(0)], codec=7),
        batch(7, [record(0)]),
    ]
    fetcher, fetched = Fetcher(log, 8), Fetched()
    chunks = await read_all(fetcher, fetched)
    records = [each for chunk in chunks for each in chunk.records]
    assert [each.offset for each in records] == list(range(8))
    assert [each.offset for each in records if isinstance(each, Undecodable)] == [4, 6]
    assert [chunk.since for chunk in chunks] == [chunk.records[0].offset for chunk in chunks]
    assert fetched.spans[CLICKS] == Span(0, 8, 8)


async def test_where_its_end_is_not_known_the_reading_stops() -> None:
    fetcher = Fetcher([batch(0, [record(0)]), batch(1, [record(0)], codec=7)], 2)
    fetcher.end = 1  # as if the log ended in front of it
    fetched = Fetched()
    fetcher.fetch()
    with pytest.raises(UndecodableError, match=r"headrace\.clicks-0 at offset 1"):
        await fetched.take(fetcher, {CLICKS}, 0.0)


async def test_a_batch_that_announces_more_than_there_is_stops_the_reading() -> None:
    """aiokafka takes it for one that is larger than a fetch, and would go on at the next offset."""
    spoilt = bytearray(batch(1, [record(0)]))
    spoilt[8] = 0x7F
    fetcher, fetched = Fetcher([batch(0, [record(0)]), bytes(spoilt)], 2), Fetched()
    await read_all(fetcher, fetched)
    fetcher._state.consumed_to(2)
    fetcher.fail(RecordTooLargeError("There are some messages whose size is larger than the fetch size"))
    with pytest.raises(UndecodableError, match=r"headrace\.clicks-0 at offset 1.*2130706"):
        await fetched.take(fetcher, {CLICKS}, 0.0)


async def test_a_batch_is_asked_for_again_where_the_broker_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fetcher, fetched = Fetcher([batch(0, [record(0)]), batch(1, [record(0)], codec=7)], 2), Fetched()

    async def away(*_: object) -> object:
        raise KafkaError("away")

    with monkeypatch.context() as patch:
        patch.setattr(fetcher, "send", away)
        (chunk,) = await read_all(fetcher, fetched)
    assert [each.offset for each in chunk.records] == [0]
    (chunk,) = await read_all(fetcher, fetched)
    assert [each.offset for each in chunk.records] == [1]


async def test_a_partition_that_moved_meanwhile_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    fetcher, fetched = Fetcher([batch(0, [record(0)], codec=7), batch(1, [record(0)])], 2), Fetched()
    answer = fetcher.send

    async def send(node: object, request: object) -> object:
        fetcher.seek(1)
        return await answer(node, request)

    monkeypatch.setattr(fetcher, "send", send)
    (chunk,) = await read_all(fetcher, fetched)
    assert ([each.offset for each in chunk.records], chunk.since) == ([1], 1)


async def test_what_the_broker_refuses_is_raised() -> None:
    fetcher = Fetcher([], 0)
    fetcher.fail(TopicAuthorizationFailedError("headrace.clicks"))
    with pytest.raises(TopicAuthorizationFailedError):
        await Fetched().take(fetcher, {CLICKS}, 0.0)


async def test_paused_partitions_keep_what_was_fetched() -> None:
    fetcher, fetched = Fetcher([batch(0, [record(0)])], 1), Fetched()
    fetcher.fetch()
    assert await fetched.take(fetcher, {("headrace.reviews", 0)}, 0.01) == {}
    assert [*(await fetched.take(fetcher, {CLICKS}, 0.0))] == [CLICKS]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from(["ok", "abort", "marker", "bad"]))
    )
)
async def test_every_record_comes_once_whatever_the_batches_are(drawn: list[tuple[int, int, str]]) -> None:
    log: list[bytes] = []
    offset, events, aborted = 0, [], []
    for count, holes, kind in drawn:
        last = count + holes
        records = [record(n) for n in range(count)]
        if kind == "ok":
            log.append(batch(offset, records, last))
            events += [offset + n for n in range(count)]
        elif kind == "bad":
            log.append(batch(offset, records, last, codec=5))
            events.append(offset + last)
        elif kind == "abort":
            log.append(batch(offset, records, last, attributes=TRANSACTIONAL, producer=offset))
            aborted.append((offset, offset))
        else:
            log.append(batch(offset, [COMMIT], attributes=MARKER, producer=offset))
            last = 0
        offset += last + 1
    fetcher, fetched = Fetcher(log, offset, aborted), Fetched()
    found: list[int] = []
    for chunk in await read_all(fetcher, fetched):
        assert chunk.since == (found[-1] + 1 if found else 0)
        found += [each.offset for each in chunk.records]
    assert found == events
    assert fetcher.position == offset
