"""Where a page of a list ended, as a text that the caller sends back for the next page. Nothing is kept here.

A list of one order for all (`ValueCursor`) goes on behind the last item that was shown: its value and its
row. A list whose scores rise and fall (`ShownCursor`) goes on with what was not shown yet: the cursor names
what was.
Either way no item comes twice, whatever has happened since; what has risen past the cursor is on page one.
"""

from __future__ import annotations

import base64
import binascii
import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.errors import RequestError
from streams.ranking.lists.page import MOST
from streams.ranking.request import ItemFilter
from streams.ranking.request_checks import HIGHEST_ROW
from streams.ranking.slate import slate_id
from streams.ranking.slate_of_draft import filter_parts

VERSION = 1
LONGEST = 2_048
"""Characters of a cursor at most: `MOST` rows take 1,120."""
LATEST_MS = 253_402_300_799_000
_I4 = np.dtype("<i4")


class ValueCursor(msgspec.Struct, array_like=True, frozen=True, tag="after"):
    """`value`: of the last item, as of the landmark `landmark_ms` (0 for values that have none)."""

    version: int
    of: str
    value: float
    row: int
    landmark_ms: int = 0


class ShownCursor(msgspec.Struct, array_like=True, frozen=True, tag="shown"):
    """`rows`: int32, of all items that were shown."""

    version: int
    of: str
    rows: bytes

    def shown(self) -> NDArray[np.int32]:
        """The rows: int32 [n]."""
        return np.frombuffer(self.rows, _I4)


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[ValueCursor | ShownCursor] = msgspec.msgpack.Decoder(
    ValueCursor | ShownCursor
)


def name_of(name: str, asked: ItemFilter, *more: object) -> str:
    """Names a list with all that is asked of it: a cursor of one list is none of another."""
    return slate_id(name, filter_parts(asked), *more)


def after(of: str, value: float, row: int, landmark_ms: int = 0) -> str:
    """The cursor behind this item."""
    return _text(ValueCursor(VERSION, of, value, row, landmark_ms))


def shown(of: str, rows: NDArray[np.int32]) -> str:
    """The cursor behind these items."""
    return _text(ShownCursor(VERSION, of, rows.astype(_I4).tobytes()))


def read_after(cursor: str, of: str) -> ValueCursor | None:
    """Where to go on; None for the first page. Raises `RequestError` for what is no cursor of this list."""
    found = _read(cursor, of)
    if found is None:
        return None
    if not isinstance(found, ValueCursor) or not math.isfinite(found.value):
        raise _refused(cursor)
    if not (0 <= found.row <= HIGHEST_ROW and 0 <= found.landmark_ms <= LATEST_MS):
        raise _refused(cursor)
    return found


def read_shown(cursor: str, of: str) -> NDArray[np.int32]:
    """What was shown, none for the first page. Raises `RequestError` as `read_after` does."""
    found = _read(cursor, of)
    if found is None:
        return np.empty(0, np.int32)
    if not isinstance(found, ShownCursor) or len(found.rows) % _I4.itemsize:
        raise _refused(cursor)
    rows = found.shown()
    if len(rows) > MOST or (rows < 0).any():
        raise _refused(cursor)
    return rows


def _text(mark: ValueCursor | ShownCursor) -> str:
    return base64.urlsafe_b64encode(_encoder.encode(mark)).rstrip(b"=").decode()


def _read(cursor: str, of: str) -> ValueCursor | ShownCursor | None:
    if not cursor:
        return None
    try:
        if len(cursor) > LONGEST:
            raise ValueError("too long")
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        mark = _decoder.decode(raw)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise _refused(cursor) from None
    if mark.version != VERSION or mark.of != of:
        raise _refused(cursor)
    return mark


def _refused(cursor: str) -> RequestError:
    return RequestError(
        f"cursor is {cursor[:40]!r}; expected the `cursor` of a page of this list, asked for with the same"
        " item, user and filters"
    )
