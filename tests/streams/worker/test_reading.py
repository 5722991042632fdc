"""Whole records of any kind: each becomes an event or a letter, and costs no other one anything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from faust.types import TP
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import StoreUnavailableError
from model.schema import F32
from streams.clock import ManualClock
from streams.events.schema import Click, Control, EventLimits, Item, encode
from streams.kafka.dead_letter_box import StoredLetter, stored_letter
from streams.kafka.dead_letters import DeadLetter, headers
from streams.kafka.fetched import Fetched
from streams.kafka.message import Message, read
from streams.kafka.record import of_aiokafka
from streams.state.event_meaning import Encode
from streams.worker.intake import as_message
from streams.worker.metrics import WorkerMetrics
from streams.worker.reading import Reader
from tests.streams.kafka.fetching import CLICKS, Fetcher, read_all
from tests.streams.kafka.record_batches import ENCODERS, FIRST_MS, batch, record
from tests.streams.worker.conftest import NOW_MS, message

Odd = tuple[bytes | None, bytes | None, list[tuple[bytes, bytes | None]], int]
GOOD = encode(Click(event_id="1", ts=NOW_MS, user_id="ann", item_id="i1"))
ACCEPTED = b"headrace-accepted"


class Models:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def check(self, name: str) -> None:
        if self.error is not None:
            raise self.error


def reader(encode: Encode | None = None, error: Exception | None = None) -> Reader:
    return Reader(EventLimits(), ManualClock(NOW_MS), WorkerMetrics(), Models(error).check, encode)


odd_bytes = st.sampled_from(
    [None, b"", b"nan", b"inf", b"-1", b"1e400", b"\xff\0", b"9" * 400, b"1_0", b" 7 "]
)
names = st.sampled_from([ACCEPTED, b"", b"\xff\xfe", b"traceparent", "é".encode()])
values = (
    st.none()
    | st.binary(max_size=40)
    | st.sampled_from([b"", b"{}", b"null", b"[" * 3_000, b'{"type":"click"' * 9, b"0" * 70_000, GOOD[:-1]])
)
odd_records = st.tuples(
    st.none() | st.binary(max_size=9),
    values,
    st.lists(st.tuples(names, odd_bytes | st.binary(max_size=9)), max_size=4),
    st.sampled_from([0, -FIRST_MS - 1, -(2 * FIRST_MS), 10**15, -(2**62)]),
)


@settings(max_examples=150)
@given(st.lists(st.none() | odd_records, min_size=1, max_size=6), st.sampled_from([0, *ENCODERS]))
async def test_every_record_becomes_an_event_or_a_letter(drawn: list[Odd | None], codec: int) -> None:
    """None stands for a sound record. From the bytes on the wire to the letter that a person reads."""
    sound: Odd = (b"ann", GOOD, [], 0)
    records = [record(n, *(each or sound)) for n, each in enumerate(drawn)]
    fetcher = Fetcher([batch(0, records, codec=codec)], len(records))
    (chunk,) = await read_all(fetcher, Fetched())
    messages = [as_it_is_handed_on(each) for each in chunk.records]
    reads, letters = await reader().read(messages)
    found = [each.message.offset for each in reads] + [each.message.offset for each in letters]
    assert sorted(found) == list(range(len(drawn)))
    again, said = await reader().read([reader().early(each) for each in messages])
    assert [each.incoming for each in again] == [each.incoming for each in reads]
    assert [(each.message.offset, each.reason, each.why) for each in said] == [
        (each.message.offset, each.reason, each.why) for each in letters
    ]
    for each in reads:
        assert 0 < each.incoming.accepted_ms <= NOW_MS
        assert math.isfinite(each.incoming.accepted_ms)
    assert {n for n, each in enumerate(drawn) if each is None} <= {each.message.offset for each in reads}
    for letter in letters:
        assert letter.reason in {"not_json", "invalid", "too_large", "wrong_key"}, letter.why
        stored = as_stored(letter)
        assert (stored.key, stored.value) == (letter.message.key, letter.message.value)
        assert (stored.offset, stored.reason) == (letter.message.offset, letter.reason)


def as_it_is_handed_on(each: Any) -> Message:
    """One of aiokafka's records, or of those that were taken apart."""
    record = of_aiokafka(TP(*CLICKS), each)
    record.since, record.seek = each.offset, 1
    return as_message(record, len("headrace."))


def as_stored(letter: DeadLetter) -> StoredLetter:
    stored = SimpleNamespace(
        offset=7, value=letter.message.value or b"", headers=tuple(headers(letter, "headrace.clicks"))
    )
    return stored_letter(stored, frozenset())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"%d" % (NOW_MS - 5), NOW_MS - 5),
        (b"%d" % (NOW_MS + 50), NOW_MS),  # the gateway's clock is a little ahead
        (b"%d" % (NOW_MS + 10**12), NOW_MS),
        (None, NOW_MS),
        (b"", NOW_MS),
        (b"nan", NOW_MS),
        (b"inf", NOW_MS),
        (b"1e400", NOW_MS),
        (b"-3", NOW_MS),
        (b"\xff", NOW_MS),
        (b"soon", NOW_MS),
    ],
)
@pytest.mark.parametrize("timestamp_ms", [NOW_MS - 3_600_000, -1, -NOW_MS, NOW_MS + 10**12])
def test_no_time_leads_astray(value: bytes | None, timestamp_ms: float, expected: int) -> None:
    """Neither one in a header, nor Kafka's own."""
    taken = Message("clicks", 0, 0, timestamp_ms, b"ann", GOOD, [("headrace-accepted", value)])
    assert read(taken, NOW_MS, EventLimits()).accepted_ms == expected


def test_of_a_header_that_comes_twice_the_first_time_counts() -> None:
    pairs = [("headrace-accepted", b"x"), ("headrace-accepted", b"5"), ("headrace-accepted", b"6")]
    taken = Message("clicks", 0, 0, NOW_MS, b"ann", GOOD, pairs)
    assert read(taken, NOW_MS, EventLimits()).accepted_ms == 5


async def test_an_error_that_no_rule_speaks_of_is_one_records_own() -> None:
    order = message(Control(event_id="1", ts=NOW_MS, command="activate_model", model="a\0b"), 0)
    click = message(Click(event_id="2", ts=NOW_MS, user_id="ann", item_id="i"), 0)
    reads, (letter,) = await reader(error=ValueError("embedded null byte")).read([order, click])
    assert [each.message for each in reads] == [click]
    assert (letter.reason, letter.why) == ("unreadable", "ValueError: embedded null byte")
    with pytest.raises(StoreUnavailableError):
        await reader(error=StoreUnavailableError("away")).read([order])


async def test_a_text_that_the_encoder_fails_on_is_one_records_own() -> None:
    def encode(texts: Sequence[str]) -> F32:
        if any("odd" in text for text in texts):
            raise IndexError("token out of range")
        return np.ones((len(texts), 64), np.float32)

    items: Sequence[Item] = [
        Item(event_id=str(n), ts=NOW_MS, item_id=str(n), title=title)
        for n, title in enumerate(("plain", "odd", "", "fine"))
    ]
    messages = [message(item, n) for n, item in enumerate(items)]
    reads, (letter,) = await reader(encode).read(messages)
    assert [(each.message.offset, each.incoming.vectors.words is None) for each in reads] == [
        (0, False),
        (2, True),
        (3, False),
    ]
    assert (letter.message.offset, letter.reason) == (1, "unreadable")


async def test_an_encoder_that_fails_on_everything_is_no_records_fault() -> None:
    def encode(texts: Sequence[str]) -> F32:
        raise MemoryError("no memory for it")

    items = [Item(event_id=str(n), ts=NOW_MS, item_id=str(n), title="fine") for n in range(2)]
    with pytest.raises(MemoryError):
        await reader(encode).read([message(item, n) for n, item in enumerate(items)])


async def test_bytes_that_are_no_record_become_a_letter() -> None:
    fetcher = Fetcher([batch(0, [record(0)] * 3, codec=6)], 3)
    (chunk,) = await read_all(fetcher, Fetched())
    _, (letter,) = await reader().read([as_it_is_handed_on(each) for each in chunk.records])
    assert (letter.reason, letter.message.offset, letter.message.value) == ("undecodable", 2, fetcher.log[0])
    assert not as_stored(letter).whole
