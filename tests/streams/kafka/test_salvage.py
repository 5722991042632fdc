"""Batches that the client can't decode: what can be read of them goes on, the rest is kept as bytes."""

from __future__ import annotations

import re
import struct

import pytest
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from model.errors import UndecodableError
from streams.kafka.salvage import Undecodable, salvage
from tests.streams.kafka.record_batches import ENCODERS, FIRST_MS, batch, record

END = 1_000
names = st.text(max_size=5).map(str.encode)
contents = st.none() | st.binary(max_size=9)
fields = st.tuples(contents, contents, st.lists(st.tuples(names, contents), max_size=3), st.integers(-9, 9))


@given(
    st.lists(fields, min_size=1, max_size=5),
    st.sampled_from([0, *ENCODERS]),
    st.sampled_from([0, 8]),
    st.data(),
)
def test_a_sound_batch_reads_as_the_client_reads_it(
    drawn: list[tuple[bytes | None, bytes | None, list[tuple[bytes, bytes | None]], int]],
    codec: int,
    stamps: int,
    data: st.DataObject,
) -> None:
    deltas = sorted(data.draw(st.sets(st.integers(0, 20), min_size=len(drawn), max_size=len(drawn))))
    records = [record(delta, *each) for delta, each in zip(deltas, drawn, strict=True)]
    last = deltas[-1] + data.draw(st.integers(0, 3))
    raw = batch(100, records, last, codec, stamps)
    position = data.draw(st.integers(100, 100 + last))
    found = salvage(raw + batch(300, [record(0)])[:70], "clicks", 1, position, END)
    client = MemoryRecords(raw).next_batch()
    expected = [
        (each.offset, each.timestamp, each.timestamp_type, each.key, each.value, tuple(each.headers))
        for each in client
        if each.offset >= position
    ]
    assert [
        (each.offset, each.timestamp, each.timestamp_type, each.key, each.value, each.headers)
        for each in found.records
    ] == expected
    assert found.end == client.next_offset == 100 + last + 1


def test_a_header_that_is_no_utf8_costs_nothing() -> None:
    raw = batch(5, [record(0), record(1, headers=[(b"\xff", b"x"), (b"n", None)]), record(2)])
    found = salvage(raw, "clicks", 1, 5, END)
    assert [each.offset for each in found.records] == [5, 6, 7]
    assert found.records[1].headers == (("�", b"x"), ("n", None))
    assert found.records[1].timestamp == FIRST_MS


def test_one_broken_record_costs_itself() -> None:
    broken = bytearray(record(1, value=b"12345678"))
    broken[4] = 0x7E  # the length of its key
    found = salvage(batch(5, [record(0), bytes(broken), record(2)]), "clicks", 1, 5, END)
    first, middle, last = found.records
    assert (first.offset, last.offset, found.end) == (5, 7, 8)
    assert isinstance(middle, Undecodable)
    assert (middle.offset, middle.value) == (6, bytes(broken[1:]))
    assert "offset 6 of clicks-1 can't be decoded" in middle.why


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (batch(5, [record(0)] * 3, codec=6), "its codec has the number 6"),
        (batch(5, [], 2, codec=4, count=3, body=b"garbage"), "it can't be decompressed"),
        (batch(5, [], 2, codec=2, count=3, body=b"\xff" * 40), "it can't be decompressed"),
        (batch(5, [], 2, codec=3, count=3, body=b""), "it can't be decompressed|left|range"),
        (batch(5, [record(0)] * 3)[:-1] + b"!", "its checksum is wrong"),
        (batch(5, [b"\xff" * 40], 2, count=3), "more than 64 bits"),
        (batch(5, [], 2, count=3), "range"),
        (batch(5, [record(7)], 2, count=3), "a record has offset 12"),
        (batch(5, [record(0)], 2, count=-1), "bytes behind its -1 records"),
    ],
)
def test_a_whole_batch_is_kept_as_it_came(raw: bytes, why: str) -> None:
    found = salvage(raw, "clicks", 1, 5, END)
    assert found.end == 8
    (letter,) = found.records
    assert isinstance(letter, Undecodable)
    assert (letter.offset, letter.value, letter.key) == (7, raw, None)
    assert "offsets 5 to 7 of clicks-1" in letter.why
    assert re.search(why, letter.why), letter.why


def test_records_in_front_of_what_cannot_be_told_apart_go_on() -> None:
    raw = batch(5, [record(0), record(1), b"\x7f"], last_delta=9, count=8)
    found = salvage(raw, "clicks", 1, 6, END)
    assert [each.offset for each in found.records] == [6, 14]
    assert "offsets 7 to 14" in found.records[1].why
    assert found.end == 15


def test_markers_of_transactions_are_no_events() -> None:
    raw = batch(5, [record(0, key=b"\0\0\0\1")], attributes=0x30, producer=7)
    assert salvage(raw, "clicks", 1, 5, END) == ([], 6)


def test_a_wrong_header_does_not_lead_past_the_next_batch_or_the_end() -> None:
    raw = bytearray(batch(5, [record(0)]))
    raw[23:27] = struct.pack(">i", 10**9)  # the last offset; the checksum shows it
    assert salvage(bytes(raw) + batch(6, [record(0)]), "clicks", 1, 5, END).end == 6
    assert salvage(bytes(raw), "clicks", 1, 5, 9).end == 9


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 11,
        struct.pack(">qi", 5, 10**6) + b"\0" * 50,
        struct.pack(">qi", 5, -1) + b"\0" * 50,
        batch(5, [record(0)])[:-1],
        batch(5, [record(0)], last_delta=-4),
        batch(0, [record(0)]),
    ],
)
def test_where_the_end_is_not_known_the_error_says_what_to_do(raw: bytes) -> None:
    with pytest.raises(UndecodableError, match=r"clicks-1 at offset 5.*kafka-delete-records"):
        salvage(raw, "clicks", 1, 5, END)


@given(st.binary(max_size=200), st.integers(0, 4), st.integers(-3, 30), st.booleans())
def test_whatever_is_in_a_batch_it_is_read_to_its_end(
    body: bytes, codec: int, count: int, packed: bool
) -> None:
    body = ENCODERS[codec](body) if packed and codec in ENCODERS else body
    found = salvage(batch(5, [], 9, codec, count=count, body=body), "clicks", 1, 5, END)
    assert found.end == 15
    offsets = [each.offset for each in found.records]
    assert offsets == sorted(set(offsets))
    assert all(5 <= offset < 15 for offset in offsets)
