"""The best rows by one signal less what is to be taken off it, for sources that need no more than that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.ranking.candidates.context import BatchContext
from streams.ranking.candidates.lists import Lists
from streams.ranking.candidates.selection import key, take
from streams.signals.pair_signals import cosine
from streams.signals.signal_table import BatchSignals


def find_by_difference(
    signals: BatchSignals,
    signal: int,
    taken_off: int,
    context: BatchContext,
    chosen: NDArray[np.int64],
    lists: Lists,
    totals: F32 | None = None,
) -> None:
    """Write the lists of the requests `chosen`: the rows with the largest positive differences of these two
    columns of `signals`; ties go to the lower row. totals: how often each item was met, where the difference
    becomes a `cosine`.
    """
    workspace = context.workspace
    scratch = workspace.scratch(len(workspace.places))  # no user has signals of more rows than there are
    _find(*signals.parts, signal, taken_off, totals, context.blocked, chosen, *lists, *scratch)


@compiled
def _find(
    rows: NDArray[np.int32],
    values: F32,
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    signal: int,
    taken_off: int,
    totals: F32 | None,
    blocked: NDArray[np.uint8],
    chosen: NDArray[np.int64],
    found: NDArray[np.int32],
    first: NDArray[np.int64],
    counts: NDArray[np.int64],
    keys: NDArray[np.uint64],
    spare: NDArray[np.uint64],
    bins: NDArray[np.int64],
) -> None:
    for b in chosen:
        n = 0
        for k in range(begin[b], end[b]):
            row = rows[k]
            score = values[k, signal] - values[k, taken_off]
            if totals is not None:
                score = cosine(score, totals[row])
            # Without a branch, which a processor could not foresee.
            keys[n] = key(score, row)
            n += int(score > 0.0) & int(blocked[b, row] == 0)
        counts[b] = take(keys[:n], found[first[b] : first[b + 1]], spare, bins)
