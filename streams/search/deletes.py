"""SymSpell's table of deletes in a tenth of the memory: parts of words, and the words that have them.

A part is what is left of a word's beginning without some of its letters. As Python's lists by strings,
156,000 parts of 30,000 words take 26 MiB, and the garbage collector looks at each list.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

NONE = array("i")
DUE, DUE_SHARE = 4_000, 16
"""Entries that came are packed once they are so many, and one in so many of those that are packed."""


class Deletes:
    """In place of `SymSpell._deletes`, for one thread at a time: it is asked `part in table` and
    `for word in table[part]`, and told `table[part].append(word)`, of one word after the other.

    A part is known by its hash. Where two have the same, words come that do not have the part; SymSpell
    measures the distance of each word that comes.
    """

    def __init__(self) -> None:
        self.words: list[str] = []
        self._packed = _Packed(array("q"), array("i", [0]), array("i"))
        self._fresh: dict[int, list[int]] = {}
        self._came = 0

    def __contains__(self, part: str) -> bool:
        key = hash(part)
        return key in self._packed or key in self._fresh

    def __getitem__(self, part: str) -> _Having:
        return _Having(self, hash(part))

    def append(self, key: int, word: str) -> None:
        """A word has the part with this hash."""
        if not self.words or self.words[-1] is not word:
            self.words.append(word)
        self._fresh.setdefault(key, []).append(len(self.words) - 1)
        self._came += 1

    def having(self, key: int) -> Iterator[str]:
        """The words that have the part with this hash, in the order in which they came."""
        packed, fresh = self._packed.numbers(key), self._fresh.get(key)
        return map(self.words.__getitem__, packed if fresh is None else chain(packed, fresh))

    @property
    def due(self) -> bool:
        """Whether what came should be packed."""
        return self._came > max(DUE, len(self._packed) // DUE_SHARE)

    def packed(self) -> _Packed:
        """All entries, as `take` takes them. May run beside whoever reads, and not beside `append`."""
        fresh = self._fresh
        keys = np.fromiter(chain.from_iterable(repeat(key, len(its)) for key, its in fresh.items()), np.int64)
        numbers = np.fromiter(chain.from_iterable(fresh.values()), np.int32)
        return self._packed.joined(keys, numbers)

    def take(self, packed: _Packed) -> None:
        """Go on with what `packed` returned."""
        self._packed, self._fresh, self._came = packed, {}, 0


class _Having:
    """Of one part, as SymSpell asks and tells."""

    __slots__ = ("_key", "_table")

    def __init__(self, table: Deletes, key: int) -> None:
        self._table, self._key = table, key

    def __iter__(self) -> Iterator[str]:
        return self._table.having(self._key)

    def append(self, word: str) -> None:
        self._table.append(self._key, word)


class _Packed:
    """`keys`: hashes of parts, ascending; the words' numbers of the k-th one are those from starts[k] on."""

    __slots__ = ("_found", "_keys", "_numbers", "_starts")

    def __init__(self, keys: array[int], starts: array[int], numbers: array[int]) -> None:
        self._keys, self._starts, self._numbers = keys, starts, numbers
        self._found: tuple[int | None, int] = None, 0

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, key: int) -> bool:
        at = bisect_left(self._keys, key)
        if at == len(self._keys) or self._keys[at] != key:
            return False
        self._found = key, at  # its words are asked for next
        return True

    def numbers(self, key: int) -> array[int]:
        """The words' numbers of a hash."""
        if self._found[0] != key and key not in self:
            return NONE
        at = self._found[1]
        return self._numbers[self._starts[at] : self._starts[at + 1]]

    def joined(self, keys: NDArray[np.int64], numbers: NDArray[np.int32]) -> _Packed:
        """These entries and more ones, whose numbers are higher."""
        known = np.frombuffer(self._keys, np.int64) if len(self) else np.empty(0, np.int64)
        begins = np.frombuffer(self._starts, np.int32)
        lengths = begins[1:] - begins[:-1]
        keys = np.concatenate([np.repeat(known, lengths), keys])
        numbers = np.concatenate([np.array(self._numbers, np.int32), numbers])
        order = np.lexsort((numbers, keys))
        each, starts = np.unique(keys[order], return_index=True)
        return _Packed(
            array("q", each.tobytes()),
            array("i", np.append(starts, len(numbers)).astype(np.int32).tobytes()),
            array("i", numbers[order].tobytes()),
        )
