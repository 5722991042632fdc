"""Which items a user has met, and by which actions: exact while that takes few bytes, then a filter.

    1. Exact: for each action the rows of its items.
    2. If that takes too many bytes: one set, of the items that block under the setting in force, and one of
       those that never come back.
    3. If that still takes too many: the rows' hashes, in ever fewer bits, until they fit.

The filter never takes a met item for an unmet one, however many items a user has met. In step 3 it takes some
unmet items for met ones: a share of 1 - exp(-n / 2^bits) of them, for n met items. Each bit less halves the
range of the hashes. They stay sorted, so the step needs only the hashes, not the rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.state.packed_rows import MAX_ROWS, pack_sorted, packed_size, size_at_most, with_one_more

Rows = NDArray[np.int32]

EVERY_ACTION = (1 << 256) - 1
"""A set of actions is a number: bit c is set for the action with code c."""

BLOCKED = 253
"""The code of items that never come back, where actions are not kept any more (steps 2 and 3)."""
UNKNOWN = 254
"""The code of items that the user met by unknown actions."""
FORGOTTEN = 255
"""The code of the others whose actions are not kept any more."""
_MERGED = {BLOCKED, FORGOTTEN}

MIN_HASH_BITS, MAX_HASH_BITS = 5, 24
_GROUP_BYTES = 5  # an action's code and the length of its rows
_LOW = 0xFFFF_FFFF
_NO_KEYS: Rows = np.empty(0, np.int32)


class Consumed(NamedTuple):
    """`groups`: for each action's code the keys of its items, int32 [n], ascending.

    A key is an item's row or, if `hash_bits` is not 0, that many bits of the row's hash.
    `packed`: the keys of each group as they are stored (`packed_rows`), or () where that was not made yet:
    an event changes one group, so the others need not be packed again.
    """

    groups: tuple[tuple[int, Rows], ...] = ()
    hash_bits: int = 0
    packed: tuple[bytes, ...] = ()

    def has(self, row: int, blocking: int = EVERY_ACTION) -> bool:
        """Whether the user has met the item by one of the actions in `blocking`."""
        key = np.int32(_hash(row) >> (32 - self.hash_bits) if self.hash_bits else row)
        for action, keys in self.groups:
            if _among(action, blocking):
                at = keys.searchsorted(key)
                if at < len(keys) and keys[at] == key:
                    return True
        return False

    def mark(self, mask: NDArray[np.uint8], blocking: int = EVERY_ACTION) -> None:
        """Set 1 in a mask over rows for each item that the user has met by an action in `blocking`."""
        for action, keys in self.groups:
            if not _among(action, blocking):
                continue
            if self.hash_bits:
                words = np.zeros(1 << (self.hash_bits - MIN_HASH_BITS), np.uint32)
                _mark_hashed(keys, 32 - self.hash_bits, words, mask)
            else:
                mask[keys] = 1

    def add(self, row: int, action: int, blocking: int, most_bytes: int, always: int = 0) -> Consumed:
        """With one more item, met by `action`. `blocking`: the actions that count where room is short; where
        others than those in `always` may repeat anyhow: all, for the day that they may not. `always`: after
        these it never comes back.
        """
        if not _among(FORGOTTEN, blocking):
            blocking = EVERY_ACTION
        groups, hash_bits, packed = self
        if groups and groups[0][0] in _MERGED:
            if not _among(action, blocking | always):
                return self
            action = BLOCKED if _among(action, always) else FORGOTTEN
        key = _hash(row) >> (32 - hash_bits) if hash_bits else row
        at, keys = len(groups), _NO_KEYS
        for place, group in enumerate(groups):
            if group[0] == action:
                at, keys = place, group[1]
        with_key, its_bytes = with_one_more(keys, key)
        if with_key is keys:
            return self
        grown = ((action, with_key), *groups[:at], *groups[at + 1 :])
        if not its_bytes:
            return Consumed(grown, hash_bits).fitted(most_bytes, blocking, always)
        packed = packed if len(packed) == len(groups) else self.in_bytes()
        packed = (its_bytes, *packed[:at], *packed[at + 1 :])
        return Consumed(grown, hash_bits, packed).fitted(most_bytes, blocking, always)

    def in_bytes(self) -> tuple[bytes, ...]:
        """The keys of each group as they are stored."""
        if len(self.packed) == len(self.groups):
            return self.packed
        return tuple(pack_sorted(keys) for _, keys in self.groups)

    def lifted(self, row: int, always: int) -> Consumed:
        """Without the item among those that never come back: its user has changed their mind. Where only
        hashes are known it stays: it can't be told from others.
        """
        if self.hash_bits or not self.has(row, always):
            return self
        kept = []
        for action, keys in self.groups:
            rest = keys[keys != row] if _among(action, always) else keys
            if len(rest):
                kept.append((action, rest))
        return Consumed(tuple(kept))

    def fitted(self, most_bytes: int, blocking: int = EVERY_ACTION, always: int = 0) -> Consumed:
        """The same in `most_bytes` at most; see the steps above."""
        if self._fits(most_bytes):
            return self
        fitted = self._merged(blocking, always | 1 << BLOCKED)
        while not fitted._fits(most_bytes):
            fitted = fitted._coarser()
        return fitted

    def any(self, blocking: int) -> bool:
        """Whether any item was met by one of the actions in `blocking`."""
        return any(_among(action, blocking) for action, _ in self.groups)

    def newest(self) -> int:
        """The highest row among the keys; -1 for none."""
        return -1 if self.hash_bits else max((int(keys[-1]) for _, keys in self.groups), default=-1)

    def _fits(self, most_bytes: int) -> bool:
        if len(self.packed) == len(self.groups):
            return _GROUP_BYTES * len(self.packed) + sum(map(len, self.packed)) <= most_bytes
        count, overhead = 0, 0
        for _, keys in self.groups:
            count += len(keys)
            overhead += _GROUP_BYTES
        if overhead + size_at_most(count, len(self.groups)) <= most_bytes:
            return True  # true for all but a few users
        if any(len(keys) > MAX_ROWS for _, keys in self.groups):
            return False
        return overhead + sum(packed_size(keys) for _, keys in self.groups) <= most_bytes

    def _merged(self, blocking: int, always: int) -> Consumed:
        for_ever = [keys for action, keys in self.groups if _among(action, always)]
        kept = [keys for action, keys in self.groups if _among(action, blocking & ~always)]
        merged = ((BLOCKED, for_ever), (FORGOTTEN, kept))
        return Consumed(
            tuple(
                (code, parts[0] if len(parts) == 1 else np.unique(np.concatenate(parts)))
                for code, parts in merged
                if parts
            ),
            self.hash_bits,
        )

    def _coarser(self) -> Consumed:
        bits = self.hash_bits - 1 if self.hash_bits else MAX_HASH_BITS

        def shorter(keys: Rows) -> Rows:
            if self.hash_bits:
                return np.unique(keys >> 1)
            return np.unique((_hashes(keys) >> np.uint32(32 - bits)).astype(np.int32))

        return Consumed(tuple((action, shorter(keys)) for action, keys in self.groups), bits)


NOTHING = Consumed()


def check_consumed(consumed: Consumed) -> None:
    """Raise `ValueError` for a value that `Consumed` does not make."""
    codes = [action for action, _ in consumed.groups]
    if any(len(keys) == 0 for _, keys in consumed.groups):
        raise ValueError(f"no items met by one of the actions {codes}; expected at least one by each")
    if not codes or (len(codes) == 1 and 0 <= codes[0] < BLOCKED and not consumed.hash_bits):
        return
    if len(set(codes)) < len(codes) or not all(0 <= code <= FORGOTTEN for code in codes):
        raise ValueError(f"items met by the actions {codes}; expected codes up to {FORGOTTEN}, each once")
    if _MERGED & {*codes} and not {*codes} <= _MERGED:
        raise ValueError(f"items met by the actions {codes}; {BLOCKED} and {FORGOTTEN} stand alone")
    if not consumed.hash_bits:
        return
    if not MIN_HASH_BITS <= consumed.hash_bits <= MAX_HASH_BITS or not {*codes} <= _MERGED:
        raise ValueError(f"hashes of {consumed.hash_bits} bits for the actions {codes}")
    if any(keys[-1] >> consumed.hash_bits for _, keys in consumed.groups):
        raise ValueError(f"hashes of items that have more than {consumed.hash_bits} bits")


def _among(action: int, actions: int) -> bool:
    """Whether a code is in the set `actions`."""
    return bool(actions >> action & 1)


def _hash(row: int) -> int:
    """32 bits that differ for any two rows (Wellons' lowbias32). Stored states depend on it: never change it.

    >>> [hex(_hash(row)) for row in (1, 2)]
    ['0x688990c0', '0xd1132181']
    """
    mixed = row ^ row >> 16
    mixed = mixed * 0x7FEB352D & _LOW
    mixed ^= mixed >> 15
    mixed = mixed * 0x846CA68B & _LOW
    return mixed ^ mixed >> 16


def _hashes(rows: Rows) -> NDArray[np.uint32]:
    mixed = rows.astype(np.uint32)
    mixed ^= mixed >> np.uint32(16)
    mixed *= np.uint32(0x7FEB352D)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(0x846CA68B)
    return mixed ^ mixed >> np.uint32(16)


@compiled
def _mark_hashed(keys: Rows, drop: int, words: NDArray[np.uint32], mask: NDArray[np.uint8]) -> None:
    """Mark rows by their hashes. `words`: zeros, a bit for each possible key."""
    for k in range(len(keys)):
        words[keys[k] >> 5] |= np.uint32(1) << np.uint32(keys[k] & 31)
    for row in range(len(mask)):
        mixed = np.uint32(row)
        mixed ^= mixed >> np.uint32(16)
        mixed = np.uint32(mixed * np.uint32(0x7FEB352D))
        mixed ^= mixed >> np.uint32(15)
        mixed = np.uint32(mixed * np.uint32(0x846CA68B))
        mixed ^= mixed >> np.uint32(16)
        key = mixed >> np.uint32(drop)
        # This writes in any case: a branch that the processor can't predict makes it three times as slow.
        mask[row] |= np.uint8((words[key >> np.uint32(5)] >> (key & np.uint32(31))) & np.uint32(1))
