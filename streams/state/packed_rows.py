"""Sorted row numbers as bytes: the gaps between them in Rice code (Rice and Plaunt, 1971).

A gap is a quotient by 2^k in unary and a remainder of k bits, with k from the mean gap. So rows drawn from
any catalogue take 1.5 bits more than log2 of the mean gap each: 512 rows out of a million items take 0.8 KB,
out of two thousand 0.2 KB. A gap with a long quotient is plain bits.

Layout: nothing for no rows; else their number (uint16, little-endian), k (one byte), the bits (low first).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.errors import StoreError

Rows = NDArray[np.int32]
Bytes = NDArray[np.uint8]

MAX_ROWS = 65_535
_HEAD = 3
_MAX_ROW = 2**31 - 1
_ESCAPE = 24  # ones that announce a plain gap
_PLAIN = 31  # bits of a plain gap
_MAX_CODE_BYTES = 8  # of one gap: _ESCAPE + _PLAIN bits, or _ESCAPE + k at most, rounded up


def pack_sorted(rows: Rows) -> bytes:
    """At most `MAX_ROWS` rows, strictly ascending, each at least 0."""
    n = len(rows)
    if not n:
        return b""
    out = np.empty(_HEAD + _MAX_CODE_BYTES * n, np.uint8)
    return out[: _pack(rows, out)].tobytes()


def with_one_more(rows: Rows, row: int) -> tuple[Rows, bytes]:
    """Sorted rows with one more, and what `pack_sorted` makes of them, b"" where they are more than it
    packs. The same object, and b"", where the row is among them.

    >>> rows = np.array([3, 70_001], np.int32)
    >>> grown, packed = with_one_more(rows, 70_000)
    >>> grown.tolist(), packed == pack_sorted(grown), with_one_more(rows, 3)[0] is rows
    ([3, 70000, 70001], True, True)
    """
    n = len(rows) + 1
    grown = np.empty(n, np.int32)
    out = np.empty(_HEAD + _MAX_CODE_BYTES * n if n <= MAX_ROWS else 0, np.uint8)
    size = _put(rows, row, grown, out)
    return (grown, out[:size].tobytes()) if size >= 0 else (rows, b"")


def packed_size(rows: Rows) -> int:
    """How many bytes `pack_sorted` makes of `rows`.

    >>> rows = np.array([3, 70_000, 70_001], np.int32)
    >>> packed_size(rows) == len(pack_sorted(rows))
    True
    """
    return _size(rows) if len(rows) else 0


def size_at_most(rows: int, packs: int) -> int:
    """The bytes that any `rows` rows in `packs` packs take at most."""
    return (_ESCAPE + _PLAIN) * rows // 8 + (_HEAD + 1) * packs


def unpack_sorted(packed: bytes) -> Rows:
    """The rows that `pack_sorted` packed; `StoreError` for other bytes.

    >>> unpack_sorted(pack_sorted(np.array([3, 70_000, 70_001], np.int32))).tolist()
    [3, 70000, 70001]
    """
    if not packed:
        return np.empty(0, np.int32)
    if len(packed) < _HEAD:
        raise StoreError(f"packed rows of {len(packed)} bytes are cut off")
    rows = np.empty(packed[0] + 256 * packed[1], np.int32)
    if not _unpack(np.frombuffer(packed, np.uint8), rows):
        raise StoreError(
            f"packed rows of {len(packed)} bytes do not hold {len(rows)} rows: something changed them"
        )
    return rows


@compiled
def _remainder_bits(rows: Rows) -> int:
    """The k that takes the fewest bits if rows are drawn at random.

    k + 1 is better if the chance to miss 2^k places in a row is above .618, the golden ratio (Gallager and
    van Voorhis, 1975): for a mean gap above 2.078 * 2^k + .5. k = 0 makes a map of bits.
    """
    n, twice = len(rows), 2 * (int(rows[-1]) + 1) - len(rows)
    k = 0
    while k < _PLAIN - 1 and 1_000 * twice > (4_156 << k) * n:
        k += 1
    return k


@compiled
def _size(rows: Rows) -> int:
    k = _remainder_bits(rows)
    bits = 0
    last = -1
    for n in range(len(rows)):
        quotient = (int(rows[n]) - last - 1) >> k
        last = int(rows[n])
        bits += quotient + 1 + k if quotient < _ESCAPE else _ESCAPE + _PLAIN
    return _HEAD + (bits + 7) // 8


@compiled
def _pack(rows: Rows, out: Bytes) -> int:
    """Write into `out`; returns the number of bytes."""
    k = _remainder_bits(rows)
    out[0] = len(rows) & 255
    out[1] = len(rows) >> 8
    out[2] = k
    at = 3
    pending = np.uint64(0)  # bits not yet written, the low `held` of them
    held = 0
    last = -1
    for n in range(len(rows)):
        row = int(rows[n])
        gap = row - last - 1
        last = row
        quotient = gap >> k
        if quotient < _ESCAPE:
            # `quotient` ones, a zero, then the remainder
            code = ((1 << quotient) - 1) | ((gap & ((1 << k) - 1)) << (quotient + 1))
            bits = quotient + 1 + k
        else:
            code = ((1 << _ESCAPE) - 1) | (gap << _ESCAPE)
            bits = _ESCAPE + _PLAIN
        pending |= np.uint64(code) << np.uint64(held)
        held += bits
        while held >= 8:
            out[at] = pending & np.uint64(255)
            at += 1
            pending >>= np.uint64(8)
            held -= 8
    if held:
        out[at] = pending & np.uint64(255)
        at += 1
    return at


@compiled
def _put(rows: Rows, row: int, grown: Rows, out: Bytes) -> int:
    """Fill `grown` with the rows and one more, and pack them into `out` where it has room; the number of
    bytes, or -1, and nothing is filled, where the row is there.
    """
    low, high = 0, len(rows)
    while low < high:
        middle = (low + high) // 2
        if rows[middle] < row:
            low = middle + 1
        else:
            high = middle
    if low < len(rows) and rows[low] == row:
        return -1
    for k in range(low):
        grown[k] = rows[k]
    grown[low] = row
    for k in range(low, len(rows)):
        grown[k + 1] = rows[k]
    return _pack(grown, out) if len(out) else 0


@compiled
def _unpack(packed: Bytes, rows: Rows) -> bool:
    """Fill `rows`; returns whether the bytes hold that many."""
    k = int(packed[2])
    if k > _PLAIN:
        return False
    at = 3
    end = len(packed)
    pending = np.uint64(0)
    held = 0
    last = -1
    for n in range(len(rows)):
        while held <= 55 and at < end:
            pending |= np.uint64(packed[at]) << np.uint64(held)
            at += 1
            held += 8
        quotient = 0
        while quotient < _ESCAPE and (pending >> np.uint64(quotient)) & np.uint64(1):
            quotient += 1
        if quotient < _ESCAPE:
            bits = quotient + 1 + k
            remainder = (pending >> np.uint64(quotient + 1)) & np.uint64((1 << k) - 1)
            gap = (quotient << k) | int(remainder)
        else:
            bits = _ESCAPE + _PLAIN
            gap = int((pending >> np.uint64(_ESCAPE)) & np.uint64((1 << _PLAIN) - 1))
        if bits > held:
            return False
        pending >>= np.uint64(bits)
        held -= bits
        last += gap + 1
        if last > _MAX_ROW:
            return False
        rows[n] = last
    return bool(at == end and held < 8)
