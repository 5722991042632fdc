"""The payload of a ledger entry: what one process applied comes to the others bit by bit."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from model.errors import StoreError
from model.schema import F32
from streams.state.ledger import Record, Showing, decode_record, encode_record
from streams.state.ledger_layout import VERSION
from streams.state.user_state import Interaction, Rows

rows = st.integers(0, 2**31 - 1)
row_arrays = arrays.arrays(np.int32, st.integers(0, 6), elements=rows)
# Rounded to float16, as whoever tells them has done.
words = arrays.arrays(np.float16, 4, elements=st.floats(-4, 4, width=16)).map(lambda w: w.astype(np.float32))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
interactions = st.builds(
    Interaction,
    row=rows,
    ts=st.integers(0, 253_402_300_799_000),
    action=st.integers(0, 255),
    rating=st.floats(1, 5) | st.just(math.nan),
    previous=row_arrays,
    tied=st.integers(0, 1_000),
    following=row_arrays,
    slate_id=texts,
    position=st.integers(-1, 10_000),
    value=st.floats(-1e12, 1e12) | st.just(math.nan),
    surface=texts,
    arm=texts,
    share=st.just(1.0) | st.floats(0, 1),
    user=texts,
)


@st.composite
def drawn_showings(draw: st.DrawFn) -> Showing:
    """With propensities of all rows, of some, or of none."""
    shown = draw(row_arrays)
    told = st.lists(st.floats(0, 1, width=32) | st.just(math.nan), min_size=len(shown), max_size=len(shown))
    propensities = np.array(draw(told), np.float32)
    if np.isnan(propensities).all():
        propensities = propensities[:0]
    return Showing(shown, draw(texts), draw(texts), draw(texts), propensities)


showings = drawn_showings()
records = st.builds(
    Record,
    interactions=st.lists(interactions, max_size=5),
    impressions=st.lists(showings, max_size=5),
    lessons=st.lists(st.binary(max_size=20), max_size=3),
    heard=st.lists(st.tuples(rows, words), max_size=3),
    items=st.lists(st.tuples(rows, st.binary(max_size=20)), max_size=5),
    activate=texts,
)


def plain(record: Record) -> Any:
    """A record as values that compare bit by bit."""

    def of(part: Rows | F32) -> tuple[str, bytes]:
        return part.dtype.str, part.tobytes()

    return (
        [
            (
                *(i.row, i.ts, i.action, np.float64(i.rating).tobytes()),
                *(of(i.previous), i.tied, of(i.following)),
                *(i.slate_id, i.position, np.float64(i.value).tobytes(), i.surface, i.arm, i.share, i.user),
            )
            for i in record.interactions
        ],
        [(of(each.rows), *each[1:4], of(each.propensities)) for each in record.impressions],
        record.lessons,
        [(row, of(said)) for row, said in record.heard],
        record.items,
        record.activate,
    )


@given(records)
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    again = decode_record(encode_record(record))
    assert plain(again) == plain(record)
    assert bool(again) == bool(record)


def test_numbers_come_back_as_pythons_own() -> None:
    """numpy's would overflow in arithmetic with times, and slow the learning loops down."""
    told = Interaction(row=1, ts=2, action=3, rating=4.5, previous=np.array([9], np.int32)[::-1], tied=1)
    (again,) = decode_record(encode_record(Record(interactions=[told]))).interactions
    assert [type(value) for value in again] == [
        *(int, int, int, float, np.ndarray, int, np.ndarray),
        *(str, int, float, str, str, float, str),
    ]


def test_a_reversed_view_keeps_its_order() -> None:
    newest_first = np.arange(5, dtype=np.int32)[::-1]
    told = Interaction(row=1, ts=2, action=3, rating=math.nan, previous=newest_first, tied=0)
    (again,) = decode_record(encode_record(Record(interactions=[told]))).interactions
    assert again.previous.tolist() == [4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (Record(), False),
        (Record(activate="m"), True),
        (Record(items=[(0, b"")]), True),
        (Record(heard=[(0, np.zeros(2, np.float32))]), True),
        (Record(impressions=[Showing(np.empty(0, np.int32))]), True),
        (Record(lessons=[b""]), True),
        (Record(interactions=[Interaction(0, 0, 0, math.nan, np.empty(0, np.int32), 0)]), True),
    ],
)
def test_a_record_says_whether_there_is_anything_to_tell(record: Record, expected: bool) -> None:
    assert bool(record) is expected


def test_what_counts_in_full_is_written_as_by_builds_before_there_were_shares() -> None:
    told = Interaction(row=1, ts=2, action=3, rating=4.5, previous=np.empty(0, np.int32), tied=0)
    for share, column in ((1.0, b""), (0.25, np.float64(0.25).tobytes())):
        columns = msgspec.msgpack.decode(encode_record(Record(interactions=[told._replace(share=share)])))
        assert columns[-6:] == [column, [], b"", [], "", []]
        (again,) = decode_record(msgspec.msgpack.encode(columns[: -6 if share == 1.0 else -5])).interactions
        assert (again.share, again.user) == (share, "")


def test_a_batch_of_32_takes_little_room() -> None:
    told = [Interaction(n, 1_700_000_000_000, 1, 4.0, np.arange(10, dtype=np.int32), 0) for n in range(32)]
    assert len(encode_record(Record(interactions=told))) < 32 * 70


def test_an_entry_of_a_newer_build_is_refused_and_says_so() -> None:
    version, *columns = msgspec.msgpack.decode(encode_record(Record(activate="m")))
    assert version == VERSION
    raw = msgspec.msgpack.encode([VERSION + 1, *columns])
    with pytest.raises(StoreError, match=f"version {VERSION + 1}; this build reads {VERSION}"):
        decode_record(raw)


def check_readable_or_refused(raw: bytes) -> None:
    try:
        record = decode_record(raw)
    except StoreError:
        return
    assert plain(decode_record(encode_record(record))) == plain(record)


@given(st.binary(max_size=100))
@example(b"")
@example(b"\x91" * 10_000)
def test_any_bytes_are_a_record_or_a_store_error(raw: bytes) -> None:
    check_readable_or_refused(raw)


@given(records, st.data())
def test_a_record_with_changed_bytes_is_a_record_or_a_store_error(
    record: Record, data: st.DataObject
) -> None:
    raw = bytearray(encode_record(record))
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=3)):
        raw[at] = data.draw(st.integers(0, 255))
    check_readable_or_refused(bytes(raw))
