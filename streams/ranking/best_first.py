"""The order that scores give: the best first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.ranking.candidates.selection import HALF, LOW, key, lowest_first, row_of
from streams.ranking.workspace import Scratch

LAST = LOW << HALF  # below it are the keys of all numbers


@compiled
def best_first(score: F32, scratch: Scratch, order: NDArray[np.intp]) -> None:
    """Fill `order` [n] with the places of the n best of `score` [N], n <= N. Ties keep their order; what is
    not a number comes last. scratch: with room for N.
    """
    keys = scratch.keys[: len(score)]
    for k in range(len(score)):
        its = score[k] + np.float32(0.0)  # -0 is 0
        keys[k] = LAST | np.uint64(k) if its != its else key(its, np.int32(k))
    lowest_first(keys, len(order), scratch.spare, scratch.bins)
    for k in range(len(order)):
        order[k] = np.int64(row_of(keys[k]))
