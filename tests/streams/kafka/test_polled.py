"""Messages of librdkafka as chunks: what was left out, where a partition ends, what is taken apart."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.gaps import Gaps
from streams.kafka.polled import Polling
from streams.kafka.record import Record
from streams.kafka.spans import Partition, Span

CLICKS, REVIEWS = TP("headrace.clicks", 0), TP("headrace.reviews", 0)


class Message:
    """As confluent-kafka gives it: an event, or an error in its place."""

    def __init__(self, offset: int, code: int | None = None, tp: TP = CLICKS, odd: bool = False) -> None:
        self._offset, self._code, self._tp, self._odd = offset, code, tp, odd

    def error(self) -> KafkaError | None:
        return None if self._code is None else KafkaError(self._code)

    def topic(self) -> str:
        return self._tp.topic

    def partition(self) -> int:
        return self._tp.partition

    def offset(self) -> int:
        return self._offset

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_700_000_000_000 + self._offset

    def key(self) -> bytes:
        return b"ann"

    def value(self) -> bytes:
        return b"%d" % self._offset

    def headers(self) -> list[tuple[str, bytes]] | None:
        if self._odd:
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
        return None


def end(offset: int) -> Message:
    return Message(offset, KafkaError._PARTITION_EOF)


class Client:
    """`ends`: where partitions end, as the client last heard."""

    def __init__(self, start: int | None = 0) -> None:
        self.ends: dict[Partition, int] = {}
        self.polling = Polling(self.ends.get)
        self.polling.assign({CLICKS: start})

    def poll(self, *messages: Message) -> Any:
        return self.polling.take(messages)

    def read(self, *messages: Message) -> tuple[list[int], int]:
        chunk = self.poll(*messages).chunks[CLICKS]
        return [record.offset for record in chunk.records], chunk.since


def test_a_record_is_as_it_was_written() -> None:
    (record,) = Client().poll(Message(0)).chunks[CLICKS].records
    assert (record.tp, record.topic, record.partition, record.offset) == (CLICKS, *CLICKS, 0)
    assert (record.key, record.value, list(record.headers)) == (b"ann", b"0", [])
    assert record.timestamp == 1_700_000_000.0


def test_holes_are_passed_over() -> None:
    client = Client(start=3)
    assert client.read(Message(5), Message(8)) == ([5, 8], 3), "from where the group was"
    assert client.read(Message(9)) == ([9], 9)
    assert not client.poll(end(12)).chunks, "a marker ends the log"
    assert client.polling.spans[CLICKS] == Span(3, 10, 12)
    assert client.read(Message(14), end(15)) == ([14], 10)
    assert client.polling.spans[CLICKS] == Span(3, 15, 15)


def test_where_it_was_begun_may_not_be_known() -> None:
    client = Client(start=None)
    assert client.polling.known(CLICKS) == (None, None, 0, -1)
    assert client.read(Message(7)) == ([7], 7), "nobody knows what lies before it, so it is looked up"
    client.polling.moved(CLICKS, 5, seek=99)
    assert client.read(Message(7)) == ([7], 5), "a seek says where reading began"


def test_more_is_to_come_until_the_end_is_read() -> None:
    client = Client()
    known = client.polling.known(CLICKS)
    assert known is not None
    assert known.has_more, "it was not asked yet"
    client.ends[CLICKS] = 4
    client.poll(Message(0))
    known = client.polling.known(CLICKS)
    assert known is not None
    assert (known.position, known.end, known.last, known.has_more) == (1, 4, 0, True)
    client.poll(Message(1), Message(2), end(4))
    known = client.polling.known(CLICKS)
    assert known is not None
    assert not known.has_more
    assert client.polling.known(REVIEWS) is None


def test_an_open_transaction_is_held_back_and_not_waited_for() -> None:
    client = Client()
    client.ends[CLICKS] = 6
    client.poll(Message(0), end(1))
    known = client.polling.known(CLICKS)
    assert known is not None
    assert (known.has_more, known.held_back) == (False, 5)
    client.polling.heard(CLICKS, 9)
    known = client.polling.known(CLICKS)
    assert known is not None
    assert known.held_back == 8


def test_a_seek_ends_the_span_and_has_a_number() -> None:
    client = Client()
    before = client.poll(Message(0), Message(1)).chunks[CLICKS]
    assert client.polling.moved(CLICKS, 1, seek=before.seek + 1)
    after = client.poll(Message(1)).chunks[CLICKS]
    assert (before.seek + 1, after.since) == (after.seek, 1)
    assert not client.polling.moved(REVIEWS, 1, seek=7), "another worker has it"


def test_what_comes_of_partitions_that_are_gone_is_left() -> None:
    client = Client()
    client.polling.assign({REVIEWS: 4})
    polled = client.poll(Message(0), Message(4, tp=REVIEWS), end(1))
    assert list(polled.chunks) == [REVIEWS]
    assert [error.code() for error in polled.refusals] == [KafkaError._PARTITION_EOF]


@pytest.mark.parametrize("odd", [True, False])
def test_what_cannot_be_decoded_is_taken_apart(odd: bool) -> None:
    """Nothing is read of the partition meanwhile; then it goes on behind the batch."""
    client = Client()
    broken = Message(3, odd=True) if odd else Message(3, KafkaError._BAD_MSG)
    polled = client.poll(Message(0), broken, Message(4))
    assert [record.offset for record in polled.chunks[CLICKS].records] == [0]
    assert polled.broken == {CLICKS: 3}
    assert not client.poll(Message(5)).chunks
    found = [Record(CLICKS, offset, -1.0, None, b"", ()) for offset in (3, 4)]
    chunk = client.polling.salvaged(CLICKS, 3, found, 6)
    assert chunk is not None
    assert ([record.offset for record in chunk.records], chunk.since) == ([3, 4], 1)
    assert client.read(Message(6)) == ([6], 5), "offset 5 held nothing"
    assert client.polling.salvaged(CLICKS, 3, found, 6) is None, "it is done with"


def test_a_seek_ends_what_is_taken_apart() -> None:
    client = Client()
    client.poll(Message(3, KafkaError._BAD_MSG))
    client.polling.moved(CLICKS, 0, seek=9)
    assert client.polling.salvaged(CLICKS, 3, [], 6) is None
    assert client.read(Message(0)) == ([0], 0)


def test_offsets_that_are_gone_are_told() -> None:
    client = Client(start=5)
    polled = client.poll(Message(5, KafkaError._AUTO_OFFSET_RESET), Message(6))
    assert (polled.resets, polled.chunks) == ([CLICKS], {})
    client.polling.moved(CLICKS, 20)
    assert client.read(Message(20)) == ([20], 20)


def test_errors_of_the_client_are_told() -> None:
    polled = Client().poll(Message(-1001, KafkaError._ALL_BROKERS_DOWN, TP("", -1)))
    assert [error.code() for error in polled.refusals] == [KafkaError._ALL_BROKERS_DOWN]


@given(
    log=st.lists(st.booleans(), max_size=40),
    polls=st.lists(st.integers(1, 7), min_size=1, max_size=20),
    dropped=st.sets(st.integers(0, 20)),
)
def test_any_log_read_in_any_portions(log: list[bool], polls: list[int], dropped: set[int]) -> None:
    """`log`: whether an offset holds an event. Whole polls are dropped on their way; the worker finds each
    gap at the next event, and reads again. It takes each event once, in order.
    """
    client, gaps = Client(), Gaps()
    log = [*log, True]
    expected, taken, turn = 0, list[int](), 0
    while taken != [offset for offset, event in enumerate(log) if event]:
        known = client.polling.known(CLICKS)
        assert known is not None
        for last in (-1, known.last - 1, known.last):
            said = known.last > last or known.has_more
            assert client.polling.more_to_come(CLICKS, last) is said
        left = [offset for offset in range(known.position or 0, len(log)) if log[offset]]
        if not left:
            log.append(True)  # the last poll was dropped: the next event tells
            continue
        size, turn = polls[turn % len(polls)], turn + 1
        messages = list(map(Message, left[:size]))
        chunk = client.poll(*messages, *([end(len(log))] if len(left) <= size else [])).chunks[CLICKS]
        since = chunk.since
        for record in chunk.records if turn not in dropped else ():
            verdict = "old"
            if record.offset >= expected:
                verdict = str(gaps.judge("clicks-0", expected, since, chunk.seek))
            if verdict == "next":
                taken.append(record.offset)
                expected = record.offset + 1
            elif verdict == "reread":
                gaps.sought("clicks-0", chunk.seek + 1)
                client.polling.moved(CLICKS, expected, chunk.seek + 1)
            since = record.offset + 1
