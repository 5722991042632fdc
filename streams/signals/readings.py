"""Signals of one user, kept: the rows that have any, and what they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled


class Readings(NamedTuple):
    """rows int32 [t], each once; values float32 [t, signals]. All other rows have zeros."""

    rows: NDArray[np.int32]
    values: NDArray[np.float32]

    def column(self, signal: int) -> NDArray[np.float32]:
        """One signal of all rows, contiguous: [t]."""
        return np.ascontiguousarray(self.values[:, signal])

    def of(self, rows: NDArray[np.int32], places: NDArray[np.int32]) -> NDArray[np.float32]:
        """The signals of these rows, float32 [n, signals].

        places: a scratch table over all rows, all -1 before and after.
        """
        out = np.zeros((len(rows), self.values.shape[1]), np.float32)
        _look_up(self.rows, self.values, rows, places, out)
        return out


@compiled
def _look_up(
    known: NDArray[np.int32],
    values: NDArray[np.float32],
    rows: NDArray[np.int32],
    places: NDArray[np.int32],
    out: NDArray[np.float32],
) -> None:
    for k in range(len(known)):
        places[known[k]] = k
    for k in range(len(rows)):
        at = places[rows[k]]
        if at >= 0:
            for signal in range(values.shape[1]):
                out[k, signal] = values[at, signal]
    for k in range(len(known)):
        places[known[k]] = -1
