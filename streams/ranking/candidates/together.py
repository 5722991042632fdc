"""What users met together with this user's items (item-kNN, cosine, kept online)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.ranking.candidates.context import BatchContext
from streams.ranking.candidates.lists import Lists
from streams.ranking.candidates.selection import key, take
from streams.signals.pair_signals import CLOSE, CLOSE_OFF


class Together:
    """Score: the sum, over the history, of how closely users met item and candidate, as a cosine;
    what the user did not like is taken off.
    """

    name = "together"

    def find_all(self, context: BatchContext, chosen: NDArray[np.int64], lists: Lists) -> None:
        pairs = context.pairs(chosen)
        scratch = context.workspace.scratch(pairs.most(chosen))
        _find(
            pairs.table.rows, pairs.table.values, pairs.begin, pairs.end,
            context.counters.popularity.total, context.blocked, chosen, *lists, *scratch,
        )  # fmt: skip


@compiled
def cosine(close: np.float32, total: np.float32) -> np.float32:
    """CLOSE over the root of the row's total."""
    return np.float32(close / np.sqrt(max(total, np.float32(1.0))))


@compiled
def _find(
    rows: NDArray[np.int32],
    values: F32,
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    totals: F32,
    blocked: NDArray[np.uint8],
    chosen: NDArray[np.int64],
    found: NDArray[np.int32],
    first: NDArray[np.int64],
    counts: NDArray[np.int64],
    keys: NDArray[np.uint64],
    spare: NDArray[np.uint64],
    bins: NDArray[np.int64],
) -> None:
    """rows to end: signals of pairs (`BatchSignals`); found to counts: `Lists`; keys to bins: `Scratch`."""
    for b in chosen:
        n = 0
        for k in range(begin[b], end[b]):
            row = rows[k]
            score = cosine(values[k, CLOSE] - values[k, CLOSE_OFF], totals[row])
            if score > 0.0 and blocked[b, row] == 0:
                keys[n] = key(score, row)
                n += 1
        counts[b] = take(keys[:n], found[first[b] : first[b + 1]], spare, bins)
