"""Which pair of a full row is the weakest, without a look at all of the row each time.

A pair's strength never falls as long as the pair is in its row. So where a look at the whole row has found
the least strength, all pairs have at least as much from then on, except one that came since in the place of
a weakest one. For each row two numbers are kept:

    level   no pair of the row is weaker, except the one at the cursor
    cursor  all pairs before it are stronger than the level

The weakest pair is then the first one from the cursor on that is not above the level; only where there is
none, the whole row is looked at again. Which pair it is, is the same as by a look at the whole row: the first
of the weakest. Zeros are true of any row, and say nothing of it.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.counters.pair_kinds import FORWARD, REVERSE, TOGETHER
from streams.state.columns import longer


class Weakest(NamedTuple):
    """level float32 [rows], cursor int32 [rows]: counted from where the row begins."""

    level: F32
    cursor: NDArray[np.int32]

    @classmethod
    def of(cls, rows: int) -> Self:
        """Of rows of which nothing is known."""
        return cls(np.zeros(rows, np.float32), np.zeros(rows, np.int32))

    def longer(self, rows: int) -> Self:
        """With room for so many rows."""
        return type(self)(longer(self.level, rows), longer(self.cursor, rows))


@compiled
def weakest_of(weakest: Weakest, row: int, count: F32, begin: int, length: int) -> int:
    """Where the first of the weakest pairs of a row stands, and what will be put there is its caller's. The
    row's pairs are at `begin` and behind, `length` of them, at least one. count: [pairs, kinds].
    """
    level, first = weakest.level[row], begin + weakest.cursor[row]
    at, least = begin, np.float32(np.inf)
    for k in range(first, begin + length):
        strength = _strength(count, k)
        if strength <= level:
            weakest.cursor[row] = k - begin
            return k
        if strength < least:
            at, least = k, strength
    for k in range(begin, first):
        strength = _strength(count, k)
        if strength < least or (strength == least and k < at):
            at, least = k, strength
    weakest.level[row], weakest.cursor[row] = least, at - begin
    return at


@compiled
def _strength(count: F32, at: int) -> np.float32:
    strength: np.float32 = count[at, FORWARD] + count[at, REVERSE] + count[at, TOGETHER]
    return strength


@compiled
def forget_weakest(weakest: Weakest, row: int) -> None:
    """A pair came to the row beside those that it had."""
    weakest.level[row], weakest.cursor[row] = np.float32(0.0), 0
