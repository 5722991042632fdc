"""Items that wait until the index takes them, packed in blocks.

At a start all items of a catalogue wait. As objects they would take four times as much; and each on its own
they would lie among what stays, so that their memory would not go back to the system afterwards.
"""

from __future__ import annotations

import threading
from array import array
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.search.documents import pack, unpack
from streams.state.catalog import ItemRecord

BLOCK_ITEMS = 1_000
BLOCK_BYTES = 4 << 20


class Change(NamedTuple):
    """`stored`: the record was read from the store, and what was noted beside is newer."""

    row: int
    record: ItemRecord
    stored: bool


class Mark(NamedTuple):
    """Among what is noted: a reading has ended, and these rows were read."""

    kept: NDArray[np.int64]


class Waiting:
    """In the order in which they came. One thread may note, and another one take."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parts: deque[Block | Mark] = deque()

    def __len__(self) -> int:
        with self._lock:
            return sum(len(part) if isinstance(part, Block) else 1 for part in self._parts)

    def note(self, row: int, record: ItemRecord, stored: bool = False) -> None:
        """An item as it now is, or as it was when the store was read."""
        packed = pack(record)
        with self._lock:
            last = self._parts[-1] if self._parts else None
            if not isinstance(last, Block) or last.full:
                last = Block()
                self._parts.append(last)
            last.add(row, packed, stored)

    def mark(self, mark: Mark) -> None:
        """What is noted from here on comes after it."""
        with self._lock:
            self._parts.append(mark)

    def take(self) -> Block | Mark | None:
        """What came first; None for nothing."""
        with self._lock:
            return self._parts.popleft() if self._parts else None


class Block:
    """Some changes, one behind the other."""

    def __init__(self) -> None:
        self._rows, self._ends, self._stored = array("q"), array("q", [0]), bytearray()
        self._packed = bytearray()

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def full(self) -> bool:
        return len(self._rows) >= BLOCK_ITEMS or len(self._packed) >= BLOCK_BYTES

    def add(self, row: int, packed: bytes, stored: bool) -> None:
        self._packed += packed
        self._rows.append(row)
        self._ends.append(len(self._packed))
        self._stored.append(stored)

    def __iter__(self) -> Iterator[Change]:
        with memoryview(self._packed) as packed:
            for k, row in enumerate(self._rows):
                record = unpack(bytes(packed[self._ends[k] : self._ends[k + 1]]))
                yield Change(row, record, bool(self._stored[k]))
