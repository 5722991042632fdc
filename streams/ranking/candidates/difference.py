"""The best rows by one signal less what is to be taken off it, for sources that need no more than that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.ranking.candidates.selection import key, take


@compiled
def find_by_difference(
    rows: NDArray[np.int32],
    values: F32,
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    signal: int,
    taken_off: int,
    blocked: NDArray[np.uint8],
    chosen: NDArray[np.int64],
    found: NDArray[np.int32],
    first: NDArray[np.int64],
    counts: NDArray[np.int64],
    keys: NDArray[np.uint64],
    spare: NDArray[np.uint64],
    bins: NDArray[np.int64],
) -> None:
    """rows to end: signals (`BatchSignals`), of which the columns `signal` and `taken_off` count; found to
    counts: `Lists`; keys to bins: `Scratch`.
    """
    for b in chosen:
        n = 0
        for k in range(begin[b], end[b]):
            row = rows[k]
            score = values[k, signal] - values[k, taken_off]
            if score > 0.0 and blocked[b, row] == 0:
                keys[n] = key(score, row)
                n += 1
        counts[b] = take(keys[:n], found[first[b] : first[b + 1]], spare, bins)
