"""Kafka record batches, version 2, written byte by byte: also such as no client would write."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.record.util import calc_crc32c

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
ENCODERS: dict[int, Callable[[bytes], bytes]] = {
    GZIP: gzip_encode,
    SNAPPY: snappy_encode,
    LZ4: lz4_encode,
    ZSTD: zstd_encode,
}
FIRST_MS = 1_700_000_000_000


def varint(value: int) -> bytes:
    rest = (value << 1) ^ (value >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def field(value: bytes | None) -> bytes:
    return varint(-1) if value is None else varint(len(value)) + value


def record(
    delta: int,
    key: bytes | None = b"ann",
    value: bytes | None = b"{}",
    headers: Sequence[tuple[bytes, bytes | None]] = (),
    since_ms: int = 0,
) -> bytes:
    """One record, with its length before it; `delta` is its offset from that of the batch."""
    names = b"".join(field(name) + field(content) for name, content in headers)
    body = b"\0" + varint(since_ms) + varint(delta) + field(key) + field(value) + varint(len(headers)) + names
    return varint(len(body)) + body


def batch(
    base: int,
    records: Sequence[bytes],
    last_delta: int | None = None,
    codec: int = NONE,
    attributes: int = 0,
    producer: int = -1,
    count: int | None = None,
    body: bytes | None = None,
) -> bytes:
    """A batch with a right checksum. `body`: instead of the records, as it is."""
    joined = b"".join(records)
    if body is None:
        body = ENCODERS[codec](joined) if codec in ENCODERS else joined
    delta = len(records) - 1 if last_delta is None else last_delta
    checked = (
        struct.pack(
            ">hiqqqhii",
            *(attributes | codec, delta, FIRST_MS, FIRST_MS + 1_000, producer, 0, -1),
            len(records) if count is None else count,
        )
        + body
    )
    rest = struct.pack(">ibI", 0, 2, calc_crc32c(checked)) + checked
    return struct.pack(">qi", base, len(rest)) + rest
