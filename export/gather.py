"""Rows of a table, by a loop in machine code: numpy copies a whole table to take a part of its columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32


def gathered(table: F32, rows: NDArray[np.int32], begin: int = 0) -> F32:
    """These rows of a table, from its column `begin` on: [len(rows), table.shape[1] - begin].

    >>> gathered(np.arange(6, dtype=np.float32).reshape(2, 3), np.array([1, 0], np.int32), begin=1).tolist()
    [[4.0, 5.0], [1.0, 2.0]]
    """
    out = np.empty((len(rows), table.shape[1] - begin), np.float32)
    _gather(table, rows, begin, out)
    return out


@compiled
def _gather(table: F32, rows: NDArray[np.int32], begin: int, out: F32) -> None:
    first = np.uint64(begin)
    for k in range(len(rows)):
        row = np.uint64(rows[k])  # numba asks of each signed index whether it counts from the end
        for column in range(out.shape[1]):
            at = np.uint64(column)
            out[k, at] = table[row, first + at]
