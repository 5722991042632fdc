"""Takes a batch that the Kafka client can't decode apart, record by record.

One bad record makes the client give up the whole batch, and every fetch after it. This module reads each
record by itself: good records go on, and bad ones stay as bytes. The layout is Kafka's record batch, version
2 (https://kafka.apache.org/documentation/#recordbatch).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiokafka import ConsumerRecord
from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode
from aiokafka.record.util import calc_crc32c

from model.errors import UndecodableError

_FRAME = struct.Struct(">qi")  # base offset, length of what follows
_HEADER = struct.Struct(">qiibIhiqqqhii")
_MAGIC_AT = 16
_CRC_FROM = 21
_CODEC, _LOG_APPEND_TIME, _CONTROL = 0x07, 0x08, 0x20
_DECODERS: dict[int, Callable[[bytes], bytes]] = {
    0: bytes,
    1: gzip_decode,
    2: snappy_decode,
    3: lz4_decode,
    4: zstd_decode,
}


@dataclass
class Undecodable(ConsumerRecord):  # type: ignore[misc]  # aiokafka ships no types
    """The bytes of a bad record, or of a whole batch, with the last offset that they cover and the reason."""

    why: str = ""


class SalvagedBatch(NamedTuple):
    """The records of a batch, in order, and the offset after it."""

    records: list[Any]
    end: int


class _Batch(NamedTuple):
    topic: str
    partition: int
    base: int
    end: int
    whole: bytes
    stamps: Callable[[int], int]
    log_append: bool

    def undecodable(self, first: int, last: int, raw: bytes, why: str) -> Undecodable:
        offsets = f"offset {first}" if first == last else f"offsets {first} to {last}"
        why = f"{offsets} of {self.topic}-{self.partition} can't be decoded: {why}"
        return Undecodable(
            self.topic, self.partition, last, -1, 0, None, raw, None, -1, len(raw), (), why
        )  # fmt: skip


def salvage(raw: bytes, topic: str, partition: int, position: int, limit: int) -> SalvagedBatch:
    """The first batch of `raw`, which the broker gave for `position`, from `position` on.

    `limit`: where the log ends. Raises `UndecodableError` where the bytes don't tell where the batch ends.
    """
    batch, attributes, count = _framed(raw, topic, partition, position, limit)
    first = max(position, batch.base)
    if isinstance(attributes, str):
        return SalvagedBatch([batch.undecodable(first, batch.end - 1, batch.whole, attributes)], batch.end)
    if attributes & _CONTROL:
        return SalvagedBatch([], batch.end)
    try:
        decode = _DECODERS[attributes & _CODEC]
    except KeyError:
        why = f"its codec has the number {attributes & _CODEC}, expected 0 to 4"
        return SalvagedBatch([batch.undecodable(first, batch.end - 1, batch.whole, why)], batch.end)
    try:
        body = bytes(decode(batch.whole[_HEADER.size :]))
    except Exception as error:  # each codec's library has errors of its own
        why = f"it can't be decompressed ({type(error).__name__}: {error})"
        return SalvagedBatch([batch.undecodable(first, batch.end - 1, batch.whole, why)], batch.end)
    return SalvagedBatch(
        [each for each in _records(batch, body, count) if each.offset >= position], batch.end
    )


def _framed(
    raw: bytes, topic: str, partition: int, position: int, limit: int
) -> tuple[_Batch, int | str, int]:
    """The batch, its attributes (or why they can't be trusted), and the number of its records."""
    where = f"{topic}-{partition} at offset {position}"
    if len(raw) < _FRAME.size:
        raise _unframed(where, f"the broker gave {len(raw)} bytes")
    base, length = _FRAME.unpack_from(raw)
    size = _FRAME.size + length
    if length <= 0 or size > len(raw) or size <= _MAGIC_AT:
        raise _unframed(where, f"the batch announces {length} bytes, and {len(raw)} came")
    whole, magic = raw[:size], raw[_MAGIC_AT]
    if len(raw) >= size + _FRAME.size:
        limit = min(limit, _FRAME.unpack_from(raw, size)[0])  # where the next batch begins
    trouble, attributes, count, delta, stamps = "", 0, 0, 0, (0, 0)
    if magic != 2:  # a format from before 2017, where the offset is that of the last message
        trouble = f"it has format {magic}"
    elif size < _HEADER.size:
        raise _unframed(where, f"its header has {size} bytes, expected {_HEADER.size}")
    else:
        _, _, _, _, crc, attributes, delta, *stamps_of, _, _, _, count = _HEADER.unpack_from(whole)
        stamps = (stamps_of[0], stamps_of[1])
        if calc_crc32c(whole[_CRC_FROM:]) != crc:
            trouble = "its checksum is wrong"
    end = min(base + delta + 1, limit)
    if not max(base, position) < end:
        raise _unframed(where, f"its batch says that it ends at offset {end}")
    log_append = bool(attributes & _LOG_APPEND_TIME)
    first_ms, largest_ms = stamps
    batch = _Batch(
        topic, partition, base, end, whole,
        (lambda _: largest_ms) if log_append else (lambda since: first_ms + since), log_append,
    )  # fmt: skip
    return batch, trouble or attributes, count


def _unframed(where: str, what: str) -> UndecodableError:
    return UndecodableError(
        f"{where}: expected a record batch, but {what}. Nothing tells where the next batch begins, so the"
        " worker reads nothing behind it. Check the broker's disk (kafka-dump-log); to go on behind the"
        " batch, delete the records up to it (kafka-delete-records)"
    )


def _records(batch: _Batch, body: bytes, count: int) -> Iterator[Any]:
    at, expected = 0, batch.base
    for _ in range(count):
        try:
            length, start = _varint(body, at)
            if length < 0 or start + length > len(body):
                raise ValueError(f"a record has {length} bytes, but only {len(body) - start} are left")
            record = body[start : start + length]
            delta, since, at_key = _head(record)
            offset = batch.base + delta
            if not expected <= offset < batch.end:
                raise ValueError(f"a record has offset {offset}, expected {expected}")
        except (ValueError, IndexError) as error:
            yield from _rest(batch, expected, f"{type(error).__name__}: {error}")
            return
        at, expected = start + length, offset + 1
        try:
            key, value, headers = _body(record, at_key)
        except (ValueError, IndexError) as error:
            yield batch.undecodable(offset, offset, record, f"{type(error).__name__}: {error}")
            continue
        yield ConsumerRecord(
            batch.topic, batch.partition, offset, batch.stamps(since), int(batch.log_append), key, value,
            None, -1 if key is None else len(key), -1 if value is None else len(value), headers,
        )  # fmt: skip
    if at < len(body):
        yield from _rest(batch, expected, f"{len(body) - at} bytes behind its {count} records")


def _rest(batch: _Batch, first: int, why: str) -> Iterator[Undecodable]:
    """The records from `first` on, as one piece: nothing tells where each of them begins."""
    if first < batch.end:
        yield batch.undecodable(first, batch.end - 1, batch.whole, why)


def _head(record: bytes) -> tuple[int, int, int]:
    """A record's offset and time, from those of the batch; and where its key begins."""
    since, at = _varint(record, 1)
    delta, at = _varint(record, at)
    return delta, since, at


def _body(record: bytes, at: int) -> tuple[bytes | None, bytes | None, tuple[tuple[str, bytes | None], ...]]:
    key, at = _bytes(record, at)
    value, at = _bytes(record, at)
    count, at = _varint(record, at)
    if count < 0:
        raise ValueError(f"{count} headers")
    headers = []
    for _ in range(count):
        name, at = _bytes(record, at)
        content, at = _bytes(record, at)
        headers.append(((name or b"").decode(errors="replace"), content))
    return key, value, tuple(headers)


def _bytes(record: bytes, at: int) -> tuple[bytes | None, int]:
    length, at = _varint(record, at)
    if length < 0:
        return None, at
    if at + length > len(record):
        raise ValueError(f"a field has {length} bytes, but only {len(record) - at} are left")
    return record[at : at + length], at + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in zigzag, and where it ends. (aiokafka's own reader goes on behind the end of the bytes.)"""
    number = shift = 0
    while shift < 64:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at
    raise ValueError(f"the number that ends at byte {at} has more than 64 bits")
