"""Titles by row, in one piece of memory.

As strings, 100,000 of them take 27 MiB: each keeps its place among what was read with it, and so that place
does not go back to the system when all else that was there has gone.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

LENGTH_BITS = 24
LEAST = 1 << 16
"""Bytes that nobody reads any more, from which on they are worth being left out."""


class _Kept(NamedTuple):
    """`places[row]`: where its title begins in `texts`, and its length in the lower bits, in bytes."""

    texts: bytearray
    places: array[int]


class Titles:
    """One thread may put while others read: each sees a title as it was put, or as it was before.

    >>> titles = Titles()
    >>> titles.put(2, "snare drum")
    >>> list(titles)
    ['', '', 'snare drum']
    """

    def __init__(self) -> None:
        self._kept = _Kept(bytearray(), array("q"))
        self._unread = 0

    def __len__(self) -> int:
        return len(self._kept.places)

    def __getitem__(self, row: int) -> str:
        return _at(self._kept, row).decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        return (self[row] for row in range(len(self)))

    def put(self, row: int, title: str) -> None:
        """This is the title of the row now; rows between the last one and this one have none."""
        texts, places = self._kept
        if row >= len(places):
            places.extend([0] * (row + 1 - len(places)))
        new = title.encode("utf-8", "surrogatepass")
        if new == _at(self._kept, row):
            return
        self._unread += places[row] & ((1 << LENGTH_BITS) - 1)
        begin = len(texts)
        texts += new
        places[row] = begin << LENGTH_BITS | len(new)
        if self._unread > max(LEAST, len(texts) // 2):
            self._tidy()

    def _tidy(self) -> None:
        """Beside: whoever reads has the former ones until all are there."""
        made = _Kept(bytearray(), array("q"))
        for row in range(len(self)):
            text = _at(self._kept, row)
            made.places.append(len(made.texts) << LENGTH_BITS | len(text))
            made.texts.extend(text)
        self._kept, self._unread = made, 0


def _at(kept: _Kept, row: int) -> bytes:
    place = kept.places[row]
    begin = place >> LENGTH_BITS
    return bytes(kept.texts[begin : begin + (place & ((1 << LENGTH_BITS) - 1))])
